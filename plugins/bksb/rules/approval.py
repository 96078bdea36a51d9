"""Decides when a run needs approval, and writes the question to staff: figures only, never a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bksb.model import Person, Plan, Run

Reason = Literal["first_run", "many_new_accounts", "shrunk_extract"]

SMALLEST_GROUP = 5
"""Smallest number of people that is shown; a smaller one could identify a person, so it is shown as "fewer than 5"."""

LONGEST_LIST = 20
"""Programmes that a question names, at most. The others are added up."""

MARKUP = re.compile(r"[\\`*_\[\]<>|#~]")
"""Characters that Markdown would interpret in the name of a programme."""


@dataclass(frozen=True)
class Baseline:
    """What a run is compared with."""

    approved_before: bool
    """Whether staff have ever approved a first run about all people."""

    people: int | None
    """People that the MIS listed in the last run that was approved or needed no approval; None if there was none."""


def find_reasons_to_ask(
    run: Run, plan: Plan, listed: int, baseline: Baseline, tried: Collection[tuple[str, str]] = ()
) -> tuple[Reason, ...]:
    """Return the reasons why staff have to approve this plan first, or () if it needs no approval.

    `listed`: number of people that the MIS lists. `tried`: (person_id, username) of creations that an earlier run tried
    without success. They are planned again every day until their cause is fixed, so they do not count as new accounts.
    The same person under another username does count.
    """
    creations = [action for action in plan.actions if action.kind == "create"]
    reasons: list[Reason] = []
    if creations and not baseline.approved_before:
        reasons.append("first_run")
    if sum((action.person_id, action.username) not in tried for action in creations) > run.max_new_accounts:
        reasons.append("many_new_accounts")
    if has_shrunk(listed, baseline.people):
        reasons.append("shrunk_extract")
    return tuple(reasons)


def has_shrunk(listed: int, before: int | None) -> bool:
    """Whether the MIS lists less than half the people it listed before."""
    return before is not None and 2 * listed < before


def question(run: Run, plan: Plan, people: Mapping[str, Person], reasons: Sequence[Reason], baseline: Baseline) -> str:
    """The question for staff, as shown on the approval page in Airflow and sent by e-mail.

    The first line alone says what is asked. Holds figures and names of programmes only. Uses no Markdown except
    paragraphs, "- " lists, bold and backslash escapes, so that it converts easily to plain text and HTML.
    """
    created = [people[action.person_id] for action in plan.actions if action.kind == "create"]
    with_problem = {issue.person_id for issue in plan.issues} - {None}
    why: dict[Reason, str] = {
        "first_run": "No run that creates accounts has been approved yet. (Approving a run for a few named people does "
        "not count.)",
        "many_new_accounts": "This run would create more new accounts than its approval threshold, "
        f"{run.max_new_accounts}.",
        "shrunk_extract": f"The MIS lists {_show(len(people))} people now. In the last run that went ahead it listed "
        f"{_show(baseline.people or 0)}, more than twice as many. Please check that the MIS is complete and that its "
        "query was not changed by mistake.",
    }
    return "\n".join(
        [
            _write_headline(run, created),
            "",
            "Why this run needs your approval:",
            "",
            *(f"- {why[reason]}" for reason in reasons),
            "",
            *_write_programmes(created),
            "Also in this run:",
            "",
            f"- Existing bksb accounts to link: {_show(_count_actions(plan, 'link'))}.",
            f"- People with a problem to fix first: {_show(len(with_problem))}.",
            "",
            "What your answer does:",
            "",
            "- **Approve**: the MIS is read again, and the parts of this plan that still apply are carried out.",
            "- **Reject**, or no answer within 20 hours: nothing is done, and the next run asks again.",
            "",
            "Nothing has been done yet. To see each person and the reason, look up the run in the table "
            f"bksb.planned_action of the reporting database: {run.run_id}",
        ]
    )


def _write_headline(run: Run, created: Sequence[Person]) -> str:
    if not created:
        return "**No bksb account would be created.**"
    kinds = Counter(f"{person.person_kind}s" for person in created)
    shares = " and ".join(f"{_show(number)} {kind}" for kind, number in kinds.most_common())
    mailed = (
        "Each person would be sent an invitation by e-mail."
        if run.invite
        else "No invitations would be sent, because they are off for this run."
    )
    total = _show(len(created))
    return f"**{total[0].upper()}{total[1:]} bksb accounts would be created**, for {shares}. {mailed}"


def _write_programmes(created: Sequence[Person]) -> Iterable[str]:
    """A list of the accounts to create by programme, the largest first."""
    if not created:
        return
    groups = Counter(" ".join((person.programme or "").split()) for person in created)
    ordered = sorted(groups.items(), key=lambda group: (-group[1], group[0]))
    yield "New accounts by programme:"
    yield ""
    for name, number in ordered[:LONGEST_LIST]:
        literal = MARKUP.sub(r"\\\g<0>", name)
        # the number comes first, so that a name such as "1. Welding" cannot begin a list of its own
        yield f"- {_show(number)} in {literal}" if literal else f"- {_show(number)} without a programme"
    if rest := sum(number for _, number in ordered[LONGEST_LIST:]):
        yield f"- {_show(rest)} in all other programmes"
    yield ""


def _show(number: int) -> str:
    return f"fewer than {SMALLEST_GROUP}" if 0 < number < SMALLEST_GROUP else str(number)


def _count_actions(plan: Plan, kind: str) -> int:
    return sum(action.kind == kind for action in plan.actions)

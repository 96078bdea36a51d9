"""Decides when a run needs approval, and writes the question. It contains counts only, never a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bksb.model import Person, Plan, Run

Reason = Literal["first_run", "many_new_accounts", "shrunk_extract"]

SMALLEST_GROUP = 5
"""The smallest count of people that is shown. A smaller one appears as "<5", because it could identify someone."""

LONGEST_LIST = 20
"""Programmes listed in a question. The others are added up."""

MARKUP = re.compile(r"[\\`*_\[\]<>|#~]")
"""Characters in the name of a programme that have a meaning in Markdown."""


@dataclass(frozen=True)
class Baseline:
    """What a run is compared with.

    `approved_before`: whether a run for all people was ever approved. `people`: how many people the MIS listed at the
    last run that was approved or needed no approval; None before the first.
    """

    approved_before: bool
    people: int | None


def find_reasons_to_ask(
    run: Run, plan: Plan, listed: int, baseline: Baseline, tried: Collection[tuple[str, str]] = ()
) -> tuple[Reason, ...]:
    """Return the reasons why this plan needs approval; () if it needs none.

    `listed`: people in the extract. `tried`: (person_id, username) of creations that a run has already tried. They do
    not count as new, because they are planned again every day until their cause is fixed. The same person under
    another username does count.
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
    """Return whether the MIS lists less than half as many people as before."""
    return before is not None and 2 * listed < before


def question(run: Run, plan: Plan, people: Mapping[str, Person], reasons: Sequence[Reason], baseline: Baseline) -> str:
    """Return the question as Markdown, for the approval page in Airflow and the message to staff.

    The first line can be read alone. The question contains only counts and names of programmes.
    """
    created = [people[action.person_id] for action in plan.actions if action.kind == "create"]
    before = _show(baseline.people or 0)
    why: dict[Reason, str] = {
        "first_run": "No run that creates accounts has been approved yet. Runs for named people (`person_ids`) do not "
        "count.",
        "many_new_accounts": f"This is more than `max_new_accounts` ({run.max_new_accounts}).",
        "shrunk_extract": f"The MIS lists {_show(len(people))} people now, less than half of the {before} at the last "
        "run that went ahead. Was the query changed, or is the MIS incomplete?",
    }
    return "\n".join(
        [
            _write_headline(run, created),
            "",
            *(f"- {why[reason]}" for reason in reasons),
            "",
            *_write_programmes(created),
            f"The plan also has {_show(_count_actions(plan, 'link'))} accounts to link, and "
            f"{_show(len({issue.person_id for issue in plan.issues} - {None}))} people who cannot get an account now.",
            "",
            "To see the plan, one row per person:",
            "",
            f"    select person_id, action, reason from bksb.planned_action where run_id = '{run.run_id}'",  # noqa: S608 - shown, never run
            "",
            "Nothing has been done yet. **Approve**: the run reads the MIS again and does what is still right then. "
            "**Reject**, or no answer within 20 hours: the run does nothing, and the next run asks again.",
        ]
    )


def _write_headline(run: Run, created: Sequence[Person]) -> str:
    if not created:
        return "**No bksb account would be created.**"
    kinds = Counter(f"{person.person_kind}s" for person in created)
    shares = " and ".join(f"{_show(number)} {kind}" for kind, number in kinds.most_common())
    mailed = "Each is sent an invitation by e-mail." if run.invite else "No invitations are sent (`invite` is off)."
    return f"**{_show(len(created))} bksb accounts would be created**, for {shares}. {mailed}"


def _write_programmes(created: Sequence[Person]) -> Iterable[str]:
    """Yield a table of the accounts to create by programme, the largest first."""
    if not created:
        return
    groups = Counter(" ".join((person.programme or "").split()) or "no programme" for person in created)
    ordered = sorted(groups.items(), key=lambda group: (-group[1], group[0]))
    yield "| programme | accounts to create |"
    yield "| --- | ---: |"
    for name, number in ordered[:LONGEST_LIST]:
        literal = MARKUP.sub(r"\\\g<0>", name)
        yield f"| {literal} | {_show(number)} |"
    if rest := sum(number for _, number in ordered[LONGEST_LIST:]):
        yield f"| all others | {_show(rest)} |"
    yield ""


def _show(number: int) -> str:
    return f"<{SMALLEST_GROUP}" if 0 < number < SMALLEST_GROUP else str(number)


def _count_actions(plan: Plan, kind: str) -> int:
    return sum(action.kind == kind for action in plan.actions)

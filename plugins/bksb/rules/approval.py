"""When a run has to ask a person before it acts, and what it asks: figures only, never a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bksb.model import Person, Plan, Run

Reason = Literal["first_run", "many_new_accounts", "shrunk_extract"]

SMALLEST_GROUP = 5
"""Groups of fewer people are shown as "<5": a smaller figure could point at somebody."""

LONGEST_LIST = 20
"""Programmes named in a question; the others are added up."""

MARKUP = re.compile(r"[\\`*_\[\]<>|#~]")
"""What would be read as Markdown in the name of a programme."""


@dataclass(frozen=True)
class Baseline:
    """What later runs are compared with: whether a person has ever approved a first one about everybody, and the
    people listed by the MIS in the last run that was approved or needed no approval (None before there was one)."""

    approved_before: bool
    people: int | None


def find_reasons_to_ask(
    run: Run, plan: Plan, listed: int, baseline: Baseline, tried: Collection[tuple[str, str]] = ()
) -> tuple[Reason, ...]:
    """Why a person has to approve this plan first; () when nobody need be asked.

    `listed`: people in the extract. `tried`: (person_id, username) of the creations that an approved or normal run
    has tried before; they are planned again every day until somebody mends what stands in the way, and are no reason
    to ask every day. The same people under other usernames are.
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
    """The question as Markdown, for the approval page in Airflow and the message to staff.

    Its first line alone says what is asked; figures only, and names of programmes.
    """
    created = [people[action.person_id] for action in plan.actions if action.kind == "create"]
    before = _show(baseline.people or 0)
    why: dict[Reason, str] = {
        "first_run": "No run that creates accounts has been approved yet; one for people who are named does not count.",
        "many_new_accounts": f"This is more than `max_new_accounts` ({run.max_new_accounts}).",
        "shrunk_extract": f"The MIS lists {_show(len(people))} people now, and listed {before} at the last run that "
        "went ahead, more than twice as many: has the query been changed, or is the MIS incomplete?",
    }
    return "\n".join(
        [
            _write_headline(run, created),
            "",
            *(f"- {why[reason]}" for reason in reasons),
            "",
            *_write_programmes(created),
            f"Besides: {_show(_count_actions(plan, 'link'))} accounts to link, "
            f"{_show(len({issue.person_id for issue in plan.issues} - {None}))} people who cannot be served now.",
            "",
            "Who and why, one line a person:",
            "",
            f"    select person_id, action, reason from bksb.planned_action where run_id = '{run.run_id}'",  # noqa: S608 - shown, never run
            "",
            "Nothing has been done yet. **Approve**: the MIS is read again, and what is then still right is done. "
            "**Reject**, or no answer within 20 hours: nothing is done; the next run asks again.",
        ]
    )


def _write_headline(run: Run, created: Sequence[Person]) -> str:
    if not created:
        return "**No bksb account would be created.**"
    kinds = Counter(f"{person.person_kind}s" for person in created)
    shares = " and ".join(f"{_show(number)} {kind}" for kind, number in kinds.most_common())
    mailed = (
        "Each is sent an invitation by e-mail." if run.invite else "Nobody is sent an invitation (`invite` is off)."
    )
    return f"**{_show(len(created))} bksb accounts would be created**, for {shares}. {mailed}"


def _write_programmes(created: Sequence[Person]) -> Iterable[str]:
    """A table of the accounts to create by programme, the largest first."""
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

"""The issues that the sync can report: what each is about, where it can be fixed, and what to do.

The demo's report takes its texts from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

IssueCode = Literal[
    "no_email",
    "no_name",
    "no_username",
    "duplicate_email",
    "username_taken",
    "username_not_found",
    "account_claimed_twice",
    "create_rejected",
    "create_in_doubt",
    "username_mismatch",
    "former_record_unsettled",
    "bksb_no_answer",
    "stale_link",
    "results_no_answer",
    "results_incomplete",
    "invitation_failed",
    "invitation_repeated",
    "unknown_result",
    "unreadable_date",
]

PLAN_ISSUES: tuple[IssueCode, ...] = (
    "no_email",
    "no_name",
    "no_username",
    "duplicate_email",
    "username_taken",
    "username_not_found",
    "account_claimed_twice",
    "create_rejected",
    "create_in_doubt",
    "username_mismatch",
    "former_record_unsettled",
)
"""Issues about a person that the account plan opens, or the task that carries it out (`rules/account_plan.py`,
`jobs/accounts/provisioning.py`, `jobs/accounts/outcomes.py`). The next plan resolves those that no longer apply."""

ACCOUNT_ISSUES: tuple[IssueCode, ...] = (*PLAN_ISSUES, "bksb_no_answer")
"""Issues about giving a person an account."""

CHECK_ISSUES: tuple[IssueCode, ...] = ("stale_link", "bksb_no_answer")
"""Issues that the check of a link opens and resolves."""

RESULT_ISSUES: tuple[IssueCode, ...] = ("results_no_answer", "results_incomplete")
"""Issues about a person that a load of results opens and resolves."""

INVITATION_ISSUES: tuple[IssueCode, ...] = ("invitation_failed", "invitation_repeated")
"""Issues about a person that sending invitations opens and resolves."""

TEXT_ISSUES: tuple[IssueCode, ...] = ("unknown_result", "unreadable_date")
"""Issues about a text from bksb. `subject_key` is the start of the text."""


@dataclass(frozen=True)
class IssueKind:
    """What all issues of one code have in common."""

    about: Literal["person", "text"]
    fixed_in: Literal["MIS", "bksb", "settings", "nowhere"]
    """Where it can be fixed. "nowhere": a later run settles it by itself."""

    what_to_do: str
    """One sentence, without a full stop."""


ISSUE_KINDS: Mapping[IssueCode, IssueKind] = {
    "no_email": IssueKind("person", "MIS", "enter a usable e-mail address in the MIS"),
    "no_name": IssueKind("person", "MIS", "enter the given names and the family name in the MIS"),
    "no_username": IssueKind(
        "person", "MIS", "enter a learner reference number in the MIS, so that a username can be proposed"
    ),
    "duplicate_email": IssueKind("person", "MIS", "two people share an e-mail address: give each their own in the MIS"),
    "username_taken": IssueKind(
        "person",
        "MIS",
        "the proposed username exists in bksb: if it is this person's, store it in the MIS as their bksb username",
    ),
    "username_not_found": IssueKind(
        "person", "MIS", "bksb does not know the username stored in the MIS: correct it in the MIS"
    ),
    "account_claimed_twice": IssueKind(
        "person", "MIS", "two people claim one bksb account: correct the username of one of them in the MIS"
    ),
    "create_rejected": IssueKind("person", "MIS", "bksb refused to create the account: correct what the detail says"),
    "create_in_doubt": IssueKind(
        "person", "nowhere", "bksb did not confirm a creation: the next run checks whether the account exists"
    ),
    "username_mismatch": IssueKind(
        "person", "MIS", "the MIS stores another bksb username than the linked one: find out which is right"
    ),
    "former_record_unsettled": IssueKind(
        "person", "MIS", "the applicant record of this learner is still open: mark it as transferred in the MIS"
    ),
    "bksb_no_answer": IssueKind("person", "nowhere", "bksb gave no usable answer: the next run tries again"),
    "stale_link": IssueKind(
        "person",
        "bksb",
        "the linked username is gone from bksb or belongs to another user: look in bksb, then correct the MIS",
    ),
    "results_no_answer": IssueKind(
        "person", "nowhere", "bksb gave no usable answer about the results: the next run tries again"
    ),
    "results_incomplete": IssueKind(
        "person", "nowhere", "bksb announced more results than it returned: the next run tries again"
    ),
    "invitation_failed": IssueKind("person", "MIS", "the invitation could not be sent: correct what the detail says"),
    "invitation_repeated": IssueKind(
        "person", "nowhere", "a crash hid whether a message was sent, so it was sent again: nothing to do"
    ),
    "unknown_result": IssueKind(
        "text", "settings", "bksb uses a text that the sync cannot read: add it to config/levels.toml"
    ),
    "unreadable_date": IssueKind(
        "text", "bksb", "bksb gave no readable date, so the result counts for no day: nothing to do"
    ),
}

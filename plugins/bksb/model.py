"""The domain classes of the sync: people, accounts, plans, results and runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from bksb.issues import IssueCode

PersonKind = Literal["learner", "applicant"]
AccountState = Literal["pending", "creating", "active", "stale", "blocked"]
AccountOrigin = Literal["created", "linked", "imported"]
Source = Literal["initial", "diagnostic", "v5"]
AssessmentKind = Literal["initial", "diagnostic"]
ActionKind = Literal["link", "create", "check"]

MOST_NEW_ACCOUNTS = 250
"""Accounts that one run may create without approval, unless the run sets another limit."""


@dataclass(frozen=True)
class Person:
    """A learner or applicant: one row of the MIS query.

    The personal fields are not in `repr`, because reprs end up in logs and exceptions.
    """

    person_id: str
    person_kind: PersonKind
    learn_ref_number: str | None
    given_names: str | None = field(repr=False)
    family_name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    date_of_birth: date | None = field(repr=False)
    bksb_username: str | None = field(repr=False)
    proposed_username: str | None = field(repr=False)
    programme: str | None
    programme_status: str | None
    start_on: date | None
    ended_on: date | None
    former_person_id: str | None = None


@dataclass(frozen=True)
class Account:
    """What is known about one person's bksb account: one row of `bksb.account`."""

    person_id: str
    username: str | None = field(repr=False)
    bksb_user_id: int | None
    state: AccountState
    origin: AccountOrigin | None


@dataclass(frozen=True)
class Action:
    """One action in bksb for one person: link `username`, create it if it does not exist, or check a link."""

    person_id: str
    kind: ActionKind
    username: str = field(repr=False)
    reason: str


@dataclass(frozen=True)
class Issue:
    """Something that staff should look at.

    `subject_key` is a person_id, or bksb's text if the issue is about a text. `detail` contains nothing personal except
    ids.
    """

    code: IssueCode
    subject_key: str
    person_id: str | None = None
    detail: str = ""

    @classmethod
    def about(cls, person_id: str, code: IssueCode, detail: str) -> Issue:
        """Make an issue about one person."""
        return cls(code, person_id, person_id, detail)


@dataclass(frozen=True)
class Transfer:
    """The transfer of an applicant's account to the learner record of the same person."""

    former_person_id: str
    person_id: str


@dataclass(frozen=True)
class Plan:
    """What one accounts run would do. Depends only on the MIS rows and the known accounts."""

    actions: tuple[Action, ...]
    transfers: tuple[Transfer, ...]
    issues: tuple[Issue, ...]

    @property
    def creates_accounts(self) -> bool:
        """Whether at least one account is to be created."""
        return any(action.kind == "create" for action in self.actions)


@dataclass(frozen=True)
class AssessmentResult:
    """One result as bksb sends it, with unchanged texts. `raw` is the whole JSON object.

    A V5 session has one result for each component of its report, named in `component`; for other results that is ''.
    If `assessment_kind` is None, the source decides it.
    """

    session_id: str
    course_subject: str
    course_name: str
    assessment_id: int | None
    assessment_name: str
    result: str
    completed_raw: str
    raw: dict[str, Any] = field(repr=False)
    component: str = ""
    assessment_kind: AssessmentKind | None = None


@dataclass(frozen=True)
class Run:
    """What one DAG run is about.

    `day` is a date in the site's time zone. `interval_start` and `interval_end` are None for every run of
    bksb_accounts, for a reparse, and for a manual run without a logical date: these are about the present.
    """

    dag_id: str
    run_id: str
    run_type: str
    interval_start: datetime | None
    interval_end: datetime | None
    day: date
    person_ids: tuple[str, ...] = ()
    dry_run: bool = False
    full_refresh: bool = False
    max_new_accounts: int = MOST_NEW_ACCOUNTS
    invite: bool = True
    resend_invitation: bool = False
    publish_anyway: bool = False

    @property
    def key(self) -> dict[str, str]:
        """The parameters that identify this run in SQL statements."""
        return {"dag_id": self.dag_id, "run_id": self.run_id}

    @property
    def always_fetches(self) -> bool:
        """Whether this run fetches again what an earlier run has already fetched."""
        return self.run_type == "manual" or bool(self.person_ids) or self.full_refresh

    @property
    def is_backfill(self) -> bool:
        """Whether this run belongs to a backfill of past days, which fetches nothing twice."""
        return self.run_type == "backfill" and not self.always_fetches

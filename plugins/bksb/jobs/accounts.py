"""The work of `bksb_accounts`: see who lacks an account, look up and link or create, record what happened."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from bksb.client import USERNAME_IS_TAKEN, BksbClient, CreatedUser, NewUser
from bksb.concurrently import in_batches, run_concurrently
from bksb.deployment import Deployment, Settings
from bksb.errors import ConfigurationError, RejectedError, TransientError
from bksb.jobs.runs import Patience, close_run, keep_issues, open_run, share_out, write_extract
from bksb.model import Account, AccountOrigin, Action, Issue, Person, Plan, Run, bucket_of
from bksb.plan import ACCOUNT_ISSUES, after_lookup, make_plan
from bksb.store import Store
from bksb.times import day_bounds, today

log = logging.getLogger(__name__)

THREADS = 8
"""Calls under way at once in one task: as many as the pool slots it takes."""

PEOPLE_A_BATCH = 100
"""Intents are committed for so many people at once, just before their accounts are created."""


def plan_accounts(deployment: Deployment, run: Run) -> list[list[int]]:
    """Read the MIS, decide, and write down what is to be done; the buckets with work, one list a task.

    A dry run writes `bksb.sync_run` and `bksb.planned_action` only, and hands out no work.
    """
    with deployment.open_store() as store:
        open_run(store, run)
        people = deployment.mis.read_people(run.day)
        with store.transaction("plan_accounts"):
            plan = _narrowed(make_plan(people, _accounts(store)), people, run.person_ids)
            if any(action.kind == "create" for action in plan.actions):
                deployment.settings.password_for_new_accounts()
            _write_plan(store, run, plan)
            if not run.dry_run:
                _record_people(store, people, deployment.settings)
                _carry_out_here(store, run, plan, deployment.settings)
    log.info(
        "%s%d people are eligible: %d to create, %d to link, %d cannot be served now (see bksb.issue).",
        "Dry run, nothing else is done. " if run.dry_run else "",
        len(people),
        *(sum(action.kind == kind for action in plan.actions) for kind in ("create", "link")),
        len({issue.person_id for issue in plan.issues}),
    )
    return [] if run.dry_run else share_out(action.person_id for action in plan.actions)


def apply_plan(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Do in bksb what was planned for the people of these buckets, and record each outcome as it comes.

    The MIS is read and the plan made again first: only what both plans say is done, so nobody is served
    who has stopped being eligible, and what an earlier try did is not done twice.
    """
    with deployment.open_store() as store:
        store.lock_buckets(buckets)
        people = {person.person_id: person for person in deployment.mis.read_people(run.day)}
        with store.transaction():
            planned = {row.person_id: row.action for row in _of_run(store, "accounts/list_planned_actions", run)}
            accounts = {account.person_id: account for account in _accounts(store)}
        actions = [
            action
            for action in make_plan(list(people.values()), accounts.values()).actions
            if planned.get(action.person_id) == action.kind and bucket_of(action.person_id) in buckets
        ]
        _Applying(deployment, store, people, accounts).apply(actions)


def finish_accounts(deployment: Deployment, run: Run) -> None:
    """Close the run with its figures."""
    with deployment.open_store() as store, store.transaction():
        figures = _of_run(store, "accounts/count_accounts", run)[0]._asdict()
        planned = {row.action: row.people for row in _of_run(store, "accounts/count_planned_actions", run)}
        close_run(store, run, "success", figures | {f"planned_{action}": n for action, n in planned.items()})
    log.info(
        "Created %(created)d accounts, linked %(linked)d; %(active)d are active, "
        "%(need_attention)d people need attention (see bksb.issue).",
        figures,
    )


class _Applying:
    """One task's work in bksb: looks up, links, creates, and writes down each outcome."""

    def __init__(
        self,
        deployment: Deployment,
        store: Store,
        people: dict[str, Person],
        accounts: dict[str, Account],
    ) -> None:
        self._settings = deployment.settings
        self._client = deployment.make_client()
        self._store = store
        self._people = people
        self._accounts = accounts
        self._patience = Patience()
        self._outcomes: Counter[str] = Counter()

    def apply(self, actions: Sequence[Action]) -> None:
        for batch in in_batches(actions, PEOPLE_A_BATCH):
            self._create(self._look_up(batch))
        log.info(
            "Of %d people: %d accounts created, %d linked, %d need attention (see bksb.issue).",
            len(actions),
            self._outcomes["created"],
            self._outcomes["linked"],
            self._outcomes["issue"],
        )

    def _look_up(self, batch: Sequence[Action]) -> list[Action]:
        """Settle all that a look-up settles; what is left has to be created."""
        free: list[Action] = []
        for action, found in run_concurrently(partial(_find, self._client), batch, THREADS):
            self._patience.saw(found)
            if isinstance(found, TransientError):
                self._keep(
                    action,
                    _issue("bksb_no_answer", action, "bksb did not answer when the username was looked up"),
                )
                continue
            unfinished = self._is_unfinished(action)
            if isinstance(found, RejectedError):
                issue = _issue("username_not_found", action, "bksb cannot look this username up")
                # what a crash left open stays open until bksb has said whether it came about
                (self._keep if unfinished else self._block)(action, issue)
                continue
            verdict = after_lookup(
                action,
                found=found is not None,
                unfinished=unfinished,
                link_existing=self._settings.link_existing,
            )
            if verdict == "create":
                free.append(action)
            elif verdict == "link" and found is not None:
                origin: AccountOrigin = "created" if unfinished else "linked"
                self._activate(action, CreatedUser(found, action.username), origin)
            elif verdict == "release":
                self._block(action, None)
            elif verdict == "username_taken":
                self._block(action, _issue(verdict, action, "somebody else has the proposed username in bksb"))
            else:
                self._block(action, _issue("username_not_found", action, "bksb does not know the username in the MIS"))
        return free

    def _create(self, actions: Sequence[Action]) -> None:
        intended: list[Action] = []
        with self._store.transaction("apply_plan"):
            for action in actions:
                if not self._claimed(action, None):
                    self._store.run("accounts/begin_creation", person_id=action.person_id, username=action.username)
                    intended.append(action)
        create = partial(_create, self._client, self._settings, self._people)
        for action, outcome in run_concurrently(create, intended, THREADS):
            self._patience.saw(outcome)
            if isinstance(outcome, CreatedUser):
                self._activate(action, outcome, "created")
            elif isinstance(outcome, RejectedError):
                self._block(action, _issue("create_rejected", action, f"bksb would not create it: {outcome.reason}"))
            else:
                self._keep(
                    action,
                    _issue(
                        "create_in_doubt",
                        action,
                        "bksb did not confirm the creation; the next run looks it up",
                    ),
                )

    def _is_unfinished(self, action: Action) -> bool:
        account = self._accounts.get(action.person_id)
        return account is not None and account.state == "creating"

    def _activate(self, action: Action, user: CreatedUser, origin: AccountOrigin) -> None:
        with self._store.transaction("apply_plan"):
            if self._claimed(action, user.user_id):
                return
            self._store.run(
                "accounts/activate_account",
                person_id=action.person_id,
                username=user.username,
                bksb_user_id=user.user_id,
                origin=origin,
            )
            self._store.run("accounts/open_link", person_id=action.person_id, bksb_user_id=user.user_id)
            self._keep_issues(action, [])
        self._outcomes[origin] += 1

    def _claimed(self, action: Action, user_id: int | None) -> bool:
        """Whether the account is somebody else's already; then that is the person's issue, and nothing else is done."""
        holders = self._store.run(
            "accounts/find_account_holder",
            person_id=action.person_id,
            bksb_user_id=user_id,
            username=action.username,
        )
        if holders:
            self._store.run("accounts/block_account", person_id=action.person_id)
            issue = _issue("account_claimed_twice", action, f"the account in bksb is that of {holders[0].person_id}")
            self._keep_issues(action, [issue])
        return bool(holders)

    def _block(self, action: Action, issue: Issue | None) -> None:
        with self._store.transaction("apply_plan"):
            self._store.run("accounts/block_account", person_id=action.person_id)
            self._keep_issues(action, [issue] if issue else [])

    def _keep(self, action: Action, issue: Issue) -> None:
        """Leave the account as it is for the next run, and say why."""
        with self._store.transaction("apply_plan"):
            self._keep_issues(action, [issue])

    def _keep_issues(self, action: Action, issues: Sequence[Issue]) -> None:
        self._outcomes["issue"] += len(issues)
        keep_issues(self._store, self._settings, issues, codes=ACCOUNT_ISSUES, person_ids=[action.person_id])


def _find(client: BksbClient, action: Action) -> int | RejectedError | TransientError | None:
    try:
        return client.find_user_id(action.username)
    except (RejectedError, TransientError) as error:
        return error


def _create(
    client: BksbClient, settings: Settings, people: dict[str, Person], action: Action
) -> CreatedUser | RejectedError | TransientError:
    """Create one account; where the answer leaves a doubt, look the username up instead of sending it again.

    A refusal leaves one too: the account may be there although something in between said no. Only "the username
    is taken" means that what is found is somebody else's.
    """
    person = people[action.person_id]
    new_user = NewUser(
        username=action.username,
        given_names=person.given_names or "",
        family_name=person.family_name or "",
        email=person.email or "",
        password=settings.password_of(action.username),
        date_of_birth=person.date_of_birth if settings.send_date_of_birth else None,
        auto_enrol=settings.auto_enrol,
    )
    try:
        return client.create_user(new_user)
    except (RejectedError, TransientError) as error:
        if isinstance(error, RejectedError) and error.reason == USERNAME_IS_TAKEN:
            return error
        found = _find(client, action)
        if isinstance(found, int):
            return CreatedUser(found, action.username)
        return error if found is None or isinstance(error, TransientError) else found


def _narrowed(plan: Plan, people: Sequence[Person], person_ids: Collection[str]) -> Plan:
    """The part of a plan that is about the people named; ConfigurationError for names the MIS does not list."""
    if not person_ids:
        return plan
    unknown = sorted(set(person_ids) - {person.person_id for person in people})
    if unknown:
        raise ConfigurationError(
            f"person_ids names {len(unknown)} people who are not eligible now, or not in the MIS: "
            f"{', '.join(unknown[:5])}. Nothing was changed."
        )
    return Plan(
        actions=tuple(action for action in plan.actions if action.person_id in person_ids),
        transfers=tuple(transfer for transfer in plan.transfers if transfer.person_id in person_ids),
        issues=tuple(issue for issue in plan.issues if issue.person_id in person_ids),
    )


def _write_plan(store: Store, run: Run, plan: Plan) -> None:
    blocked: dict[str, str] = {}
    for issue in plan.issues:
        if issue.person_id:
            blocked[issue.person_id] = ", ".join(filter(None, (blocked.get(issue.person_id), issue.code)))
    rows: list[tuple[str, str, str]] = [(action.person_id, action.kind, action.reason) for action in plan.actions]
    rows += [
        (transfer.person_id, "transfer", f"was applicant {transfer.former_person_id}") for transfer in plan.transfers
    ]
    rows += [(person_id, "blocked", codes) for person_id, codes in blocked.items()]
    _of_run(store, "accounts/delete_planned_actions", run)
    store.copy("accounts/copy_planned_actions", ((run.dag_id, run.run_id, *row) for row in rows))


def _record_people(store: Store, people: Sequence[Person], settings: Settings) -> None:
    day_start, _ = day_bounds(today(settings.timezone), settings.timezone)
    write_extract(store, people)
    store.run("accounts/merge_learners", day_start=day_start)
    store.run("accounts/mark_no_longer_eligible")
    store.run("accounts/merge_contacts")


def _carry_out_here(store: Store, run: Run, plan: Plan, settings: Settings) -> None:
    """The part of the plan that needs no call to bksb."""
    for transfer in plan.transfers:
        both = {"former_person_id": transfer.former_person_id, "person_id": transfer.person_id}
        store.run("accounts/delete_empty_account", person_id=transfer.person_id)
        store.run("accounts/transfer_account", **both)
        store.run("accounts/transfer_links", **both)
        store.run("accounts/delete_summary_of_person", person_id=transfer.former_person_id)
    _of_run(store, "accounts/add_planned_accounts", run)
    store.run("accounts/delete_unmade_accounts")
    acted_on = {action.person_id for action in plan.actions}
    keep_issues(
        store,
        settings,
        plan.issues,
        codes=ACCOUNT_ISSUES,
        person_ids=_looked_at(store, run, acted_on),
    )


def _looked_at(store: Store, run: Run, acted_on: Collection[str]) -> set[str]:
    """Whose issues this plan has judged: everybody, or those named, but for those whom bksb is asked about next."""
    judged = set(run.person_ids) or {row.person_id for row in store.run("accounts/list_people_with_issues")}
    return judged - set(acted_on)


def _accounts(store: Store) -> list[Account]:
    return [
        Account(row.person_id, row.username, row.bksb_user_id, row.state, row.origin)
        for row in store.run("accounts/list_accounts")
    ]


def _of_run(store: Store, name: str, run: Run) -> list[Any]:
    return store.run(name, dag_id=run.dag_id, run_id=run.run_id)


def _issue(code: str, action: Action, detail: str) -> Issue:
    return Issue(code=code, subject_key=action.person_id, person_id=action.person_id, detail=detail)

"""Does in bksb what was planned: looks up, links, creates, looks at links again, and writes down each outcome."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from bksb.api.client import USERNAME_IS_TAKEN, BksbClient, CreatedUser, NewUser
from bksb.deployment import Deployment
from bksb.errors import BksbSyncError, KeyRefusedError, RejectedError, TransientError
from bksb.jobs.planned_actions import is_planned, known_accounts, planned_actions
from bksb.jobs.runs import keep_issues, patience_with, without_answer
from bksb.jobs.threads import in_batches, run_concurrently
from bksb.model import Account, AccountOrigin, Action, Issue, Person, Plan, Run, bucket_of
from bksb.reporting.store import Store
from bksb.rules.account_plan import ACCOUNT_ISSUES, CHECK_ISSUES, after_lookup, make_plan, still_holds
from bksb.settings import Settings

log = logging.getLogger(__name__)

THREADS = 8
"""Calls under way at once in one task: as many as the pool slots it takes."""

PEOPLE_A_BATCH = 100
"""Intents are committed for so many people at once, just before their accounts are created."""


def apply_plan(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Do in bksb what was planned for the people of these buckets, and record each outcome as it comes.

    The MIS is read and the plan made again first: only what both plans say is done, so nobody is served
    who has stopped being eligible, and what an earlier try did is not done twice.
    """
    with deployment.open_store() as store:
        store.lock_buckets(buckets)
        people = {person.person_id: person for person in deployment.mis.read_people(run.day)}
        with store.transaction():
            planned = planned_actions(store, run)
            accounts = {account.person_id: account for account in known_accounts(store)}
            silent = without_answer(store, "bksb_no_answer")
        due = [person_id for person_id, (kind, _) in planned.items() if kind == "check"]
        plan = make_plan(list(people.values()), accounts.values(), due)
        actions = [
            action for action in plan.actions if is_planned(action, planned) and bucket_of(action.person_id) in buckets
        ]
        _Applying(deployment, run, store, people, accounts, plan).apply(actions, silent)


class _Applying:
    """One task's work in bksb: looks up, links, creates, and writes down each outcome."""

    def __init__(
        self,
        deployment: Deployment,
        run: Run,
        store: Store,
        people: dict[str, Person],
        accounts: dict[str, Account],
        plan: Plan,
    ) -> None:
        self._plan = plan
        self._settings = deployment.settings
        self._run = run
        self._client = deployment.make_client()
        self._store = store
        self._people = people
        self._accounts = accounts
        self._patience = patience_with(self._client)
        self._asks_again = False
        self._leaves_the_rest = False
        self._outcomes: Counter[str] = Counter()

    def apply(self, actions: Sequence[Action], silent: Mapping[str, int]) -> None:
        """`silent` are the people of whom bksb said nothing last time, in the order in which to ask again."""
        checks = [action for action in actions if action.kind == "check"]
        self._apply([action for action in actions if action.person_id not in silent])
        # last, so that whoever bksb never answers about keeps nobody else waiting
        again = sorted(
            (action for action in actions if action.person_id in silent), key=lambda action: silent[action.person_id]
        )
        self._asks_again = True
        self._apply(again)
        log.info(
            "Of %d people: %d accounts created, %d linked, %d links looked at again, %d need attention "
            "(see bksb.issue).",
            len(actions),
            self._outcomes["created"],
            self._outcomes["linked"],
            len(checks),
            self._outcomes["issue"],
        )

    def _apply(self, actions: Sequence[Action]) -> None:
        # who has no account comes first: a day without a check harms nobody
        for batch in in_batches([action for action in actions if action.kind != "check"], PEOPLE_A_BATCH):
            self._create(self._look_up(batch))
        for batch in in_batches([action for action in actions if action.kind == "check"], PEOPLE_A_BATCH):
            self._check(batch)

    def _found(self, batch: Sequence[Action]) -> Iterator[tuple[Action, int | RejectedError | TransientError | None]]:
        """What bksb says of each username; no more of people it said nothing of before once that is all it says."""
        if self._leaves_the_rest:
            return
        with closing(run_concurrently(partial(_find, self._client), batch, THREADS)) as found_users:
            for action, found in found_users:
                yield action, found
                self._leaves_the_rest = self._patience.saw(found, had_none_before=self._asks_again)
                if self._leaves_the_rest:
                    log.warning(
                        "bksb still says nothing of some people it said nothing of before: they wait for the next run."
                    )
                    return

    def _look_up(self, batch: Sequence[Action]) -> list[Action]:
        """Settle all that a look-up settles; what is left has to be created."""
        return [action for action, found in self._found(batch) if not self._settled(action, found)]

    def _settled(self, action: Action, found: int | RejectedError | TransientError | None) -> bool:
        """Write down what the look-up says; False where the account has to be created."""
        if isinstance(found, TransientError):
            detail = "bksb did not answer when the username was looked up"
            self._keep(action, _issue("bksb_no_answer", action, detail))
            return True
        unfinished = self._is_unfinished(action)
        if isinstance(found, RejectedError):
            issue = _issue("username_not_found", action, "bksb cannot look this username up")
            # what a crash left open stays open until bksb has said whether it came about
            (self._keep if unfinished else self._block)(action, issue)
            return True
        verdict = after_lookup(
            action,
            found=found is not None,
            unfinished=unfinished,
            link_existing=self._settings.link_existing,
        )
        if verdict == "create":
            return False
        if verdict == "link" and found is not None:
            origin: AccountOrigin = "created" if unfinished else "linked"
            self._activate(action, CreatedUser(found, action.username), origin)
        elif verdict == "release":
            self._release(action)
        elif verdict == "username_taken":
            self._block(action, _issue(verdict, action, "somebody else has the proposed username in bksb"))
        else:
            self._block(action, _issue("username_not_found", action, "bksb does not know the username in the MIS"))
        return True

    def _create(self, actions: Sequence[Action]) -> None:
        intended: list[Action] = []
        with self._store.transaction("apply_plan"):
            for action in actions:
                if not self._claimed(action, None):
                    self._store.run(
                        "accounts/begin_creation",
                        person_id=action.person_id,
                        username=action.username,
                        setting_digest=self._settings.password_setting_digest(),
                    )
                    intended.append(action)
            unfinished = {action.person_id for action in intended if self._is_unfinished(action)}
            self._note_whether_to_invite([action.person_id for action in intended], unfinished)
        sent: set[str] = set()
        create = partial(_create, self._client, self._settings, self._people, unfinished, sent)
        try:
            # closed here, so that nothing is sent any more when what was not sent is taken back
            with closing(run_concurrently(create, intended, THREADS)) as created:
                for action, outcome in created:
                    self._record_creation(action, outcome)
                    self._patience.saw(outcome, had_none_before=self._asks_again)
        except BksbSyncError:
            self._take_back([action for action in intended if action.person_id not in sent | unfinished])
            raise

    def _record_creation(self, action: Action, outcome: CreatedUser | RejectedError | TransientError) -> None:
        if isinstance(outcome, CreatedUser):
            self._activate(action, outcome, "created")
        elif isinstance(outcome, RejectedError):
            self._block(action, _issue("create_rejected", action, f"bksb would not create it: {outcome.reason}"))
        else:
            detail = "bksb did not confirm the creation; the next run looks it up"
            self._keep(action, _issue("create_in_doubt", action, detail))

    def _take_back(self, actions: Sequence[Action]) -> None:
        """These creations were never sent: whatever bears these usernames one day is not ours."""
        with self._store.transaction("apply_plan"):
            self._store.run("accounts/take_creations_back", person_ids=[action.person_id for action in actions])

    def _note_whether_to_invite(self, person_ids: list[str], unfinished: Collection[str]) -> None:
        """With the intent, so that no later run invites whom this one was told not to, wherever this one ends.

        An unfinished creation of a run that withheld stays withheld: bksb may yet turn out to have made the account
        for that run.
        """
        forgotten = [one for one in person_ids if not (self._run.invite and one in unfinished)]
        self._store.run("invitations/forget_withheld", person_ids=forgotten)
        if not self._run.invite:
            self._store.run("invitations/withhold_invitations", person_ids=person_ids, run_id=self._run.run_id)

    def _check(self, batch: Sequence[Action]) -> None:
        """Whether each linked username still is that of the bksb user we know; the results stay in any case."""
        for action, found in self._found(batch):
            account = self._accounts[action.person_id]
            issues: list[Issue] = []
            with self._store.transaction("apply_plan"):
                if isinstance(found, RejectedError | TransientError):
                    detail = "bksb gave no usable answer when the link was looked at again"
                    issues.append(_issue("bksb_no_answer", action, detail))
                elif still_holds(account, found):
                    self._store.run("accounts/confirm_account", person_id=action.person_id, bksb_user_id=found)
                else:
                    self._store.run(
                        "accounts/mark_stale", person_id=action.person_id, bksb_user_id=account.bksb_user_id
                    )
                    issues.append(_stale_link(action, account, found))
                codes = ("bksb_no_answer",) if isinstance(found, Exception) else CHECK_ISSUES
                keep_issues(self._store, self._settings, issues, codes=codes, person_ids=[action.person_id])
            self._outcomes["issue"] += len(issues)

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
            self._store.run("accounts/close_link", person_id=action.person_id, bksb_user_id=user.user_id)
            self._store.run("accounts/open_link", person_id=action.person_id, bksb_user_id=user.user_id)
            self._keep_issues(action, [], also=CHECK_ISSUES)
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

    def _block(self, action: Action, issue: Issue) -> None:
        with self._store.transaction("apply_plan"):
            self._store.run("accounts/block_account", person_id=action.person_id)
            self._keep_issues(action, [issue])

    def _release(self, action: Action) -> None:
        """An earlier creation never came about; what hinders another one now is what there is to say."""
        with self._store.transaction("apply_plan"):
            self._store.run("accounts/block_account", person_id=action.person_id)
            self._keep_issues(action, [issue for issue in self._plan.issues if issue.person_id == action.person_id])

    def _keep(self, action: Action, issue: Issue) -> None:
        """Leave the account as it is for the next run, and say why."""
        with self._store.transaction("apply_plan"):
            self._keep_issues(action, [issue])

    def _keep_issues(self, action: Action, issues: Sequence[Issue], *, also: tuple[str, ...] = ()) -> None:
        self._outcomes["issue"] += len(issues)
        codes = ACCOUNT_ISSUES + also
        keep_issues(self._store, self._settings, issues, codes=codes, person_ids=[action.person_id])


def _find(client: BksbClient, action: Action) -> int | RejectedError | TransientError | None:
    try:
        return client.find_user_id(action.username)
    except (RejectedError, TransientError) as error:
        return error


def _create(
    client: BksbClient,
    settings: Settings,
    people: dict[str, Person],
    unfinished: Collection[str],
    sent: set[str],
    action: Action,
) -> CreatedUser | RejectedError | TransientError:
    """Create one account; where the answer leaves a doubt, look the username up instead of sending it again.

    A refusal leaves one too: the account may be there although something in between said no. Only "the username
    is taken" means that what is found is somebody else's, unless an earlier creation of ours is `unfinished`: bksb
    may have carried that one out meanwhile. `sent` takes the person_id of whoever may have been made.
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
    sent.add(action.person_id)
    try:
        return client.create_user(new_user)
    except KeyRefusedError:
        # bksb let nobody in, so it made nobody
        sent.discard(action.person_id)
        raise
    except (RejectedError, TransientError) as error:
        taken = isinstance(error, RejectedError) and error.reason == USERNAME_IS_TAKEN
        if taken and action.person_id not in unfinished:
            return error
        found = _find(client, action)
        if isinstance(found, int):
            return CreatedUser(found, action.username)
        return error if found is None or isinstance(error, TransientError) else found


def _stale_link(action: Action, account: Account, found: int | None) -> Issue:
    became = "no longer knows the username" if found is None else f"has given the username to user {found}"
    detail = f"bksb {became} of the account that is linked (user {account.bksb_user_id})"
    return _issue("stale_link", action, detail)


def _issue(code: str, action: Action, detail: str) -> Issue:
    return Issue(code=code, subject_key=action.person_id, person_id=action.person_id, detail=detail)

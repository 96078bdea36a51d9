"""Carries out a plan in bksb: looks up usernames, links and creates accounts, checks links."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass

from bksb.api.client import BksbClient
from bksb.api.parsing import CreatedUser
from bksb.deployment import Deployment
from bksb.errors import BksbSyncError, RejectedError, TransientError
from bksb.jobs.account_claims import read_accounts
from bksb.jobs.accounts.creating import AccountCreator, CreationOutcome
from bksb.jobs.accounts.link_checks import check_links
from bksb.jobs.accounts.outcomes import OutcomeRecorder
from bksb.jobs.issues import list_people_without_answer
from bksb.jobs.lookups import LookupOutcome, UsernameLookups
from bksb.jobs.outage import OutageDetector, make_bksb_detector
from bksb.jobs.planned_actions import is_planned, planned_actions
from bksb.jobs.threads import run_concurrently, split_into_batches
from bksb.model import Account, AccountOrigin, Action, Issue, Person, Plan, Run
from bksb.reporting.store import Store, Writer
from bksb.rules.account_plan import decide_after_lookup, make_plan
from bksb.rules.task_split import bucket_of
from bksb.settings import Settings

log = logging.getLogger(__name__)

PEOPLE_PER_BATCH = 100
"""People per commit of the intent to create accounts, which comes just before they are created."""


def apply_plan(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Carry out the plan in bksb for the people of these buckets, and record each outcome at once.

    Reads the MIS and plans again first, and does only what both plans contain: it skips people who are no longer
    eligible, and does not repeat what an earlier try of this task did.
    """
    client = deployment.make_client()
    with deployment.open_store() as store:
        store.lock_buckets(buckets)
        people = {person.person_id: person for person in deployment.mis.read_people(run.day)}
        with store.transaction():
            planned = planned_actions(store, run)
            accounts = read_accounts(store)
            unanswered = list_people_without_answer(store, "bksb_no_answer")
        due = [person_id for person_id, (kind, _) in planned.items() if kind == "check"]
        plan = make_plan(list(people.values()), accounts.values(), due)
        actions = [
            action for action in plan.actions if is_planned(action, planned) and bucket_of(action.person_id) in buckets
        ]
        outages = make_bksb_detector(client)
        lookups = UsernameLookups(client, outages)
        outcomes = OutcomeRecorder(store, deployment.day_start())
        provisioner = AccountProvisioner(
            run=run,
            settings=deployment.settings,
            store=store,
            client=client,
            outages=outages,
            lookups=lookups,
            outcomes=outcomes,
            people=people,
            accounts=accounts,
            plan=plan,
        )
        # people without an answer last time come last, so that they delay no one else
        again = sorted(
            (action for action in actions if action.person_id in unanswered), key=lambda one: unanswered[one.person_id]
        )
        first = [action for action in actions if action.person_id not in unanswered]
        for turn, expect_failures in ((first, False), (again, True)):
            # accounts come before checks, which can wait for another day
            provisioner.provision([one for one in turn if one.kind != "check"], expect_failures=expect_failures)
            checks = [one for one in turn if one.kind == "check"]
            check_links(lookups, outcomes, accounts, checks, expect_failures=expect_failures)
    if not actions:
        log.info("Nothing left to do in this task: an earlier try did it, or the plan no longer fits these people.")
        return
    log.info(
        "%d people: created %d accounts, linked %d, checked %d links; %d need attention (see bksb.issue).",
        len(actions),
        outcomes.counts["created"],
        outcomes.counts["linked"],
        sum(action.kind == "check" for action in actions),
        outcomes.counts["issue"],
    )


@dataclass(frozen=True)
class AccountProvisioner:
    """One task's work on people without an account: looks up the username, then links or creates."""

    run: Run
    settings: Settings
    store: Store
    client: BksbClient
    outages: OutageDetector
    lookups: UsernameLookups
    outcomes: OutcomeRecorder
    people: dict[str, Person]
    accounts: dict[str, Account]
    plan: Plan

    def provision(self, actions: Sequence[Action], *, expect_failures: bool) -> None:
        """Link or create the account of each action; `expect_failures` as in UsernameLookups."""
        for batch in split_into_batches(actions, PEOPLE_PER_BATCH):
            wanted = [(action, action.username) for action in batch]
            to_create = [
                action
                for action, outcome in self.lookups.look_up_all(wanted, expect_failures=expect_failures)
                if not self._settle(action, outcome)
            ]
            self._create(to_create, expect_failures=expect_failures)

    def _settle(self, action: Action, outcome: LookupOutcome) -> bool:
        """Record the outcome if the look-up decides it. Returns False if the account has to be created."""
        is_unfinished = self._is_unfinished(action)
        if isinstance(outcome.error, TransientError):
            detail = "bksb did not answer when the username was looked up"
            self.outcomes.keep(action, Issue.about(action.person_id, "bksb_no_answer", detail))
            return True
        if outcome.error is not None:
            issue = Issue.about(action.person_id, "username_not_found", "bksb cannot look this username up")
            if is_unfinished:
                # a creation that a crash left open stays open until bksb says whether the account exists
                self.outcomes.keep(action, issue)
            else:
                self.outcomes.block(action, [issue])
            return True
        verdict = decide_after_lookup(
            action,
            found=outcome.user_id is not None,
            unfinished=is_unfinished,
            link_existing=self.settings.link_existing,
        )
        if verdict == "create":
            return False
        if verdict == "link" and outcome.user_id is not None:
            origin: AccountOrigin = "created" if is_unfinished else "linked"
            self.outcomes.activate(action, CreatedUser(outcome.user_id, action.username), origin)
        elif verdict == "release":
            # bksb never carried out our earlier creation; the plan's issues say why we do not repeat it
            issues = [issue for issue in self.plan.issues if issue.person_id == action.person_id]
            self.outcomes.block(action, issues)
        elif verdict == "username_taken":
            detail = "the proposed username already exists in bksb"
            self.outcomes.block(action, [Issue.about(action.person_id, verdict, detail)])
        else:
            detail = "bksb does not know the username in the MIS"
            self.outcomes.block(action, [Issue.about(action.person_id, "username_not_found", detail)])
        return True

    def _create(self, actions: Sequence[Action], *, expect_failures: bool) -> None:
        intended = self._record_intents(actions)
        unfinished = {action.person_id for action in intended if self._is_unfinished(action)}
        creator = AccountCreator(self.client, self.settings, self.people, unfinished)
        try:
            # closing() ends all calls before the except clause reads creator.sent
            with closing(run_concurrently(creator.create, intended)) as created:
                for action, outcome in created:
                    self._record_creation(action, outcome)
                    if expect_failures:
                        self.outages.record_expected(outcome.error)
                    else:
                        self.outages.record(outcome.error)
        except BksbSyncError:
            unsent = [one.person_id for one in intended if one.person_id not in creator.sent | unfinished]
            # never sent: if a user with one of these usernames appears later, it is not ours
            with self.store.transaction(Writer.APPLY_PLAN):
                self.store.run("accounts/revert_unsent_creations", person_ids=unsent)
            raise

    def _record_intents(self, actions: Sequence[Action]) -> list[Action]:
        """Commit the intent to create before anything is sent. Leaves out usernames that another person holds."""
        intended: list[Action] = []
        with self.store.transaction(Writer.APPLY_PLAN):
            for action in actions:
                if not self.outcomes.block_if_claimed(action):
                    self.store.run("accounts/begin_creation", person_id=action.person_id, username=action.username)
                    self.store.run(
                        "accounts/record_initial_password",
                        person_id=action.person_id,
                        setting_digest=self.settings.password_setting_digest(),
                        is_unfinished=self._is_unfinished(action),
                    )
                    intended.append(action)
            self._record_invitation_choice(intended)
        return intended

    def _record_invitation_choice(self, intended: Sequence[Action]) -> None:
        """Store whether these people are invited, together with the intent to create, so that it survives a crash.

        An unfinished creation of an earlier run with invite=false stays withheld: bksb may still complete that one.
        """
        person_ids = [action.person_id for action in intended]
        unfinished = {action.person_id for action in intended if self._is_unfinished(action)}
        no_longer_withheld = [one for one in person_ids if not (self.run.invite and one in unfinished)]
        self.store.run("invitations/delete_withheld", person_ids=no_longer_withheld)
        if not self.run.invite:
            self.store.run("invitations/withhold_invitations", person_ids=person_ids, run_id=self.run.run_id)

    def _record_creation(self, action: Action, outcome: CreationOutcome) -> None:
        if outcome.user is not None:
            self.outcomes.activate(action, outcome.user, "created")
        elif isinstance(outcome.error, RejectedError):
            detail = f"bksb refused to create the account: {outcome.error.reason}"
            self.outcomes.block(action, [Issue.about(action.person_id, "create_rejected", detail)])
        else:
            detail = "bksb did not confirm the creation; the next run checks whether the account exists"
            self.outcomes.keep(action, Issue.about(action.person_id, "create_in_doubt", detail))

    def _is_unfinished(self, action: Action) -> bool:
        account = self.accounts.get(action.person_id)
        return account is not None and account.state == "creating"

"""Plans a run of bksb_accounts, asks for approval, records people and issues, and closes the run."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from bksb.deployment import Deployment
from bksb.errors import ConfigurationError, MisContractError, TransientError
from bksb.issues import ACCOUNT_ISSUES, CHECK_ISSUES, PLAN_ISSUES
from bksb.jobs.account_claims import read_accounts
from bksb.jobs.invitations import count_invitations, require_resend_allowed
from bksb.jobs.issues import replace_issues
from bksb.jobs.people import record_people
from bksb.jobs.planned_actions import PlannedActions, is_planned, planned_actions, write_plan
from bksb.jobs.runs import close_run, open_run
from bksb.jobs.summaries import summarise_people
from bksb.mail.templates import require_ready
from bksb.model import ActionKind, Person, Plan, Run, Transfer
from bksb.reporting.store import Store, Writer
from bksb.rules.account_plan import make_plan
from bksb.rules.approval import Baseline, find_reasons_to_ask, has_shrunk, question
from bksb.rules.task_split import split_into_tasks

log = logging.getLogger(__name__)

CALLS_PER_ACTION: Mapping[ActionKind, int] = {"create": 2, "link": 1, "check": 1}
"""How many calls to bksb an action takes."""


def plan_accounts(deployment: Deployment, run: Run, now: datetime | None = None) -> str:
    """Read the MIS, decide, and store the plan; returns the question for the approver, "" if none is needed.

    Writes `bksb.planned_action`, `bksb.sync_run` and (except in a dry run) `bksb.approval` only. Raises
    ConfigurationError first of all for a run that asks for mail which may not be sent now (`now`).
    """
    with deployment.open_store() as store:
        open_run(store, run)
        if not run.dry_run:
            require_resend_allowed(deployment.settings, run, now or datetime.now(UTC))
        people = deployment.mis.read_people(run.day)
        with store.transaction():
            plan = _make_plan(store, deployment, run, people)
        # talks to the mail server, so not inside a transaction; the plan is made again afterwards
        is_ready = plan.creates_accounts
        if is_ready:
            _require_ready(deployment, run)
        with store.transaction(Writer.PLAN_ACCOUNTS):
            plan = _make_plan(store, deployment, run, people)
            if plan.creates_accounts and not is_ready:
                raise TransientError("The accounts changed while this run was planned: it is planned again.")
            write_plan(store, run, plan)
            asked = "" if run.dry_run else _ask(store, run, plan, people)
    _log_plan(run, plan, len(people))
    if asked:
        log.info("This run needs approval: see Required Actions in Airflow.")
    return asked


def record_plan(deployment: Deployment, run: Run) -> list[list[int]]:
    """Do the part of the plan that needs no call to bksb; returns the buckets that need calls, one list a task.

    Reads the MIS and plans again first, because an approval may have taken hours. MisContractError if the MIS now lists
    less than half the people. A dry run does nothing here.
    """
    if run.dry_run:
        return []
    with deployment.open_store() as store:
        people = deployment.mis.read_people(run.day)
        with store.transaction(Writer.PLAN_ACCOUNTS):
            _refuse_shrunk(store, run, len(people))
            planned = planned_actions(store, run)
            due = [person_id for person_id, (kind, _) in planned.items() if kind == "check"]
            plan = make_plan(people, read_accounts(store).values(), due)
            plan = _keep_planned(plan, planned, run.person_ids)
            record_people(store, people, deployment.day_start())
            _record_plan(store, deployment, run, plan)
            store.run("approvals/decide_approval", **run.key)
    _log_plan(run, plan, len(people))
    return split_into_tasks({action.person_id: CALLS_PER_ACTION[action.kind] for action in plan.actions})


def finish_accounts(deployment: Deployment, run: Run) -> None:
    """Count what the run did, and close it."""
    with deployment.open_store() as store, store.transaction():
        is_rejected = bool(store.run("approvals/reject_approval", **run.key))
        figures = store.run("accounts/count_accounts", **run.key)[0]._asdict()
        planned = {row.action: row.people for row in store.run("accounts/count_planned_actions", **run.key)}
        figures |= count_invitations(store, run)
        close_run(store, run, "success", figures | {f"planned_{action}": n for action, n in planned.items()})
    if is_rejected:
        log.info("The run was rejected, or not answered in time: nothing was done. The next run asks again.")
    log.info(
        "Created %(created)d accounts, linked %(linked)d, invited %(invited)d; %(active)d are active, "
        "%(stale)d links are stale, %(need_attention)d people need attention (see bksb.issue).",
        figures,
    )


def _make_plan(store: Store, deployment: Deployment, run: Run, people: Sequence[Person]) -> Plan:
    due = [row.person_id for row in store.run("accounts/list_due_checks", day_start=deployment.day_start())]
    return _restrict_to(make_plan(people, read_accounts(store).values(), due), people, run.person_ids)


def _log_plan(run: Run, plan: Plan, eligible: int) -> None:
    log.info(
        "%s%d people are eligible: %d accounts to create, %d to link, %d links to check, %d people need attention "
        "(see bksb.%s).",
        "Dry run, nothing else is done. " if run.dry_run else "",
        eligible,
        *(sum(action.kind == kind for action in plan.actions) for kind in ("create", "link", "check")),
        len({issue.person_id for issue in plan.issues}),
        "planned_action" if run.dry_run else "issue",
    )


def _require_ready(deployment: Deployment, run: Run) -> None:
    """Stop before accounts are made for people who could not be told; ConfigurationError says what is missing."""
    if not run.invite:
        deployment.settings.require_initial_password()
        return
    require_ready(deployment.settings)
    if not run.dry_run:
        try:
            with deployment.open_mailer():
                pass
        except TransientError as error:
            log.warning("%s Accounts are created all the same; invitations follow when it answers.", error)


def _ask(store: Store, run: Run, plan: Plan, people: Sequence[Person]) -> str:
    """Record whether the run has to ask, and why; returns the question if so."""
    row = store.run("approvals/find_baseline", **run.key)[0]
    baseline = Baseline(row.approved_before, row.people)
    tried = {(tried.person_id, tried.username) for tried in store.run("approvals/list_attempted_creations", **run.key)}
    reasons = find_reasons_to_ask(run, plan, len(people), baseline, tried)
    store.run(
        "approvals/ask_approval",
        people=len(people),
        creations=sum(action.kind == "create" for action in plan.actions),
        reasons=list(reasons),
        about_everybody=not run.person_ids,
        **run.key,
    )
    if not reasons:
        return ""
    return question(run, plan, {person.person_id: person for person in people}, reasons, baseline)


def _refuse_shrunk(store: Store, run: Run, listed: int) -> None:
    planned_for = store.run("approvals/find_approval", **run.key)
    if planned_for and has_shrunk(listed, planned_for[0].people):
        raise MisContractError(
            f"The MIS lists {listed} people now, less than half of the {planned_for[0].people} for whom this run was "
            "planned. Nothing was changed: look at the MIS and its query, then start a new run."
        )


def _restrict_to(plan: Plan, people: Sequence[Person], person_ids: Collection[str]) -> Plan:
    """The part of a plan that is about the named people; ConfigurationError for names that the MIS does not list."""
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


def _keep_planned(plan: Plan, planned: PlannedActions, person_ids: Collection[str]) -> Plan:
    """The part of a new plan that the run had planned already; the issues are those of now."""
    transferred = {person_id for person_id, (kind, _) in planned.items() if kind == "transfer"}
    return Plan(
        actions=tuple(action for action in plan.actions if is_planned(action, planned)),
        transfers=tuple(
            transfer
            for transfer in plan.transfers
            if transfer.person_id in transferred and (not person_ids or transfer.person_id in person_ids)
        ),
        issues=tuple(issue for issue in plan.issues if not person_ids or issue.person_id in person_ids),
    )


def _record_plan(store: Store, deployment: Deployment, run: Run, plan: Plan) -> None:
    """Move accounts, set the states of planned and blocked accounts, and keep the issues of the plan."""
    _move_accounts(store, deployment, plan.transfers)
    served = {action.person_id: "pending" for action in plan.actions if action.kind != "check"}
    states = {issue.person_id: "blocked" for issue in plan.issues if issue.person_id} | served
    store.run("accounts/add_planned_accounts", person_ids=list(states), states=list(states.values()))
    store.run("accounts/delete_accounts_never_created")
    store.run("invitations/delete_withheld_without_account")
    # all people with issues, or the named ones; except those whom apply_plan serves next, and judges then
    judged = set(run.person_ids) or {row.person_id for row in store.run("issues/list_people_with_issues")}
    judged -= set(served)
    # whether bksb answers about a person whose link is checked next is not known yet
    checked = {action.person_id for action in plan.actions if action.kind == "check"}
    day_start = deployment.day_start()
    replace_issues(store, plan.issues, day_start, codes=ACCOUNT_ISSUES, person_ids=judged - checked)
    replace_issues(store, plan.issues, day_start, codes=PLAN_ISSUES, person_ids=judged & checked)


def _move_accounts(store: Store, deployment: Deployment, transfers: Sequence[Transfer]) -> None:
    """Applicants became learners under other ids: account, links, issues and invitations move along."""
    for transfer in transfers:
        both = {"former_person_id": transfer.former_person_id, "person_id": transfer.person_id}
        store.run("accounts/delete_empty_account", person_id=transfer.person_id)
        store.run("accounts/transfer_account", **both)
        store.run("accounts/transfer_links", **both)
        store.run("issues/transfer_issues", **both, codes=list(CHECK_ISSUES))
        store.run(
            "invitations/transfer_invitations",
            former_person_ids=[transfer.former_person_id],
            person_ids=[transfer.person_id],
        )
    if transfers:
        store.lock_writer(Writer.PUBLISH_RESULTS)
        moved = [person_id for one in transfers for person_id in (one.former_person_id, one.person_id)]
        summarise_people(store, deployment.settings, moved)

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
"""Calls to bksb that one action normally takes. A creation with an unclear reply takes a third."""

FIGURES_OF_WORK = (
    "created",
    "linked",
    "checked",
    "invited",
    "invited_again",
    "reminded",
    "mail_refused",
    "mail_waiting",
)
"""The figures of a run that are all 0 if it had nothing to do."""


def plan_accounts(deployment: Deployment, run: Run, now: datetime | None = None) -> str:
    """Read the MIS, make the plan and store it. Returns the question for the approver, or "" if none is needed.

    Writes only `bksb.planned_action`, `bksb.sync_run` and (except in a dry run) `bksb.approval`. Raises
    ConfigurationError before it plans if the run has resend_invitation but may not send mail at `now`.
    """
    with deployment.open_store() as store:
        open_run(store, run)
        if not run.dry_run:
            require_resend_allowed(deployment.settings, run, now or datetime.now(UTC))
        people = deployment.mis.read_people(run.day)
        with store.transaction():
            plan = _make_plan(store, deployment, run, people)
        # connects to the mail server, so it cannot be inside the transaction that stores the plan
        is_ready = plan.creates_accounts
        if is_ready:
            _require_ready(deployment, run)
        with store.transaction(Writer.PLAN_ACCOUNTS):
            plan = _make_plan(store, deployment, run, people)
            if plan.creates_accounts and not is_ready:
                raise TransientError("The accounts changed while this run was being planned: the next try plans again.")
            write_plan(store, run, plan)
            asked = "" if run.dry_run else _ask(store, run, plan, people)
    _log_plan(run, plan, len(people))
    if asked:
        log.info("This run needs approval: see Required Actions in Airflow.")
    return asked


def record_plan(deployment: Deployment, run: Run) -> list[list[int]]:
    """Do the part of the plan that needs no call to bksb. Returns the buckets that need calls, one list per task.

    Reads the MIS and plans again first, because approval may have taken hours. Raises MisContractError if the MIS now
    lists less than half as many people. A dry run does nothing here.
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
    if _is_empty(plan):
        log.info("Nothing to do in bksb: no account to create or link, no link to check.")
    else:
        _log_plan(run, plan, len(people))
    return split_into_tasks({action.person_id: CALLS_PER_ACTION[action.kind] for action in plan.actions})


def finish_accounts(deployment: Deployment, run: Run) -> None:
    """Count what the run did, log it in one line, and close the run."""
    with deployment.open_store() as store, store.transaction():
        is_rejected = bool(store.run("approvals/reject_approval", **run.key))
        figures = store.run("accounts/count_accounts", **run.key)[0]._asdict()
        planned = {row.action: row.people for row in store.run("accounts/count_planned_actions", **run.key)}
        figures |= count_invitations(store, run)
        close_run(store, run, "success", figures | {f"planned_{action}": n for action, n in planned.items()})
    if is_rejected:
        log.info("The run was rejected, or not approved in time. Nothing was done; the next run asks again.")
    elif run.dry_run:
        log.info("Dry run: nothing was done. The plan is in bksb.latest_plan.")
        return
    elif not set(planned) - {"blocked"} and not any(figures[name] for name in FIGURES_OF_WORK):
        log.info(
            "Nothing to do in this run: no account to create or link, no link to check, no mail sent. "
            "%(active)d accounts are active, %(stale)d links are stale, %(need_attention)d people need attention "
            "(see bksb.issue).",
            figures,
        )
        return
    log.info(
        "Created %(created)d accounts, linked %(linked)d, invited %(invited)d; %(active)d are active, "
        "%(stale)d links are stale, %(need_attention)d people need attention (see bksb.issue).",
        figures,
    )


def _make_plan(store: Store, deployment: Deployment, run: Run, people: Sequence[Person]) -> Plan:
    due = [row.person_id for row in store.run("accounts/list_due_checks", day_start=deployment.day_start())]
    return _restrict_to(make_plan(people, read_accounts(store).values(), due), people, run.person_ids)


def _log_plan(run: Run, plan: Plan, eligible: int) -> None:
    dry_run = "Dry run, nothing else is done. " if run.dry_run else ""
    need_attention = len({issue.person_id for issue in plan.issues})
    table = "bksb.latest_plan" if run.dry_run else "bksb.issue"
    if _is_empty(plan):
        # all other issues of a plan are about people without an account
        without = len({issue.person_id for issue in plan.issues if issue.code != "username_mismatch"})
        log.info(
            "%sNothing to do in bksb: all %d %s people who can have an account have one; %d need attention (see %s).",
            dry_run,
            (len(set(run.person_ids)) or eligible) - without,
            "named" if run.person_ids else "eligible",
            need_attention,
            table,
        )
        return
    log.info(
        "%s%d people are eligible: %d accounts to create, %d to link, %d links to check, %d people need attention "
        "(see %s).",
        dry_run,
        eligible,
        *(sum(action.kind == kind for action in plan.actions) for kind in ("create", "link", "check")),
        need_attention,
        table,
    )


def _is_empty(plan: Plan) -> bool:
    return not plan.actions and not plan.transfers


def _require_ready(deployment: Deployment, run: Run) -> None:
    """Fail before any account is created if people could not be invited. ConfigurationError says what is missing."""
    if not run.invite:
        deployment.settings.require_initial_password()
        return
    require_ready(deployment.settings)
    if not run.dry_run:
        try:
            with deployment.open_mailer():
                pass
        except TransientError as error:
            log.warning("%s Accounts are created anyway; the invitations follow once the mail server answers.", error)


def _ask(store: Store, run: Run, plan: Plan, people: Sequence[Person]) -> str:
    """Record whether the run needs approval, and why. Returns the question, or "" if it needs none."""
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
            f"The MIS lists {listed} people now, less than half of the {planned_for[0].people} it listed when this run "
            "was planned. Nothing was changed. Check the MIS and its query, then start a new run."
        )


def _restrict_to(plan: Plan, people: Sequence[Person], person_ids: Collection[str]) -> Plan:
    """Keep the part of a plan about the named people. ConfigurationError if the MIS does not list one of them."""
    if not person_ids:
        return plan
    unknown = sorted(set(person_ids) - {person.person_id for person in people})
    if unknown:
        raise ConfigurationError(
            f"person_ids names {len(unknown)} people who are not eligible now, or not in the MIS: "
            f"{', '.join(unknown[:5])}. Nothing was changed. Correct person_ids and start the run again."
        )
    return Plan(
        actions=tuple(action for action in plan.actions if action.person_id in person_ids),
        transfers=tuple(transfer for transfer in plan.transfers if transfer.person_id in person_ids),
        issues=tuple(issue for issue in plan.issues if issue.person_id in person_ids),
    )


def _keep_planned(plan: Plan, planned: PlannedActions, person_ids: Collection[str]) -> Plan:
    """Keep the actions and transfers that both this plan and the stored one contain, and all issues of this plan."""
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
    """Move accounts, set the states of planned and blocked accounts, and update the issues."""
    _move_accounts(store, deployment, plan.transfers)
    served = {action.person_id: "pending" for action in plan.actions if action.kind != "check"}
    states = {issue.person_id: "blocked" for issue in plan.issues if issue.person_id} | served
    store.run("accounts/add_planned_accounts", person_ids=list(states), states=list(states.values()))
    store.run("accounts/delete_accounts_never_created")
    store.run("invitations/delete_withheld_without_account")
    # apply_plan updates the issues of the people it serves
    others = set(run.person_ids) or {row.person_id for row in store.run("issues/list_people_with_issues")}
    others -= set(served)
    # apply_plan checks these links next, and only then opens or resolves bksb_no_answer
    checked = {action.person_id for action in plan.actions if action.kind == "check"}
    day_start = deployment.day_start()
    replace_issues(store, plan.issues, day_start, codes=ACCOUNT_ISSUES, person_ids=others - checked)
    replace_issues(store, plan.issues, day_start, codes=PLAN_ISSUES, person_ids=others & checked)


def _move_accounts(store: Store, deployment: Deployment, transfers: Sequence[Transfer]) -> None:
    """Move account, links, issues and invitations from applicants to the learners that they became."""
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

"""The work of `bksb_accounts` around bksb itself: decide and ask, record people and issues, count and close."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from bksb.clock import today
from bksb.deployment import Deployment
from bksb.errors import ConfigurationError, MisContractError, TransientError
from bksb.jobs.invitations.sending import count_invitations, refuse_resend
from bksb.jobs.planned_actions import Planned, is_planned, known_accounts, of_run, planned_actions, write_plan
from bksb.jobs.results.planning import summarise_people
from bksb.jobs.runs import close_run, keep_issues, open_run, share_out, write_extract
from bksb.mail.templates import check_ready
from bksb.model import ActionKind, Person, Plan, Run
from bksb.reporting.store import Store
from bksb.rules.account_plan import ACCOUNT_ISSUES, CHECK_ISSUES, PLANNED_ISSUES, make_plan
from bksb.rules.approval import Baseline, has_shrunk, question, reasons_to_ask
from bksb.rules.times import day_bounds
from bksb.settings import Settings

log = logging.getLogger(__name__)

CALLS_OF: Mapping[ActionKind, int] = {"create": 2, "link": 1, "check": 1}
"""How many calls to bksb an action takes."""


def plan_accounts(deployment: Deployment, run: Run, now: datetime | None = None) -> str:
    """Read the MIS, decide, and write down what is to be done; the question to a person, "" where none is needed.

    Nothing is changed but `bksb.planned_action`, `bksb.sync_run` and (not in a dry run) `bksb.approval`.
    ConfigurationError, before anything else, for a run that asks for mail that may not be sent now (`now`).
    """
    with deployment.open_store() as store:
        open_run(store, run)
        if not run.dry_run:
            refuse_resend(deployment.settings, run, now or datetime.now(UTC))
        people = deployment.mis.read_people(run.day)
        with store.transaction("plan_accounts"):
            plan = make_plan(people, known_accounts(store), _due_checks(store, deployment.settings))
            plan = _narrowed(plan, people, run.person_ids)
            if any(action.kind == "create" for action in plan.actions):
                _refuse_unready(deployment, run)
            write_plan(store, run, plan)
            asked = "" if run.dry_run else _ask(store, run, plan, people)
    log.info(
        "%s%d people are eligible: %d to create, %d to link, %d links to look at again, %d cannot be served now "
        "(see bksb.%s).",
        "Dry run, nothing else is done. " if run.dry_run else "",
        len(people),
        *(sum(action.kind == kind for action in plan.actions) for kind in ("create", "link", "check")),
        len({issue.person_id for issue in plan.issues}),
        "planned_action" if run.dry_run else "issue",
    )
    if asked:
        log.info("A person has to approve this run first: Required Actions in Airflow.")
    return asked


def record_plan(deployment: Deployment, run: Run) -> list[list[int]]:
    """Do the part of the plan that needs no call to bksb; the buckets with work there, one list a task.

    The MIS is read and the plan made again: between planning and here a person may have thought it over for hours.
    MisContractError if it lists less than half the people it was planned for. A dry run ends here.
    """
    if run.dry_run:
        return []
    with deployment.open_store() as store:
        people = deployment.mis.read_people(run.day)
        with store.transaction("plan_accounts"):
            _refuse_shrunk(store, run, len(people))
            planned = planned_actions(store, run)
            due = [person_id for person_id, (kind, _) in planned.items() if kind == "check"]
            plan = _still_planned(make_plan(people, known_accounts(store), due), planned, run.person_ids)
            _record_people(store, people, deployment.settings)
            _carry_out_here(store, run, plan, deployment.settings)
            of_run(store, "accounts/decide_approval", run)
    return share_out({action.person_id: CALLS_OF[action.kind] for action in plan.actions})


def finish_accounts(deployment: Deployment, run: Run) -> None:
    """Close the run with its figures."""
    with deployment.open_store() as store, store.transaction():
        rejected = bool(of_run(store, "accounts/reject_approval", run))
        figures = of_run(store, "accounts/count_accounts", run)[0]._asdict()
        planned = {row.action: row.people for row in of_run(store, "accounts/count_planned_actions", run)}
        figures |= count_invitations(store, run)
        close_run(store, run, "success", figures | {f"planned_{action}": n for action, n in planned.items()})
    if rejected:
        log.info("The run was rejected, or nobody answered in time: nothing was done. The next run asks again.")
    log.info(
        "Created %(created)d accounts, linked %(linked)d, invited %(invited)d; %(active)d are active, "
        "%(stale)d links are stale, %(need_attention)d people need attention (see bksb.issue).",
        figures,
    )


def _refuse_unready(deployment: Deployment, run: Run) -> None:
    """Stop before accounts are made whose owners could not be told; ConfigurationError says what is missing."""
    if not run.invite:
        deployment.settings.require_initial_password()
        return
    check_ready(deployment.settings)
    if not run.dry_run:
        try:
            with deployment.open_mailer():
                pass
        except TransientError as error:
            log.warning("%s The accounts are made all the same; invitations follow when it answers.", error)


def _due_checks(store: Store, settings: Settings) -> list[str]:
    day_start, _ = day_bounds(today(settings.timezone), settings.timezone)
    return [row.person_id for row in store.run("accounts/list_due_checks", day_start=day_start)]


def _ask(store: Store, run: Run, plan: Plan, people: Sequence[Person]) -> str:
    """Note whether the run has to ask, and why; the question if so."""
    row = of_run(store, "accounts/find_baseline", run)[0]
    baseline = Baseline(row.approved_before, row.people)
    tried = {(tried.person_id, tried.username) for tried in of_run(store, "accounts/list_creations_tried", run)}
    reasons = reasons_to_ask(run, plan, len(people), baseline, tried)
    store.run(
        "accounts/ask_approval",
        dag_id=run.dag_id,
        run_id=run.run_id,
        people=len(people),
        creations=sum(action.kind == "create" for action in plan.actions),
        reasons=list(reasons),
        about_everybody=not run.person_ids,
    )
    if not reasons:
        return ""
    return question(run, plan, {person.person_id: person for person in people}, reasons, baseline)


def _refuse_shrunk(store: Store, run: Run, listed: int) -> None:
    planned_for = of_run(store, "accounts/find_approval", run)
    if planned_for and has_shrunk(listed, planned_for[0].people):
        raise MisContractError(
            f"The MIS lists {listed} people now, less than half of the {planned_for[0].people} for whom this run was "
            "planned. Nothing was changed: look at the MIS and its query, then start a new run."
        )


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


def _still_planned(plan: Plan, planned: Planned, person_ids: Collection[str]) -> Plan:
    """The part of a new plan that the run set out to do; its issues are those of now."""
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
        store.run("accounts/transfer_issues", **both, codes=list(CHECK_ISSUES))
        store.run(
            "invitations/transfer_invitations",
            former_person_ids=[transfer.former_person_id],
            person_ids=[transfer.person_id],
        )
    if plan.transfers:
        store.lock_writer("publish_results")
        moved = [person_id for one in plan.transfers for person_id in (one.former_person_id, one.person_id)]
        summarise_people(store, settings, moved)
    served = {action.person_id: "pending" for action in plan.actions if action.kind != "check"}
    states = {issue.person_id: "blocked" for issue in plan.issues if issue.person_id} | served
    store.run("accounts/add_planned_accounts", person_ids=list(states), states=list(states.values()))
    store.run("accounts/delete_unmade_accounts")
    store.run("invitations/forget_withheld_of_nobody")
    judged = _looked_at(store, run, served)
    # of those whose link is looked at next, bksb has yet to say whether it is silent about them
    checked = {action.person_id for action in plan.actions if action.kind == "check"}
    for codes, people in ((ACCOUNT_ISSUES, judged - checked), (PLANNED_ISSUES, judged & checked)):
        keep_issues(store, settings, plan.issues, codes=codes, person_ids=people)


def _looked_at(store: Store, run: Run, served: Collection[str]) -> set[str]:
    """Whose issues this plan has judged: everybody, or those named, but for those whom bksb is asked about next."""
    judged = set(run.person_ids) or {row.person_id for row in store.run("accounts/list_people_with_issues")}
    return judged - set(served)

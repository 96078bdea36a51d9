"""Decides which people a run of bksb_results is about, and which accounts it has to fetch."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bksb.deployment import Deployment
from bksb.errors import ConfigurationError
from bksb.jobs.people import write_extract
from bksb.jobs.planned_actions import write_plan
from bksb.jobs.results.due import explain_nothing_due, list_due_accounts
from bksb.jobs.results.linking import drop_reassigned, find_links
from bksb.jobs.runs import open_run
from bksb.model import Person, Plan, Run, Source
from bksb.reporting.store import Store
from bksb.rules.task_split import split_into_tasks

log = logging.getLogger(__name__)

CALLS_PER_SOURCE: Mapping[Source, int] = {"initial": 1, "diagnostic": 1, "v5": 3}
"""Approximate calls to bksb per source of an account. V5 takes a call per subject, and one per new report."""


def list_people(deployment: Deployment, run: Run) -> list[list[int]]:
    """Store the people that the run is about. Returns the buckets with people to link first, one list per task."""
    _ = deployment.vocabulary  # report a mistake in a site's levels.toml before calling bksb
    with deployment.open_store() as store:
        open_run(store, run)
        people = _read_people(store, deployment, run)
        with store.transaction():
            links = find_links(store, run, people)
        if links and run.day != deployment.today():
            links = drop_reassigned(links, deployment.mis.read_people(deployment.today(), allow_empty=True))
        with store.transaction():
            write_extract(store, [one for one in people if not run.person_ids or one.person_id in run.person_ids])
            store.run("people/delete_run_people", **run.key)
            store.run("people/insert_run_people", **run.key)
            write_plan(store, run, Plan(tuple(links), (), ()))
    if not run.person_ids:
        log.info("%d people are eligible on %s.", len(people), run.day)
    if links:
        log.info("%d people without an account will be looked up by the username stored in the MIS.", len(links))
    return split_into_tasks(dict.fromkeys((link.person_id for link in links), 1))


def plan_fetches(deployment: Deployment, run: Run) -> list[list[int]]:
    """Return the buckets with accounts to fetch, one list per task.

    Raises ConfigurationError if the run names people without an active account. Otherwise they would look like people
    without results.
    """
    with deployment.open_store() as store, store.transaction():
        due = list_due_accounts(store, deployment, run)
        if not due and not run.person_ids:
            log.info(explain_nothing_due(store, deployment, run))
    without = sorted(set(run.person_ids) - {account.person_id for account in due})
    if without:
        raise ConfigurationError(
            f"person_ids names {len(without)} people without an active bksb account: {', '.join(without[:5])}. "
            "Nothing was fetched. See bksb.account and bksb.issue for the reason."
        )
    if due:
        log.info("%d accounts have to be fetched.", len(due))
    return split_into_tasks(
        {account.person_id: sum(CALLS_PER_SOURCE[source] for source in account.sources) for account in due}
    )


def _read_people(store: Store, deployment: Deployment, run: Run) -> list[Person]:
    """Return the people of the run's day, or [] if the run names people who all have an active account.

    Named people are fetched even if they are not eligible, and reading the MIS would take longer than the whole run.
    """
    if run.person_ids:
        with store.transaction():
            active = {account.person_id for account in list_due_accounts(store, deployment, run)}
        if active.issuperset(run.person_ids):
            return []
    # a backfill may go back to a day without people; in other runs an empty extract means that the MIS is broken
    return deployment.mis.read_people(run.day, allow_empty=run.run_type == "backfill")

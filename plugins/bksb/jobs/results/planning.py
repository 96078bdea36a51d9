"""The work of `bksb_results` around the fetching: see whose answers are due, check, publish."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bksb.clock import today
from bksb.deployment import Deployment
from bksb.errors import ConfigurationError
from bksb.jobs.results.fetching import due_accounts
from bksb.jobs.results.linking import plan_links
from bksb.jobs.results.loading import RESULT_ISSUES
from bksb.jobs.results.rows import READERS
from bksb.jobs.runs import close_run, hold_to_promises, open_run, share_out, write_extract
from bksb.model import Person, Run, Source
from bksb.reporting.sql_files import sql_names
from bksb.reporting.store import Store
from bksb.rules.levels import Vocabulary
from bksb.settings import Settings

log = logging.getLogger(__name__)

CALLS_OF: Mapping[Source, int] = {"initial": 1, "diagnostic": 1, "v5": 3}
"""About how many calls to bksb a source of an account takes: V5 is asked about by subject, and for reports."""


@dataclass(frozen=True)
class Figures:
    """What a run found and did, for its log line and the asset event."""

    people: int
    results: int
    added: int
    changed: int
    missing: int
    """Results that bksb has stopped to show, as this run found."""


HELD_BACK_UNTIL_SEEN = ("checks/find_vanished_results", "checks/find_too_many_unknown")
"""Promises that a person may judge otherwise, with `publish_anyway`."""


def plan_fetches(deployment: Deployment, run: Run) -> list[list[int]]:
    """Note whom the run is about; the buckets with answers due, one list a task."""
    _ = deployment.vocabulary  # a mistake in a site's words is told before bksb is asked
    with deployment.open_store() as store:
        open_run(store, run)
        people = _people(store, deployment, run)
        with store.transaction():
            write_extract(
                store, [person for person in people if not run.person_ids or person.person_id in run.person_ids]
            )
            for name in ("results/delete_run_people", "results/write_run_people"):
                store.run(name, dag_id=run.dag_id, run_id=run.run_id)
        with store.transaction():
            links = plan_links(store, deployment.mis, run, people, today(deployment.settings.timezone))
            due = due_accounts(store, deployment, run)
    without = sorted(set(run.person_ids) - {account.person_id for account in due} - set(links))
    if without:
        raise ConfigurationError(
            f"person_ids names {len(without)} people without an active bksb account: {', '.join(without[:5])}. "
            "See bksb.account and bksb.issue for them; nothing was fetched."
        )
    log.info(
        "%s; answers are due for %d accounts; %d more are looked up by the username in the MIS.",
        "Asked about the people named" if run.person_ids else f"{len(people)} people are eligible on {run.day}",
        len(due),
        len(links),
    )
    calls = {account.person_id: sum(CALLS_OF[source] for source in account.sources) for account in due}
    # whoever is linked is asked about all of it afterwards
    of_link = 1 + sum(CALLS_OF[source] for source in deployment.settings.sources)
    return share_out(calls | dict.fromkeys(links, of_link))


def _people(store: Store, deployment: Deployment, run: Run) -> list[Person]:
    """The people of the run's day; nobody for a run about people who all have an account: whoever is named is asked
    about whether they are eligible or not, and reading the MIS would take longer than all the rest."""
    if run.person_ids:
        with store.transaction():
            active = {account.person_id for account in due_accounts(store, deployment, run)}
        if active.issuperset(run.person_ids):
            return []
    # a backfill may go back to before there was anybody; at night nobody at all means that the MIS is not well
    return deployment.mis.read_people(run.day, perhaps_nobody=run.run_type == "backfill")


def check_results(deployment: Deployment, run: Run) -> None:
    """Hold the tables to every promise of `sql/checks`; PromiseBrokenError names the check and the ids.

    What one run was refused for, every later one is refused for too, until bksb, new words for levels or a person's
    word (`publish_anyway`) puts it right.
    """
    names = [name for name in sql_names("checks") if not (run.publish_anyway and name in HELD_BACK_UNTIL_SEEN)]
    with deployment.open_store() as store, store.transaction():
        hold_to_promises(store, names, consequence="nothing was published", run_id=run.run_id)
    log.info("All %d checks hold%s.", len(names), "; a person answers for the others" if run.publish_anyway else "")


def publish_results(deployment: Deployment, run: Run) -> Figures:
    """Bring skill_summary and daily_activity up to date, close the run, and say what it came to.

    Cheap where nothing was written since the last publication, as in most runs of a backfill.
    """
    settings = deployment.settings
    of_run = {"dag_id": run.dag_id, "run_id": run.run_id}
    with deployment.open_store() as store:
        if settings.raw_days is not None:
            # it moves rows of results, which a load under way addresses by their place
            with store.transaction("load_results"):
                store.run("results/forget_raw_results", raw_days=settings.raw_days)
                store.run("results/forget_raw_changes", raw_days=settings.raw_days)
        with store.transaction("publish_results"):
            summarise(store, deployment, run, whole=run.always_fetches)
            store.run("results/resolve_issues_of_leavers", codes=list(RESULT_ISSUES), **of_run)
            row = store.run("results/count_results", **of_run)[0]
            figures = Figures(len(run.person_ids) or row.people, row.results, row.added, row.changed, row.missing)
            close_run(store, run, "success", figures.__dict__)
    log.info(
        "%d results are loaded, %d of them new and %d changed by this run; %d are missing since.",
        figures.results,
        figures.added,
        figures.changed,
        figures.missing,
    )
    return figures


def summarise(store: Store, deployment: Deployment, run: Run, *, whole: bool) -> None:
    """Bring skill_summary and daily_activity up to date with the results, and resolve issues about texts that can be
    read by now; call it inside a transaction of the writer publish_results.

    Unless `whole`, a table is worked out whole only if something it is made from was written since that was last done
    by a run that ended well; of daily_activity the run's own day is counted in any case. A run for some people brings
    their lines of skill_summary up to date and leaves the others to the next.
    """
    settings = deployment.settings
    chosen = _chosen(settings)
    summarised = False
    if run.person_ids:
        summarise_people(store, settings, run.person_ids)
    elif summarised := _take_recount(store, "skill_summary", chosen, whole=whole):
        store.run("results/merge_skill_summary", person_ids=None, **chosen)
    counted = _take_recount(store, "daily_activity", chosen, whole=whole)
    store.run("results/merge_daily_activity", zone=settings.timezone.key, day=None if counted else run.day)
    if summarised or counted:
        resolve_texts(store, deployment.vocabulary)


def summarise_people(store: Store, settings: Settings, person_ids: Iterable[str]) -> None:
    """Bring these people's lines of skill_summary up to date; call it inside a transaction of publish_results."""
    store.run("results/merge_skill_summary", person_ids=list(person_ids), **_chosen(settings))


def _chosen(settings: Settings) -> dict[str, Any]:
    return {"zone": settings.timezone.key, "starting_point_days": settings.starting_point_days}


def resolve_texts(store: Store, vocabulary: Vocabulary) -> None:
    """Resolve the issues about texts that can be read by now; call it inside a transaction."""
    rows = store.run("results/list_open_texts")
    store.run("runs/resolve_issues", ids=_issues_that_no_longer_hold(rows, vocabulary))


def _take_recount(store: Store, table: str, chosen: Mapping[str, Any], *, whole: bool) -> bool:
    """Whether the table has to be worked out whole; if so it is noted as done, with the settings that it is done by."""
    due = bool(store.run("results/take_recount_due", table_name=table, **chosen)[0].due)
    if due or whole:
        store.run("results/note_recount", table_name=table, **chosen)
    return due or whole


def _issues_that_no_longer_hold(rows: Iterable[Any], vocabulary: Vocabulary) -> list[int]:
    """Of the open issues about texts, those whose text can be read by now wherever it stands, or stands nowhere."""
    met: dict[int, bool] = {}
    for row in rows:
        if row.source is None:
            holds = False
        elif row.code == "unreadable_date":
            holds = row.undated
        else:
            reading = READERS[row.source](row.result_raw, row.assessment_name, row.course_subject_raw, vocabulary)
            holds = not reading.recognised
        met[row.issue_id] = met.get(row.issue_id, False) or holds
    return [issue_id for issue_id, holds in met.items() if not holds]

"""The work of `bksb_results`: see whose answers are due, read every page, load, check, publish."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from bksb.client import BksbClient
from bksb.concurrently import run_concurrently
from bksb.deployment import Deployment
from bksb.errors import ConfigurationError, PromiseBrokenError, RejectedError, TransientError
from bksb.jobs.runs import Patience, close_run, keep_issues, open_issues, open_run, share_out, write_extract
from bksb.levels import Reading, read_diagnostic, read_initial
from bksb.model import AssessmentRecord, Issue, Run, Source, bucket_of
from bksb.sql_files import sql_names
from bksb.store import Store
from bksb.times import read_bksb_time

log = logging.getLogger(__name__)

THREADS = 8
"""Calls under way at once in one task: as many as the pool slots it takes."""

ACCOUNTS_A_LOAD = 250
"""Loaded in one transaction; what is held in memory does not grow with the number of learners."""

CLOCK_MARGIN = timedelta(minutes=5)
"""bksb's clock may be behind ours by so much: an answer is taken to be complete up to this much earlier."""

LATEST = timedelta(days=1)
"""A result dated further ahead than this has a wrong date."""

RESULT_ISSUES = ("results_no_answer", "results_incomplete")

NO_ANSWER = "bksb gave no usable answer for the results; the next run asks again"
INCOMPLETE = "bksb says that there are more results than it gives; what it gave is loaded, the next run asks again"

LONGEST_TEXT_IN_AN_ISSUE = 200


@dataclass(frozen=True)
class Due:
    """One account whose sources have to be asked for."""

    person_id: str
    bksb_user_id: int
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Answer:
    """Every page of one source of one account: every result completed before `synced_at`, if it is complete."""

    bksb_user_id: int
    source: Source
    synced_at: datetime
    records: list[AssessmentRecord]
    complete: bool


@dataclass(frozen=True)
class Figures:
    """What a run found and did, for its log line and the asset event."""

    people: int
    results: int
    added: int
    changed: int


def plan_fetches(deployment: Deployment, run: Run) -> list[list[int]]:
    """Note whom the run is about; the buckets with answers due, one list a task."""
    with deployment.open_store() as store:
        open_run(store, run)
        people = deployment.mis.read_people(run.day)
        with store.transaction():
            write_extract(store, people)
            for name in ("results/delete_run_people", "results/write_run_people"):
                store.run(name, dag_id=run.dag_id, run_id=run.run_id)
        with store.transaction():
            due = _due(store, deployment, run)
    without = sorted(set(run.person_ids) - {account.person_id for account in due})
    if without:
        raise ConfigurationError(
            f"person_ids names {len(without)} people without an active bksb account: {', '.join(without[:5])}. "
            "See bksb.account and bksb.issue for them; nothing was fetched."
        )
    log.info("%d people are eligible on %s; answers are due for %d accounts.", len(people), run.day, len(due))
    return share_out(account.person_id for account in due)


def fetch_results(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Ask bksb for what is due in these buckets, every page, and load it.

    What another run answered while this one waited for its buckets is not asked again.
    """
    client = deployment.make_client()
    patience = Patience()
    with deployment.open_store() as store:
        store.lock_buckets(buckets)
        with store.transaction():
            due = [account for account in _due(store, deployment, run) if bucket_of(account.person_id) in buckets]
        fetched = run_concurrently(partial(_fetch, client), due, THREADS)
        loading = _Loading(store, deployment, run)
        try:
            for account, outcome in fetched:
                loading.take(account, outcome)
                patience.saw(outcome)
        finally:
            # what arrived before a refused key or a silent bksb stopped the rest is kept
            loading.finish()
    log.info(
        "Read %d results of %d accounts; %d gave no answer (see bksb.issue).",
        loading.results,
        len(due),
        loading.without_answer,
    )


class _Loading:
    """Collects answers and loads them a few hundred accounts at a time."""

    def __init__(self, store: Store, deployment: Deployment, run: Run) -> None:
        self._store = store
        self._deployment = deployment
        self._run = run
        self._answers: list[Answer] = []
        self._issues: list[Issue] = []
        self._person_ids: list[str] = []
        self.results = 0
        self.without_answer = 0

    def take(self, account: Due, outcome: list[Answer] | RejectedError | TransientError) -> None:
        self._person_ids.append(account.person_id)
        if isinstance(outcome, list):
            self._answers += outcome
            self.results += sum(len(answer.records) for answer in outcome)
            if not all(answer.complete for answer in outcome):
                self._issues.append(_about(account, "results_incomplete", INCOMPLETE))
        else:
            self._issues.append(_about(account, "results_no_answer", NO_ANSWER))
            self.without_answer += 1
        if len(self._person_ids) >= ACCOUNTS_A_LOAD:
            self.finish()

    def finish(self) -> None:
        """Load what has been collected; what a failed load held is not tried again with the next."""
        answers, issues, person_ids = self._answers, self._issues, self._person_ids
        self._answers, self._issues, self._person_ids = [], [], []
        if person_ids:
            _load(self._store, self._deployment, self._run, answers, issues, person_ids)


def check_results(deployment: Deployment) -> None:
    """Hold the tables to every promise of `sql/checks`; PromiseBrokenError names the check and the ids."""
    broken: list[str] = []
    with deployment.open_store() as store, store.transaction():
        names = sql_names("checks")
        for name in names:
            ids = [str(row.id) for row in store.run(name)]
            if ids:
                broken.append(f"sql/{name}.sql returned {', '.join(ids)}")
    if broken:
        raise PromiseBrokenError(
            f"Checks failed, so nothing was published: {'; '.join(broken)}. Each file says what was promised."
        )
    log.info("All %d checks hold.", len(names))


def publish_results(deployment: Deployment, run: Run) -> Figures:
    """Bring skill_summary and daily_activity up to date, close the run, and say what it came to."""
    settings = deployment.settings
    of_run = {"dag_id": run.dag_id, "run_id": run.run_id}
    with deployment.open_store() as store, store.transaction("publish_results"):
        store.run(
            "results/merge_skill_summary",
            starting_point_days=settings.starting_point_days,
            zone=settings.timezone.key,
            person_ids=list(run.person_ids) or None,
        )
        store.run("results/merge_daily_activity", day=run.day, run_id=run.run_id, zone=settings.timezone.key)
        store.run("results/resolve_issues_of_leavers", codes=list(RESULT_ISSUES))
        store.run("runs/resolve_issues", ids=_issues_that_no_longer_hold(store.run("results/list_open_texts")))
        row = store.run("results/count_results", **of_run)[0]
        figures = Figures(row.people, row.results, row.added, row.changed)
        close_run(store, run, "success", figures.__dict__)
    log.info(
        "%d results are loaded, %d of them new and %d changed by this run.",
        row.results,
        row.added,
        row.changed,
    )
    return figures


def _due(store: Store, deployment: Deployment, run: Run) -> list[Due]:
    rows = store.run(
        "results/list_due_sources",
        dag_id=run.dag_id,
        run_id=run.run_id,
        sources=list(deployment.settings.sources),
        person_ids=list(run.person_ids) or None,
        covered_until=None if run.always_fetches else run.interval_end,
    )
    return [
        Due(person_id, user_id, tuple(row.source for row in group))
        for (person_id, user_id), group in groupby(rows, lambda row: (row.person_id, row.bksb_user_id))
    ]


def _fetch(client: BksbClient, account: Due) -> list[Answer] | RejectedError | TransientError:
    """Every source of one account, or why there is no answer; half an answer is none."""
    readers = {"initial": client.initial_assessments, "diagnostic": client.diagnostic_assessments}
    answers = []
    try:
        for source in account.sources:
            synced_at = datetime.now(UTC) - CLOCK_MARGIN
            listing = readers[source](account.bksb_user_id)
            answers.append(Answer(account.bksb_user_id, source, synced_at, listing.records, listing.complete))
    except (RejectedError, TransientError) as error:
        return error
    return answers


def _load(
    store: Store,
    deployment: Deployment,
    run: Run,
    answers: Sequence[Answer],
    issues: Sequence[Issue],
    person_ids: Collection[str],
) -> None:
    """One transaction: the rows of these answers, how far they reach, and the issues that came of them."""
    zone = deployment.settings.timezone
    with store.transaction("load_results"):
        load_rows(
            store,
            run,
            _rows(answers, zone),
            ((answer.bksb_user_id, answer.source, answer.synced_at, answer.complete) for answer in answers),
        )
        open_issues(store, deployment.settings, list(_texts_new_to_us(answers, zone)))
        keep_issues(store, deployment.settings, issues, codes=RESULT_ISSUES, person_ids=person_ids)


def load_rows(
    store: Store, run: Run, rows: Iterable[tuple[object, ...]], sources: Iterable[tuple[object, ...]]
) -> None:
    """COPY into temporary tables and one merge that leaves unchanged rows untouched; call it inside a transaction.

    `rows` and `sources` in the order of `sql/results/copy_loaded_result.sql` and `copy_loaded_source.sql`.
    """
    store.run("results/create_loaded_result")
    store.run("results/create_loaded_source")
    store.copy("results/copy_loaded_result", rows)
    store.copy("results/copy_loaded_source", sources)
    store.run("results/drop_outdated_answers")
    store.run("results/keep_replaced_results", run_id=run.run_id)
    store.run("results/merge_results", run_id=run.run_id)
    store.run("results/merge_account_sources")


def _completed_at(record: AssessmentRecord, zone: ZoneInfo) -> datetime | None:
    """When it was completed; None for a date that is none, or lies in the future by more than clocks differ."""
    moment = read_bksb_time(record.completed_raw, zone)
    return moment if moment is not None and moment <= datetime.now(UTC) + LATEST else None


def _rows(answers: Iterable[Answer], zone: ZoneInfo) -> Iterator[tuple[object, ...]]:
    """Rows in the order of `sql/results/copy_loaded_result.sql`."""
    for answer in answers:
        for record in answer.records:
            reading = _read(answer.source, record)
            yield (
                answer.bksb_user_id,
                answer.source,
                record.session_id,
                "",
                answer.source,
                reading.subject,
                record.course_subject,
                record.course_name,
                record.assessment_id,
                record.assessment_name,
                record.result,
                reading.level_code,
                reading.level_order,
                reading.percent,
                _completed_at(record, zone),
                record.completed_raw,
                record.raw,
            )


def _read(source: Source, record: AssessmentRecord) -> Reading:
    return _READERS[source](record.result, record.assessment_name, record.course_subject)


_READERS = {"initial": read_initial, "diagnostic": read_diagnostic}


def _issues_that_no_longer_hold(rows: Iterable[Any]) -> list[int]:
    """Of the open issues about texts, those whose text can be read by now wherever it stands, or stands nowhere."""
    met: dict[int, bool] = {}
    for row in rows:
        if row.source is None:
            holds = False
        elif row.code == "unreadable_date":
            holds = row.undated
        else:
            reading = _READERS[row.source](row.result_raw, row.assessment_name, row.course_subject_raw)
            holds = not reading.recognised
        met[row.issue_id] = met.get(row.issue_id, False) or holds
    return [issue_id for issue_id, holds in met.items() if not holds]


def _texts_new_to_us(answers: Iterable[Answer], zone: ZoneInfo) -> Iterator[Issue]:
    """One issue for each distinct text that the tables in levels.py, or the reading of dates, do not know."""
    for answer in answers:
        for record in answer.records:
            if not _read(answer.source, record).recognised:
                yield _text_issue("unknown_result", record.result, f"a result of an {answer.source} assessment")
            if _completed_at(record, zone) is None:
                yield _text_issue("unreadable_date", record.completed_raw, "no date, or one in the future")


def _text_issue(code: str, text: str, detail: str) -> Issue:
    return Issue(code=code, subject_key=text[:LONGEST_TEXT_IN_AN_ISSUE], detail=detail)


def _about(account: Due, code: str, detail: str) -> Issue:
    return Issue(code=code, subject_key=account.person_id, person_id=account.person_id, detail=detail)

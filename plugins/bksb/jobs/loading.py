"""Loads what bksb answered: by COPY and one merge in one transaction, a few hundred accounts at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bksb.deployment import Deployment
from bksb.errors import RejectedError, TransientError
from bksb.jobs.readings import READERS, read_completion, row_of
from bksb.jobs.runs import hold_to_promises, keep_issues, open_issues
from bksb.model import AssessmentRecord, Issue, Run, Source
from bksb.sql_files import sql_names
from bksb.store import Store

ACCOUNTS_A_LOAD = 250
"""Loaded in one transaction; what is held in memory does not grow with the number of learners."""

RESULT_ISSUES = ("results_no_answer", "results_incomplete")
"""Codes about one person that a load raises and resolves."""

NO_ANSWER = "bksb gave no usable answer for the results of a source or more; the next run asks again"
INCOMPLETE = "bksb says that there are more results than it gives; what it gave is loaded, the next run asks again"

LONGEST_TEXT_IN_AN_ISSUE = 200


@dataclass(frozen=True)
class Answer:
    """Every page of one source of one account: every result completed before `synced_at`, if it is complete.

    `kept` are V5 sessions that bksb still lists and whose report was not asked for again; `unknown` are V5
    AssessmentTypes that are new to us, whose sessions are not loaded.
    """

    bksb_user_id: int
    source: Source
    synced_at: datetime
    records: list[AssessmentRecord]
    complete: bool
    kept: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    @property
    def lists_nothing(self) -> bool:
        """Whether bksb says that there is nothing at all."""
        return self.complete and not (self.records or self.kept or self.unknown)


class Loading:
    """Collects answers and loads them a few hundred accounts at a time."""

    def __init__(self, store: Store, deployment: Deployment, run: Run) -> None:
        self._store = store
        self._deployment = deployment
        self._run = run
        self._answers: list[Answer] = []
        self._issues: list[Issue] = []
        self._person_ids: list[str] = []
        self._unanswered: list[tuple[int, Source]] = []
        self.results = 0
        self.without_answer = 0

    def take(
        self,
        person_id: str,
        answers: Sequence[Answer],
        failed: RejectedError | TransientError | None = None,
        unanswered: Sequence[tuple[int, Source]] = (),
    ) -> None:
        """Take one account's answers, why a source gave none, and which (of which bksb user)."""
        self._person_ids.append(person_id)
        self._answers += answers
        self._unanswered += unanswered
        self.results += sum(len(answer.records) for answer in answers)
        if not all(answer.complete for answer in answers):
            self._issues.append(_about(person_id, "results_incomplete", INCOMPLETE))
        if failed is not None:
            self._issues.append(_about(person_id, "results_no_answer", NO_ANSWER))
            self.without_answer += 1
        if len(self._person_ids) >= ACCOUNTS_A_LOAD:
            self.finish()

    def finish(self) -> None:
        """Load what has been collected; what a failed load held is not tried again with the next."""
        answers, issues, person_ids, unanswered = self._answers, self._issues, self._person_ids, self._unanswered
        self._answers, self._issues, self._person_ids, self._unanswered = [], [], [], []
        if person_ids:
            load(self._store, self._deployment, self._run, answers, issues, person_ids, unanswered)


def load(
    store: Store,
    deployment: Deployment,
    run: Run,
    answers: Sequence[Answer],
    issues: Sequence[Issue],
    person_ids: Collection[str],
    unanswered: Sequence[tuple[int, Source]] = (),
) -> None:
    """One transaction: the rows of these answers, how far they reach, and the issues that came of them.

    PromiseBrokenError, and nothing is written, when a check in `sql/checks/load` returns rows.
    """
    zone = deployment.settings.timezone
    with store.transaction("load_results"):
        load_rows(
            store,
            run,
            (
                row_of(answer.bksb_user_id, answer.source, record, zone)
                for answer in answers
                for record in answer.records
            ),
            ((answer.bksb_user_id, answer.source, answer.synced_at, answer.complete) for answer in answers),
            ((answer.bksb_user_id, answer.source, kept) for answer in answers for kept in answer.kept),
        )
        if unanswered:
            user_ids, sources = zip(*sorted(unanswered), strict=True)
            store.run("results/note_unanswered_sources", bksb_user_ids=list(user_ids), sources=list(sources))
        open_issues(store, deployment.settings, list(_texts_new_to_us(answers, zone)))
        keep_issues(store, deployment.settings, issues, codes=RESULT_ISSUES, person_ids=person_ids)


def load_rows(
    store: Store,
    run: Run,
    rows: Iterable[tuple[object, ...]],
    sources: Iterable[tuple[object, ...]],
    kept: Iterable[tuple[object, ...]] = (),
) -> None:
    """COPY into temporary tables, the row checks, one merge that leaves unchanged rows untouched; call it inside a
    transaction of the writer load_results.

    `rows`, `sources` and `kept` in the order of `sql/results/copy_loaded_result.sql`, `copy_loaded_source.sql` and
    `copy_kept_session.sql`. PromiseBrokenError when a row check returns rows.
    """
    read, still_listed = list(sources), list(kept)
    if not store.run("results/find_loading_tables")[0].found:
        for name in ("create_loaded_result", "create_loaded_source", "create_kept_session"):
            store.run(f"results/{name}")
    store.copy("results/copy_loaded_result", rows)
    store.copy("results/copy_loaded_source", read)
    if still_listed:
        store.copy("results/copy_kept_session", still_listed)
    if store.run("results/drop_outdated_sources"):
        store.run("results/drop_outdated_answers")
    hold_to_promises(store, sql_names("checks/load"), consequence="nothing of this share was loaded")
    # before the merge, which adds nothing that could be missing, there is less to look through
    store.run("results/keep_replaced_results", run_id=run.run_id)
    store.run("results/mark_missing_results", run_id=run.run_id)
    store.run("results/merge_results", run_id=run.run_id)
    store.run("results/merge_account_sources")
    if not all(complete for *_, complete in read):
        store.run("results/merge_incomplete_answers")


def _texts_new_to_us(answers: Iterable[Answer], zone: ZoneInfo) -> Iterator[Issue]:
    """One issue for each distinct text that the tables in levels.py, or the reading of dates, do not know."""
    for answer in answers:
        for kind in answer.unknown:
            yield _text_issue("unknown_result", f"AssessmentType {kind}", "a V5 session of a type that is new to us")
        for record in answer.records:
            reading = READERS[answer.source](record.result, record.assessment_name, record.course_subject)
            if not reading.recognised:
                yield _text_issue("unknown_result", record.result, "a result in words that are new to us")
            if read_completion(record.completed_raw, zone) is None:
                yield _text_issue("unreadable_date", record.completed_raw, "no date, or one in the future")


def _text_issue(code: str, text: str, detail: str) -> Issue:
    return Issue(code=code, subject_key=text[:LONGEST_TEXT_IN_AN_ISSUE], detail=detail)


def _about(person_id: str, code: str, detail: str) -> Issue:
    return Issue(code=code, subject_key=person_id, person_id=person_id, detail=detail)

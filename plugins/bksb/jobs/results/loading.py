"""Loads what bksb answered: by COPY and one merge in one transaction, a few hundred accounts at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bksb.deployment import Deployment
from bksb.errors import PromiseBrokenError, RejectedError, TransientError
from bksb.jobs.results.rows import Reader, row_of, written
from bksb.jobs.runs import hold_to_promises, keep_issues, open_issues
from bksb.model import AssessmentRecord, Issue, Run, Source
from bksb.reporting.sql_files import sql_names
from bksb.reporting.store import Store
from bksb.settings import Settings

ACCOUNTS_A_LOAD = 700
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


@dataclass
class Batch:
    """What one transaction loads, or what one account adds to it: rows written out as they come, so that no other
    load waits for that."""

    lines: list[str] = field(default_factory=list, repr=False)
    """Results, in the order of `sql/results/copy_loaded_result.sql`."""

    sources: list[tuple[int, Source, datetime, bool]] = field(default_factory=list)
    """Which sources of which bksb users were read, from when on, and whether completely."""

    kept: list[tuple[int, Source, str]] = field(default_factory=list)
    unanswered: list[tuple[int, Source]] = field(default_factory=list)
    """Sources that gave no answer."""

    person_ids: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    """About these people."""

    new_texts: dict[tuple[str, str], Issue] = field(default_factory=dict, repr=False)
    """One issue for each distinct text that the tables of levels, or the reading of dates, do not know."""

    @classmethod
    def of(cls, parts: Iterable[Batch]) -> Batch:
        """All of them in one."""
        whole = cls()
        for part in parts:
            whole.lines += part.lines
            whole.sources += part.sources
            whole.kept += part.kept
            whole.unanswered += part.unanswered
            whole.person_ids += part.person_ids
            whole.issues += part.issues
            whole.new_texts |= part.new_texts
        return whole

    def add(self, answer: Answer, reader: Reader) -> None:
        """Take one answer; PromiseBrokenError if it has a result twice: which of the two is right nobody could tell."""
        if len({(record.session_id, record.component) for record in answer.records}) < len(answer.records):
            raise PromiseBrokenError(
                f"bksb user {answer.bksb_user_id} has a result twice in one answer ({answer.source}), which reading "
                "its pages should have found. Nothing of this account was loaded; please tell the maintainers."
            )
        self.sources.append((answer.bksb_user_id, answer.source, answer.synced_at, answer.complete))
        self.kept += [(answer.bksb_user_id, answer.source, session_id) for session_id in answer.kept]
        for kind in answer.unknown:
            self._note("unknown_result", f"AssessmentType {kind}", "a V5 session of a type that is new to us")
        for record in answer.records:
            reading, completed_at = reader.read(answer.source, record)
            if not reading.recognised:
                self._note("unknown_result", record.result, "a result in words that are new to us")
            if completed_at is None:
                self._note("unreadable_date", record.completed_raw, "no date, or one in the future")
            self.lines.append(written(row_of(answer.bksb_user_id, answer.source, record, reading, completed_at)))

    def _note(self, code: str, text: str, detail: str) -> None:
        key = text[:LONGEST_TEXT_IN_AN_ISSUE]
        self.new_texts[code, key] = Issue(code=code, subject_key=key, detail=detail)


class Loading:
    """Collects answers and loads them a few hundred accounts at a time."""

    def __init__(self, store: Store, deployment: Deployment, run: Run) -> None:
        self._store = store
        self._settings = deployment.settings
        self._run = run
        self._reader = Reader(deployment.settings.timezone, deployment.vocabulary)
        self._accounts: list[Batch] = []
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
        account = Batch(person_ids=[person_id], unanswered=list(unanswered))
        for answer in answers:
            account.add(answer, self._reader)
        if not all(answer.complete for answer in answers):
            account.issues.append(_about(person_id, "results_incomplete", INCOMPLETE))
        if failed is not None:
            account.issues.append(_about(person_id, "results_no_answer", NO_ANSWER))
        # in one step: a task that is stopped in the middle of an account loads what it has, and of that one nothing
        self._accounts.append(account)
        self.results += len(account.lines)
        self.without_answer += failed is not None
        if len(self._accounts) >= ACCOUNTS_A_LOAD:
            self.finish()

    def finish(self) -> None:
        """Load what has been collected; what a failed load held is not tried again with the next."""
        accounts, self._accounts = self._accounts, []
        if accounts:
            load(self._store, self._settings, self._run, Batch.of(accounts))


def load(store: Store, settings: Settings, run: Run, batch: Batch) -> None:
    """One transaction: the results of a batch, how far they reach, and the issues that came of them.

    PromiseBrokenError, and nothing is written, when a check in `sql/checks/load` returns rows.
    """
    with store.transaction("load_results"):
        load_results(store, run, batch)
        if batch.unanswered:
            user_ids, sources = zip(*sorted(batch.unanswered), strict=True)
            store.run("results/note_unanswered_sources", bksb_user_ids=list(user_ids), sources=list(sources))
        open_issues(store, settings, list(batch.new_texts.values()))
        keep_issues(store, settings, batch.issues, codes=RESULT_ISSUES, person_ids=batch.person_ids)


def load_results(store: Store, run: Run, batch: Batch) -> None:
    """COPY into temporary tables, the row checks, one merge that leaves unchanged rows untouched; call it inside a
    transaction of the writer load_results.

    PromiseBrokenError when a row check returns rows.
    """
    if not store.run("results/find_loading_tables")[0].found:
        for name in ("create_loaded_result", "create_loaded_source", "create_kept_session"):
            store.run(f"results/{name}")
    store.copy_lines("results/copy_loaded_result", batch.lines)
    store.copy_lines("results/copy_loaded_source", [_source_line(*source) for source in batch.sources])
    if batch.kept:
        store.copy("results/copy_kept_session", batch.kept)
    if store.run("results/drop_outdated_sources"):
        store.run("results/drop_outdated_answers")
    hold_to_promises(store, sql_names("checks/load"), consequence="nothing of this share was loaded")
    store.run("results/merge_results", run_id=run.run_id)
    store.run("results/merge_account_sources")
    if not all(complete for *_, complete in batch.sources):
        store.run("results/merge_incomplete_answers")


def _source_line(bksb_user_id: int, source: Source, synced_at: datetime, complete: bool) -> str:
    """A row of `sql/results/copy_loaded_source.sql` in PostgreSQL's COPY text format."""
    return f"{bksb_user_id}\t{source}\t{synced_at.isoformat()}\t{complete}\n"


def _about(person_id: str, code: str, detail: str) -> Issue:
    return Issue(code=code, subject_key=person_id, person_id=person_id, detail=detail)

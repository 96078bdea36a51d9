"""Loads listings: a few hundred accounts per transaction, by COPY and one merge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bksb.deployment import Deployment
from bksb.errors import CheckFailedError, RejectedError, TransientError
from bksb.issues import RESULT_ISSUES, IssueCode
from bksb.jobs.checks import run_checks
from bksb.jobs.issues import open_issues, replace_issues
from bksb.jobs.results.listings import Listing
from bksb.jobs.results.rows import make_row
from bksb.model import Issue, Run, Source
from bksb.reporting.copy_format import encode_row
from bksb.reporting.sql_files import list_statements
from bksb.reporting.store import Store, Writer
from bksb.rules.result_reading import ResultReader

ACCOUNTS_PER_LOAD = 700
"""Accounts loaded in one transaction. Limits the rows held in memory."""

ISSUE_TEXT_LIMIT = 200
"""Characters of bksb's text that an issue shows."""

NO_ANSWER = "bksb gave no usable answer for at least one source of results; the next run asks again"
INCOMPLETE = "bksb announced more results than it returned; the returned ones are loaded, and the next run asks again"


@dataclass
class LoadBatch:
    """The rows and issues to load in one transaction. Batches of single accounts are joined into one."""

    lines: list[str] = field(default_factory=list, repr=False)
    """Rows in COPY format. They are encoded before the transaction, so that other loads do not wait for that."""

    sources: list[tuple[int, Source, datetime, bool]] = field(default_factory=list)
    """The sources that were read: bksb user, source, synced_at, and whether the listing is complete."""

    kept_sessions: list[tuple[int, Source, str]] = field(default_factory=list)
    failed_sources: list[tuple[int, Source]] = field(default_factory=list)
    """The sources that gave no answer: bksb user and source."""

    person_ids: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    """Issues about the people in `person_ids`."""

    text_issues: dict[tuple[IssueCode, str], Issue] = field(default_factory=dict, repr=False)
    """One issue for each distinct text that cannot be read."""

    @classmethod
    def join(cls, parts: Iterable[LoadBatch]) -> LoadBatch:
        """Join several batches into one."""
        whole = cls()
        for part in parts:
            whole.lines += part.lines
            whole.sources += part.sources
            whole.kept_sessions += part.kept_sessions
            whole.failed_sources += part.failed_sources
            whole.person_ids += part.person_ids
            whole.issues += part.issues
            whole.text_issues |= part.text_issues
        return whole

    def add(self, listing: Listing, reader: ResultReader) -> None:
        """Add a listing. Raises CheckFailedError if it has a result twice: either could be the right one."""
        if len({(result.session_id, result.component) for result in listing.results}) < len(listing.results):
            raise CheckFailedError(
                f"bksb user {listing.bksb_user_id} has a result twice in one listing ({listing.source}), although "
                "pages are checked as they are read. Nothing of this account was loaded. Please tell the maintainers."
            )
        user_id, source = listing.bksb_user_id, listing.source
        self.sources.append((user_id, source, listing.synced_at, listing.is_complete))
        self.kept_sessions += [(user_id, source, session_id) for session_id in listing.kept_sessions]
        for kind in listing.unknown_types:
            self._note_text("unknown_result", f"AssessmentType {kind}", "a V5 session of an unknown type")
        for result in listing.results:
            reading, completed_at = reader.read(source, result)
            if not reading.recognised:
                self._note_text("unknown_result", result.result, "a result text that is not in the tables")
            if completed_at is None:
                self._note_text(
                    "unreadable_date", result.completed_raw, "the date is missing, unreadable or in the future"
                )
            self.lines.append(encode_row(make_row(user_id, source, result, reading, completed_at)))

    def _note_text(self, code: IssueCode, text: str, detail: str) -> None:
        key = text[:ISSUE_TEXT_LIMIT]
        self.text_issues[code, key] = Issue(code=code, subject_key=key, detail=detail)


class ResultLoader:
    """Collects listings, and loads them a few hundred accounts at a time."""

    def __init__(self, store: Store, deployment: Deployment, run: Run) -> None:
        self._store = store
        self._deployment = deployment
        self._run = run
        self._reader = ResultReader(deployment.settings.timezone, deployment.vocabulary, datetime.now(UTC))
        self._accounts: list[LoadBatch] = []
        self.results = 0
        self.without_answer = 0

    def add(
        self,
        person_id: str,
        listings: Sequence[Listing],
        failure: RejectedError | TransientError | None = None,
        failed_sources: Sequence[tuple[int, Source]] = (),
    ) -> None:
        """Add one account: its listings, the error if a source gave none, and the sources that gave none."""
        account = LoadBatch(person_ids=[person_id], failed_sources=list(failed_sources))
        for listing in listings:
            account.add(listing, self._reader)
        if not all(listing.is_complete for listing in listings):
            account.issues.append(Issue.about(person_id, "results_incomplete", INCOMPLETE))
        if failure is not None:
            account.issues.append(Issue.about(person_id, "results_no_answer", NO_ANSWER))
        # appended in one step, so that a task that is stopped never loads a part of an account
        self._accounts.append(account)
        self.results += len(account.lines)
        self.without_answer += failure is not None
        if len(self._accounts) >= ACCOUNTS_PER_LOAD:
            self.load()

    def load(self) -> None:
        """Load what has been collected. The accounts of a failed load are not tried again with the next one."""
        accounts, self._accounts = self._accounts, []
        if accounts:
            load_batch(self._store, self._deployment, self._run, LoadBatch.join(accounts))


def load_batch(store: Store, deployment: Deployment, run: Run, batch: LoadBatch) -> None:
    """Load a batch in one transaction: results, watermarks and issues.

    Raises CheckFailedError, and writes nothing, if a check in `sql/checks/load` returns rows.
    """
    with store.transaction(Writer.LOAD_RESULTS):
        merge_batch(store, run, batch)
        if batch.failed_sources:
            user_ids, sources = zip(*sorted(batch.failed_sources), strict=True)
            store.run("results/record_failed_sources", bksb_user_ids=list(user_ids), sources=list(sources))
        day_start = deployment.day_start()
        open_issues(store, batch.text_issues.values(), day_start)
        replace_issues(store, batch.issues, day_start, codes=RESULT_ISSUES, person_ids=batch.person_ids)


def merge_batch(store: Store, run: Run, batch: LoadBatch) -> None:
    """COPY the batch into temporary tables, check it and merge it. Unchanged rows are not rewritten.

    Call it inside a transaction of the writer LOAD_RESULTS. Raises CheckFailedError if a check returns rows.
    """
    if not store.run("results/find_loading_tables")[0].found:
        for name in ("create_loaded_result", "create_loaded_source", "create_kept_session"):
            store.run(f"results/{name}")
    store.copy_lines("results/copy_loaded_result", batch.lines)
    store.copy("results/copy_loaded_source", batch.sources)
    if batch.kept_sessions:
        store.copy("results/copy_kept_session", batch.kept_sessions)
    if store.run("results/discard_stale_sources"):
        store.run("results/discard_stale_results")
    run_checks(store, list_statements("checks/load"), consequence="nothing of this batch was loaded")
    store.run("results/merge_results", run_id=run.run_id)
    store.run("results/merge_account_sources")

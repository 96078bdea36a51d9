"""Asks bksb for what is due in a share of the people, every source to its end, and hands it to the load."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from bksb.api.client import V5_SUBJECTS, BksbClient, V5Session
from bksb.api.pagination import Listing
from bksb.api.responses import LONGEST_KEY
from bksb.deployment import Deployment
from bksb.errors import RejectedError, TransientError
from bksb.jobs.results.linking import buckets_to_link, link_planned
from bksb.jobs.results.loading import Answer, Loading
from bksb.jobs.results.rows import v5_record
from bksb.jobs.runs import Patience, patience_with, without_answer
from bksb.jobs.threads import run_concurrently
from bksb.model import AssessmentRecord, Run, Source, bucket_of
from bksb.reporting.store import Store
from bksb.rules.times import day_bounds

log = logging.getLogger(__name__)

THREADS = 8
"""Calls under way at once in one task: as many as the pool slots it takes."""

AHEAD = 8
"""Accounts handed out for each thread: a load, or the wait for its turn, may take a while before a thread has nothing
to do. To read once too often harms nobody; where accounts are made, fewer are handed out."""

IN_VAIN_FOR = timedelta(hours=1)
"""So long the other days of a backfill do not ask again for what bksb did not give."""

CLOCK_MARGIN = timedelta(minutes=5)
"""bksb's clock may be behind ours by so much: an answer is taken to be complete up to this much earlier."""


@dataclass(frozen=True)
class Due:
    """One account whose sources have to be asked for."""

    person_id: str
    bksb_user_id: int
    username: str = field(repr=False)
    sources: tuple[Source, ...]
    held: frozenset[Source]
    """Sources of which results are loaded that bksb has not stopped to show."""
    reported: frozenset[str] = frozenset()
    """V5 sessions whose report is loaded: they never change."""


def fetch_results(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Ask bksb for what is due in these buckets, every page, and load it.

    What another run answered while this one waited for its buckets is not asked again. People with a bksb username
    in the MIS and no account yet are linked on the way (GET only). A run for people who were named asks in any case, so
    it waits for no other unless it has to link them: of two answers the load keeps the newer.
    """
    client = deployment.make_client()
    patience = patience_with(client)
    with deployment.open_store() as store:
        store.lock_buckets(set(buckets) & buckets_to_link(store, run) if run.person_ids else buckets)
        loading = Loading(store, deployment, run)
        with store.transaction():
            silent = without_answer(store, "results_no_answer")
            due = _with_reported(store, due_accounts(store, deployment, run, buckets), run)
        _fetch_and_load(client, loading, patience, [one for one in due if one.person_id not in silent])
        # last, so that whoever bksb never answers about keeps nobody else waiting
        again = sorted((one for one in due if one.person_id in silent), key=lambda one: silent[one.person_id])
        _fetch_and_load(client, loading, patience, again, had_none_before=True)
        if linked := link_planned(store, client, run, buckets, patience):
            with store.transaction():
                new = [one for one in due_accounts(store, deployment, run, buckets) if one.person_id in linked]
                new = _with_reported(store, new, run)
            _fetch_and_load(client, loading, patience, new)
            due += new
    log.info(
        "Read %d results of %d accounts; %d gave none, or not from every source (see bksb.issue).",
        loading.results,
        len(due),
        loading.without_answer,
    )


def _fetch_and_load(
    client: BksbClient, loading: Loading, patience: Patience, due: Sequence[Due], *, had_none_before: bool = False
) -> None:
    try:
        with closing(run_concurrently(partial(_fetch, client), due, THREADS, AHEAD)) as fetched:
            for account, (answers, failed) in fetched:
                unanswered = set(account.sources) - {answer.source for answer in answers}
                loading.take(account.person_id, answers, failed, [(account.bksb_user_id, one) for one in unanswered])
                if patience.saw(failed, had_none_before=had_none_before):
                    log.warning("bksb still gives no answer about some people it gave none about before: they wait.")
                    break
    finally:
        # what arrived before a refused key or a silent bksb stopped the rest is kept
        loading.finish()


def due_accounts(store: Store, deployment: Deployment, run: Run, buckets: Collection[int] | None = None) -> list[Due]:
    """Whom the run has to ask bksb about, and for which sources; in all buckets, or in some."""
    rows = store.run(
        "results/list_due_sources",
        dag_id=run.dag_id,
        run_id=run.run_id,
        sources=list(deployment.settings.sources),
        person_ids=list(run.person_ids) or None,
        buckets=None if buckets is None else list(buckets),
        covered_until=_covered_until(deployment, run),
        failed_since=datetime.now(UTC) - IN_VAIN_FOR if run.is_backfill else None,
    )
    return [
        _due(list(group))
        for person_id, group in groupby(rows, lambda row: row.person_id)
        if buckets is None or bucket_of(person_id) in buckets
    ]


def _covered_until(deployment: Deployment, run: Run) -> datetime | None:
    """The moment up to which an answer has to reach so that it need not be asked for again.

    The night brings all that there is when its interval ends. A backfill is about its day, which ends at midnight: an
    answer of the night after it, at three o'clock and perhaps of a clock that is behind, has all of it.
    """
    if run.always_fetches or not run.is_backfill or run.interval_end is None:
        return None if run.always_fetches else run.interval_end
    _, day_end = day_bounds(run.day, deployment.settings.timezone)
    return min(run.interval_end, day_end)


def _due(rows: Sequence[Any]) -> Due:
    """From the rows of one account."""
    return Due(
        person_id=rows[0].person_id,
        bksb_user_id=rows[0].bksb_user_id,
        username=rows[0].username,
        sources=tuple(row.source for row in rows),
        held=frozenset(row.source for row in rows if row.holds_results),
    )


def _with_reported(store: Store, due: Sequence[Due], run: Run) -> list[Due]:
    """Each account with the V5 sessions it need not be asked about again; a full refresh asks about all."""
    users = [account.bksb_user_id for account in due if "v5" in account.sources]
    if run.full_refresh or not users:
        return list(due)
    reported = defaultdict(set)
    for row in store.run("results/list_reported_sessions", bksb_user_ids=users):
        reported[row.bksb_user_id].add(row.session_id)
    return [replace(account, reported=frozenset(reported[account.bksb_user_id])) for account in due]


def _fetch(client: BksbClient, account: Due) -> tuple[list[Answer], RejectedError | TransientError | None]:
    """Every source of one account, and why one or more of them gave no answer; half a source is none.

    A source that bksb refuses keeps none of the others back; after a TransientError the rest waits for the next run.
    A source that lists nothing any more of what it had says something only while the username still is that user's:
    after a merge in bksb the results are another user's, and what bksb then lists for this one is not known.
    """
    answers: list[Answer] = []
    failed: RejectedError | TransientError | None = None
    for source in account.sources:
        synced_at = datetime.now(UTC) - CLOCK_MARGIN
        try:
            if source == "v5":
                answers.append(_fetch_v5(client, account, synced_at))
            else:
                listing = _listing(client, source, account.bksb_user_id)
                answers.append(Answer(account.bksb_user_id, source, synced_at, listing.records, listing.complete))
        except RejectedError as error:
            failed = error
        except TransientError as error:
            failed = error
            break
    emptied = {answer.source for answer in answers if answer.source in account.held and answer.lists_nothing}
    if emptied:
        try:
            resolves = client.find_user_id(account.username) == account.bksb_user_id
        except (RejectedError, TransientError) as error:
            resolves, failed = False, error
        if not resolves:
            answers = [answer for answer in answers if answer.source not in emptied]
            failed = failed or RejectedError("the username is no longer that user's, who lists nothing any more")
    return answers, failed


def _listing(client: BksbClient, source: Source, user_id: int) -> Listing[AssessmentRecord]:
    read = client.initial_assessments if source == "initial" else client.diagnostic_assessments
    return read(user_id)


def _fetch_v5(client: BksbClient, account: Due, synced_at: datetime) -> Answer:
    """Every finished session: its report, unless that is loaded already.

    One that bksb lists twice, also under the other subject, counts where it is met first. A report that bksb refuses
    keeps none of the others back, but the answer is not complete without it.
    """
    records: list[AssessmentRecord] = []
    met: set[str] = set()
    kept: set[str] = set()
    unknown: set[str] = set()
    complete = True
    for subject in V5_SUBJECTS:
        for session in client.v5_sessions(account.bksb_user_id, subject):
            if not session.is_finished or session.session_id in met:
                continue
            met.add(session.session_id)
            if session.session_id in account.reported:
                kept.add(session.session_id)
            elif session.assessment_kind is None:
                unknown.add(str(session.raw.get("AssessmentType")))
            else:
                try:
                    records += _report(client, account.bksb_user_id, subject, session)
                except RejectedError:
                    complete = False
    return Answer(
        account.bksb_user_id, "v5", synced_at, records, complete, kept=frozenset(kept), unknown=frozenset(unknown)
    )


def _report(client: BksbClient, user_id: int, subject: str, session: V5Session) -> list[AssessmentRecord]:
    """A line for each component of a session's report; one with component '' where the report is empty."""
    records: dict[str, AssessmentRecord] = {}
    for component in client.v5_components(user_id, session.session_id):
        name = _unused(component.name[:LONGEST_KEY], records)
        records[name] = v5_record(session, subject, name, component)
    return list(records.values()) or [v5_record(session, subject, "", None)]


def _unused(name: str, taken: Mapping[str, object]) -> str:
    """The component's name; the second of that name in one report is "name (2)"."""
    number = 1
    unused = name
    while unused in taken:
        number += 1
        unused = f"{name} ({number})"
    return unused

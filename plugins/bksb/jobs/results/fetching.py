"""Fetches every page of every due source from bksb, and passes the listings to the loader."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bksb.api.client import V5_SUBJECTS, BksbClient
from bksb.api.parsing import V5Session
from bksb.api.responses import KEY_LENGTH_LIMIT
from bksb.deployment import Deployment
from bksb.errors import RejectedError, TransientError
from bksb.jobs.issues import list_people_without_answer
from bksb.jobs.outage import OutageDetector, make_bksb_detector
from bksb.jobs.results.due import DueAccount, add_reported_sessions, list_due_accounts
from bksb.jobs.results.listings import Listing
from bksb.jobs.results.loading import ResultLoader
from bksb.jobs.results.rows import make_v5_result
from bksb.jobs.threads import run_concurrently
from bksb.model import AssessmentResult, Run, Source

log = logging.getLogger(__name__)

PREFETCH_PER_THREAD = 8
"""Accounts queued per thread, so that threads stay busy while results are being loaded. Safe because GETs can be
repeated; account creation uses a smaller value."""

CLOCK_MARGIN = timedelta(minutes=5)
"""How far bksb's clock may be behind. A listing counts as complete only up to this long before it was fetched."""


@dataclass(frozen=True)
class Fetched:
    """The listings of one account, and the error if at least one source gave none."""

    listings: list[Listing]
    failure: RejectedError | TransientError | None = None


def fetch_results(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Fetch and load everything that is due in these buckets.

    Waits for the locks of the buckets, and skips what another run has fetched meanwhile. A run for named people does
    not wait: if two runs fetch the same source, the load keeps the newer listing.
    """
    client = deployment.make_client()
    outages = make_bksb_detector(client)
    with deployment.open_store() as store:
        if not run.person_ids:
            store.lock_buckets(buckets)
        with store.transaction():
            unanswered = list_people_without_answer(store, "results_no_answer")
            due = add_reported_sessions(store, list_due_accounts(store, deployment, run, buckets), run)
        if not due:
            log.info("Nothing left to fetch: these accounts were read after this run was planned.")
            return
        loader = ResultLoader(store, deployment, run)
        first = [account for account in due if account.person_id not in unanswered]
        _fetch_and_load(client, loader, outages, first)
        # people who got no answer last time come last, so that they do not delay the others
        again = sorted(
            (account for account in due if account.person_id in unanswered), key=lambda one: unanswered[one.person_id]
        )
        _fetch_and_load(client, loader, outages, again, expect_failures=True)
    log.info(
        "Read %d results of %d accounts; %d accounts got no usable answer for at least one source (see bksb.issue).",
        loader.results,
        len(due),
        loader.without_answer,
    )


def _fetch_and_load(
    client: BksbClient,
    loader: ResultLoader,
    outages: OutageDetector,
    due: Sequence[DueAccount],
    *,
    expect_failures: bool = False,
) -> None:
    try:
        fetched = run_concurrently(partial(fetch_account, client), due, prefetch=PREFETCH_PER_THREAD)
        with closing(fetched):
            for account, outcome in fetched:
                failed = set(account.sources) - {listing.source for listing in outcome.listings}
                failed_sources = [(account.bksb_user_id, source) for source in failed]
                loader.add(account.person_id, outcome.listings, outcome.failure, failed_sources)
                if not expect_failures:
                    outages.record(outcome.failure)
                elif not outages.record_expected(outcome.failure):
                    log.warning(
                        "bksb again gave no usable answer about people who got none last time. The rest of them are "
                        "skipped until the next run."
                    )
                    break
    finally:
        # keep what arrived before a refused key or an outage stopped the task
        loader.load()


def fetch_account(client: BksbClient, account: DueAccount) -> Fetched:
    """Fetch every source of one account. A source that fails part-way gives no listing.

    After a RejectedError the other sources are still fetched; after a TransientError they wait for the next run. If a
    source had results and now lists none, the listing is kept only if the username still belongs to the same user:
    after a merge in bksb the results belong to another user, and what bksb lists for the old one is not known.
    """
    listings: list[Listing] = []
    failure: RejectedError | TransientError | None = None
    for source in account.sources:
        try:
            listings.append(_fetch_source(client, account, source))
        except RejectedError as error:
            failure = error
        except TransientError as error:
            failure = error
            break
    emptied = {one.source for one in listings if one.is_empty and one.source in account.sources_with_results}
    if emptied:
        try:
            is_same_user = client.find_user_id(account.username) == account.bksb_user_id
        except (RejectedError, TransientError) as error:
            is_same_user, failure = False, error
        if not is_same_user:
            listings = [listing for listing in listings if listing.source not in emptied]
            failure = failure or RejectedError("the user lists no results any more, and has lost the username")
    return Fetched(listings, failure)


def _fetch_source(client: BksbClient, account: DueAccount, source: Source) -> Listing:
    synced_at = datetime.now(UTC) - CLOCK_MARGIN
    if source == "v5":
        return _fetch_v5(client, account, synced_at)
    fetch = client.initial_assessments if source == "initial" else client.diagnostic_assessments
    pages = fetch(account.bksb_user_id)
    return Listing(account.bksb_user_id, source, synced_at, pages.entries, pages.is_complete)


def _fetch_v5(client: BksbClient, account: DueAccount, synced_at: datetime) -> Listing:
    """Fetch the report of every finished session, unless it is loaded already.

    A session that bksb lists twice, under one subject or both, counts the first time. If bksb rejects a report, the
    others are still fetched, but the listing is not complete.
    """
    results: list[AssessmentResult] = []
    seen: set[str] = set()
    kept_sessions: set[str] = set()
    unknown_types: set[str] = set()
    is_complete = True
    for subject in V5_SUBJECTS:
        for session in client.v5_sessions(account.bksb_user_id, subject):
            if not session.is_finished or session.session_id in seen:
                continue
            seen.add(session.session_id)
            if session.session_id in account.reported_sessions:
                kept_sessions.add(session.session_id)
            elif session.assessment_kind is None:
                unknown_types.add(session.type_raw)
            else:
                try:
                    results += _fetch_report(client, account.bksb_user_id, subject, session)
                except RejectedError:
                    is_complete = False
    return Listing(account.bksb_user_id, "v5", synced_at, results, is_complete, kept_sessions, unknown_types)


def _fetch_report(client: BksbClient, user_id: int, subject: str, session: V5Session) -> list[AssessmentResult]:
    """Return one result per component of a session's report; one with component '' if the report is empty."""
    results: dict[str, AssessmentResult] = {}
    for component in client.v5_components(user_id, session.session_id):
        name = _make_unique(component.name[:KEY_LENGTH_LIMIT], results)
        results[name] = make_v5_result(session, subject, name, component)
    return list(results.values()) or [make_v5_result(session, subject, "", None)]


def _make_unique(name: str, taken: Mapping[str, object]) -> str:
    """Return the component's name, or "name (2)" for the second component of that name in a report."""
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    return unique

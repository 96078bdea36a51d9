"""Fetches what is due from bksb, every source to its end, and hands it to the loader."""

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
"""Accounts queued per thread, so that threads stay busy while results are being loaded. It is safe because GETs can be
repeated; account creation uses a smaller value."""

CLOCK_MARGIN = timedelta(minutes=5)
"""bksb's clock may be slow by this much, so a listing counts as complete up to this much before it was fetched."""


@dataclass(frozen=True)
class Fetched:
    """The listings of one account, and why one or more of its sources gave none."""

    listings: list[Listing]
    failure: RejectedError | TransientError | None = None


def fetch_results(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Fetch what is due in these buckets, every page, and load it.

    What another run has fetched while this one waited for its buckets is not fetched again. A run for named people
    fetches in any case, so it does not wait: of two listings the load keeps the newer one.
    """
    client = deployment.make_client()
    outages = make_bksb_detector(client)
    with deployment.open_store() as store:
        if not run.person_ids:
            store.lock_buckets(buckets)
        with store.transaction():
            unanswered = list_people_without_answer(store, "results_no_answer")
            due = add_reported_sessions(store, list_due_accounts(store, deployment, run, buckets), run)
        loader = ResultLoader(store, deployment, run)
        first = [account for account in due if account.person_id not in unanswered]
        _fetch_and_load(client, loader, outages, first)
        # people about whom bksb gave no answer last time come last, so that they keep nobody else waiting
        again = sorted(
            (account for account in due if account.person_id in unanswered), key=lambda one: unanswered[one.person_id]
        )
        _fetch_and_load(client, loader, outages, again, expect_failures=True)
    log.info(
        "Read %d results of %d accounts; %d gave none, or not from every source (see bksb.issue).",
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
                        "bksb again gave no usable answer about people who got none last time; the others of them wait "
                        "for the next run."
                    )
                    break
    finally:
        # what arrived before a refused key or an outage stopped the rest is kept
        loader.load()


def fetch_account(client: BksbClient, account: DueAccount) -> Fetched:
    """Fetch every source of one account; half a source is none.

    A source that bksb refuses keeps none of the others back; after a TransientError the rest waits for the next run. If
    a source lists nothing any more although it did before, that counts only while the username still is that user's:
    after a merge in bksb the results are another user's, and what bksb then lists for this one is not known.
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
            failure = failure or RejectedError("the username is no longer that user's, who lists nothing any more")
    return Fetched(listings, failure)


def _fetch_source(client: BksbClient, account: DueAccount, source: Source) -> Listing:
    synced_at = datetime.now(UTC) - CLOCK_MARGIN
    if source == "v5":
        return _fetch_v5(client, account, synced_at)
    fetch = client.initial_assessments if source == "initial" else client.diagnostic_assessments
    pages = fetch(account.bksb_user_id)
    return Listing(account.bksb_user_id, source, synced_at, pages.entries, pages.is_complete)


def _fetch_v5(client: BksbClient, account: DueAccount, synced_at: datetime) -> Listing:
    """Every finished session: its report, unless that is loaded already.

    A session that bksb lists twice, also under the other subject, counts where it comes first. A report that bksb
    refuses keeps none of the others back, but without it the listing is not complete.
    """
    results: list[AssessmentResult] = []
    met: set[str] = set()
    kept_sessions: set[str] = set()
    unknown_types: set[str] = set()
    is_complete = True
    for subject in V5_SUBJECTS:
        for session in client.v5_sessions(account.bksb_user_id, subject):
            if not session.is_finished or session.session_id in met:
                continue
            met.add(session.session_id)
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
    """One result for each component of a session's report; one with component '' where the report is empty."""
    results: dict[str, AssessmentResult] = {}
    for component in client.v5_components(user_id, session.session_id):
        name = _make_unique(component.name[:KEY_LENGTH_LIMIT], results)
        results[name] = make_v5_result(session, subject, name, component)
    return list(results.values()) or [make_v5_result(session, subject, "", None)]


def _make_unique(name: str, taken: Mapping[str, object]) -> str:
    """The component's name; the second component of that name in one report is "name (2)"."""
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    return unique

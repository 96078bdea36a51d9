"""What every job does with the run it belongs to: open it, close it, share out the work, keep issues."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heappop, heappush

from bksb.api.client import BksbClient
from bksb.clock import today
from bksb.deployment import Deployment
from bksb.errors import PromiseBrokenError, RejectedError, TransientError
from bksb.model import BUCKETS, Issue, Person, Run, bucket_of
from bksb.reporting.store import Store
from bksb.rules.times import day_bounds
from bksb.settings import Settings

TASKS_AT_ONCE = 4
"""So many tasks of 8 threads a pool of twice the delivered size lets through; half as many fill the delivered one."""

CALLS_A_TASK = 1400
"""Some seconds of calls at least, so that starting a task costs little beside them; and not many more, because a person
who asks for one learner waits until a task of the night ends and leaves its slots."""

FAILURES_IN_A_ROW = 8
"""After so many people without an answer and none with one, it is bksb that is not well, not a learner."""


def open_run(store: Store, run: Run) -> None:
    """Begin an attempt in `bksb.sync_run`, and forget the working rows of old runs."""
    with store.transaction():
        store.run(
            "runs/open_run",
            dag_id=run.dag_id,
            run_id=run.run_id,
            run_type=run.run_type,
            interval_start=run.interval_start,
            interval_end=run.interval_end,
        )
        if not run.dry_run:
            store.run("runs/delete_old_run_rows")


def close_run(store: Store, run: Run, state: str, counts: Mapping[str, int] | None = None) -> None:
    """End the attempt; call it inside a transaction."""
    store.run(
        "runs/close_run",
        dag_id=run.dag_id,
        run_id=run.run_id,
        state=state,
        counts=None if counts is None else json.dumps(counts),
    )


def fail_run(deployment: Deployment, run: Run) -> None:
    """Note that the attempt failed in `bksb.sync_run`, and in `bksb.approval` if it had not gone ahead yet."""
    with deployment.open_store() as store, store.transaction():
        close_run(store, run, "failed")
        store.run("accounts/fail_approval", dag_id=run.dag_id, run_id=run.run_id)


def share_out(calls: Mapping[str, int]) -> list[list[int]]:
    """The buckets of these people, shared over as few tasks as the work needs: [] when there is nobody.

    `calls` has for each person_id about how many calls to bksb the work takes. The tasks are alike in them, the largest
    first, and where there are more than two a multiple of TASKS_AT_ONCE, so that those under way end together and no
    slot of the pool idles while the last one works.
    """
    work: Counter[int] = Counter()
    for person_id, number in calls.items():
        work[bucket_of(person_id)] += number
    tasks = -(-work.total() // CALLS_A_TASK)
    if tasks > TASKS_AT_ONCE // 2:
        tasks = min(-(-tasks // TASKS_AT_ONCE) * TASKS_AT_ONCE, BUCKETS)
    shares: list[tuple[int, int, list[int]]] = [(0, number, []) for number in range(tasks)]
    for bucket, number in work.most_common():
        held, place, buckets = heappop(shares)
        heappush(shares, (held + number, place, [*buckets, bucket]))
    return [sorted(buckets) for _, _, buckets in sorted(shares, reverse=True) if buckets]


def write_extract(store: Store, people: Sequence[Person]) -> None:
    """Put people into the temporary table `extracted_person` of this transaction."""
    store.run("runs/create_extracted_person")
    store.copy(
        "runs/copy_extracted_person",
        (
            (
                person.person_id,
                bucket_of(person.person_id),
                person.person_kind,
                person.learn_ref_number,
                person.programme,
                person.programme_status,
                person.start_on,
                person.ended_on,
                person.given_names,
                person.family_name,
                person.email,
            )
            for person in people
        ),
    )


def keep_issues(
    store: Store,
    settings: Settings,
    holding: Sequence[Issue],
    *,
    codes: Sequence[str],
    person_ids: Collection[str] | None,
) -> None:
    """Open or refresh the issues in `holding`; resolve those of `codes` about these people that hold no more.

    `person_ids` None looks at everybody.
    """
    open_issues(store, settings, holding)
    store.run(
        "runs/resolve_issues_of_people",
        codes=list(codes),
        person_ids=None if person_ids is None else sorted(person_ids),
        still_codes=[issue.code for issue in holding],
        still_keys=[issue.subject_key for issue in holding],
    )


def open_issues(store: Store, settings: Settings, issues: Sequence[Issue]) -> None:
    """Open each issue, or note that it was seen again (once a day)."""
    day_start, _ = day_bounds(today(settings.timezone), settings.timezone)
    # one line a key: a statement cannot touch the same issue twice; and in the order of the keys, see resolve_issues
    by_key = {(issue.code, issue.subject_key): issue for issue in issues}
    once = [by_key[key] for key in sorted(by_key)]
    store.run(
        "runs/open_issues",
        codes=[issue.code for issue in once],
        subject_keys=[issue.subject_key for issue in once],
        person_ids=[issue.person_id for issue in once],
        details=[issue.detail for issue in once],
        day_start=day_start,
    )


def hold_to_promises(store: Store, names: Sequence[str], *, consequence: str, **parameters: object) -> None:
    """Run these checks; PromiseBrokenError names each that returned rows, with the ids, and what follows from it."""
    broken = []
    for name in names:
        if ids := [str(row.id) for row in store.run(name, **parameters)]:
            broken.append(f"sql/{name}.sql returned {', '.join(ids)}")
    if broken:
        raise PromiseBrokenError(
            f"Checks failed, so {consequence}: {'; '.join(broken)}. Each file says what was promised."
        )


class Patience:
    """Tells people without an answer from a bksb, or a mail server, that answers nobody."""

    def __init__(self, whose: str, is_well: Callable[[], bool] = lambda: False) -> None:
        """`is_well` asks something that is about nobody, where no answer about anybody has said so yet."""
        self._whose = whose
        self._is_well = is_well
        self._failures = 0
        self._has_answered = False

    def saw(self, outcome: object, *, had_none_before: bool = False) -> bool:
        """Count an outcome; raises TransientError after too many TransientErrors in a row, with what the last said.

        Of people who `had_none_before` that says nothing where others were answered: it is True then, and the rest of
        them is better left to the next run.
        """
        if not isinstance(outcome, TransientError):
            self._failures, self._has_answered = 0, True
            return False
        self._failures += 1
        if self._failures < FAILURES_IN_A_ROW:
            return False
        if had_none_before and (self._has_answered or self._is_well()):
            return True
        raise TransientError(
            f"{self._whose} gave no usable answer for {FAILURES_IN_A_ROW} people in a row; the rest waits for the "
            f"next try. The last one: {outcome}"
        )


def patience_with(client: BksbClient) -> Patience:
    """The patience of one task with bksb."""

    def is_well() -> bool:
        try:
            client.username_exists(f"bksb-sync-{uuid.uuid4()}")
        except (RejectedError, TransientError):
            return False
        return True

    return Patience("bksb", is_well)


def without_answer(store: Store, code: str) -> dict[str, int]:
    """The people to whom bksb gave no answer when it was last asked about them, by an issue of this code; in the order
    in which they are best asked again, whoever has waited longest first. Call it inside a transaction."""
    rows = store.run("runs/list_people_without_answer", code=code)
    return {row.person_id: place for place, row in enumerate(rows)}

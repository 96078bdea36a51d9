"""The results of each user of the simulated bksb. They are invented on first access, and tests can change them."""

from dataclasses import dataclass, replace
from datetime import date
from threading import RLock
from typing import Any, Literal, TypedDict, Unpack, overload

from sandbox.bksb.users import FIRST_USER_ID
from sandbox.world.results import Component, Result, ResultInventor, Session

Source = Literal["initial", "diagnostic"]

SESSION_IDS_PER_USER = 1_000
FIRST_ADDED_SESSION_ID = 1_900_000_001
DEFAULT_RESULT = Result(0, "MATHS", "Maths Functional Skills", "", "Maths Initial Assessment", 50000, "")
"""Assessment of an added result, unless the caller gives another."""


class CourseDetails(TypedDict, total=False):
    """The assessment of an added result."""

    course_subject: str
    course_name: str
    assessment_name: str
    assessment_id: int


@dataclass(slots=True)
class _History:
    initial: list[Result]
    diagnostic: list[Result]
    sessions: list[Session]


class Histories:
    """The results of each user, by user id. Methods raise KeyError for an unknown id.

    Every method holds `lock`. A caller can hold it too, to make several calls in one step.
    """

    def __init__(self, seed: int, anchor: date, lock: RLock) -> None:
        self._seed = seed
        self._anchor = anchor
        self._lock = lock
        self._origins: dict[int, tuple[str, int | None]] = {}
        self._histories: dict[int, _History] = {}
        self._next_session_id = FIRST_ADDED_SESSION_ID

    def add_user(self, user_id: int, username: str, count: int | None = None) -> None:
        """Add a user. The username determines the results; `count` sets how many of each sort there are."""
        with self._lock:
            self._origins[user_id] = username, count

    @overload
    def results(self, user_id: int, source: Source) -> tuple[Result, ...]: ...
    @overload
    def results(self, user_id: int, source: Literal["v5"]) -> tuple[Session, ...]: ...
    def results(self, user_id: int, source: Literal["initial", "diagnostic", "v5"]) -> tuple[Any, ...]:
        """Return all results of a user (v5: sessions with their components), newest first."""
        with self._lock:
            history = self._open(user_id)
            return tuple(getattr(history, "sessions" if source == "v5" else source))

    def count_results(self) -> dict[str, int]:
        """Count the results of all users: initial, diagnostic, and components of finished V5 sessions."""
        totals = {"initial": 0, "diagnostic": 0, "v5": 0}
        for user_id in tuple(self._origins):
            with self._lock:
                if user_id not in self._origins:
                    continue
                history = self._open(user_id)
                totals["initial"] += len(history.initial)
                totals["diagnostic"] += len(history.diagnostic)
                totals["v5"] += sum(len(session.components) for session in history.sessions if session.is_finished)
        return totals

    def add_result(
        self, user_id: int, source: Source, result: str | int, completed_raw: str, **course: Unpack[CourseDetails]
    ) -> int:
        """Add a result, in order of its date. Returns its session id."""
        with self._lock:
            added = replace(
                DEFAULT_RESULT,
                session_id=self._take_session_id(),
                completed_raw=completed_raw,
                result=result,
                **course,
            )
            results = getattr(self._open(user_id), source)
            results[:] = _sort_results([*results, added])
            return added.session_id

    def add_session(
        self,
        user_id: int,
        course_subject: str,
        assessment_type: int,
        started_raw: str,
        completed_raw: str,
        components: tuple[Component, ...],
    ) -> int:
        """Add a V5 session, in order of its start. Returns its session id."""
        with self._lock:
            session_id = self._take_session_id()
            sessions = self._open(user_id).sessions
            added = Session(session_id, course_subject, assessment_type, started_raw, completed_raw, components)
            sessions[:] = _sort_sessions([*sessions, added])
            return session_id

    def edit_result(self, user_id: int, source: Source, session_id: int, **changes: Any) -> None:
        """Change fields of a result. Raises KeyError if there is no such result."""
        with self._lock:
            results: list[Result] = getattr(self._open(user_id), source)
            for place, result in enumerate(results):
                if result.session_id == session_id:
                    results[place] = replace(result, **changes)
                    results[:] = _sort_results(results)
                    return
            raise KeyError(session_id)

    def remove_result(self, user_id: int, source: Source, session_id: int) -> None:
        """Remove a result, as if bksb had deleted the assessment."""
        with self._lock:
            results: list[Result] = getattr(self._open(user_id), source)
            results[:] = [result for result in results if result.session_id != session_id]

    def merge(self, kept_id: int, merged_id: int) -> None:
        """Move the results of the user `merged_id` to `kept_id`. `merged_id` is unknown afterwards."""
        with self._lock:
            kept, merged = self._open(kept_id), self._open(merged_id)
            kept.initial = _sort_results(kept.initial + merged.initial)
            kept.diagnostic = _sort_results(kept.diagnostic + merged.diagnostic)
            kept.sessions = _sort_sessions(kept.sessions + merged.sessions)
            del self._histories[merged_id]
            del self._origins[merged_id]

    def _open(self, user_id: int) -> _History:
        """Return the results of a user, inventing them if needed: most users of a big site are never read."""
        if user_id not in self._histories:
            username, count = self._origins[user_id]
            inventor = ResultInventor(
                username, self._seed, self._anchor, (user_id - FIRST_USER_ID + 1) * SESSION_IDS_PER_USER
            )
            self._histories[user_id] = _History(
                inventor.invent_initial_results(count),
                inventor.invent_diagnostic_results(count),
                inventor.invent_sessions(count),
            )
        return self._histories[user_id]

    def _take_session_id(self) -> int:
        self._next_session_id += 1
        return self._next_session_id - 1


def _sort_results(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.completed_raw, result.session_id), reverse=True)


def _sort_sessions(sessions: list[Session]) -> list[Session]:
    return sorted(sessions, key=lambda session: (session.started_raw, session.session_id), reverse=True)

"""The state of the pretend bksb: its accounts and their results, kept over restarts, and counts of what was asked."""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, overload

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.catalogue import FaultPlan
from sandbox.world.population import World
from sandbox.world.results import Component, Result, ResultInventor, Session

Source = Literal["initial", "diagnostic"]

FIRST_USER_ID = 310_001
SESSION_IDS_PER_USER = 1_000
FIRST_ADDED_SESSION_ID = 1_900_000_001
JOURNAL_FILE = "bksb-accounts.jsonl"


@dataclass(frozen=True, slots=True)
class User:
    """A bksb account, in bksb's own word. Of a password there is only a salted digest."""

    user_id: int
    username: str
    first_name: str
    last_name: str
    email: str
    date_of_birth: date | None = None
    auto_enrol: bool = False
    password_digest: str = ""


class UsernameTakenError(Exception):
    """Another account carries this username, whatever its case."""


class FolderInUseError(Exception):
    """Another bksb site, perhaps of another process, keeps its accounts in this folder."""


@dataclass(slots=True)
class _History:
    initial: list[Result]
    diagnostic: list[Result]
    sessions: list[Session]


class BksbSite:
    """One bksb site, safe to use from many threads.

    Its first users come from the world. With a folder, which serves one site at a time, users created later are
    journalled there before `create_user` returns, and are there again in the next site of that folder; renames,
    merges and edited results are not kept. Usernames are unique without regard to case, and keep the case they
    were made with.
    """

    def __init__(self, world: World, folder: Path | None = None) -> None:
        self.latency = 0.0
        """Seconds that every call takes before it is answered."""
        self.behaviour = Behaviour()
        """How calls are answered where the evidence leaves it open; may be set to another one at any time."""
        self.faults = FaultPlan()
        """What goes wrong, for whom and how often; nothing at first."""
        self._seed = world.seed
        self._anchor = world.today
        self._lock = threading.RLock()
        self._users: dict[int, User] = {}
        self._ids: dict[str, int] = {}
        self._born_as: dict[int, tuple[str, int | None]] = {}
        self._merged: dict[int, User] = {}
        self._histories: dict[int, _History] = {}
        self._next_user_id = FIRST_USER_ID
        self._next_session_id = FIRST_ADDED_SESSION_ID
        self._calls: Counter[str] = Counter()
        self._in_flight = 0
        self._peak = 0
        for account in world.accounts:
            user = User(self._next_user_id, account.username, account.first_name, account.last_name, account.email)
            self._add(user, account.results)
        self._journal: _Journal | None = None
        if folder is not None:
            self._journal = _Journal(folder / JOURNAL_FILE)
            for entry in self._journal.entries():
                self._add(_user_from(entry), None)

    def close(self) -> None:
        """Closes the journal; the site is not used afterwards."""
        if self._journal is not None:
            self._journal.close()

    # Users

    def users(self) -> list[User]:
        """Everybody with an account, in the order they were made."""
        with self._lock:
            return list(self._users.values())

    def find(self, username: str) -> User | None:
        """Who carries this username, whatever its case."""
        with self._lock:
            user_id = self._ids.get(username.lower())
            return None if user_id is None else self._users[user_id]

    def user(self, user_id: int) -> User | None:
        """The user of that id."""
        with self._lock:
            return self._users.get(user_id)

    def merged_user(self, user_id: int) -> User | None:
        """The user of that id as it was before it was merged away; it has no results."""
        with self._lock:
            return self._merged.get(user_id)

    def create_user(
        self,
        username: str,
        first_name: str,
        last_name: str,
        email: str,
        password: str,
        date_of_birth: date | None = None,
        auto_enrol: bool = False,
    ) -> User:
        """A new user, on disk before this returns; UsernameTakenError if the username is in use."""
        with self._lock:
            if username.lower() in self._ids:
                raise UsernameTakenError
            user = User(
                user_id=self._next_user_id,
                username=username,
                first_name=first_name,
                last_name=last_name,
                email=email,
                date_of_birth=date_of_birth,
                auto_enrol=auto_enrol,
                password_digest=_digest(password, secrets.token_hex(8)),
            )
            self._add(user, None)
            entry = self._journal.append(_entry_of(user)) if self._journal else 0
        if self._journal:
            self._journal.sync(entry)
        return user

    def has_password(self, user_id: int, password: str) -> bool:
        """Whether the user was created with this password."""
        digest = self._users[user_id].password_digest
        return bool(digest) and hmac.compare_digest(digest, _digest(password, digest.partition("$")[0]))

    def rename(self, user_id: int, username: str) -> None:
        """Gives the user another username, as an administrator may; results stay."""
        with self._lock:
            holder = self._ids.get(username.lower(), user_id)
            if holder != user_id:
                raise UsernameTakenError
            user = self._users[user_id]
            del self._ids[user.username.lower()]
            self._ids[username.lower()] = user_id
            self._users[user_id] = replace(user, username=username)

    def merge(self, kept_id: int, merged_id: int) -> None:
        """Merges one user into another: its results move over, and its id and username no longer resolve."""
        with self._lock:
            kept, merged = self._history(kept_id), self._history(merged_id)
            kept.initial = _newest_first(kept.initial + merged.initial)
            kept.diagnostic = _newest_first(kept.diagnostic + merged.diagnostic)
            kept.sessions = sorted(kept.sessions + merged.sessions, key=_started, reverse=True)
            gone = self._merged[merged_id] = self._users.pop(merged_id)
            del self._ids[gone.username.lower()]
            del self._histories[merged_id]

    # Results

    @overload
    def results(self, user_id: int, source: Source) -> tuple[Result, ...]: ...
    @overload
    def results(self, user_id: int, source: Literal["v5"]) -> tuple[Session, ...]: ...
    def results(self, user_id: int, source: Literal["initial", "diagnostic", "v5"]) -> tuple[Any, ...]:
        """All of one user's results (for v5: sessions with their components), newest first; KeyError for nobody."""
        with self._lock:
            history = self._history(user_id)
            return tuple(getattr(history, "sessions" if source == "v5" else source))

    def add_result(
        self,
        user_id: int,
        source: Source,
        result: str | int,
        completed_raw: str,
        *,
        course_subject: str = "MATHS",
        course_name: str = "Maths Functional Skills",
        assessment_name: str = "Maths Initial Assessment",
        assessment_id: int = 50000,
    ) -> int:
        """A further result, put where its date belongs; returns its session id."""
        with self._lock:
            session_id = self._new_session_id()
            added = Result(
                session_id, course_subject, course_name, completed_raw, assessment_name, assessment_id, result
            )
            results = getattr(self._history(user_id), source)
            results[:] = _newest_first([*results, added])
            return session_id

    def add_session(
        self,
        user_id: int,
        course_subject: str,
        assessment_type: int,
        started_raw: str,
        completed_raw: str,
        components: tuple[Component, ...] = (),
    ) -> int:
        """A further V5 session; returns its session id."""
        with self._lock:
            session_id = self._new_session_id()
            sessions = self._history(user_id).sessions
            added = Session(session_id, course_subject, assessment_type, started_raw, completed_raw, components)
            sessions[:] = sorted([*sessions, added], key=_started, reverse=True)
            return session_id

    def edit_result(self, user_id: int, source: Source, session_id: int, **changes: Any) -> None:
        """Changes fields of a result that is already there; KeyError if it is not."""
        with self._lock:
            results: list[Result] = getattr(self._history(user_id), source)
            for place, result in enumerate(results):
                if result.session_id == session_id:
                    results[place] = replace(result, **changes)
                    results[:] = _newest_first(results)
                    return
            raise KeyError(session_id)

    def remove_result(self, user_id: int, source: Source, session_id: int) -> None:
        """Takes a result away, as when bksb deletes an assessment."""
        with self._lock:
            results: list[Result] = getattr(self._history(user_id), source)
            results[:] = [result for result in results if result.session_id != session_id]

    def counts(self) -> dict[str, int]:
        """How many results all users have: initial, diagnostic, and (v5) components of finished V5 sessions."""
        totals = {"initial": 0, "diagnostic": 0, "v5": 0}
        for user in self.users():
            with self._lock:
                if user.user_id not in self._users:
                    continue
                history = self._history(user.user_id)
                totals["initial"] += len(history.initial)
                totals["diagnostic"] += len(history.diagnostic)
                totals["v5"] += sum(len(session.components) for session in history.sessions if session.finished)
        return totals

    # What was asked

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Counts a call, and that it is in flight until the block ends."""
        with self._lock:
            self._calls[name] += 1
            self._in_flight += 1
            self._peak = max(self._peak, self._in_flight)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    @property
    def calls(self) -> dict[str, int]:
        """How often each call was made since the counters were reset."""
        with self._lock:
            return dict(self._calls)

    @property
    def peak_concurrency(self) -> int:
        """The most calls that were in flight at one time since the counters were reset."""
        return self._peak

    def reset_counters(self) -> None:
        """Begins to count anew."""
        with self._lock:
            self._calls.clear()
            self._peak = self._in_flight

    # Within

    def _add(self, user: User, results: int | None) -> None:
        if user.username.lower() in self._ids:
            raise UsernameTakenError
        self._users[user.user_id] = user
        self._ids[user.username.lower()] = user.user_id
        self._born_as[user.user_id] = (user.username, results)
        self._next_user_id = user.user_id + 1

    def _history(self, user_id: int) -> _History:
        """Invented at the first look, from the first username: most users of a big site are never looked at."""
        if user_id not in self._users:
            raise KeyError(user_id)
        if user_id not in self._histories:
            username, count = self._born_as[user_id]
            inventor = ResultInventor(
                username, self._seed, self._anchor, (user_id - FIRST_USER_ID + 1) * SESSION_IDS_PER_USER
            )
            self._histories[user_id] = _History(
                inventor.initial(count), inventor.diagnostic(count), inventor.sessions(count)
            )
        return self._histories[user_id]

    def _new_session_id(self) -> int:
        self._next_session_id += 1
        return self._next_session_id - 1


def _newest_first(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.completed_raw, result.session_id), reverse=True)


def _started(session: Session) -> tuple[str, int]:
    return session.started_raw, session.session_id


def _digest(password: str, salt: str) -> str:
    return f"{salt}${hashlib.blake2b(password.encode(), salt=salt.encode()[:16], digest_size=20).hexdigest()}"


def _entry_of(user: User) -> dict[str, Any]:
    entry = asdict(user)
    entry["date_of_birth"] = user.date_of_birth and user.date_of_birth.isoformat()
    return entry


def _user_from(entry: dict[str, Any]) -> User:
    born = entry["date_of_birth"]
    return User(**{**entry, "date_of_birth": date.fromisoformat(born) if born else None})


class _Journal:
    """Users created, one JSON object a line. Many writers share one fsync, as a database's log does."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise FolderInUseError(f"{path.parent} is in use by another sandbox: stop that one first.") from None
        self._written = 0
        self._synced = 0
        self._syncing = threading.Lock()

    def entries(self) -> list[dict[str, Any]]:
        """What was written before. A last line cut short by a crash is dropped: it was never answered for."""
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def append(self, entry: dict[str, Any]) -> int:
        """Hands the entry to the system and returns its number; the caller sees to it that no two do so at once."""
        self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        self._written += 1
        return self._written

    def sync(self, entry: int) -> None:
        """Returns when that entry is on disk."""
        with self._syncing:
            if self._synced < entry:
                upto = self._written
                os.fsync(self._file.fileno())
                self._synced = upto

    def close(self) -> None:
        self._file.close()

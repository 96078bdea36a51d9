"""One simulated bksb: its users, their results, and the controls for tests."""

import threading
from datetime import date
from pathlib import Path
from typing import Any, Literal, Unpack, overload

from sandbox.bksb.controls import SiteControls
from sandbox.bksb.histories import CourseDetails, Histories, Source
from sandbox.bksb.journal import UserJournal
from sandbox.bksb.users import User, UserDirectory, digest_password
from sandbox.world.population import World
from sandbox.world.results import Component, Result, Session

JOURNAL_FILE = "bksb-accounts.jsonl"


class BksbSite(SiteControls):
    """One bksb site. Thread-safe.

    The first users come from the world. With a folder, created users survive a restart; renames, merges and edited
    results do not. Raises FolderInUseError if another site uses the folder.
    """

    def __init__(self, world: World, folder: Path | None = None) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._users = UserDirectory(self._lock)
        self._histories = Histories(world.seed, world.today, self._lock)
        for account in world.accounts:
            user_id = self._users.next_user_id
            user = User(user_id, account.username, account.first_name, account.last_name, account.email)
            self._add(user, account.results)
        self._journal = UserJournal(folder / JOURNAL_FILE) if folder is not None else None
        for user in self._journal.read() if self._journal else ():
            self._add(user)

    def close(self) -> None:
        """Close the journal. The site must not be used afterwards."""
        if self._journal is not None:
            self._journal.close()

    def users(self) -> list[User]:
        """Return all users, in the order they were created."""
        return self._users.users()

    def find(self, username: str) -> User | None:
        """Return the user with this username, ignoring case, or None."""
        return self._users.find(username)

    def user(self, user_id: int) -> User | None:
        """Return the user with this id, or None."""
        return self._users.user(user_id)

    def merged_user(self, user_id: int) -> User | None:
        """Return the user with this id if it was merged into another, as it was before. It has no results."""
        return self._users.merged_user(user_id)

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
        """Create a user, and write it to disk before this returns. Raises UsernameTakenError."""
        digest = digest_password(password)
        with self._lock:
            user_id = self._users.next_user_id
            user = User(user_id, username, first_name, last_name, email, date_of_birth, auto_enrol, digest)
            self._add(user)
            entry = self._journal.append(user) if self._journal else 0
        if self._journal:
            self._journal.sync(entry)
        return user

    def _add(self, user: User, count: int | None = None) -> None:
        self._users.add(user)
        self._histories.add_user(user.user_id, user.username, count)

    def rename(self, user_id: int, username: str) -> None:
        """Change the username, as a bksb administrator can. Results stay."""
        self._users.rename(user_id, username)

    def merge(self, kept_id: int, merged_id: int) -> None:
        """Merge one user into another. Its results move; its id and username no longer exist."""
        with self._lock:
            self._histories.merge(kept_id, merged_id)
            self._users.merge_away(merged_id)

    @overload
    def results(self, user_id: int, source: Source) -> tuple[Result, ...]: ...
    @overload
    def results(self, user_id: int, source: Literal["v5"]) -> tuple[Session, ...]: ...
    def results(self, user_id: int, source: Any) -> tuple[Any, ...]:
        """Return all results of a user (v5: sessions with components), newest first. Raises KeyError."""
        return self._histories.results(user_id, source)

    def counts(self) -> dict[str, int]:
        """Count the results of all users: initial, diagnostic, and components of finished V5 sessions."""
        return self._histories.count_results()

    def add_result(
        self, user_id: int, source: Source, result: str | int, completed_raw: str, **course: Unpack[CourseDetails]
    ) -> int:
        """Add a result, in order of its date. Returns its session id."""
        return self._histories.add_result(user_id, source, result, completed_raw, **course)

    def add_session(
        self,
        user_id: int,
        course_subject: str,
        assessment_type: int,
        started_raw: str,
        completed_raw: str,
        components: tuple[Component, ...] = (),
    ) -> int:
        """Add a V5 session, in order of its start. Returns its session id."""
        return self._histories.add_session(
            user_id, course_subject, assessment_type, started_raw, completed_raw, components
        )

    def edit_result(self, user_id: int, source: Source, session_id: int, **changes: Any) -> None:
        """Change fields of a result. Raises KeyError if there is no such result."""
        self._histories.edit_result(user_id, source, session_id, **changes)

    def remove_result(self, user_id: int, source: Source, session_id: int) -> None:
        """Remove a result, as if bksb had deleted the assessment."""
        self._histories.remove_result(user_id, source, session_id)

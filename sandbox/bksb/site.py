"""One pretend bksb: its users and their results, kept over restarts, and the controls that tests use."""

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
    """One bksb site, safe to use from many threads.

    Its first users come from the world. A folder serves one site at a time, else FolderInUseError: users created
    later are written to a journal there before `create_user` returns, and the next site of that folder finds them
    again. Renames, merges and edited results are not kept.
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
        """Closes the journal; the site is not used afterwards."""
        if self._journal is not None:
            self._journal.close()

    def users(self) -> list[User]:
        """All users, in the order they were made."""
        return self._users.users()

    def find(self, username: str) -> User | None:
        """The user with this username, whatever its case."""
        return self._users.find(username)

    def user(self, user_id: int) -> User | None:
        """The user of that id."""
        return self._users.user(user_id)

    def merged_user(self, user_id: int) -> User | None:
        """The user of that id as it was before it was merged away; it has no results."""
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
        """A new user, on disk before this returns; UsernameTakenError if the username is in use."""
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
        """Gives the user another username, as an administrator may; results stay."""
        self._users.rename(user_id, username)

    def merge(self, kept_id: int, merged_id: int) -> None:
        """Merges one user into another: its results move over, and its id and username no longer resolve."""
        with self._lock:
            self._histories.merge(kept_id, merged_id)
            self._users.merge_away(merged_id)

    @overload
    def results(self, user_id: int, source: Source) -> tuple[Result, ...]: ...
    @overload
    def results(self, user_id: int, source: Literal["v5"]) -> tuple[Session, ...]: ...
    def results(self, user_id: int, source: Any) -> tuple[Any, ...]:
        """All results of one user (for v5: sessions with their components), newest first; KeyError for no user."""
        return self._histories.results(user_id, source)

    def counts(self) -> dict[str, int]:
        """How many results all users have: initial, diagnostic, and (v5) components of finished V5 sessions."""
        return self._histories.count_results()

    def add_result(
        self, user_id: int, source: Source, result: str | int, completed_raw: str, **course: Unpack[CourseDetails]
    ) -> int:
        """Adds a result at the place of its date; returns its session id."""
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
        """Adds a V5 session at the place of its start; returns its session id."""
        return self._histories.add_session(
            user_id, course_subject, assessment_type, started_raw, completed_raw, components
        )

    def edit_result(self, user_id: int, source: Source, session_id: int, **changes: Any) -> None:
        """Changes fields of a result; KeyError if there is no such result."""
        self._histories.edit_result(user_id, source, session_id, **changes)

    def remove_result(self, user_id: int, source: Source, session_id: int) -> None:
        """Takes a result away, as when bksb deletes an assessment."""
        self._histories.remove_result(user_id, source, session_id)

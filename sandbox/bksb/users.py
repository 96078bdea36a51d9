"""The users of the simulated bksb, including those that were merged into another user."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import date
from threading import RLock

FIRST_USER_ID = 310_001


@dataclass(frozen=True, slots=True)
class User:
    """A bksb account, which bksb calls a user. Only a salted digest of the password is kept."""

    user_id: int
    username: str
    first_name: str
    last_name: str
    email: str
    date_of_birth: date | None = None
    auto_enrol: bool = False
    password_digest: str = ""

    def has_password(self, password: str) -> bool:
        """Return whether the user was created with this password."""
        digest = self.password_digest
        return bool(digest) and hmac.compare_digest(digest, digest_password(password, digest.partition("$")[0]))


def digest_password(password: str, salt: str | None = None) -> str:
    """Return salt and digest of a password. By default, the salt is a new random one."""
    salt = secrets.token_hex(8) if salt is None else salt
    return f"{salt}${hashlib.blake2b(password.encode(), salt=salt.encode()[:16], digest_size=20).hexdigest()}"


class UsernameTakenError(Exception):
    """Another user has this username, perhaps in another case."""


class UserDirectory:
    """Users by id and by username. Usernames are unique ignoring case, and keep the case they were created with.

    Every method holds `lock`. A caller can hold it too, to make several calls in one step.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._users: dict[int, User] = {}
        self._ids: dict[str, int] = {}
        self._merged: dict[int, User] = {}
        self.next_user_id = FIRST_USER_ID

    def users(self) -> list[User]:
        """Return all users, in the order they were added."""
        with self._lock:
            return list(self._users.values())

    def find(self, username: str) -> User | None:
        """Return the user with this username, ignoring case, or None."""
        with self._lock:
            user_id = self._ids.get(username.lower())
            return None if user_id is None else self._users[user_id]

    def user(self, user_id: int) -> User | None:
        """Return the user with this id, or None."""
        with self._lock:
            return self._users.get(user_id)

    def merged_user(self, user_id: int) -> User | None:
        """Return the user with this id if it was merged into another, as it was before."""
        with self._lock:
            return self._merged.get(user_id)

    def add(self, user: User) -> None:
        """Add a user. Raises UsernameTakenError. The next user gets the id after this one."""
        with self._lock:
            if user.username.lower() in self._ids:
                raise UsernameTakenError
            self._users[user.user_id] = user
            self._ids[user.username.lower()] = user.user_id
            self.next_user_id = user.user_id + 1

    def rename(self, user_id: int, username: str) -> None:
        """Change the username. Raises UsernameTakenError if another user has it."""
        with self._lock:
            if self._ids.get(username.lower(), user_id) != user_id:
                raise UsernameTakenError
            user = self._users[user_id]
            del self._ids[user.username.lower()]
            self._ids[username.lower()] = user_id
            self._users[user_id] = replace(user, username=username)

    def merge_away(self, user_id: int) -> None:
        """Remove the user: only `merged_user` finds it afterwards."""
        with self._lock:
            merged = self._merged[user_id] = self._users.pop(user_id)
            del self._ids[merged.username.lower()]

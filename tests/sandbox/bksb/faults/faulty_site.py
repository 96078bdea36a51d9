"""Calls and checks that the tests of faults share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.bksb.faults.catalogue import KINDS, Fault, Stage
from sandbox.bksb.users import User
from sandbox.server import Sandbox
from sandbox.world.results import UNFINISHED
from tests.sandbox.calls import Api
from tests.sandbox.users import user_of

RESULTS = "InitialAssessmentResults"
SIZE = 20
JSON = "application/json; charset=utf-8"


@dataclass
class FaultySite:
    """A sandbox, and calls that read what it returns while faults are on."""

    sandbox: Sandbox
    api: Api

    def person(self, kind: str) -> User:
        return user_of(self.sandbox, kind)

    @property
    def busy(self) -> User:
        """A user with 230 results of each sort."""
        return self.person("very_many_results")

    def truth(self, user: User | None = None) -> list[int]:
        return [one.session_id for one in self.sandbox.site.results((user or self.busy).user_id, "initial")]

    def user_id(self) -> requests.Response:
        return self.api.get("users/user/getUserId", username=self.busy.username)

    def page(self, number: int = 1, user: User | None = None, source: str = "initial") -> requests.Response:
        user_id = (user or self.busy).user_id
        return self.api.get(f"results/{source}Assessment/{user_id}/all", page=number, recordsPerPage=SIZE)

    def rows(self, number: int = 1) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.page(number).json()[RESULTS]
        return rows

    def sessions(self, number: int = 1) -> list[int]:
        return [row["SessionId"] for row in self.rows(number)]

    def total(self, number: int = 1) -> Any:
        return self.page(number).json()["Pagination"].get("TotalRecords")

    def v5_sessions(self) -> Any:
        user = self.person("no_results")
        if not self.sandbox.site.results(user.user_id, "v5"):
            self.sandbox.site.add_session(user.user_id, "ENG_NEW", 1, "2026-11-22T09:00:00.5", "2026-11-22T10:00:00.5")
            self.sandbox.site.add_session(user.user_id, "ENG_NEW", 1, "2026-11-22T09:00:00.5", UNFINISHED)
        path = "assessmentSessions/getAssessmentSessionsForCourseV5"
        return self.api.get(path, courseSubject="ENG_NEW", userId=user.user_id).json()


def check_fault(site: FaultySite, kind: str, check: Callable[[FaultySite], None], **settings: float) -> None:
    """Run the check with the fault on, and assert that nothing has changed once it is off."""
    before = site.user_id().json(), site.rows(3)
    site.sandbox.site.faults.add(Fault(kind, **settings))  # type: ignore[arg-type]
    check(site)
    site.sandbox.site.faults.clear()
    if kind != "shifting_pages":
        assert (site.user_id().json(), site.rows(3)) == before
    assert site.api.create_user(Username="afterwards").json()["Username"] == "afterwards"


def statuses(site: FaultySite, count: int) -> list[int]:
    return [site.user_id().status_code for _ in range(count)]


def kinds_of(*stages: Stage) -> set[str]:
    return {name for name, kind in KINDS.items() if kind.stage in stages}

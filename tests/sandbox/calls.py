"""HTTP calls to the sandbox: bksb's API with the right key, and the web pages."""

from dataclasses import dataclass
from typing import Any

import requests

from sandbox.server import Sandbox


@dataclass
class Api:
    """Calls under /api/ with the right key."""

    url: str
    session: requests.Session

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(f"{self.url}/api/{path}", params=query, timeout=30)

    def create_user(self, **fields: str) -> requests.Response:
        form = {
            "Username": "new.learner",
            "Firstname": "Mockingly",
            "Lastname": "Sample",
            "Password": "a good password",
            "Email": "mockingly@learner.example",
            "AutoEnrolCourses": "true",
        }
        return self.session.post(f"{self.url}/api/users/createUser", data=form | fields, timeout=30)


def get_page(sandbox: Sandbox, path: str) -> requests.Response:
    return requests.get(f"{sandbox.url}{path}", timeout=10)

"""A sequential client for comparison: makes the calls of public bksb clients, learner by learner."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import requests

from bench.site import Address

TIMEOUT_SECONDS = 30


def fetch_sequentially(site: Address, usernames: Iterable[str]) -> float:
    """Return the seconds to check that each username exists, and to read its id and page 1 of both kinds of results.

    It keeps its connection open and stores nothing, so the comparison favours it.
    """
    began = time.perf_counter()
    with requests.Session() as session:
        session.auth = (site.access_key, site.secret_key)

        def get(path: str, **parameters: str | int) -> Any:
            response = session.get(f"{site.url}/api/{path}", params=parameters, timeout=TIMEOUT_SECONDS)
            response.raise_for_status()
            return response.json()

        for username in usernames:
            if get("users/isUsernameExists", username=username):
                user_id = get("users/user/getUserId", username=username)
                for kind in ("initialAssessment", "diagnosticAssessment"):
                    get(f"results/{kind}/{user_id}/all", page=1, recordsPerPage=20)
    return time.perf_counter() - began

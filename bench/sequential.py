"""What public clients of bksb do for each learner, one learner after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import requests

from bench.site import Address

TIMEOUT_SECONDS = 30


def fetch_one_by_one(site: Address, usernames: Iterable[str]) -> float:
    """Seconds to ask whether each username exists, for its id, and for page 1 of both kinds of results.

    Over one connection that is kept open, and nothing is stored: in its favour.
    """
    began = time.perf_counter()
    with requests.Session() as session:
        session.auth = (site.access_key, site.secret_key)

        def ask(path: str, **parameters: str | int) -> Any:
            answer = session.get(f"{site.url}/api/{path}", params=parameters, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            return answer.json()

        for username in usernames:
            if ask("users/isUsernameExists", username=username):
                user_id = ask("users/user/getUserId", username=username)
                for kind in ("initialAssessment", "diagnosticAssessment"):
                    ask(f"results/{kind}/{user_id}/all", page=1, recordsPerPage=20)
    return time.perf_counter() - began

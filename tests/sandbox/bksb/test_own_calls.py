"""The control calls of the sandbox, over real HTTP."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import requests

from sandbox.server import Sandbox
from tests.sandbox.calls import Api
from tests.sandbox.users import user_of


def test_the_state_counts_calls_and_results_and_the_counters_can_be_reset(sandbox: Sandbox, api: Api) -> None:
    api.create_user()
    api.create_user()
    api.get("users/isUsernameExists", username="x")
    state = requests.get(f"{sandbox.url}/_sandbox/state", timeout=10).json()
    assert state["calls"] == {"createUser": 2, "isUsernameExists": 1}
    assert state["peak_concurrency"] == 1
    assert state["users"] == [{"UserId": one.user_id, "Username": one.username} for one in sandbox.site.users()]
    assert state["results"] == sandbox.site.counts()
    requests.post(f"{sandbox.url}/_sandbox/reset_counters", timeout=10)
    state = requests.get(f"{sandbox.url}/_sandbox/state", timeout=10).json()
    assert (state["calls"], state["peak_concurrency"]) == ({}, 0)


def test_the_true_results_of_a_user_can_be_read(sandbox: Sandbox) -> None:
    user_id = user_of(sandbox, "sixty_results").user_id
    truth = requests.get(f"{sandbox.url}/_sandbox/results", params={"user_id": user_id}, timeout=10).json()
    assert truth["initial"] == [asdict(one) for one in sandbox.site.results(user_id, "initial")]
    assert len(truth["diagnostic"]) == 60
    assert [one["session_id"] for one in truth["v5"]] == [one.session_id for one in sandbox.site.results(user_id, "v5")]
    assert requests.get(f"{sandbox.url}/_sandbox/results", params={"user_id": 1}, timeout=10).status_code == 404


def test_32_slow_calls_are_served_concurrently(sandbox: Sandbox, api: Api) -> None:
    requests.post(f"{sandbox.url}/_sandbox/latency", params={"seconds": 0.5}, timeout=10)
    together = threading.Barrier(32)

    def call(number: int) -> None:
        together.wait()
        api.get("users/isUsernameExists", username=str(number))

    api.session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
    began = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(call, range(32)))
    assert sandbox.site.peak_concurrency == 32
    assert time.monotonic() - began < 8, "32 calls in sequence take 16 s"


def test_an_invalid_latency_is_refused(sandbox: Sandbox) -> None:
    for seconds in (-1, 61, "nan"):
        response = requests.post(f"{sandbox.url}/_sandbox/latency", params={"seconds": seconds}, timeout=10)
        assert response.status_code == 400
    assert sandbox.site.latency == 0

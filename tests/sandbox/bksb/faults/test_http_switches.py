"""Switching faults and behaviours over HTTP."""

import json
import re

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.catalogue import KINDS
from tests.sandbox.bksb.faults.faulty_site import FaultySite, statuses


def test_faults_are_listed_and_switched_on_and_off_over_http(site: FaultySite) -> None:
    url = f"{site.api.url}/_sandbox/faults"
    assert requests.get(url, timeout=10).json()["kinds"] == {kind: known.description for kind, known in KINDS.items()}
    one = {"kind": "capped_page", "calls": ["initialAssessment"], "user": site.busy.user_id, "cap": 3}
    assert requests.post(url, json=one, timeout=10).status_code == 200
    assert requests.post(f"{url}?seed=7", json=[{"kind": "500", "times": 1}], timeout=10).json()["seed"] == 7
    assert (statuses(site, 2), len(site.sessions())) == ([500, 200], 3)
    state = requests.get(url, timeout=10).json()
    assert state["faults"] == [{"number": 1, "probability": 1.0, "times": None, "seconds": None, "played": 1, **one}]
    assert state["played"] == {"500": 1, "capped_page": 1}
    assert requests.delete(f"{url}/1", timeout=10).json()["faults"] == []
    assert requests.delete(f"{url}/1", timeout=10).status_code == 404
    assert requests.delete(url, timeout=10).json()["played"] == {}
    assert requests.post(f"{url}?seed=x", json=one, timeout=10).json() == {"Message": "seed must be a whole number."}


def test_behaviours_are_read_and_changed_over_http(site: FaultySite) -> None:
    url = f"{site.api.url}/_sandbox/behaviour"
    defaults = requests.get(url, timeout=10).json()
    changed = requests.post(url, json={"not_found_body": "text", "not_found_status": 404, "page_cap": 7}, timeout=10)
    assert changed.json() == {**defaults, "not_found_body": "text", "not_found_status": 404, "page_cap": 7}
    response = site.api.get("users/user/getUserId", username="x")
    assert (response.status_code, response.text) == (404, "A user with username 'x' not found.")
    assert len(site.rows()) == 7


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "flood"}, "Unknown fault 'flood'. Choose one of: 400, 401,"),
        ({"kind": 500}, "Unknown fault 500."),
        ({"kind": "500", "calls": ["getUser"]}, "Unknown call 'getUser'. Choose from: createUser,"),
        ({"kind": "500", "calls": "getUserId"}, "calls must be a list of calls"),
        ({"kind": "500", "calls": []}, "calls must be a list of calls"),
        ({"kind": "500", "calls": [[]]}, r"Unknown call \[\]"),
        (
            {"kind": "capped_page", "calls": ["getUserId"]},
            "capped_page does not apply to getUserId. It applies to: initialA",
        ),
        ({"kind": "500", "user": ""}, "user must be a user id or a username"),
        ({"kind": "500", "user": True}, "user must be a user id or a username"),
        ({"kind": "500", "probability": 1.1}, "probability must be a number from 0 to 1."),
        ({"kind": "500", "probability": "1"}, "probability must be a number from 0 to 1."),
        ({"kind": "500", "probability": float("nan")}, "probability must be a number from 0 to 1."),
        ({"kind": "500", "times": 0}, "times must be a whole number from 1"),
        ({"kind": "500", "times": 1.5}, "times must be a whole number from 1"),
        ({"kind": "slow", "seconds": -1}, "seconds must be a number from 0 to 86400."),
        ({"kind": "slow", "seconds": True}, "seconds must be a number from 0 to 86400."),
        ({"kind": "capped_page", "cap": 0}, "cap must be a whole number from 1"),
        (
            {"kind": "500", "seconds": 1},
            "500 has no seconds. Only these have it: 429_seconds, 429_date, slow, create_then_timeout",
        ),
        ({"kind": "slow", "cap": 1}, "slow has no cap. Only these have it: capped_page"),
        ({"kind": "500", "often": 1}, "A fault has no 'often'. It can have: kind, calls,"),
        ({}, "A fault must be a JSON object with a kind"),
        ("500", "A fault must be a JSON object with a kind"),
        (None, "A fault must be a JSON object with a kind"),
        ([{"kind": "500"}, 7], "A fault must be a JSON object with a kind"),
    ],
)
def test_an_invalid_fault_is_refused_with_what_is_possible(site: FaultySite, fault: object, message: str) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/faults", data=json.dumps(fault), timeout=10)
    assert refused.status_code == 400
    assert re.match(message, refused.json()["Message"])
    assert site.sandbox.site.faults.list_active() == ()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("path", ["faults", "behaviour"])
def test_a_body_that_is_not_json_is_refused(site: FaultySite, path: str, body: bytes) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/{path}", data=body, timeout=10)
    assert (refused.status_code, refused.json()["Message"]) == (400, "The body is not JSON.")


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"refusal_status": 500}, "refusal_status must be one of: 200, 400."),
        ({"not_found_body": "xml"}, "not_found_body must be one of: json, text, message."),
        ({"not_found_body": []}, "not_found_body must be one of: json, text, message."),
        ({"page_cap": 0}, "page_cap must be a whole number from 1 to 1000."),
        ({"page_cap": True}, "page_cap must be a whole number from 1 to 1000."),
        ({"page_cap": "20"}, "page_cap must be a whole number from 1 to 1000."),
        ({"leaves_out_empty_lists": True}, "leaves_out_empty_lists must be one of: sometimes, always, never."),
        ({"mood": "bad"}, "Unknown behaviour 'mood'. Choose one of: refusal_status,"),
        ([], "The body must be a JSON object of behaviours."),
    ],
)
def test_an_invalid_behaviour_is_refused(site: FaultySite, switches: object, message: str) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/behaviour", json=switches, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["Message"].startswith(message)
    assert site.sandbox.site.behaviour == Behaviour()

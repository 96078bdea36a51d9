"""Switching faults and behaviours over HTTP."""

import json
import re

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.catalogue import KINDS
from tests.sandbox.bksb.faults.faulty_site import FaultySite, statuses


def test_faults_are_listed_switched_on_and_off_over_http(site: FaultySite) -> None:
    url = f"{site.api.url}/_sandbox/faults"
    assert requests.get(url, timeout=10).json()["kinds"] == {kind: known.plays for kind, known in KINDS.items()}
    one = {"kind": "capped_page", "calls": ["initialAssessment"], "user": site.busy.user_id, "cap": 3}
    assert requests.post(url, json=one, timeout=10).status_code == 200
    assert requests.post(f"{url}?seed=7", json=[{"kind": "500", "times": 1}], timeout=10).json()["seed"] == 7
    assert (statuses(site, 2), len(site.sessions())) == ([500, 200], 3)
    told = requests.get(url, timeout=10).json()
    assert told["faults"] == [{"number": 1, "probability": 1.0, "times": None, "seconds": None, "played": 1, **one}]
    assert told["played"] == {"500": 1, "capped_page": 1}
    assert requests.delete(f"{url}/1", timeout=10).json()["faults"] == []
    assert requests.delete(f"{url}/1", timeout=10).status_code == 404
    assert requests.delete(url, timeout=10).json()["played"] == {}
    assert requests.post(f"{url}?seed=x", json=one, timeout=10).json() == {"Message": "seed is a whole number."}


def test_behaviours_are_read_and_changed_over_http(site: FaultySite) -> None:
    url = f"{site.api.url}/_sandbox/behaviour"
    usual = requests.get(url, timeout=10).json()
    changed = requests.post(url, json={"not_found_body": "text", "not_found_status": 404, "page_cap": 7}, timeout=10)
    assert changed.json() == {**usual, "not_found_body": "text", "not_found_status": 404, "page_cap": 7}
    told = site.api.get("users/user/getUserId", username="x")
    assert (told.status_code, told.text) == (404, "A user with username 'x' not found.")
    assert len(site.rows()) == 7


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"kind": "flood"}, "There is no fault 'flood'. There are: 400, 401,"),
        ({"kind": 500}, "There is no fault 500."),
        ({"kind": "500", "calls": ["getUser"]}, "There is no call 'getUser'. There are: createUser,"),
        ({"kind": "500", "calls": "getUserId"}, "calls is a list of calls"),
        ({"kind": "500", "calls": []}, "calls is a list of calls"),
        ({"kind": "500", "calls": [[]]}, r"There is no call \[\]"),
        (
            {"kind": "capped_page", "calls": ["getUserId"]},
            "capped_page cannot happen in getUserId; it can in: initialA",
        ),
        ({"kind": "500", "user": ""}, "user is a user id or a username"),
        ({"kind": "500", "user": True}, "user is a user id or a username"),
        ({"kind": "500", "probability": 1.1}, "probability is a number from 0 to 1."),
        ({"kind": "500", "probability": "1"}, "probability is a number from 0 to 1."),
        ({"kind": "500", "probability": float("nan")}, "probability is a number from 0 to 1."),
        ({"kind": "500", "times": 0}, "times is a whole number from 1"),
        ({"kind": "500", "times": 1.5}, "times is a whole number from 1"),
        ({"kind": "slow", "seconds": -1}, "seconds is a number from 0 to 86400."),
        ({"kind": "slow", "seconds": True}, "seconds is a number from 0 to 86400."),
        ({"kind": "capped_page", "cap": 0}, "cap is a whole number from 1"),
        ({"kind": "500", "seconds": 1}, "500 takes no seconds; only 429_seconds, 429_date, slow, create_then_timeout"),
        ({"kind": "slow", "cap": 1}, "slow takes no cap; only capped_page do"),
        ({"kind": "500", "often": 1}, "A fault has no 'often'. It has: kind, calls,"),
        ({}, "A fault is a JSON object with a kind"),
        ("500", "A fault is a JSON object with a kind"),
        (None, "A fault is a JSON object with a kind"),
        ([{"kind": "500"}, 7], "A fault is a JSON object with a kind"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_way_out(site: FaultySite, told: object, message: str) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/faults", data=json.dumps(told), timeout=10)
    assert refused.status_code == 400
    assert re.match(message, refused.json()["Message"])
    assert site.sandbox.site.faults.list_active() == ()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("path", ["faults", "behaviour"])
def test_what_is_no_json_is_refused(site: FaultySite, path: str, body: bytes) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/{path}", data=body, timeout=10)
    assert (refused.status_code, refused.json()["Message"]) == (400, "The body is not JSON.")


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"refusal_status": 500}, "refusal_status is one of 200, 400."),
        ({"not_found_body": "xml"}, "not_found_body is one of json, text, message."),
        ({"not_found_body": []}, "not_found_body is one of json, text, message."),
        ({"page_cap": 0}, "page_cap is a whole number from 1 to 1000."),
        ({"page_cap": True}, "page_cap is a whole number from 1 to 1000."),
        ({"page_cap": "20"}, "page_cap is a whole number from 1 to 1000."),
        ({"leaves_out_empty_lists": True}, "leaves_out_empty_lists is one of sometimes, always, never."),
        ({"mood": "bad"}, "There is no behaviour 'mood'. There are: refusal_status,"),
        ([], "The body is a JSON object of behaviours."),
    ],
)
def test_a_behaviour_that_there_is_not_is_refused(site: FaultySite, switches: object, message: str) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/behaviour", json=switches, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["Message"].startswith(message)
    assert site.sandbox.site.behaviour == Behaviour()

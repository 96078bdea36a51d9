"""Fetching one account, with answers that the sandbox does not give."""

from __future__ import annotations

import json

import pytest

from bksb.api.client import BksbClient
from bksb.jobs.results.due import DueAccount
from bksb.jobs.results.fetching import fetch_account
from tests.conftest import IMPATIENT

ACCOUNT = DueAccount("P1", 7, "ada", sources=("v5",), sources_with_results=frozenset())


@pytest.mark.parametrize("spelling", ["AssessmentType", "assessmentType", "ASSESSMENTTYPE"])
@pytest.mark.parametrize("value", [9, "9"])
def test_an_unknown_type_is_reported_by_number_however_bksb_spells_the_field(scripted, spelling, value):
    session = {"SessionId": 1, spelling: value, "DateCompleted": "2026-11-20T10:00:00"}
    scripted.answer(200, json.dumps([session]))
    scripted.answer(200, "[]")
    client = BksbClient(scripted.url, "AK", "SK", budget=IMPATIENT)
    (listing,) = fetch_account(client, ACCOUNT).listings
    assert (listing.results, set(listing.unknown_types)) == ([], {"9"})


def test_a_session_without_a_type_is_reported(scripted):
    scripted.answer(200, json.dumps([{"SessionId": 1, "DateCompleted": "2026-11-20T10:00:00"}]))
    scripted.answer(200, "[]")
    client = BksbClient(scripted.url, "AK", "SK", budget=IMPATIENT)
    (listing,) = fetch_account(client, ACCOUNT).listings
    assert set(listing.unknown_types) == {"missing"}

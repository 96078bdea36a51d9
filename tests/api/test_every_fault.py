"""The client handles every fault of the sandbox as docs/bksb-api.md says."""

from __future__ import annotations

import logging
import re
import traceback
from datetime import date

import pytest

from bksb.api.client import BksbClient
from bksb.api.parsing import NewUser
from bksb.api.transport import RetryBudget
from bksb.errors import BksbSyncError, FatalError, RejectedError, TransientError
from sandbox.bksb.faults.catalogue import KINDS, Fault
from sandbox.server import Sandbox
from tests.conftest import DEFAULT_PASSWORD, repository

ONE_TRY = RetryBudget(attempts=1, total_seconds=20.0)

HEADING = "| fault | reading results | looking a username up | creating |"


def documented() -> dict[str, tuple[str, str, str]]:
    """Return the table of docs/bksb-api.md: kind → (results, look-up, creation)."""
    text = (repository() / "docs" / "bksb-api.md").read_text(encoding="utf-8")
    table = text[text.index(HEADING) :].split("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
    return {kind: (results.strip(), look_up.strip(), creation.strip()) for kind, results, look_up, creation in rows}


def test_every_fault_is_documented():
    assert set(documented()) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_client_handles_a_fault_as_documented(world, kind):
    assert outcomes(world, kind) == documented()[kind]


def outcomes(world, kind: str) -> tuple[str, str, str]:
    """Return the outcome of each call while a fault lasts, in the words of the table."""
    with Sandbox(world) as sandbox:
        user = sandbox.site.users()[0]
        for number in range(7):
            sandbox.site.add_result(user.user_id, "initial", "Maths Level 1", f"2026-11-{number + 1:02d}T10:00:00")
        truth = {str(result.session_id) for result in sandbox.site.results(user.user_id, "initial")}
        seconds = {"slow": 0.1, "create_then_timeout": 5.0}.get(kind)
        sandbox.site.faults.add(Fault(kind, seconds=seconds))
        client = BksbClient(
            sandbox.url, sandbox.access_key, sandbox.secret_key, timeout_seconds=(5.0, 1.0), budget=ONE_TRY
        )
        return (
            outcome(lambda: listed(client.initial_assessments(user.user_id), truth)),
            outcome(lambda: "the right one" if client.find_user_id(user.username) == user.user_id else "no such user"),
            outcome(lambda: created(client)),
        )


def listed(listing, truth: set[str]) -> str:
    found = {record.session_id for record in listing.entries}
    if not listing.is_complete:
        return "loaded, not marked complete" if found <= truth else "more than there is"
    return "complete" if truth <= found else "incomplete"


def created(client: BksbClient) -> str:
    client.create_user(NewUser("new", "Synthia", "Sample", "new@learner.example", DEFAULT_PASSWORD))
    return "created"


def outcome(call) -> str:
    try:
        return call()
    except FatalError:
        return "everything stops"
    except RejectedError:
        return "this learner is reported"
    except TransientError:
        return "tried again"
    except BksbSyncError as error:
        return type(error).__name__


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_error_or_log_line_names_a_person_whatever_the_fault(world, caplog, kind):
    caplog.set_level(logging.DEBUG)
    person = NewUser(
        "Unmistakeable+1", "Zebedee", "Unmistakeable", "zebedee@learner.example", DEFAULT_PASSWORD, date(2009, 2, 27)
    )
    said = []
    with Sandbox(world) as sandbox:
        user = sandbox.site.create_user("Unmistakeable", "Zebedee", "Unmistakeable", "z@learner.example", "password-9")
        sandbox.site.add_result(user.user_id, "initial", "Maths Level 1", "2026-11-01T10:00:00")
        sandbox.site.faults.add(Fault(kind, seconds={"slow": 0.1, "create_then_timeout": 5.0}.get(kind)))
        client = BksbClient(
            sandbox.url, sandbox.access_key, sandbox.secret_key, timeout_seconds=(5.0, 1.0), budget=ONE_TRY
        )
        for call in (
            lambda: client.find_user_id(user.username),
            lambda: client.username_exists(user.username),
            lambda: client.create_user(person),
            lambda: client.initial_assessments(user.user_id),
            lambda: client.auto_login_link(user.user_id),
        ):
            try:
                said.append(repr(call()))
            except BksbSyncError as error:
                said += [str(error), repr(error), "".join(traceback.format_exception(error))]
    shown = "\n".join([*said, caplog.text]).lower()
    secrets = (sandbox.secret_key.lower(), DEFAULT_PASSWORD.lower())
    assert [trace for trace in ("unmistakeable", "zebedee", "2009", *secrets) if trace in shown] == []

"""Switches for what is not known about the real bksb."""

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour, BehaviourError
from sandbox.server import Sandbox
from sandbox.world.population import World
from tests.conftest import repository
from tests.sandbox.calls import Api
from tests.sandbox.users import user_of


def test_every_switch_changes_the_responses(world: World) -> None:
    behaviour = Behaviour(
        refusal_status=400,
        not_found_status=404,
        not_found_body="message",
        page_cap=5,
        leaves_out_empty_lists="never",
        null_for_no_sessions="always",
    )
    with Sandbox(world, behaviour=behaviour) as sandbox, requests.Session() as session:
        session.auth = (sandbox.access_key, sandbox.secret_key)
        api = Api(sandbox.url, session)
        assert api.create_user(Username="").status_code == 400
        unknown = api.get("users/user/getUserId", username="x")
        assert (unknown.status_code, unknown.json()) == (
            404,
            {"Message": "A user with username 'x' not found."},
        )
        user_id = user_of(sandbox, "sixty_results").user_id
        assert len(api.get(f"results/initialAssessment/{user_id}/all").json()["InitialAssessmentResults"]) == 5
        for user in sandbox.site.users()[:2]:
            body = api.get(f"results/initialAssessment/{user.user_id}/all", page=99).json()
            assert body["InitialAssessmentResults"] == []
            sessions = api.get(
                "assessmentSessions/getAssessmentSessionsForCourseV5",
                courseSubject="OTHER",
                userId=user.user_id,
            )
            assert sessions.json() is None


def test_the_response_for_an_unknown_username_can_be_plain_text(world: World) -> None:
    with Sandbox(world, behaviour=Behaviour(not_found_body="text", not_found_status=400)) as sandbox:
        response = requests.get(
            f"{sandbox.url}/api/users/user/getUserId",
            params={"username": "x"},
            auth=(sandbox.access_key, sandbox.secret_key),
            timeout=10,
        )
    assert (response.status_code, response.text) == (400, "A user with username 'x' not found.")
    assert response.headers["Content-Type"].startswith("text/plain")


def test_every_behaviour_is_in_the_documentation() -> None:
    page = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name, switch in Behaviour.__dataclass_fields__.items():
        assert f"| `{name}` | {switch.metadata['description']} |" in page


def test_an_invalid_behaviour_is_refused_in_python_too() -> None:
    with pytest.raises(BehaviourError):
        Behaviour(page_cap=0)

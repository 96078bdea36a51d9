"""How the pretend bksb answers where the evidence leaves it open."""

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour, BehaviourError
from sandbox.server import Sandbox
from sandbox.world.population import World
from tests.conftest import repository
from tests.sandbox.calls import Api
from tests.sandbox.users import user_of


def test_another_behaviour_can_be_chosen(world: World) -> None:
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
            page = api.get(f"results/initialAssessment/{user.user_id}/all", page=99).json()
            assert page["InitialAssessmentResults"] == []
            sessions = api.get(
                "assessmentSessions/getAssessmentSessionsForCourseV5",
                courseSubject="OTHER",
                userId=user.user_id,
            )
            assert sessions.json() is None


def test_an_unknown_username_can_be_answered_in_plain_text(world: World) -> None:
    with Sandbox(world, behaviour=Behaviour(not_found_body="text", not_found_status=400)) as sandbox:
        answer = requests.get(
            f"{sandbox.url}/api/users/user/getUserId",
            params={"username": "x"},
            auth=(sandbox.access_key, sandbox.secret_key),
            timeout=10,
        )
    assert (answer.status_code, answer.text) == (400, "A user with username 'x' not found.")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_each_behaviour_is_explained_in_the_documentation() -> None:
    told = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name, switch in Behaviour.__dataclass_fields__.items():
        assert f"| `{name}` | {switch.metadata['says']} |" in told


def test_a_behaviour_that_there_is_not_cannot_be_made_in_python_either() -> None:
    with pytest.raises(BehaviourError):
        Behaviour(page_cap=0)

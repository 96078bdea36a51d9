"""The invented results of a large world."""

import re
from datetime import datetime, timedelta

import pytest

from sandbox.bksb.site import BksbSite
from sandbox.world.people import invent
from sandbox.world.results import LEVELS, ODD_RESULTS, UNFINISHED, UNKNOWN_RESULTS
from tests.sandbox.conftest import TODAY


@pytest.fixture(scope="module")
def big_site() -> BksbSite:
    return BksbSite(invent(3000, TODAY))


def test_results_are_newest_first_and_never_after_the_anchor_date(big_site: BksbSite) -> None:
    eve = (TODAY - timedelta(days=1)).isoformat()
    dates = []
    for user in big_site.users():
        initial = [result.completed_raw for result in big_site.results(user.user_id, "initial")]
        diagnostic = [result.completed_raw for result in big_site.results(user.user_id, "diagnostic")]
        started = [session.started_raw for session in big_site.results(user.user_id, "v5")]
        for one_list in (initial, diagnostic, started):
            assert one_list == sorted(one_list, reverse=True)
        dates += initial + diagnostic
    assert max(dates)[:10] == eve
    assert sum(raw.startswith(eve) for raw in dates) > 20
    assert all(datetime.fromisoformat(raw[:19]) for raw in dates)
    assert {len(raw.partition(".")[2]) for raw in dates} == {0, 3, 7}


def test_session_ids_are_unique_across_users_and_sources(big_site: BksbSite) -> None:
    ids = []
    for user in big_site.users():
        for results in (
            big_site.results(user.user_id, "initial"),
            big_site.results(user.user_id, "diagnostic"),
            big_site.results(user.user_id, "v5"),
        ):
            ids += [result.session_id for result in results]
    assert len(ids) == len(set(ids))
    assert max(ids) < 2**31


def test_initial_results_use_bksbs_words_and_a_few_unknown_ones(big_site: BksbSite) -> None:
    texts = {result.result for user in big_site.users() for result in big_site.results(user.user_id, "initial")}
    levelled = {f"{subject} {level}" for subject in ("English", "Maths", "Mathematics", "ICT") for level in LEVELS[1:]}
    assert texts == levelled | set(ODD_RESULTS) | set(UNKNOWN_RESULTS)


def test_diagnostic_results_are_percentages_in_three_formats(big_site: BksbSite) -> None:
    results = [one for user in big_site.users() for one in big_site.results(user.user_id, "diagnostic")]
    assert {type(one.result) for one in results} == {str, int}
    assert {str(one.result).endswith("%") for one in results if isinstance(one.result, str)} == {True, False}
    assert {int(str(one.result).rstrip("%")) for one in results} == set(range(101))
    assert all(re.fullmatch(r"(English|Maths) (E2|E3|L1|L2|L3) Diagnostic", one.assessment_name) for one in results)


def test_v5_sessions_are_finished_with_components_or_unfinished_without(big_site: BksbSite) -> None:
    sessions = [one for user in big_site.users() for one in big_site.results(user.user_id, "v5")]
    assert {session.assessment_type for session in sessions} == {1, 2}
    assert {session.course_subject for session in sessions} == {"ENG_NEW", "MATHS_NEW"}
    for session in sessions:
        assert session.is_finished == (session.completed_raw != UNFINISHED) == bool(session.components)
    assert {session.is_finished for session in sessions} == {True, False}

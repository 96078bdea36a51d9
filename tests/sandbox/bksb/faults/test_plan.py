"""Which calls and people a fault strikes, and how many times."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.bksb.faults.catalogue import Fault
from tests.sandbox.bksb.faults.faulty_site import SIZE, FaultySite, statuses


def test_a_fault_can_be_limited_to_some_calls(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("500", calls=("getUserId", "createUser")))
    assert (site.user_id().status_code, site.page().status_code) == (500, 200)
    assert site.api.create_user().status_code == 500


@pytest.mark.parametrize("by", ["id", "id as text", "username", "username in upper case"])
def test_a_fault_can_be_limited_to_one_person(site: FaultySite, by: str) -> None:
    user = site.busy
    names: dict[str, int | str] = {
        "id": user.user_id,
        "id as text": str(user.user_id),
        "username": user.username,
        "username in upper case": user.username.upper(),
    }
    site.sandbox.site.faults.add(Fault("500", user=names[by]))
    assert (site.user_id().status_code, site.page().status_code) == (500, 500)
    path = "assessmentSessions/getAssessmentSessionsForCourseV5"
    assert site.api.get(path, courseSubject="ENG_NEW", userId=user.user_id).status_code == 500
    other = site.person("one_result")
    assert site.page(user=other).status_code == 200
    assert site.api.get("users/user/getUserId", username=other.username).status_code == 200
    assert site.api.get("userGroups/search").status_code == 200


def test_a_creation_can_fail_for_one_username(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("create_then_500", user="Ill.Fated"))
    assert site.api.create_user(Username="ill.fated").status_code == 500
    assert site.api.create_user(Username="lucky").status_code == 200


def test_a_fault_strikes_the_given_number_of_times(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("500", times=2))
    assert statuses(site, 4) == [500, 500, 200, 200]
    assert site.sandbox.site.faults.list_active() == ()
    assert site.sandbox.site.faults.count_played() == {"500": 2}
    assert site.sandbox.site.faults.is_idle


def test_a_fault_strikes_the_given_number_of_times_with_concurrent_calls(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("500", times=5))
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: site.user_id().status_code, range(40)))
    assert seen.count(500) == 5


def test_the_same_seed_makes_a_probable_fault_strike_the_same_calls(site: FaultySite) -> None:
    faults = site.sandbox.site.faults

    def thrown(seed: int) -> list[int]:
        faults.clear()
        faults.seed = seed
        faults.add(Fault("500", probability=0.3))
        return statuses(site, 200)

    first = thrown(1)
    assert 35 <= first.count(500) <= 85
    assert thrown(1) == first
    assert thrown(2) != first


def test_calls_for_other_people_do_not_change_when_a_fault_strikes(site: FaultySite) -> None:
    faults = site.sandbox.site.faults
    faults.add(Fault("500", probability=0.5))
    alone = statuses(site, 30)
    faults.clear()
    faults.add(Fault("500", probability=0.5))
    among_others = []
    for _ in range(30):
        site.page(user=site.person("one_result"))
        among_others += statuses(site, 1)
    assert among_others == alone


def test_probability_0_is_never_and_probability_1_is_always(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("500", probability=0))
    assert set(statuses(site, 20)) == {200}
    site.sandbox.site.faults.add(Fault("500", probability=1))
    assert set(statuses(site, 20)) == {500}


def test_all_pages_of_a_reading_have_the_same_faults_and_the_next_reading_draws_again(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("capped_page", probability=0.5, cap=10))
    readings = []
    for _ in range(30):
        lengths = {len(site.sessions(number)) for number in (1, 2, 3)}
        assert len(lengths) == 1
        readings += lengths
    assert set(readings) == {10, SIZE}


def test_a_used_up_fault_of_a_listing_still_applies_to_the_reading_it_began(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("capped_page", times=1))
    assert [len(site.sessions(number)) for number in (1, 2, 46, 1, 2)] == [5, 5, 5, SIZE, SIZE]
    assert site.sandbox.site.faults.is_idle


def test_a_fault_with_no_visible_effect_is_not_counted(site: FaultySite) -> None:
    for kind in ("shifting_pages", "changing_total", "capped_page", "dates_7_digits", "unknown_result"):
        site.sandbox.site.faults.add(Fault(kind, times=1))
    assert site.page(user=site.person("no_results")).status_code == 200
    assert site.sandbox.site.faults.count_played() == {}


def test_several_faults_apply_to_one_response(site: FaultySite) -> None:
    faults = site.sandbox.site.faults
    faults.add(Fault("capped_page"), Fault("total_missing"), Fault("numbers_as_strings"), Fault("renamed_list"))
    body = site.page().json()
    assert ([row["SessionId"] for row in body["Results"]], body["Pagination"]["RecordsPerPage"]) == (
        [str(one) for one in site.truth()[:5]],
        "20",
    )
    assert "TotalRecords" not in body["Pagination"]


def test_switching_one_fault_off_leaves_the_others_on(site: FaultySite) -> None:
    faults = site.sandbox.site.faults
    faults.add(Fault("500"), Fault("404"))
    assert faults.remove(1)
    assert not faults.remove(1)
    assert statuses(site, 1) == [404]
    assert [one.number for one in faults.list_active()] == [2]

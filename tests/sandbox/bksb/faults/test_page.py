"""The web page that switches faults and behaviours."""

from typing import Any

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.catalogue import KINDS, Fault
from tests.sandbox.bksb.faults.faulty_site import FaultySite, statuses


def shown(site: FaultySite, **query: str) -> str:
    response = requests.get(f"{site.api.url}/faults", params=query, timeout=10)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return response.text


def sent(site: FaultySite, path: str, form: dict[str, Any]) -> requests.Response:
    return requests.post(f"{site.api.url}/faults{path}", data=form, timeout=10)


def test_the_page_has_every_switch_and_the_front_page_links_to_it(site: FaultySite) -> None:
    assert 'href="/faults"' in requests.get(site.api.url, timeout=10).text
    page = shown(site)
    for kind in KINDS:
        assert f'href="/faults?kind={kind}#add">{kind}</a>' in page
        assert f"<option>{kind}" in page or f"<option selected>{kind}" in page
    for name in Behaviour.__dataclass_fields__:
        assert f'name="{name}"' in page
    assert "None. The simulated bksb works normally." in page
    assert "<script" not in page
    assert 'name="viewport"' in page


def test_the_link_of_a_fault_selects_it_in_the_form(site: FaultySite) -> None:
    assert "<option selected>reset" in shown(site, kind="reset")
    assert "<option selected>" in shown(site, kind="<i>"), "only behaviours are selected, and no fault"
    assert "<i>" not in shown(site, kind="<i>")


def test_faults_are_switched_on_and_off_on_the_page(site: FaultySite) -> None:
    form = {"kind": "500", "calls": ["getUserId", "createUser"], "user": "", "probability": "", "times": "3"}
    page = sent(site, "", form)
    assert (page.status_code, page.url) == (200, f"{site.api.url}/faults")
    assert "createUser, getUserId; all users; played 0 of 3 times" in page.text
    (on,) = site.sandbox.site.faults.list_active()
    assert on.fault == Fault("500", calls=("createUser", "getUserId"), times=3)
    assert statuses(site, 1) == [500]
    assert "1 of 3 times" in shown(site)
    sent(site, "", {"kind": "slow", "user": f" {site.busy.user_id} ", "seconds": "0.5", "probability": "0.25"})
    assert f"all possible calls; user {site.busy.user_id}; probability 0.25" in shown(site)
    page = sent(site, "/clear", {"number": "1"})
    assert [one.fault.kind for one in site.sandbox.site.faults.list_active()] == ["slow"]
    assert "Played so far: 500 (1 time)" in page.text
    assert "no longer on" in sent(site, "/clear", {"number": "1"}).text
    sent(site, "/clear", {"number": "all"})
    assert site.sandbox.site.faults.list_active() == ()


def test_behaviours_are_changed_on_the_page(site: FaultySite) -> None:
    form = {"refusal_status": "400", "not_found_status": "404", "not_found_body": "message", "page_cap": "9"}
    often = {"leaves_out_empty_lists": "never", "null_for_no_sessions": "always"}
    assert sent(site, "/behaviour", form | often).status_code == 200
    assert site.sandbox.site.behaviour == Behaviour(400, 404, "message", 9, "never", "always")
    assert "<option selected>message" in shown(site)


@pytest.mark.parametrize(
    ("path", "form", "message"),
    [
        ("", {"kind": "flood"}, "Unknown fault &#x27;flood&#x27;."),
        ("", {}, "Unknown fault &#x27;&#x27;."),
        ("", {"kind": "500", "times": "<b>"}, "times must be a whole number, not “&lt;b&gt;”."),
        ("", {"kind": "500", "probability": "often"}, "probability must be a number, not “often”."),
        ("", {"kind": "500", "probability": "nan"}, "probability must be a number from 0 to 1."),
        ("", {"kind": "slow", "seconds": "1e9"}, "seconds must be a number from 0 to 86400."),
        ("", {"kind": "capped_page", "calls": ["createUser"]}, "capped_page does not apply to createUser"),
        ("/clear", {"number": "²"}, "That fault is no longer on."),
        ("/behaviour", {"page_cap": "many"}, "page_cap must be a whole number from 1 to 1000."),
        ("/behaviour", {"mood": "bad"}, "Unknown behaviour &#x27;mood&#x27;."),
    ],
)
def test_an_invalid_form_changes_nothing_and_the_page_shows_the_error(
    site: FaultySite, path: str, form: dict[str, Any], message: str
) -> None:
    refused = sent(site, path, form)
    assert refused.status_code == 400
    assert message in refused.text
    assert "Nothing was changed." in refused.text
    assert (site.sandbox.site.faults.list_active(), site.sandbox.site.behaviour) == ((), Behaviour())


def test_the_page_keeps_the_invalid_form_and_escapes_it(site: FaultySite) -> None:
    refused = sent(site, "", {"kind": "reset", "calls": "getUserId", "user": '"><script>', "times": "x"})
    assert "<option selected>reset" in refused.text
    assert 'value="getUserId" checked' in refused.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in refused.text
    sent(site, "", {"kind": "500", "user": "<script>alert(1)</script>"})
    assert "<script" not in shown(site)
    assert "user &lt;script&gt;" in shown(site)


def test_the_page_allows_no_scripts_and_only_its_own_forms(site: FaultySite) -> None:
    headers = requests.get(f"{site.api.url}/faults", timeout=10).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["Cache-Control"] == "no-store"

"""Switching faults and behaviours on the page."""

from typing import Any

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.catalogue import KINDS, Fault
from tests.sandbox.bksb.faults.faulty_site import FaultySite, statuses


def shown(site: FaultySite, **query: str) -> str:
    told = requests.get(f"{site.api.url}/faults", params=query, timeout=10)
    assert (told.status_code, told.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return told.text


def sent(site: FaultySite, path: str, form: dict[str, Any]) -> requests.Response:
    return requests.post(f"{site.api.url}/faults{path}", data=form, timeout=10)


def test_the_page_lists_every_switch_and_is_linked_from_the_first_page(site: FaultySite) -> None:
    assert 'href="/faults"' in requests.get(site.api.url, timeout=10).text
    page = shown(site)
    for kind in KINDS:
        assert f'href="/faults?kind={kind}#add">{kind}</a>' in page
        assert f"<option>{kind}" in page or f"<option selected>{kind}" in page
    for name in Behaviour.__dataclass_fields__:
        assert f'name="{name}"' in page
    assert "Nothing: bksb is well." in page
    assert "<script" not in page
    assert 'name="viewport"' in page


def test_a_link_beside_a_fault_chooses_it_in_the_form(site: FaultySite) -> None:
    assert "<option selected>reset" in shown(site, kind="reset")
    assert "<option selected>" in shown(site, kind="<i>"), "the behaviours as they are, and no fault"
    assert "<i>" not in shown(site, kind="<i>")


def test_a_person_switches_faults_on_and_off_on_the_page(site: FaultySite) -> None:
    form = {"kind": "500", "calls": ["getUserId", "createUser"], "user": "", "probability": "", "times": "3"}
    page = sent(site, "", form)
    assert (page.status_code, page.url) == (200, f"{site.api.url}/faults")
    assert "createUser, getUserId; for everybody; 0 of 3 times" in page.text
    (on,) = site.sandbox.site.faults.list_active()
    assert on.fault == Fault("500", calls=("createUser", "getUserId"), times=3)
    assert statuses(site, 1) == [500]
    assert "1 of 3 times" in shown(site)
    sent(site, "", {"kind": "slow", "user": f" {site.busy.user_id} ", "seconds": "0.5", "probability": "0.25"})
    assert f"every call it can touch; for {site.busy.user_id}; with probability 0.25" in shown(site)
    page = sent(site, "/clear", {"number": "1"})
    assert [one.fault.kind for one in site.sandbox.site.faults.list_active()] == ["slow"]
    assert "Spoilt so far: 500 once" in page.text
    assert "not on any more" in sent(site, "/clear", {"number": "1"}).text
    sent(site, "/clear", {"number": "all"})
    assert site.sandbox.site.faults.list_active() == ()


def test_a_person_changes_behaviours_on_the_page(site: FaultySite) -> None:
    form = {"refusal_status": "400", "not_found_status": "404", "not_found_body": "message", "page_cap": "9"}
    often = {"leaves_out_empty_lists": "never", "null_for_no_sessions": "always"}
    assert sent(site, "/behaviour", form | often).status_code == 200
    assert site.sandbox.site.behaviour == Behaviour(400, 404, "message", 9, "never", "always")
    assert "<option selected>message" in shown(site)


@pytest.mark.parametrize(
    ("path", "form", "message"),
    [
        ("", {"kind": "flood"}, "There is no fault &#x27;flood&#x27;."),
        ("", {}, "There is no fault &#x27;&#x27;."),
        ("", {"kind": "500", "times": "<b>"}, "times is a whole number, not “&lt;b&gt;”."),
        ("", {"kind": "500", "probability": "often"}, "probability is a number, not “often”."),
        ("", {"kind": "500", "probability": "nan"}, "probability is a number from 0 to 1."),
        ("", {"kind": "slow", "seconds": "1e9"}, "seconds is a number from 0 to 86400."),
        ("", {"kind": "capped_page", "calls": ["createUser"]}, "capped_page cannot happen in createUser"),
        ("/clear", {"number": "²"}, "That fault is not on any more."),
        ("/behaviour", {"page_cap": "many"}, "page_cap is a whole number from 1 to 1000."),
        ("/behaviour", {"mood": "bad"}, "There is no behaviour &#x27;mood&#x27;."),
    ],
)
def test_what_is_wrong_on_the_page_is_said_there_and_changes_nothing(
    site: FaultySite, path: str, form: dict[str, Any], message: str
) -> None:
    refused = sent(site, path, form)
    assert refused.status_code == 400
    assert message in refused.text
    assert "Nothing was changed." in refused.text
    assert (site.sandbox.site.faults.list_active(), site.sandbox.site.behaviour) == ((), Behaviour())


def test_the_page_keeps_what_was_typed_and_escapes_it(site: FaultySite) -> None:
    refused = sent(site, "", {"kind": "reset", "calls": "getUserId", "user": '"><script>', "times": "x"})
    assert "<option selected>reset" in refused.text
    assert 'value="getUserId" checked' in refused.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in refused.text
    sent(site, "", {"kind": "500", "user": "<script>alert(1)</script>"})
    assert "<script" not in shown(site)
    assert "for &lt;script&gt;" in shown(site)


def test_the_page_is_strict_but_lets_its_own_forms_be_sent(site: FaultySite) -> None:
    headers = requests.get(f"{site.api.url}/faults", timeout=10).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["Cache-Control"] == "no-store"

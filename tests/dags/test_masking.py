"""A run with the documented connection logs no warning about secrets that are too short."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from tests.conftest import repository

WARNING = "Skipping masking"


def documented_extra() -> dict[str, str]:
    """Return `extra` of the first example in docs/connections.md."""
    text = (repository() / "docs" / "connections.md").read_text(encoding="utf-8")
    example = re.search(r"export AIRFLOW_CONN_BKSB='(.*?)'", text, re.DOTALL)
    assert example is not None
    return json.loads(example[1])["extra"]


def output_of(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, timeout=300)
    return done.stdout + done.stderr


def test_the_log_of_a_run_has_no_warning_about_secrets_that_are_too_short(airflow, connections, monkeypatch):
    extra = documented_extra()
    assert "v5" in extra["sources"]
    changed = connections | {"extra": connections["extra"] | extra}
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(changed))
    log = output_of("-m", "airflow", "dags", "test", "bksb_accounts", "--conf", '{"dry_run": true}')
    assert "Dry run, nothing else is done" in log and "state=success" in log
    assert WARNING not in log


def test_airflow_still_warns_about_a_list_as_the_docs_say(airflow, connections, monkeypatch):
    read = ("-c", "from bksb.airflow.hook import BksbHook; print(BksbHook().settings.sources)")
    for sources, warns in ((["initial", "v5"], True), ("initial, v5", False)):
        changed = connections | {"extra": connections["extra"] | {"sources": sources}}
        monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(changed))
        said = output_of(*read)
        assert "('initial', 'v5')" in said and (WARNING in said) is warns

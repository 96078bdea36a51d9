"""The run that the jobs get from a DagRun and its parameters."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import pytest

from bksb.model import MOST_NEW_ACCOUNTS, Run
from tests.conftest import repository

PARAMETERS = (
    "person_ids",
    "dry_run",
    "full_refresh",
    "publish_anyway",
    "max_new_accounts",
    "invite",
    "resend_invitation",
)


@pytest.fixture
def make(airflow, connections):
    """Makes the run of a manual DagRun with the given parameters."""
    from bksb.airflow.dag_support import make_run
    from bksb.airflow.hook import open_deployment

    dag_run = SimpleNamespace(
        dag_id="bksb_accounts", run_id="manual__1", run_type="manual", data_interval_start=None, data_interval_end=None
    )
    return lambda parameters: make_run(dag_run, parameters, open_deployment())


def test_a_parameter_that_is_null_or_absent_has_its_default(make):
    run = make(dict.fromkeys(PARAMETERS))
    assert run == make({})
    assert {field.name: getattr(run, field.name) for field in fields(Run) if field.name in PARAMETERS} == {
        "person_ids": (),
        "dry_run": False,
        "full_refresh": False,
        "publish_anyway": False,
        "max_new_accounts": MOST_NEW_ACCOUNTS,
        "invite": True,
        "resend_invitation": False,
    }


def test_false_and_zero_are_no_defaults(make):
    run = make({"invite": False, "max_new_accounts": 0, "person_ids": ["P1", "P2"]})
    assert (run.invite, run.max_new_accounts, run.person_ids) == (False, 0, ("P1", "P2"))


def test_the_trigger_form_marks_no_parameter_as_required_and_its_defaults_are_those_of_a_null(make):
    from airflow.dag_processing.dagbag import DagBag

    for dag in DagBag(str(repository() / "dags")).dags.values():
        assert set(dag.params) <= set(PARAMETERS)
        assert make(dag.params.dump()) == make({})
        for name in dag.params:
            parameter = dag.params.get_param(name)
            # Airflow's form asks for a value unless the type is a list that names null
            assert "null" in parameter.schema["type"]
            assert parameter.resolve(None) is None
            assert parameter.description.endswith(".")

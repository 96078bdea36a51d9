"""The metadata of the package: a wheel requires the versions that the project was tested with."""

import re
import tomllib

from packaging.requirements import Requirement

from tests.conftest import repository

ONLY_IN_A_CHECKOUT = {"pandas"}
"""Needed only by ./run demo."""


def test_the_wheel_requires_at_least_the_versions_in_requirements_txt():
    project = tomllib.loads((repository() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (repository() / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(re.findall(r"^(\S+)==(\S+)", line)[0] for line in lines if not line.startswith("#"))
    required = {one.name: one.specifier for one in map(Requirement, project["dependencies"])}
    assert set(required) == set(pinned) - ONLY_IN_A_CHECKOUT
    for name, versions in required.items():
        assert {one.operator for one in versions} == {">=", "<"} and f">={pinned[name]}" in map(str, versions)
        assert versions.contains(pinned[name])

"""./run compose sandbox: it shares nothing with the deployment, and its connections lead to the sandbox only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.image.check_secrets import check
from dev.compose_command import prepare_sandbox
from dev.services.clone import ROOT, Clone

FILES = ("-f", "docker-compose.yml", "-f", "deploy/sandbox.yml")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path / "deploy")
    return Clone(tmp_path)


def test_the_secrets_of_the_sandbox_pass_the_check(clone):
    assert check(Path(prepare_sandbox(clone)["SECRETS_FOLDER"])) == []


def test_the_connections_lead_to_the_services_of_the_sandbox(clone):
    folder = Path(prepare_sandbox(clone)["SECRETS_FOLDER"])
    hosts = {name: one["host"] for name, one in yaml.safe_load((folder / "connections.yaml").read_text()).items()}
    assert hosts == {
        "bksb": "http://sandbox:8000",
        "mis": "mis-db",
        "reporting": "reporting-db",
        "smtp_default": "sandbox",
    }


def test_containers_can_read_every_secret_and_the_empty_configuration(clone):
    variables = prepare_sandbox(clone)
    assert all(path.stat().st_mode & 0o004 for path in Path(variables["SECRETS_FOLDER"]).iterdir())
    config = Path(variables["CONFIG_FOLDER"])
    assert config.stat().st_mode & 0o005 == 0o005 and list(config.iterdir()) == []


def test_a_second_start_keeps_the_secrets_and_the_ports(clone):
    first = prepare_sandbox(clone)
    before = {path: path.read_bytes() for path in (clone.run / "compose").rglob("*") if path.is_file()}
    assert prepare_sandbox(clone) == first
    assert {path: path.read_bytes() for path in (clone.run / "compose").rglob("*") if path.is_file()} == before


def test_each_clone_has_a_project_of_its_own(clone, tmp_path):
    other = Clone(tmp_path / "other")
    shutil.copytree(clone.root / "deploy", other.root / "deploy")
    one, two = prepare_sandbox(clone), prepare_sandbox(other)
    for name in set(one) - {"TASK_HEARTBEAT_TIMEOUT", "FILES_USER"}:
        assert one[name] != two[name]


def has_compose() -> bool:
    docker = shutil.which("docker")
    return (
        bool(docker) and not subprocess.run([docker, "compose", "version"], check=False, capture_output=True).returncode
    )


def rendered(*arguments: str, **variables: str) -> dict[str, Any]:
    """What docker compose makes of the files. Needs no running engine."""
    command = ["docker", "compose", "--env-file", os.devnull, *arguments, "config", "--format", "json"]
    text = subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True, capture_output=True).stdout
    content: dict[str, Any] = json.loads(text)
    return content


def used(content: dict[str, Any]) -> dict[str, set[str]]:
    """The project, and the names on this machine that a configuration uses."""
    published = [port for service in content["services"].values() for port in service.get("ports", [])]
    return {
        "project": {content["name"]},
        "volumes": {volume["name"] for volume in content["volumes"].values()},
        "networks": {network["name"] for network in content["networks"].values()},
        "ports": {port["published"] for port in published},
        "images": {service["image"] for service in content["services"].values() if "build" in service},
        "secrets": {secret["file"] for secret in content["secrets"].values()},
    }


def test_the_sandbox_and_the_deployment_have_nothing_in_common(clone):
    if not has_compose():
        pytest.skip("docker compose is not installed")
    sandbox = used(rendered(*FILES, **prepare_sandbox(clone)))
    deployment = used(rendered())
    for kind, names in sandbox.items():
        assert names and deployment[kind] and not names & deployment[kind], kind
    assert len(sandbox["ports"]) == 2 and len(deployment["ports"]) == 1

"""docker-compose.yml and deploy/sandbox.yml: what each service can see and do. Needs no container engine."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.conftest import repository

COMPOSE = repository() / "docker-compose.yml"
CONTENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = CONTENT["services"]

SANDBOX: dict[str, Any] = yaml.safe_load((repository() / "deploy" / "sandbox.yml").read_text(encoding="utf-8"))
ONLY_IN_THE_SANDBOX: dict[str, dict[str, Any]] = {
    name: service for name, service in SANDBOX["services"].items() if name not in SERVICES
}

EVERYWHERE = SERVICES | ONLY_IN_THE_SANDBOX

VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}")

SECRETS = {
    "preflight": set(CONTENT["secrets"]),
    "metadata-volume-check": set(),
    "reporting-volume-check": set(),
    "metadata-db": {"metadata_password"},
    "reporting-db": {
        "reporting_admin_password",
        "reporting_owner_password",
        "reporting_reader_password",
        "reporting_writer_password",
    },
    "redis": {"redis_password"},
    "init": {"admin_password", "fernet_key", "metadata_url"},
    "reporting-migrate": {"reporting_owner.yaml"},
    "api-server": {"api_secret_key", "connections.yaml", "fernet_key", "jwt_secret", "metadata_url"},
    "scheduler": {"broker_url", "fernet_key", "jwt_secret", "metadata_url"},
    "dag-processor": {"connections.yaml", "fernet_key", "metadata_url"},
    "triggerer": {"connections.yaml", "fernet_key", "metadata_url"},
    "worker": {"broker_url"},
    "cli": {"connections.yaml"},
    "mis-db": {"sandbox_mis_password"},
    "sandbox-mis": {"sandbox_mis_password"},
    "sandbox": {"sandbox_keys"},
}
"""The secrets that each service may mount, and no others."""

NETWORKS = {
    "metadata": {"metadata-db", "init", "api-server", "scheduler", "dag-processor", "triggerer"},
    "broker": {"redis", "scheduler", "worker"},
    "execution": {"api-server", "worker"},
    "reporting": {"reporting-db", "reporting-migrate", "api-server", "dag-processor", "triggerer", "worker", "cli"},
    "outside": {"worker", "cli"},
    "front": {"api-server"},
}

ONE_SHOT = {"preflight", "metadata-volume-check", "reporting-volume-check", "init", "reporting-migrate", "cli"}
ONE_SHOT |= {"sandbox-mis"}

DATABASES = {"metadata-db", "reporting-db", "mis-db"}

RUNS_OUR_CODE = set(SERVICES) - DATABASES - {"redis", "preflight", "metadata-volume-check", "reporting-volume-check"}

WITHOUT_METADATA = {"worker", "cli", "reporting-migrate"}

each_service = pytest.mark.parametrize("name", sorted(EVERYWHERE))


def environment(name: str) -> dict[str, str]:
    return EVERYWHERE[name].get("environment", {})


def shell_free(value: str) -> str:
    """A value with the default of each variable in its place."""
    return re.sub(r"\$\{\w+:\?[^}]*\}", "", VARIABLE.sub(lambda match: match[2] or "", value))


@each_service
def test_a_service_mounts_exactly_the_secrets_that_it_may_see(name):
    assert set(EVERYWHERE[name].get("secrets", [])) == SECRETS[name]


def test_every_secret_is_a_file_of_the_same_name():
    for name, definition in (CONTENT["secrets"] | SANDBOX["secrets"]).items():
        assert definition == {"file": f"${{SECRETS_FOLDER:-./secrets}}/{name}"}


@each_service
def test_no_environment_holds_a_secret(name):
    for key, value in environment(name).items():
        by_file = key.endswith(("_CMD", "_FILE"))
        assert by_file or not re.search(r"PASSWORD|SECRET(?!S__BACKEND)|FERNET|TOKEN|PRIVATE|BROKER_URL", key), key
        if by_file:
            assert re.fullmatch(r"(cat )?/run/secrets/[\w.]+", value), key
            assert value.rpartition("/")[2] in SECRETS[name], f"{name} reads {value} and does not mount it"
        assert not re.search(r"//[^/@]*:[^/@]*@", value), f"{key} is an address with a password"


def test_no_variable_of_the_environment_file_is_a_secret():
    assert not [name for name in variables() if re.search(r"PASSWORD|SECRET(?!S_FOLDER)|KEY|TOKEN", name)]


@pytest.mark.parametrize("name", sorted(WITHOUT_METADATA))
def test_workers_and_commands_cannot_reach_the_metadata_database(name):
    assert "metadata" not in SERVICES[name]["networks"]
    assert environment(name)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@no-metadata-database.invalid/none")
    assert not [key for key in environment(name) if "FERNET" in key or "JWT" in key or "SECRET_KEY" in key]


@each_service
def test_every_service_is_hardened(name):
    service = EVERYWHERE[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] and service["mem_limit"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert not {"privileged", "pid", "ipc", "userns_mode", "devices"} & set(service)
    assert service.get("network_mode", "none") == "none"
    assert "docker.sock" not in str(service.get("volumes", []))


@each_service
def test_only_the_databases_start_as_root_and_only_with_what_they_need_to_stop_being_root(name):
    service = EVERYWHERE[name]
    if name in DATABASES:
        assert service["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
        assert "user" not in service
    else:
        assert "cap_add" not in service
        assert shell_free(service["user"]) in ("50000:0", "redis", "postgres")


@each_service
def test_a_service_either_ends_or_is_restarted_and_checked(name):
    service = EVERYWHERE[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no" and "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["stop_grace_period"]
        assert {"interval", "timeout", "retries", "start_period", "test"} == set(service["healthcheck"])


def test_the_worker_is_asked_for_its_queue_and_may_finish_its_tasks():
    assert SERVICES["worker"]["healthcheck"]["test"][-2:] == ["/opt/bksb/check_health.py", "worker"]
    assert SERVICES["worker"]["stop_grace_period"] == "10m"


@each_service
def test_ports_are_published_on_this_machine_only(name):
    for port in EVERYWHERE[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_the_sandbox_changes_no_service_of_the_deployment_except_what_the_worker_waits_for():
    assert {name: set(service) for name, service in SANDBOX["services"].items() if name in SERVICES} == {
        "worker": {"depends_on"}
    }


def test_the_sandbox_takes_every_name_on_the_machine_from_its_own_project():
    """Volumes and networks belong to the project. ./run compose sandbox sets its name, ports and images."""
    for part in ("volumes", "networks"):
        for entry in [*CONTENT[part].values(), *SANDBOX[part].values()]:
            assert not set(entry or {}) & {"name", "external"}
    for service in EVERYWHERE.values():
        assert "container_name" not in service
        assert "build" not in service or "${IMAGE_TAG" in service["image"]
        assert all(re.fullmatch(r"127\.0\.0\.1:\$\{\w+:[-?][^}]*\}:\d+", port) for port in service.get("ports", []))


def test_no_password_is_an_argument_of_a_program():
    script = (repository() / "deploy" / "reporting-db" / "create-roles.sh").read_text(encoding="utf-8")
    assert "$(" not in script and script.count("`cat /run/secrets/reporting_") == 3


def test_no_task_of_the_sandbox_can_leave_this_machine():
    assert SANDBOX["networks"] == {"outside": {"internal": True}}
    assert {name for name, service in ONLY_IN_THE_SANDBOX.items() if "front" in service["networks"]} == {"sandbox"}


def test_networks_connect_only_the_services_that_talk_to_each_other():
    members: dict[str, set[str]] = {network: set() for network in CONTENT["networks"]}
    for name, service in SERVICES.items():
        for network in service.get("networks", []):
            members[network].add(name)
        assert service.get("networks") or service.get("network_mode") == "none"
    assert members == NETWORKS
    internal = {name for name, network in CONTENT["networks"].items() if network and network.get("internal")}
    assert internal == set(NETWORKS) - {"outside", "front"}


@pytest.mark.parametrize("name", sorted(RUNS_OUR_CODE))
def test_the_files_of_the_site_are_mounted_read_only_wherever_our_code_runs(name):
    (config,) = [one for one in SERVICES[name]["volumes"] if "/opt/bksb/config" in str(one)]
    assert config["read_only"] is True and config["bind"] == {"create_host_path": False}
    assert environment(name)["BKSB_CONFIG"] == config["target"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_starts_before_the_secrets_are_checked(name):
    def needs(service: str) -> set[str]:
        direct = set(SERVICES[service].get("depends_on", {}))
        return direct.union(*(needs(other) for other in direct))

    if name not in ("preflight", "metadata-volume-check", "reporting-volume-check", "cli"):
        assert "preflight" in needs(name)


@each_service
def test_images_have_an_explicit_version(name):
    image = shell_free(EVERYWHERE[name]["image"])
    assert re.fullmatch(r"(bksb-sync:local|bksb-sync-sandbox:|(postgres|redis):\d+-bookworm)", image)


def variables() -> dict[str, str]:
    """The variables of the compose file with their defaults. A variable has one default, wherever it is used."""
    found: dict[str, set[str]] = {}
    for line in COMPOSE.read_text(encoding="utf-8").splitlines():
        for name, default in VARIABLE.findall(line.partition(" #")[0]):
            found.setdefault(name, set()).add(default)
    assert {name: values for name, values in found.items() if len(values) > 1} == {}
    return {name: next(iter(values)) for name, values in found.items()}


def test_the_example_of_the_environment_lists_every_variable_with_its_default():
    example = (repository() / ".env.example").read_text(encoding="utf-8")
    assert dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE)) == variables()


def test_every_variable_of_the_example_is_explained():
    example = (repository() / ".env.example").read_text(encoding="utf-8")
    for block in example.strip().split("\n\n"):
        assert block.startswith("# "), block


def test_the_build_names_its_base_image_once():
    dockerfile = (repository() / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^ARG AIRFLOW_IMAGE=(.*)$", dockerfile, re.MULTILINE) == [variables()["AIRFLOW_IMAGE"]]
    assert re.search(r"-python3\.\d+$", variables()["AIRFLOW_IMAGE"])
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${AIRFLOW_IMAGE}", "project"}

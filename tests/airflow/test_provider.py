"""The connection type and its form, as Airflow reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bksb.airflow.provider import get_provider_info


def test_airflow_lists_the_hook(airflow):
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "providers", "hooks", "--output", "json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    hooks = json.loads(done.stdout[done.stdout.index("[{") :])
    (ours,) = [hook for hook in hooks if hook["connection_type"] == "bksb"]
    assert (ours["class"], ours["hook_name"]) == ("bksb.airflow.hook.BksbHook", "bksb")


def test_the_form_is_valid_for_airflow_and_in_the_documented_order(airflow):
    import airflow as installed
    from jsonschema import validate

    declared = get_provider_info()
    folder = Path(installed.__path__[0])
    validate(declared, json.loads((folder / "provider_info.schema.json").read_text(encoding="utf-8")))
    # the stricter schema, without the fields that only providers in Airflow's own repository have
    schema = json.loads((folder / "provider.yaml.schema.json").read_text(encoding="utf-8"))
    validate(declared, schema | {"required": ["name", "package-name", "description"]})

    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (meta,) = [one for one in HookMetaService.hook_meta_data() if one.connection_type == "bksb"]
    assert [field["schema"]["title"] for field in meta.extra_fields.values()] == [
        "Integration Enabled",
        "Default Password",
        "Secret for passwords",
        "Auto Enrol on Courses",
        "Site URL",
        "Time zone",
        "Sources",
        "Link accounts that already have the username",
        "Send date of birth",
        "Mail hours",
        "Reminder after days",
        "Staff to notify",
        "E-mails per minute",
        "Months for applicants",
        "Days for the starting point",
        "Days to keep raw answers",
    ]
    standard = meta.standard_fields
    assert 'the Test button answers "Bad Request"' in standard.port.placeholder
    assert [standard.host.title, standard.login.title, standard.password.title] == [
        "API URL",
        "API Access Key",
        "API Secret Key",
    ]
    assert standard.url_schema.hidden is True


def test_the_declaration_which_every_airflow_process_reads_imports_no_other_package(airflow):
    script = (
        "import sys, airflow; before = set(sys.modules); import bksb.airflow.provider as p; p.get_provider_info(); "
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} - {'bksb'} - sys.stdlib_module_names)); "
        "print('bksb.api.client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-2:] == ["[]", "False"]

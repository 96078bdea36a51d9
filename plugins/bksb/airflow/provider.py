"""Declares the provider to Airflow: the connection type `bksb` and its form."""

from __future__ import annotations

from typing import Any

from bksb.addresses import API_ROOTS, KEYS_PAGE
from bksb.settings import form_fields


def get_provider_info() -> dict[str, Any]:
    """Return the declaration, in the schema of Airflow 3.3's provider.yaml."""
    return {
        "package-name": "airflow-provider-bksb",
        "name": "bksb",
        "description": "Keeps a training provider's MIS and the bksb assessment platform in step.",
        "integrations": [
            {"integration-name": "bksb", "external-doc-url": "https://www.bksb.co.uk", "tags": ["service"]},
        ],
        "hooks": [{"integration-name": "bksb", "python-modules": ["bksb.airflow.hook"]}],
        "notifications": ["bksb.airflow.approval_notice.TellStaff"],
        "connection-types": [
            {
                "connection-type": "bksb",
                "hook-class-name": "bksb.airflow.hook.BksbHook",
                "hook-name": "bksb",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema"],
                    "relabeling": {
                        "host": "API URL",
                        "login": "API Access Key",
                        "password": "API Secret Key",
                    },
                    "placeholders": {
                        "host": API_ROOTS["UK"],
                        "login": f"in bksb under {KEYS_PAGE}",
                        "password": "on the same page",
                        # apache/airflow#73298, see docs/decisions/0010-port-in-the-form.md
                        "port": '443 (while empty, the Test button answers "Bad Request")',
                    },
                },
                "conn-fields": form_fields(),
            }
        ],
    }

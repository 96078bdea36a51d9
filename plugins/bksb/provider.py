"""What Airflow is told about this package: its connection type and the form for it."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider's declaration, in the schema of Airflow 3.3's provider.yaml."""
    return {
        "package-name": "airflow-provider-bksb",
        "name": "bksb",
        "description": "Keeps a training provider's MIS and the bksb assessment platform in step.",
        "connection-types": [
            {
                "connection-type": "bksb",
                "hook-class-name": "bksb.hook.BksbHook",
                "hook-name": "bksb",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port"],
                    "relabeling": {
                        "host": "API URL",
                        "login": "API Access Key",
                        "password": "API Secret Key",
                    },
                    "placeholders": {"host": "https://live2api.bksblive2.co.uk"},
                },
                "conn-fields": {
                    "integration_enabled": {
                        "label": "Integration Enabled",
                        "schema": {"type": "boolean", "default": True},
                    },
                    "default_password": {
                        "label": "Default Password",
                        "schema": {"type": ["string", "null"], "format": "password", "minLength": 8},
                    },
                    "auto_enrol": {
                        "label": "Auto Enrol on Courses",
                        "schema": {"type": "boolean", "default": False},
                    },
                    "timezone": {
                        "label": "Time zone",
                        "schema": {"type": ["string", "null"], "default": "Europe/London"},
                    },
                    "sources": {
                        "label": "Sources (initial, diagnostic)",
                        "schema": {"type": ["string", "null"], "default": "initial, diagnostic"},
                    },
                    "link_existing": {
                        "label": "Link accounts that already carry the username",
                        "schema": {"type": "boolean", "default": False},
                    },
                    "send_date_of_birth": {
                        "label": "Send date of birth",
                        "schema": {"type": "boolean", "default": True},
                    },
                },
            }
        ],
    }

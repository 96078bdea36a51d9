"""What Airflow is told about this package: its connection type and the form for it."""

from __future__ import annotations

from typing import Any

KEYS_PAGE = "in bksb under Admin Options > API Access Keys > Configure Access Key"


def get_provider_info() -> dict[str, Any]:
    """The provider's declaration, in the schema of Airflow 3.3's provider.yaml."""
    return {
        "package-name": "airflow-provider-bksb",
        "name": "bksb",
        "description": "Keeps a training provider's MIS and the bksb assessment platform in step.",
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
                        "host": "https://live2api.bksblive2.co.uk",
                        "login": KEYS_PAGE,
                        "password": "on the same page",
                        # without a port, Airflow 3.3.2 refuses to test what is saved (apache/airflow#73298)
                        "port": "443 (Airflow's Test button needs it)",
                    },
                },
                "conn-fields": _fields(),
            }
        ],
    }


def _fields() -> dict[str, Any]:
    """The fields beside Airflow's own, in the order and the words of the Settings window users know."""
    return {
        "integration_enabled": {
            "label": "Integration Enabled",
            "description": "While this is off, bksb is not called and both DAGs end as skipped.",
            "schema": {"type": ["boolean", "null"], "default": True},
        },
        "default_password": {
            "label": "Default Password",
            "description": "8 or more characters. Given to every new bksb account; bksb asks for a new one at the "
            "first log-in. Without it no account is created.",
            "schema": {"type": ["string", "null"], "format": "password", "minLength": 8},
        },
        "password_secret": {
            "label": "Secret for passwords",
            "description": "16 or more characters, or empty. With it each new account gets a password of its own, "
            "derived from this secret and the username, in place of the Default Password. Never change it while "
            "somebody waits for an invitation.",
            "schema": {"type": ["string", "null"], "format": "password", "minLength": 16},
        },
        "auto_enrol": {
            "label": "Auto Enrol on Courses",
            "description": "New accounts are enrolled onto the courses set up for auto-enrolment in bksb.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
        "site_url": {
            "label": "Site URL",
            "description": "The address at which your learners log in to bksb, like "
            "https://yourcollege.bksblive2.co.uk. Not the API URL. Invitations need it.",
            "schema": {"type": ["string", "null"], "format": "url"},
        },
        "timezone": {
            "label": "Time zone",
            "description": "The one of your bksb site: bksb's dates do not say. Like Europe/London or Australia/Perth.",
            "schema": {"type": ["string", "null"], "default": "Europe/London"},
        },
        "sources": {
            "label": "Sources",
            "description": "Which results are fetched: initial, diagnostic, v5 (the newer assessments, two calls a "
            "learner more). One that is added later is fetched with its whole history.",
            "schema": {
                "type": ["array", "null"],
                "items": {"type": "string"},
                "examples": ["initial", "diagnostic", "v5"],
                "default": ["initial", "diagnostic"],
            },
        },
        "link_existing": {
            "label": "Link accounts that already carry the username",
            "description": "On: an account in bksb that already has the username meant for a new one is taken to be "
            "that person's. Off: it is reported instead, for somebody to look at.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
        "send_date_of_birth": {
            "label": "Send date of birth",
            "description": "New accounts get the date of birth that the MIS holds.",
            "schema": {"type": ["boolean", "null"], "default": True},
        },
        "mail_hours": {
            "label": "Mail hours",
            "description": "People are mailed between these times only, in the time zone above; what is due later "
            "waits for the next run. 00:00-24:00 is always.",
            "schema": {"type": ["string", "null"], "default": "07:00-21:00"},
        },
        "reminder_days": {
            "label": "Reminder after days",
            "description": "Whoever was invited so many days ago and has no result yet is reminded, once. Empty: "
            "nobody is.",
            "schema": {"type": ["integer", "null"], "minimum": 1},
        },
        "notify": {
            "label": "Staff to notify",
            "description": "E-mail addresses, with commas between them, of staff who are told when a run waits for "
            "approval.",
            "schema": {"type": ["string", "null"]},
        },
    }

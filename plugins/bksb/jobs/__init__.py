"""The shell around the pure rules: gather, plan, act, record. Ordinary Python that knows no Airflow."""

from bksb.jobs.accounts.planning import finish_accounts, plan_accounts, record_plan
from bksb.jobs.accounts.provisioning import apply_plan
from bksb.jobs.invitations.sending import send_invitations
from bksb.jobs.results.fetching import fetch_results
from bksb.jobs.results.planning import check_results, plan_fetches, publish_results
from bksb.jobs.runs import fail_run

__all__ = [
    "apply_plan",
    "check_results",
    "fail_run",
    "fetch_results",
    "finish_accounts",
    "plan_accounts",
    "plan_fetches",
    "publish_results",
    "record_plan",
    "send_invitations",
]

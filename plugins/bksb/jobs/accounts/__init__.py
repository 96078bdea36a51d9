"""The job of the DAG bksb_accounts: give each eligible person exactly one bksb account."""

from bksb.jobs.accounts.planning import finish_accounts, plan_accounts, record_plan
from bksb.jobs.accounts.provisioning import apply_plan

__all__ = ["apply_plan", "finish_accounts", "plan_accounts", "record_plan"]

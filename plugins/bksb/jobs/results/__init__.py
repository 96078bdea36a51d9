"""The work of the DAG bksb_results: reads assessment results from bksb into the reporting tables."""

from bksb.jobs.results.fetching import fetch_results
from bksb.jobs.results.linking import link_people
from bksb.jobs.results.planning import list_people, plan_fetches
from bksb.jobs.results.publishing import check_results, publish_results

__all__ = ["check_results", "fetch_results", "link_people", "list_people", "plan_fetches", "publish_results"]

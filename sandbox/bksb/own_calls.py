"""The control calls of the sandbox: its state, the true results of a user, counters and latency."""

from dataclasses import asdict

from fastapi import FastAPI, Response

from sandbox.bksb.responses import respond
from sandbox.bksb.site import BksbSite

LONGEST_LATENCY_SECONDS = 60


def add_own_calls(app: FastAPI, site: BksbSite) -> None:
    """Add the calls under /_sandbox/. They need no key, because everything behind them is invented."""
    calls = _OwnCalls(site)
    app.get("/_sandbox/state")(calls.show_state)
    app.get("/_sandbox/results")(calls.show_results)
    app.post("/_sandbox/reset_counters")(calls.reset_counters)
    app.post("/_sandbox/latency")(calls.set_latency)


class _OwnCalls:
    def __init__(self, site: BksbSite) -> None:
        self._site = site

    def show_state(self) -> Response:
        users = [{"UserId": user.user_id, "Username": user.username} for user in self._site.users()]
        return respond(
            {
                "users": users,
                "calls": self._site.calls,
                "peak_concurrency": self._site.peak_concurrency,
                "results": self._site.counts(),
                "latency": self._site.latency,
            }
        )

    def show_results(self, user_id: int) -> Response:
        if self._site.user(user_id) is None:
            return respond({"Message": "No such user."}, 404)
        return respond(
            {
                "initial": [asdict(result) for result in self._site.results(user_id, "initial")],
                "diagnostic": [asdict(result) for result in self._site.results(user_id, "diagnostic")],
                "v5": [asdict(session) for session in self._site.results(user_id, "v5")],
            }
        )

    def reset_counters(self) -> Response:
        self._site.reset_counters()
        return respond({"calls": self._site.calls})

    def set_latency(self, seconds: float) -> Response:
        if not 0 <= seconds <= LONGEST_LATENCY_SECONDS:
            return respond({"Message": f"seconds must be a number from 0 to {LONGEST_LATENCY_SECONDS}."}, 400)
        self._site.latency = seconds
        return respond({"latency": self._site.latency})

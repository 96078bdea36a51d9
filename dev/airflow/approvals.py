"""Approvals in the demo: says where to answer, or approves as a person would."""

from __future__ import annotations

import time
from collections.abc import Callable

from dev.airflow.rest_api import APPROVE, AirflowApi, RequiredAction

SECONDS_BEFORE_ANSWER = 5.0
"""Seconds from a question to the demo's answer. Airflow 3.3.2 fails a task that is answered before its worker ends."""


class Approvals:
    """The open approvals of all runs. Call `attend` repeatedly while runs are active.

    With `by_itself`, approves instead of waiting for a person. `login` tells that person how to log in.
    """

    def __init__(self, api: AirflowApi, say: Callable[[str], None], login: str, *, by_itself: bool) -> None:
        self._api = api
        self._say = say
        self._login = login
        self._by_itself = by_itself
        self._seen: dict[RequiredAction, float] = {}

    def attend(self) -> None:
        """Announces new questions, answers those that are due, and reports the answers."""
        open_now = self._api.required_actions()
        for action in open_now:
            if action not in self._seen:
                self._seen[action] = time.monotonic()
                self._announce(action)
            elif self._by_itself and time.monotonic() >= self._seen[action] + SECONDS_BEFORE_ANSWER:
                self._api.answer(action, APPROVE)
        for action in set(self._seen) - set(open_now):
            del self._seen[action]
            self._report_answer(action)

    def _announce(self, action: RequiredAction) -> None:
        asked = f"{action.dag_id} waits for approval. {action.headline}"
        if self._by_itself:
            self._say(f"{asked}\n          This demo approves it, as a person would in the UI.")
            return
        lines = (
            f"{asked} Approve or reject it here:",
            self._api.page_of(action),
            self._login,
            "The demo continues after your answer. With --approve it does not ask you.",
        )
        self._say("\n          ".join(lines))

    def _report_answer(self, action: RequiredAction) -> None:
        answer = self._api.answer_to(action)
        if answer == APPROVE:
            self._say(f"{action.dag_id} was approved and continues. {action.headline}")
        elif answer:
            self._say(f"{action.dag_id} was rejected: no account is created, and the next run asks again.")

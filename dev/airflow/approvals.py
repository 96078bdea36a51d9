"""What the demo does while a run waits for a person: says where to answer, or answers as a person would."""

from __future__ import annotations

import time
from collections.abc import Callable

from dev.airflow.rest_api import APPROVE, AirflowApi, RequiredAction

SECONDS_BEFORE_ANSWER = 5.0
"""Airflow 3.3.2 fails a task that is answered before its worker has ended, which may be seconds after the question."""


class Approvals:
    """The open questions of all runs; `attend` is to be called again and again while runs are active.

    `by_itself`: approve what is asked, instead of waiting for a person; `login` tells that person how to log in.
    """

    def __init__(self, api: AirflowApi, say: Callable[[str], None], login: str, *, by_itself: bool) -> None:
        self._api = api
        self._say = say
        self._login = login
        self._by_itself = by_itself
        self._seen: dict[RequiredAction, float] = {}

    def attend(self) -> None:
        """Looks once: announces each new question, answers it when its time has come, and tells what became of it."""
        open_now = self._api.required_actions()
        for action in open_now:
            if action not in self._seen:
                self._seen[action] = time.monotonic()
                self._announce(action)
            elif self._by_itself and time.monotonic() >= self._seen[action] + SECONDS_BEFORE_ANSWER:
                self._api.answer(action, APPROVE)
        for action in set(self._seen) - set(open_now):
            del self._seen[action]
            self._tell_answer(action)

    def _announce(self, action: RequiredAction) -> None:
        asked = f"{action.dag_id} waits for a person. {action.headline}"
        if self._by_itself:
            self._say(f"{asked}\n          This demo approves it by itself, as a person would in the UI.")
            return
        lines = (
            f"{asked} Approve or reject it here:",
            self._api.page_of(action),
            self._login,
            "The demo goes on after your answer (./run demo --approve answers by itself).",
        )
        self._say("\n          ".join(lines))

    def _tell_answer(self, action: RequiredAction) -> None:
        answer = self._api.answer_to(action)
        if answer == APPROVE:
            self._say(f"{action.dag_id} was approved and goes on. {action.headline}")
        elif answer:
            self._say(f"{action.dag_id} was rejected: nothing is created, and its next run asks again.")

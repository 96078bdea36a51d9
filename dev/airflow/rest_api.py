"""The calls to Airflow's REST API that the demo and the tests make."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from dev.services.errors import RunError

ACTIVE = ("queued", "running")
APPROVE = "Approve"


class AirflowApiError(RunError):
    """Airflow's API refused a request or did not answer."""


@dataclass(frozen=True)
class Run:
    """A DAG run as Airflow reports it."""

    dag_id: str
    run_id: str
    state: str
    seconds: float | None

    @property
    def kind(self) -> str:
        """What started the run: scheduled, manual or backfill."""
        return self.run_id.partition("__")[0]

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


@dataclass(frozen=True)
class TaskState:
    """A task, or one instance of a mapped task. `map_index` is -1 for a task that is not mapped."""

    task_id: str
    map_index: int
    state: str
    try_number: int


@dataclass(frozen=True)
class RequiredAction:
    """A task that waits for a person's answer, and its question in Markdown."""

    dag_id: str
    run_id: str
    task_id: str
    question: str

    @property
    def headline(self) -> str:
        """The first line of the question, as plain text."""
        return self.question.partition("\n")[0].replace("**", "")


class AirflowApi:
    """Airflow's REST API on this machine, used as administrator."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._credentials = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for this machine

    def unhealthy_parts(self) -> list[str]:
        """The names of the parts of Airflow that are not healthy (yet)."""
        try:
            answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
            answer.raise_for_status()
        except requests.RequestException:
            return ["api-server"]
        return [part for part, report in answer.json().items() if report["status"] != "healthy"]

    def dag_is_known(self, dag_id: str) -> bool:
        return self._call("GET", f"dags/{dag_id}", accept=(404,)) is not None

    def import_errors(self) -> list[str]:
        """The error of each DAG file that could not be imported."""
        found = self._call("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}:\n{error['stack_trace']}" for error in found]

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def pause(self, dag_id: str) -> None:
        self._call("PATCH", f"dags/{dag_id}", json={"is_paused": True})

    def trigger(self, dag_id: str, **conf: Any) -> Run:
        """Starts a manual run without a logical date, with these parameters."""
        return _run(self._call("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf}))

    def backfill(self, dag_id: str, first: datetime, last: datetime, **fields: Any) -> int:
        """Starts a backfill of all intervals that start between `first` and `last` (inclusive). Returns its id.

        `fields` are added to the request: max_active_runs, reprocess_behavior, dag_run_conf, run_backwards.
        """
        request = {"dag_id": dag_id, "from_date": first.isoformat(), "to_date": last.isoformat(), **fields}
        return int(self._call("POST", "backfills", json=request)["id"])

    def end_backfill(self, number: int) -> None:
        """Ends a backfill after its last run, so that the next one can start. Airflow would do so within 30 s."""
        self._call("PUT", f"backfills/{number}/cancel", accept=(409,))

    def clear(self, dag_id: str, run_id: str) -> None:
        """Clears a finished run, so that Airflow runs it again."""
        self._call("POST", f"dags/{dag_id}/dagRuns/{run_id}/clear", json={"dry_run": False})

    def run(self, dag_id: str, run_id: str) -> Run:
        return _run(self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}"))

    def runs_since(self, moment: datetime) -> list[Run]:
        """The runs of all DAGs that changed since then, oldest first."""
        query = {"order_by": "run_after", "limit": 100, "updated_at_gte": moment.isoformat()}
        return [_run(found) for found in self._call("GET", "dags/~/dagRuns", params=query)["dag_runs"]]

    def active_runs(self) -> list[Run]:
        query = {"state": list(ACTIVE), "limit": 100}
        return [_run(found) for found in self._call("GET", "dags/~/dagRuns", params=query)["dag_runs"]]

    def run_is_due(self, dag_id: str) -> bool:
        """Whether a scheduled run is due that the scheduler has not created yet."""
        due_at = self._call("GET", f"dags/{dag_id}")["next_dagrun_run_after"]
        return due_at is not None and datetime.fromisoformat(due_at) <= datetime.now(UTC)

    def task_states(self, run: Run) -> list[TaskState]:
        path = f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        found = self._call("GET", path, params={"limit": 100})["task_instances"]
        return [
            TaskState(task["task_id"], task["map_index"], task["state"] or "waiting", task["try_number"])
            for task in found
        ]

    def required_actions(self) -> list[RequiredAction]:
        """The questions that wait for an answer, oldest first."""
        query = {"response_received": False, "state": "awaiting_input", "order_by": "created_at", "limit": 100}
        return [
            RequiredAction(task["dag_id"], task["dag_run_id"], task["task_id"], found["body"] or found["subject"])
            for found in self._call("GET", "dags/~/dagRuns/~/hitlDetails", params=query)["hitl_details"]
            for task in [found["task_instance"]]
        ]

    def page_of(self, action: RequiredAction) -> str:
        """The URL of the page where a person answers."""
        return f"{self.url}/dags/{action.dag_id}/runs/{action.run_id}/tasks/{action.task_id}/required_actions"

    def answer(self, action: RequiredAction, option: str) -> None:
        """Answers like the button in the UI. Does nothing if there is an answer already."""
        self._call("PATCH", _answer_path(action), json={"chosen_options": [option]}, accept=(409,))

    def answer_to(self, action: RequiredAction) -> str | None:
        """The chosen option: by a person, or by Airflow after the time-out. None while there is no answer."""
        found = self._call("GET", _answer_path(action), accept=(404,))
        return found["chosen_options"][0] if found and found["chosen_options"] else None

    def _call(self, method: str, path: str, accept: tuple[int, ...] = (), **arguments: Any) -> Any:
        answer = self._request(method, f"/api/v2/{path}", **arguments)
        if answer.status_code == 401:
            token = self._request("POST", "/auth/token", json=self._credentials)
            if not token.ok:
                raise AirflowApiError(
                    f"the Airflow on {self.url} refuses the password of this clone, so it is another one. "
                    "Stop it, or choose another --port."
                )
            self._session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            answer = self._request(method, f"/api/v2/{path}", **arguments)
        if answer.status_code in accept:
            return None
        if not answer.ok:
            raise AirflowApiError(f"Airflow refused {method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def _request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            return self._session.request(method, f"{self.url}{path}", timeout=60, **arguments)
        except requests.RequestException as error:
            raise AirflowApiError(
                f"Airflow on {self.url} did not answer ({type(error).__name__}). See .run/logs/api-server.log."
            ) from None


def _answer_path(action: RequiredAction) -> str:
    return f"dags/{action.dag_id}/dagRuns/{action.run_id}/taskInstances/{action.task_id}/-1/hitlDetails"


def _run(found: dict[str, Any]) -> Run:
    seconds = None
    if found["start_date"] and found["end_date"]:
        lasted = datetime.fromisoformat(found["end_date"]) - datetime.fromisoformat(found["start_date"])
        seconds = lasted.total_seconds()
    return Run(found["dag_id"], found["dag_run_id"], found["state"], seconds)


def summarise(states: list[TaskState]) -> dict[str, str]:
    """The state of each task. Mapped tasks read "3 running, 5 success" until all have succeeded."""
    summary: dict[str, str] = {}
    for task_id in dict.fromkeys(state.task_id for state in states):
        parts = [state for state in states if state.task_id == task_id]
        if len(parts) == 1 or all(part.state == "success" for part in parts):
            summary[task_id] = parts[0].state
        else:
            counted = Counter(part.state for part in parts)
            summary[task_id] = ", ".join(f"{number} {state}" for state, number in sorted(counted.items()))
    return summary

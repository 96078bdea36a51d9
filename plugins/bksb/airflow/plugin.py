"""What this package adds to Airflow itself: a run that a person asked for goes before the night's and a backfill's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.task.priority_strategy import PriorityWeightStrategy

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

WEIGHTS = {"backfill": 1, "scheduled": 10}
"""Weight by kind of run; any other was asked for by a person, who is waiting for it."""

ASKED_FOR = 100


class AskedForFirst(PriorityWeightStrategy):
    """Weighs a task by its run: asked for by a person, then scheduled, then backfill."""

    def get_weight(self, ti: TaskInstance) -> int:
        """The weight of one task; the kind of run is the first part of its id."""
        return WEIGHTS.get((ti.run_id or "").split("__", 1)[0], ASKED_FOR)


class BksbPlugin(AirflowPlugin):
    """Registered by the entry point `airflow.plugins`."""

    name = "bksb"
    priority_weight_strategies: ClassVar[list[type[PriorityWeightStrategy]]] = [AskedForFirst]

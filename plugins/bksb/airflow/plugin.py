"""Registers the order of waiting tasks: runs started by a person first, then scheduled runs, then backfills."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.task.priority_strategy import PriorityWeightStrategy

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

WEIGHTS = {"backfill": 1, "scheduled": 10}
"""Priority weight by run type. Any other type was started by a person, and has the weight below."""

ASKED_FOR = 100


class AskedForFirst(PriorityWeightStrategy):
    """Gives a task the priority weight of its run type."""

    def get_weight(self, ti: TaskInstance) -> int:
        """Return the weight of one task. The run type is the first part of the run's id."""
        return WEIGHTS.get((ti.run_id or "").split("__", 1)[0], ASKED_FOR)


class BksbPlugin(AirflowPlugin):
    """The plugin that the entry point `airflow.plugins` names."""

    name = "bksb"
    priority_weight_strategies: ClassVar[list[type[PriorityWeightStrategy]]] = [AskedForFirst]

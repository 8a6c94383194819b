"""The condition on which Prefect tries a task again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.tasks import Task


def worth_retrying(task: Task[Any, Any], run: TaskRun, state: State) -> bool:
    """True where trying again may help: not for a ValueError, which says what is wrong with the input, the disk or the result."""
    return not isinstance(state.result(raise_on_failure=False), ValueError)

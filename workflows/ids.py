"""Workflow ids, from what they are about: starting the same thing twice finds the first."""

from __future__ import annotations

from uuid import UUID

CORE_QUEUE = "greenlight"
# Computing is taken from a queue of its own, so that no worker takes more than it has cores for.
BACKTEST_QUEUE = "greenlight:backtests"


def broker_queue(gateway: str) -> str:
    """The queue of the one worker that may talk to a gateway."""
    return f"broker:{gateway}"


def recommendation_workflow_id(recommendation_id: UUID) -> str:
    return f"recommendation-{recommendation_id}"


def strategy_run_workflow_id(parent: str, instance_id: UUID) -> str:
    return f"{parent}/{instance_id}"


def reconciliation_workflow_id(gateway: str) -> str:
    """Of the look that follows a reconnect; the schedule's carry a time as well."""
    return f"reconciliation-{gateway}-reconnect"


def sweep_point_key(sweep_workflow_id: str, position: int) -> str:
    """Of one backtest within a sweep."""
    return f"{sweep_workflow_id}/{position}"

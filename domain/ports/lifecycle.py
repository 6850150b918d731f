"""The port to what is coming for the options held behind one gateway."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pydantic import Field

from domain.instruments import Frozen
from domain.ports.ingestion import MarketPlan


class TriggeredRuns(Frozen):
    """Strategy instances that should look at once, and why."""

    instance_ids: tuple[UUID, ...] = ()
    reasons: tuple[str, ...] = Field(default=(), description="titles of the alerts just raised")


class LifecycleReport(Frozen):
    """What a look found, and when to look again."""

    open: int = Field(default=0, description="alerts that stand")
    runs: TriggeredRuns = TriggeredRuns()
    errors: tuple[str, ...] = ()
    next_look_seconds: float = Field(gt=0, description="host seconds")
    next_look_for: str = Field(description="in plain words")


class LifecycleStore(Protocol):
    async def lifecycle_plan(self, gateway: str) -> MarketPlan:
        """The options whose prices matter now; none while the market is closed, or the gateway
        not connected."""
        ...

    async def look_ahead(self, gateway: str) -> LifecycleReport:
        """Raise what is coming for each account and clear what is over; one account that cannot
        be judged is named and stops no other."""
        ...

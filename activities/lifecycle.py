"""What is coming for the options held: expiry, assignment, ex-dividend days."""

from __future__ import annotations

from temporalio import activity

from activities.ingestion import SyncRequest
from domain.ports import MarketPlan
from domain.ports.lifecycle import LifecycleReport, LifecycleStore


class LifecycleActivities:
    def __init__(self, store: LifecycleStore) -> None:
        self._store = store

    @activity.defn
    async def plan_lifecycle_look(self, request: SyncRequest) -> MarketPlan:
        """Which options held have to be priced for the look."""
        return await self._store.lifecycle_plan(request.gateway)

    @activity.defn
    async def look_ahead(self, request: SyncRequest) -> LifecycleReport:
        """Raise and clear the alerts of what is coming; which strategies should look, and when
        the next look is due."""
        return await self._store.look_ahead(request.gateway)

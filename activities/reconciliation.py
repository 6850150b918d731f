"""Making sure that nothing recorded is left lying: decisions and workflows."""

from __future__ import annotations

from temporalio import activity

from activities.heartbeat import heartbeating
from domain.instruments import Frozen
from domain.ports import DecisionDelivery, RecommendationBacklog


class RedeliveryReport(Frozen):
    """How many decisions were delivered again, and how many workflows started late."""

    decisions: int
    workflows: int


class DeliveryActivities:
    def __init__(self, backlog: RecommendationBacklog, delivery: DecisionDelivery) -> None:
        self._backlog = backlog
        self._delivery = delivery

    @activity.defn
    async def redeliver(self) -> RedeliveryReport:
        """Start workflows that recommendations lack and signal decisions not yet read."""
        async with heartbeating():
            waiting = await self._backlog.without_workflow()
            for brief in waiting:
                await self._delivery.start(brief)
            undelivered = await self._backlog.undelivered_decisions()
            for decision in undelivered:
                await self._delivery.deliver(decision)
            return RedeliveryReport(decisions=len(undelivered), workflows=len(waiting))

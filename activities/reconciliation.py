"""Making sure that nothing recorded is left lying: decisions, workflows, orders."""

from __future__ import annotations

from temporalio import activity

from activities.heartbeat import heartbeating
from activities.ingestion import SyncRequest
from domain.instruments import Frozen
from domain.ports import Broker, DecisionDelivery, OrderLedger, RecommendationBacklog


class RedeliveryReport(Frozen):
    """How many decisions were delivered again, and how many workflows started late."""

    decisions: int
    workflows: int


class ReconciliationReport(Frozen):
    changed: tuple[str, ...]


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


class ReconciliationActivities:
    def __init__(self, broker: Broker, ledger: OrderLedger) -> None:
        self._broker = broker
        self._ledger = ledger

    @activity.defn
    async def reconcile_gateway(self, request: SyncRequest) -> ReconciliationReport:
        """Compare the broker's books with every order of the gateway."""
        async with heartbeating():
            books = await self._broker.read_books()
            changed = await self._ledger.record_books(request.gateway, books)
            return ReconciliationReport(changed=tuple(changed))

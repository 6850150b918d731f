"""Comparing our record with the broker's books, and finding what was left lying in it."""

from __future__ import annotations

from temporalio import activity

from activities.crash_points import crash_point
from activities.heartbeat import heartbeating
from domain.errors import BrokerUnavailable, GreenlightError
from domain.instruments import Frozen
from domain.ports import DecisionDelivery, RecommendationBacklog
from domain.ports.reconciliation import (
    BrokerLooks,
    DescribedContract,
    OrderAnnouncer,
    ReconciliationReport,
    ReconciliationStore,
)


class GatewayRef(Frozen):
    gateway: str


class ExecutionsReport(Frozen):
    """How many executions the broker tells of today: every one is on record afterwards."""

    executions: int
    changed_orders: tuple[str, ...] = ()


class ReconciliationPlanner:
    """Whether a gateway should be looked at; needs our own records only."""

    def __init__(self, store: ReconciliationStore) -> None:
        self._store = store

    @activity.defn
    async def is_reconciliation_due(self, request: GatewayRef) -> bool:
        """Whether the gateway is connected and its market's hours ask for a look."""
        return await self._store.is_due(request.gateway)


class ReconciliationActivities:
    """The looks at one gateway; only its broker worker runs them."""

    def __init__(
        self, broker: BrokerLooks, store: ReconciliationStore, announce: OrderAnnouncer
    ) -> None:
        self._broker = broker
        self._store = store
        self._announce = announce

    @activity.defn
    async def sync_ibkr_executions(self, request: GatewayRef) -> ExecutionsReport:
        """Record whatever of today's orders and executions the listener has missed."""
        async with heartbeating():
            books = await self._broker.read_books()
            changed = await self._store.record_books(request.gateway, books)
            for order_key in changed:
                await self._announce(order_key)
            return ExecutionsReport(executions=len(books.executions), changed_orders=tuple(changed))

    @activity.defn
    async def reconcile(self, request: GatewayRef) -> ReconciliationReport:
        """Look at every account of the gateway once, and keep what differs from our record."""
        async with heartbeating():
            codes = await self._store.account_codes(request.gateway)
            look = await self._broker.look(codes)
            described: list[DescribedContract] = []
            for con_id in await self._store.unknown_contracts(look):
                try:
                    described.append(await self._broker.describe(con_id))
                except BrokerUnavailable:
                    raise
                except GreenlightError as error:
                    # Expired since: it stays without an instrument, and is named by its conId.
                    activity.logger.warning("conId %s: %s", con_id, error.detail)
            report = await self._store.reconcile(request.gateway, look, described)
            for order_key in report.changed_orders:
                await self._announce(order_key)
            return report


class RedeliveryReport(Frozen):
    """How many decisions were delivered again, and how many workflows started late."""

    decisions: int
    workflows: int


class DeliveryActivities:
    """Making sure that nothing recorded is left lying: decisions and workflows."""

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
                crash_point("redeliver.started")
            undelivered = await self._backlog.undelivered_decisions()
            for decision in undelivered:
                await self._delivery.deliver(decision)
                crash_point("redeliver.delivered")
            return RedeliveryReport(decisions=len(undelivered), workflows=len(waiting))

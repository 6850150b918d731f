"""The composition root: which adapters the activities get, and which worker runs what."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.backtests import BacktestActivities
from activities.dry_runs import DryRunActivities
from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, IngestionPlanner
from activities.lifecycle import LifecycleActivities
from activities.notifications import NotificationActivities
from activities.orders import OrderActivities, OrderReader
from activities.portfolio import PortfolioActivities
from activities.recommendations import RecommendationActivities
from activities.reconciliation import (
    DeliveryActivities,
    ReconciliationActivities,
    ReconciliationPlanner,
)
from activities.strategies import StrategyActivities, SuccessorActivities
from domain.ports.backtests import BacktestRunner
from domain.recommendations import RecommendationState
from infra.backtests.claims import keep_ending_abandoned
from infra.backtests.pool import BacktestPool
from infra.backtests.run import compute_backtest
from infra.calendars import trading_calendar
from infra.db import session as database
from infra.db.backlog import PostgresBacklog
from infra.db.backtests import PostgresBacktests
from infra.db.dry_runs import PostgresDryRuns
from infra.db.facts import PostgresFacts
from infra.db.ingestion import PostgresIngestion
from infra.db.ledger import LeaseHolder, PostgresLedger
from infra.db.lifecycle import PostgresLifecycle
from infra.db.models import Order, Recommendation
from infra.db.notifications import PostgresNotifications
from infra.db.recommendations import PostgresRecommendations
from infra.db.reconciliation import PostgresReconciliation
from infra.db.risk import PostgresRisk
from infra.db.session import Sessions
from infra.db.strategy_runs import PostgresStrategies
from infra.ibkr.session import GatewaySession, gateway_address
from infra.keys import KeyRing
from infra.metrics import keep_business_metrics, keep_pulse, runtime_of
from infra.notify import AppriseMessenger
from infra.settings import Settings
from infra.temporal.client import connect
from infra.temporal.dead_runs import keep_ending_dead_runs
from infra.temporal.delivery import TemporalDelivery, announce_order, start_reconciliation
from infra.temporal.interceptor import DeskInterceptor
from infra.temporal.warming import warming_up
from workflows.backtest import BacktestSweepWorkflow, BacktestWorkflow
from workflows.dry_run import StrategyDryRunWorkflow
from workflows.ids import BACKTEST_QUEUE, CORE_QUEUE, broker_queue
from workflows.ingestion import IngestionWorkflow, MarketReadingWorkflow
from workflows.lifecycle import LifecycleWorkflow
from workflows.notifications import NotificationWorkflow
from workflows.recommendation import RecommendationWorkflow
from workflows.reconciliation import ReconciliationWorkflow, RedeliveryWorkflow
from workflows.strategy_run import StrategyRunsWorkflow, StrategyRunWorkflow

log = structlog.get_logger(__name__)

WORKFLOWS = (
    BacktestSweepWorkflow,
    BacktestWorkflow,
    IngestionWorkflow,
    LifecycleWorkflow,
    MarketReadingWorkflow,
    NotificationWorkflow,
    RecommendationWorkflow,
    ReconciliationWorkflow,
    RedeliveryWorkflow,
    StrategyDryRunWorkflow,
    StrategyRunWorkflow,
    StrategyRunsWorkflow,
)
# Passed through the sandbox: loaded once, shared by all workflow runs. None of it keeps state.
PASSED_THROUGH = (
    "domain",
    "activities",
    "workflows",
    "pydantic",
    "pydantic_core",
    "numpy",
    "scipy",
)
# A killed worker's cached workflows move on after this long.
STICKY_TIMEOUT = timedelta(seconds=1)
GRACE = timedelta(seconds=5)
CONNECT_RETRY_SECONDS = 0.5
# A computation learns that it is cancelled by the answer to a heartbeat; by default most of its
# heartbeats are held back, for up to 0.8 of the time after which it would count as dead.
HEARD_WITHIN = timedelta(seconds=1)


def sandbox() -> SandboxedWorkflowRunner:
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    )


def core_activities(
    sessions: Sessions,
    client: Client,
    backtests: BacktestActivities,
    notifications: NotificationActivities,
) -> Sequence[Any]:
    """The activities that need our own records only."""
    recommendations = RecommendationActivities(PostgresRecommendations(sessions))
    strategies = StrategyActivities(PostgresStrategies(sessions))
    dry_runs = DryRunActivities(PostgresDryRuns(sessions))
    ledger = PostgresLedger(sessions, LeaseHolder())
    reader = OrderReader(ledger)
    readings = IngestionPlanner(PostgresIngestion(sessions))
    planner = ReconciliationPlanner(PostgresReconciliation(sessions, ledger))
    lifecycle = LifecycleActivities(PostgresLifecycle(sessions))
    portfolio = PortfolioActivities(PostgresRisk(sessions))
    delivery = DeliveryActivities(PostgresBacklog(sessions), TemporalDelivery(client))
    return [
        recommendations.read_recommendation,
        recommendations.check_deadline,
        recommendations.read_decision,
        recommendations.conclude_recommendation,
        strategies.runnable_instances,
        strategies.begin_strategy_run,
        strategies.generate_recommendations,
        strategies.fail_strategy_run,
        dry_runs.plan_dry_run,
        dry_runs.look_dryly,
        reader.read_order,
        delivery.redeliver,
        notifications.notify,
        planner.is_reconciliation_due,
        readings.is_ingestion_due,
        readings.plan_market_reading,
        lifecycle.plan_lifecycle_look,
        lifecycle.look_ahead,
        portfolio.review_risk,
        backtests.begin_backtest,
        backtests.begin_sweep,
        backtests.end_backtest,
        backtests.end_sweep,
    ]


def broker_activities(gateway: GatewaySession, sessions: Sessions) -> Sequence[Any]:
    """The activities of one gateway; only its broker worker runs them."""
    orders = OrderActivities(gateway.broker, gateway.ledger, gateway.changes)
    facts = FactsReader(gateway.broker, PostgresFacts(sessions))
    ingestion = IngestionActivities(gateway.broker, gateway.ingestion, facts)
    reconciliation = ReconciliationActivities(
        gateway.broker, PostgresReconciliation(sessions, gateway.ledger), gateway.announce
    )
    successors = SuccessorActivities(
        gateway.broker,
        gateway.ingestion,
        PostgresRecommendations(sessions),
        PostgresStrategies(sessions),
        facts,
    )
    return [
        orders.judge_and_send,
        orders.prepare_order,
        orders.next_price,
        orders.place_order,
        orders.resolve_order,
        orders.cancel_order,
        ingestion.sync_ibkr_positions,
        ingestion.sync_ibkr_account_snapshot,
        ingestion.sync_ibkr_market,
        ingestion.capture_market,
        successors.propose_successor,
        reconciliation.reconcile,
        reconciliation.sync_ibkr_executions,
    ]


def core_workers(
    client: Client,
    sessions: Sessions,
    runner: BacktestRunner,
    notifications: NotificationActivities,
    *,
    cores: int,
    workflow_cache: int,
) -> tuple[Worker, Worker]:
    """Workflows with the activities of our own records, and beside them the backtests.

    These come from a queue of their own, at most ``cores`` at once: a worker that took more would
    keep them from one that has a core to spare.
    """
    backtests = BacktestActivities(PostgresBacktests(sessions), runner)
    core = Worker(
        client,
        task_queue=CORE_QUEUE,
        workflows=WORKFLOWS,
        activities=core_activities(sessions, client, backtests, notifications),
        workflow_runner=sandbox(),
        interceptors=[DeskInterceptor()],
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_cached_workflows=workflow_cache,
        graceful_shutdown_timeout=GRACE,
    )
    return core, computing_worker(client, backtests, cores)


def computing_worker(client: Client, backtests: BacktestActivities, slots: int) -> Worker:
    """What computes backtests, ``slots`` at once."""
    return Worker(
        client,
        task_queue=BACKTEST_QUEUE,
        activities=[backtests.run_backtest],
        interceptors=[DeskInterceptor()],
        graceful_shutdown_timeout=GRACE,
        max_concurrent_activities=slots,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
    )


def notifications_of(settings: Settings, sessions: Sessions) -> NotificationActivities:
    keys = KeyRing(settings.secrets_key_file, create=settings.key_file is None)
    return NotificationActivities(
        PostgresNotifications(sessions, keys),
        AppriseMessenger(settings.notification_kinds),
        settings.public_url,
    )


def broker_worker(client: Client, sessions: Sessions, gateway: GatewaySession) -> Worker:
    return Worker(
        client,
        task_queue=broker_queue(gateway.slug),
        activities=broker_activities(gateway, sessions),
        interceptors=[DeskInterceptor()],
        graceful_shutdown_timeout=GRACE,
        # One account at a time would do; a few let ingestion and a click go side by side.
        max_concurrent_activities=20,
    )


async def run_core(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Workflows and the activities that need no broker, until ``stop``; without one, SIGTERM."""
    async with _Foundations(settings) as ground:
        stop = stop or _stop_signal()
        pool = BacktestPool(compute_backtest, settings.backtest_processes)
        workers = core_workers(
            ground.client,
            ground.sessions,
            pool,
            notifications_of(settings, ground.sessions),
            cores=pool.processes,
            workflow_cache=settings.workflow_cache,
        )
        beside = [
            asyncio.create_task(keep_business_metrics(ground.sessions), name="count"),
            asyncio.create_task(keep_ending_abandoned(ground.sessions), name="end abandoned"),
            asyncio.create_task(
                keep_ending_dead_runs(ground.sessions, ground.client), name="end dead runs"
            ),
        ]
        try:
            await asyncio.gather(*(_work(worker, stop.wait()) for worker in workers))
        finally:
            for task in beside:
                task.cancel()
            pool.close()


async def run_broker(
    settings: Settings, gateway_slug: str, stop: asyncio.Event | None = None
) -> None:
    """The hold on one gateway and the activities that need it, until ``stop`` or SIGTERM.

    Work is taken from the queue only while the lease is held: a second worker standing by would
    else take every other order and, unable to send it, give it up.
    """
    stop = stop or _stop_signal()
    async with _Foundations(settings) as ground:
        address = await gateway_address(ground.sessions, gateway_slug)

        async def announce(order_key: str) -> None:
            await _announce(ground, order_key)

        async def reconcile() -> None:
            await start_reconciliation(ground.client, gateway_slug)

        gateway = GatewaySession(gateway_slug, address, ground.sessions, announce, reconcile)
        holding = asyncio.create_task(gateway.run(), name=f"gateway {gateway_slug}")
        try:
            while not stop.is_set():
                await _first(holding, stop, gateway.held)
                if gateway.held.is_set():
                    worker = broker_worker(ground.client, ground.sessions, gateway)
                    await _work(worker, _first(holding, stop, gateway.let_go))
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)


async def _announce(ground: _Foundations, order_key: str) -> None:
    """Hint the order's workflow; one that misses it reads the row on its own timer."""
    try:
        async with ground.sessions() as session:
            recommendation_id = await session.scalar(
                select(Order.recommendation_id)
                .join(Recommendation, Recommendation.id == Order.recommendation_id)
                .where(
                    Order.order_key == order_key,
                    # A workflow that has ended has nothing to hear.
                    Recommendation.state == RecommendationState.APPROVED,
                )
            )
        if recommendation_id is not None:
            await announce_order(ground.client, recommendation_id, order_key)
    except (RPCError, OSError) as error:
        log.warning("order.change_not_announced", order_key=order_key, error=str(error))


@dataclass
class _Foundations:
    """Database and Temporal, open for as long as a worker runs."""

    settings: Settings
    engine: AsyncEngine = None  # type: ignore[assignment]
    sessions: Sessions = None  # type: ignore[assignment]
    client: Client = None  # type: ignore[assignment]
    _pulse: asyncio.Task[None] | None = None

    async def __aenter__(self) -> _Foundations:
        self._pulse = asyncio.create_task(keep_pulse(), name="pulse")
        self.engine = database.engine(self.settings)
        self.sessions = database.sessions(self.engine)
        # Built once, before work arrives: later it would hold up the event loop for a second.
        trading_calendar()
        while True:
            try:
                self.client = await connect(self.settings, runtime_of(self.settings))
                break
            except RuntimeError as error:
                log.warning("temporal.unreachable", error=str(error))
                await asyncio.sleep(CONNECT_RETRY_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
        await self.engine.dispose()


async def _work(worker: Worker, until: Awaitable[object]) -> None:
    async with worker:
        log.info("worker.started", task_queue=worker.task_queue, pid=os.getpid())
        try:
            with warming_up():
                await until
        finally:
            log.info("worker.stopping", task_queue=worker.task_queue)


async def _first(holding: asyncio.Task[None], *events: asyncio.Event) -> None:
    """Wait until one of the events is set; what ends ``holding`` is raised."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait([holding, *waits], return_when=asyncio.FIRST_COMPLETED)
        if holding in done:
            holding.result()
    finally:
        for wait in waits:
            wait.cancel()


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT to this process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop

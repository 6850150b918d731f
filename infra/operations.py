"""Doing on demand what the schedules do: the same workflows, started now and waited for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ActivityError

from activities.ingestion import MarketReport, SyncReport
from activities.reconciliation import ExecutionsReport
from domain.ports.reconciliation import ReconciliationReport
from infra.settings import Settings
from infra.temporal.client import connect
from workflows.ids import CORE_QUEUE
from workflows.ingestion import IngestionWorkflow, MarketReadingWorkflow
from workflows.messages import (
    IngestionInput,
    IngestionReport,
    MarketReadingInput,
    ReconciliationInput,
    StrategyRunsInput,
    StrategyRunsReport,
)
from workflows.reconciliation import ReconciliationWorkflow
from workflows.strategy_run import StrategyRunsWorkflow


class OperationFailedError(RuntimeError):
    """The workflow ended in failure; the message is the cause in plain words."""


async def reconcile(settings: Settings, gateway: str | None = None) -> ReconciliationReport:
    """Compare every account of the gateway with our record now."""
    slug = gateway or settings.gateway_slug
    return await _run(
        await connect(settings),
        ReconciliationWorkflow.run,
        ReconciliationInput(gateway=slug),
        f"reconcile-{slug}",
    )


async def sync_ibkr(
    settings: Settings, *, positions: bool, gateway: str | None = None
) -> SyncReport:
    """Ingest positions, or account values, of every account of the gateway now.

    Raises OperationFailedError when the broker could not be asked.
    """
    what = "positions" if positions else "account-snapshot"
    report = await _ingest(
        settings, gateway, what, positions=positions, account_snapshots=not positions
    )
    return report.positions if positions else report.snapshots


async def sync_ibkr_executions(settings: Settings, gateway: str | None = None) -> ExecutionsReport:
    """Record whatever of today's executions is not on record yet."""
    report = await _ingest(
        settings, gateway, "executions", positions=False, account_snapshots=False, executions=True
    )
    assert report.executions is not None
    return report.executions


async def sync_ibkr_market(settings: Settings, gateway: str | None = None) -> MarketReport:
    """Refresh contracts, quotes and dividends of the universes and of what is held."""
    slug = gateway or settings.gateway_slug
    return await _run(
        await connect(settings),
        MarketReadingWorkflow.run,
        MarketReadingInput(gateway=slug),
        "sync-market",
    )


async def _ingest(
    settings: Settings, gateway: str | None, what: str, **wanted: bool
) -> IngestionReport:
    request = IngestionInput(gateway=gateway or settings.gateway_slug, **wanted)
    client = await connect(settings)
    return await _run(client, IngestionWorkflow.run, request, f"sync-{what}")


async def run_strategies(settings: Settings) -> StrategyRunsReport:
    """Run every enabled strategy instance whose market is open, now."""
    return await _run(
        await connect(settings), StrategyRunsWorkflow.run, StrategyRunsInput(), "run-strategies"
    )


async def begin_strategy_runs(settings: Settings, patience_seconds: int) -> None:
    """Have every enabled instance run as soon as it can, without waiting for the outcome."""
    client = await connect(settings)
    await client.start_workflow(
        StrategyRunsWorkflow.run,
        StrategyRunsInput(patience_seconds=patience_seconds),
        id="first-look",
        task_queue=CORE_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="the look at the market that follows a start of the desk",
    )


async def _run(client: Client, run: Any, request: Any, name: str) -> Any:
    try:
        return await client.execute_workflow(
            run,
            request,
            id=f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
            task_queue=CORE_QUEUE,
            static_summary=f"{name}, asked for on the command line",
        )
    except WorkflowFailureError as error:
        cause = error.cause
        while isinstance(cause, ActivityError) and cause.cause is not None:
            cause = cause.cause
        raise OperationFailedError(str(cause)) from error

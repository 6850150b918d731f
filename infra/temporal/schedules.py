"""What the desk does by itself, and how often: one schedule for each, by name in Temporal Web.

A schedule starts its workflow at every turn; whether the market's hours and the connection ask
for the work is judged by the workflow, in market time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from workflows.ids import CORE_QUEUE
from workflows.ingestion import IngestionWorkflow, MarketReadingWorkflow
from workflows.lifecycle import LifecycleWorkflow
from workflows.messages import (
    IngestionInput,
    LifecycleInput,
    MarketReadingInput,
    ReconciliationInput,
    StrategyRunsInput,
)
from workflows.notifications import NotificationWorkflow
from workflows.reconciliation import ReconciliationWorkflow, RedeliveryWorkflow
from workflows.strategy_run import StrategyRunsWorkflow

log = structlog.get_logger(__name__)

REDELIVER_EVERY = timedelta(seconds=15)
NOTIFY_EVERY = timedelta(seconds=30)
INGEST_EVERY = timedelta(seconds=60)
RECONCILE_EVERY = timedelta(seconds=60)
# Started again should it ever have ended; while it runs, its turns are skipped.
KEEP_WATCHING_EVERY = timedelta(seconds=60)
READ_MARKET_EVERY = timedelta(minutes=15)
RUN_STRATEGIES_EVERY = timedelta(minutes=10)
STRATEGY_RUNS = "strategy-runs"
# Names that earlier versions used; left alone, they would start workflows that are no more.
OBSOLETE = ("reconciliation",)


class Turn(NamedTuple):
    """A schedule: its name in Temporal Web, how often it comes round, and what it starts."""

    name: str
    every: timedelta
    note: str
    action: ScheduleActionStartWorkflow
    offset: timedelta = timedelta(0)


async def put_schedules(client: Client, gateways: Iterable[str]) -> None:
    """Create every schedule or bring it up to date; one that a person paused stays paused."""
    for name in OBSOLETE:
        await _remove(client, name)
    for turn in turns(gateways):
        await _put(client, turn)


def turns(gateways: Iterable[str]) -> list[Turn]:
    """Every schedule that a desk with these gateways has."""
    return [*_of_the_desk(), *(turn for gateway in gateways for turn in _of_gateway(gateway))]


def _of_the_desk() -> list[Turn]:
    return [
        Turn(
            STRATEGY_RUNS,
            RUN_STRATEGIES_EVERY,
            "Runs every enabled strategy whose market is open.",
            ScheduleActionStartWorkflow(
                StrategyRunsWorkflow.run,
                StrategyRunsInput(),
                id=STRATEGY_RUNS,
                task_queue=CORE_QUEUE,
                static_summary="every enabled strategy instance whose market is open",
            ),
        ),
        Turn(
            "redelivery",
            REDELIVER_EVERY,
            "Delivers decisions that were recorded but not read.",
            ScheduleActionStartWorkflow(
                RedeliveryWorkflow.run,
                id="redelivery",
                task_queue=CORE_QUEUE,
                static_summary="deliver decisions that were recorded but not read",
            ),
        ),
        Turn(
            "notifications",
            NOTIFY_EVERY,
            "Tells people what waits for them, through the channels they chose.",
            ScheduleActionStartWorkflow(
                NotificationWorkflow.run,
                id="notifications",
                task_queue=CORE_QUEUE,
                static_summary="tell people what waits for them",
            ),
            offset=timedelta(seconds=10),
        ),
    ]


def _of_gateway(gateway: str) -> list[Turn]:
    return [
        Turn(
            f"ingestion-{gateway}",
            INGEST_EVERY,
            f"Reads positions, account values and executions through {gateway}.",
            ScheduleActionStartWorkflow(
                IngestionWorkflow.run,
                IngestionInput(gateway=gateway, executions=True, only_when_due=True),
                id=f"ingestion-{gateway}",
                task_queue=CORE_QUEUE,
                static_summary=f"positions, account values and executions of gateway {gateway}",
            ),
        ),
        Turn(
            f"reconciliation-{gateway}",
            RECONCILE_EVERY,
            f"Compares orders, executions, positions and cash of {gateway} with the record.",
            ScheduleActionStartWorkflow(
                ReconciliationWorkflow.run,
                ReconciliationInput(gateway=gateway, only_when_due=True),
                id=f"reconciliation-{gateway}",
                task_queue=CORE_QUEUE,
                static_summary=f"gateway {gateway}'s books against the record",
            ),
            # Not at the same moment as ingestion: both ask the gateway.
            offset=timedelta(seconds=20),
        ),
        Turn(
            market_reading_schedule(gateway),
            READ_MARKET_EVERY,
            f"Refreshes contracts, quotes and dividends through {gateway} while it trades.",
            ScheduleActionStartWorkflow(
                MarketReadingWorkflow.run,
                MarketReadingInput(gateway=gateway),
                id=market_reading_schedule(gateway),
                task_queue=CORE_QUEUE,
                static_summary=f"contracts and quotes through gateway {gateway}",
            ),
            # Between two strategy runs, which read chains themselves.
            offset=timedelta(minutes=5),
        ),
        Turn(
            f"lifecycle-{gateway}",
            KEEP_WATCHING_EVERY,
            f"Keeps a watch running over the options held through {gateway}.",
            ScheduleActionStartWorkflow(
                LifecycleWorkflow.run,
                LifecycleInput(gateway=gateway),
                id=f"lifecycle-{gateway}",
                task_queue=CORE_QUEUE,
                static_summary=f"expiry, assignment and ex-dividend days of options at {gateway}",
            ),
            offset=timedelta(seconds=40),
        ),
    ]


def market_reading_schedule(gateway: str) -> str:
    return f"market-{gateway}"


async def _put(client: Client, turn: Turn) -> None:
    schedule = Schedule(
        action=turn.action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=turn.every, offset=turn.offset)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # What was missed while the desk was down is not made up for: the next one suffices.
            catchup_window=timedelta(seconds=10),
        ),
        state=ScheduleState(note=turn.note),
    )
    try:
        await client.create_schedule(turn.name, schedule)
    except ScheduleAlreadyRunningError:

        def keep_state(existing: ScheduleUpdateInput) -> ScheduleUpdate:
            if existing.description.schedule.state.paused:
                schedule.state = existing.description.schedule.state
            return ScheduleUpdate(schedule=schedule)

        await client.get_schedule_handle(turn.name).update(keep_state)


async def _remove(client: Client, name: str) -> None:
    try:
        await client.get_schedule_handle(name).delete()
        log.info("temporal.schedule_removed", name=name)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise

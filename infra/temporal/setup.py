"""What a Temporal namespace needs before the desk runs on it: search attributes, schedules.

Idempotent. Schedules are brought up to date, not duplicated.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from infra.settings import Settings
from infra.temporal.client import connect
from workflows.ids import CORE_QUEUE
from workflows.ingestion import IngestionWorkflow
from workflows.messages import IngestionInput, StrategyRunsInput
from workflows.reconciliation import ReconciliationWorkflow
from workflows.strategy_run import StrategyRunsWorkflow
from workflows.visibility import ALL, DEADLINE

log = structlog.get_logger(__name__)

RECONCILE_EVERY = timedelta(seconds=15)
INGEST_EVERY = timedelta(seconds=60)
RUN_STRATEGIES_EVERY = timedelta(minutes=10)


async def setup(settings: Settings) -> None:
    """Bring the namespace to what this code expects."""
    client = await connect(settings)
    await add_search_attributes(client)
    await put_schedules(client, settings.gateway_slug)


async def add_search_attributes(client: Client) -> None:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        key.name: (
            IndexedValueType.INDEXED_VALUE_TYPE_DATETIME
            if key.name == DEADLINE.name
            else IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        )
        for key in ALL
        if key.name not in known.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
        log.info("temporal.search_attributes_added", names=sorted(missing))


async def put_schedules(client: Client, gateway: str) -> None:
    """Ingestion per gateway, strategy runs and reconciliation, each never overlapping itself."""
    await _put(
        client,
        f"ingestion-{gateway}",
        INGEST_EVERY,
        ScheduleActionStartWorkflow(
            IngestionWorkflow.run,
            IngestionInput(gateway=gateway),
            id=f"ingestion-{gateway}",
            task_queue=CORE_QUEUE,
            static_summary=f"positions and account values of gateway {gateway}",
        ),
    )
    await _put(
        client,
        "strategy-runs",
        RUN_STRATEGIES_EVERY,
        ScheduleActionStartWorkflow(
            StrategyRunsWorkflow.run,
            StrategyRunsInput(),
            id="strategy-runs",
            task_queue=CORE_QUEUE,
            static_summary="every enabled strategy instance whose market is open",
        ),
    )
    await _put(
        client,
        "reconciliation",
        RECONCILE_EVERY,
        ScheduleActionStartWorkflow(
            ReconciliationWorkflow.run,
            id="reconciliation",
            task_queue=CORE_QUEUE,
            static_summary="deliver decisions that were recorded but not read",
        ),
    )


async def _put(
    client: Client, schedule_id: str, every: timedelta, action: ScheduleActionStartWorkflow
) -> None:
    schedule = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # What was missed while the desk was down is not made up for: the next one suffices.
            catchup_window=timedelta(seconds=10),
        ),
    )
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:

        def keep_state(existing: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule.state = existing.description.schedule.state
            return ScheduleUpdate(schedule=schedule)

        await client.get_schedule_handle(schedule_id).update(keep_state)

"""Starting strategy runs and dry runs for a person, and when the next run is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from domain.errors import ErrorCode, GreenlightError
from domain.ports import DryRunFindings, DryRunRequest
from infra.temporal.schedules import STRATEGY_RUNS
from workflows.dry_run import StrategyDryRunWorkflow
from workflows.ids import CORE_QUEUE
from workflows.messages import StrategyRunInput
from workflows.strategy_run import StrategyRunWorkflow

RPC_TIMEOUT = timedelta(seconds=5)
DRY_RUN_TIMEOUT = timedelta(seconds=90)


async def start_strategy_run(client: Client, instance_id: UUID, workflow_id: str) -> None:
    """Run one instance now; a repeated command finds the run it started, ended or not."""
    try:
        await client.start_workflow(
            StrategyRunWorkflow.run,
            StrategyRunInput(instance_id=instance_id),
            id=workflow_id,
            task_queue=CORE_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary="a strategy run that a person asked for",
            rpc_timeout=RPC_TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return


async def dry_run(client: Client, request: DryRunRequest, workflow_id: str) -> DryRunFindings:
    """What ``request`` finds. Raises GreenlightError with the code of what prevented it.

    RPCError where Temporal cannot be reached.
    """
    handle = await client.start_workflow(
        StrategyDryRunWorkflow.run,
        request,
        id=workflow_id,
        task_queue=CORE_QUEUE,
        execution_timeout=DRY_RUN_TIMEOUT,
        static_summary="a dry run: what would this strategy find now?",
        rpc_timeout=RPC_TIMEOUT,
    )
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        raise _told(error) from error


async def next_strategy_runs(client: Client) -> datetime | None:
    """The next turn of the schedule that runs every enabled instance; None while it is paused."""
    described = await client.get_schedule_handle(STRATEGY_RUNS).describe(rpc_timeout=RPC_TIMEOUT)
    if described.schedule.state.paused:
        return None
    return next(iter(described.info.next_action_times), None)


def _told(error: WorkflowFailureError) -> GreenlightError:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type in ErrorCode.__members__:
        return GreenlightError(ErrorCode(cause.type), cause.message)
    return GreenlightError(
        ErrorCode.NO_RESULT_YET,
        f"the broker did not give the option chains within {DRY_RUN_TIMEOUT.seconds} seconds",
    )

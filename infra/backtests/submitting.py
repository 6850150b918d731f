"""Starting backtests and sweeps as workflows, and looking after them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import ErrorCode
from domain.ports.backtests import BacktestOutcome, BacktestRequest, SweepRequest
from workflows.backtest import BacktestSweepWorkflow, BacktestWorkflow
from workflows.ids import CORE_QUEUE
from workflows.messages import BacktestProgressAnswer, SweepProgress

LOOK_SECONDS = 1.0


class WorkflowEndedError(RuntimeError):
    """The workflow ended without a result; the message says how, ``code`` why if it is known."""

    def __init__(self, words: str, code: ErrorCode | None = None) -> None:
        super().__init__(words)
        self.code = code


def new_workflow_id(request: BacktestRequest) -> str:
    kind = "sweep" if isinstance(request, SweepRequest) else "backtest"
    return f"{kind}-{uuid4()}"


async def start_backtest(client: Client, request: BacktestRequest, workflow_id: str) -> None:
    """Start a backtest, or a sweep; one that runs under that id already is left alone."""
    sweeping = isinstance(request, SweepRequest)
    await client.start_workflow(
        BacktestSweepWorkflow.run if sweeping else BacktestWorkflow.run,
        request.model_dump(mode="json", exclude_defaults=True),
        id=workflow_id,
        task_queue=CORE_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"{'sweep' if sweeping else 'backtest'}: {request.title}",
    )


async def cancel_backtest(client: Client, workflow_id: str) -> bool:
    """Ask a backtest or a sweep to stop; False where no workflow of that id is running."""
    try:
        await client.get_workflow_handle(workflow_id).cancel()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def follow_backtest(
    client: Client, workflow_id: str, hear: Callable[[BacktestProgressAnswer], None]
) -> BacktestOutcome:
    """Its outcome, telling ``hear`` every second how far it is."""
    handle = client.get_workflow_handle_for(BacktestWorkflow.run, workflow_id)
    return await _followed(handle, BacktestWorkflow.progress, hear)


async def follow_sweep(
    client: Client, workflow_id: str, hear: Callable[[SweepProgress], None]
) -> SweepProgress:
    """As ``follow_backtest``, of a sweep."""
    handle = client.get_workflow_handle_for(BacktestSweepWorkflow.run, workflow_id)
    return await _followed(handle, BacktestSweepWorkflow.progress, hear)


async def _followed(
    handle: WorkflowHandle[Any, Any], query: Any, hear: Callable[[Any], None]
) -> Any:
    ending = asyncio.create_task(handle.result())
    try:
        while True:
            done, _ = await asyncio.wait({ending}, timeout=LOOK_SECONDS)
            if done:
                return ending.result()
            try:
                hear(await handle.query(query))
            except RPCError:
                # No worker answers just now; the result will come all the same.
                continue
    except WorkflowFailureError as error:
        raise _ended(error.cause) from error
    finally:
        ending.cancel()


def _ended(cause: BaseException) -> WorkflowEndedError:
    if isinstance(cause, CancelledError):
        return WorkflowEndedError("cancelled")
    if not isinstance(cause, ApplicationError):
        return WorkflowEndedError(str(cause))
    known = cause.type in ErrorCode.__members__.values()
    return WorkflowEndedError(cause.message, ErrorCode(cause.type) if known else None)

"""What Temporal tells: itself, who polls each queue, and schedules that are late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from infra.health.checks import Check, degraded, failed, ok
from infra.temporal.schedules import Turn, turns
from workflows.ids import BACKTEST_QUEUE, CORE_QUEUE, broker_queue

POLLED_WITHIN = timedelta(seconds=90)
"""A poll waits a minute for work; pollers of a dead worker stay listed for some more."""
LATE_AFTER = timedelta(seconds=60)
_RPC = timedelta(seconds=3)
_UNREACHABLE = "Start Temporal, or correct its address; decisions stay on record until then."
_NOT_OURS = "Correct the certificate or the API key, and what its holder may do."
_REFUSALS = {
    RPCStatusCode.NOT_FOUND: "Correct GREENLIGHT_TEMPORAL_NAMESPACE, or make that namespace.",
    RPCStatusCode.UNAUTHENTICATED: _NOT_OURS,
    RPCStatusCode.PERMISSION_DENIED: _NOT_OURS,
}


async def temporal_checks(
    client: Client | None, gateways: Sequence[str], now: datetime, unreached: str
) -> list[Check]:
    """All at once; a server that does not answer is one failed check, in the words given."""
    if client is None:
        return [failed("temporal", "server", unreached, _UNREACHABLE)]
    try:
        if not await client.service_client.check_health(timeout=_RPC):
            return [failed("temporal", "server", "not serving", _UNREACHABLE)]
        queues = [CORE_QUEUE, BACKTEST_QUEUE, *map(broker_queue, gateways)]
        checks = await asyncio.gather(
            *(_queue(client, queue, now) for queue in queues),
            *(_schedule(client, turn, now) for turn in turns(gateways)),
        )
    except (RPCError, TimeoutError) as error:
        return [_no_answer(client, error)]
    return [ok("temporal", "server", f"serves namespace {client.namespace}"), *checks]


def _no_answer(client: Client, error: RPCError | TimeoutError) -> Check:
    advice = _UNREACHABLE
    if isinstance(error, RPCError):
        advice = _REFUSALS.get(error.status, _UNREACHABLE)
    words = f"does not answer for namespace {client.namespace}: {error}"
    return failed("temporal", "server", words, advice)


async def _queue(client: Client, queue: str, now: datetime) -> Check:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        ),
        timeout=_RPC,
    )
    polls = [poller.last_access_time.ToDatetime(UTC) for poller in answer.pollers]
    fresh = sum(now - poll < POLLED_WITHIN for poll in polls)
    if fresh:
        return ok("worker", queue, f"{fresh} polling")
    advice = (
        f"greenlight worker broker --gateway {queue.partition(':')[2]}"
        if queue.startswith("broker:")
        else "greenlight worker core"
    )
    words = "nobody polls" if not polls else f"last polled at {max(polls):%H:%M:%S} UTC"
    # Backtests may wait; orders may not.
    return (degraded if queue == BACKTEST_QUEUE else failed)("worker", queue, words, advice)


async def _schedule(client: Client, turn: Turn, now: datetime) -> Check:
    try:
        described = await client.get_schedule_handle(turn.name).describe(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return failed("schedule", turn.name, "does not exist", "greenlight setup-temporal")
    if described.schedule.state.paused:
        return degraded(
            "schedule", turn.name, "paused by a person", "Unpause it in Temporal Web when done."
        )
    actions = described.info.recent_actions
    running = bool(described.info.running_actions)
    last = actions[-1].started_at if actions else described.info.created_at
    late = now - last - turn.every
    if late > LATE_AFTER and not running:
        words = f"last ran at {last:%H:%M:%S} UTC, every {turn.every}"
        return degraded("schedule", turn.name, words, "Look at its workflow in Temporal Web.")
    return ok("schedule", turn.name, f"last ran at {last:%H:%M:%S} UTC")

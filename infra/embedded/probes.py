"""Readiness checks of the stack's processes. All block for a few seconds at most."""

from __future__ import annotations

import asyncio
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psutil
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import ConnectConfig, RPCError, ServiceClient

_TIMEOUT = timedelta(seconds=2)


def accepts_connections(host: str, port: int) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT.total_seconds()).close()
    except OSError:
        return False
    return True


def answers_ok(host: str, port: int, path: str) -> bool:
    """Whether a GET of the path is answered with status 200."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT.total_seconds())
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_polls(address: str, namespace: str, task_queue: str, pid: int) -> bool:
    """Whether a worker has asked Temporal for work on the queue since process ``pid`` started.

    Pollers of a dead worker stay listed for minutes; the time of their last poll tells them apart.
    """
    try:
        started = datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    except psutil.NoSuchProcess:
        return False
    with ThreadPoolExecutor(max_workers=1) as executor:
        last_poll = executor.submit(
            asyncio.run, _last_poll(address, namespace, task_queue)
        ).result()
    # Process creation times have a resolution of 10 ms, and a start takes far longer than that.
    return last_poll is not None and last_poll >= started


async def _last_poll(address: str, namespace: str, task_queue: str) -> datetime | None:
    try:
        service = await ServiceClient.connect(ConnectConfig(target_host=address, lazy=True))
        answer = await service.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=namespace,
                task_queue=TaskQueue(name=task_queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            ),
            timeout=_TIMEOUT,
        )
    except (RPCError, RuntimeError):
        return None
    polls = [poller.last_access_time.ToDatetime(UTC) for poller in answer.pollers]
    return max(polls, default=None)

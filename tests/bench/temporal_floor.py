"""The floor under a click: a raw Temporal signal until the first activity that follows it.

One workflow, one activity, in a worker of its own process with nothing of the desk in it:
``python -m tests.bench.temporal_floor ADDRESS``. Activities are eager, the SDK's default.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

QUEUE = "floor"


@activity.defn
async def first_activity() -> float:
    """When it began, by `time.perf_counter`, which all processes of one machine share."""
    return time.perf_counter()


@workflow.defn
class SignalledOnce:
    def __init__(self) -> None:
        self._told = False

    @workflow.signal
    def tell(self) -> None:
        self._told = True

    @workflow.query
    def waits(self) -> bool:
        return not self._told

    @workflow.run
    async def run(self) -> float:
        await workflow.wait_condition(lambda: self._told)
        return await workflow.execute_activity(
            first_activity, start_to_close_timeout=timedelta(seconds=10)
        )


Waiting = WorkflowHandle[SignalledOnce, float]


async def one_waiting(client: Client) -> Waiting:
    """A workflow that is cached by its worker and waits to be told."""
    handle = await client.start_workflow(SignalledOnce.run, id=f"floor-{uuid4()}", task_queue=QUEUE)
    assert await handle.query(SignalledOnce.waits)
    return handle


async def signal_to_activity(waiting: Waiting) -> float:
    """Seconds from sending the signal until the activity runs."""
    began = time.perf_counter()
    await waiting.signal(SignalledOnce.tell)
    return await waiting.result() - began


async def _serve(address: str) -> None:
    client = await Client.connect(address)
    worker = Worker(
        client, task_queue=QUEUE, workflows=[SignalledOnce], activities=[first_activity]
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))

"""The desk from outside, as separate processes: clicks, a full queue, a killed worker."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType

from tests.bench import temporal_floor
from tests.bench.desk import (
    ALL_DAY,
    CORE_WORKER,
    BenchDesk,
    Click,
    bench_desk,
)
from tests.bench.harness import OURS, Bench, Timings
from tests.faults.offers import Offer
from workflows.ids import recommendation_workflow_id

pytestmark = [
    pytest.mark.bench,
    pytest.mark.timeout(1_800),
    pytest.mark.asyncio(loop_scope="module"),
]

FLOOR = "raw signal → activity"
CLICKS = 100
LOTS = (4, 5)
"""Seeds of a hundred clicks each: one lot has a contract once an account."""
WARM_UP = 3
WAITING_AT_A_KILL = 1_000
WAITING = 10_000
STOPS = 3
GIGABYTE = 1e9


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[BenchDesk]:
    failed_before = request.session.testsfailed
    async with bench_desk() as running:
        yield running
        if request.session.testsfailed > failed_before:
            running.keep_logs()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def floor(desk: BenchDesk) -> AsyncIterator[None]:
    """The worker of the floor, on the desk's own Temporal server."""
    address = desk.stack.temporal.address
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.temporal_floor", address
    )
    yield
    process.terminate()
    await process.wait()


async def test_a_click_is_at_the_broker_soon_after_a_bare_signal_would_be_heard(
    desk: BenchDesk, floor: None, bench: Bench
):
    offers = await desk.offer(1, CLICKS + WARM_UP, ALL_DAY)
    await desk.waiting(offers)
    timings = Timings()
    for turn, offer in enumerate(offers):
        if turn == WARM_UP:
            timings = Timings()
        told = await temporal_floor.one_waiting(desk.temporal)
        timings.seconds[FLOOR].append(await temporal_floor.signal_to_activity(told))
        timings.seconds[OURS].append((await desk.click(offer)).on_wire)
        await desk.withdraw(offer)
    what = "click → order on the wire"
    bench.at_most(f"{what}, p50", timings, peer=FLOOR, ratio=2.5)
    bench.tail_at_most(f"{what}, p99", timings, peer=FLOOR, percent=99, ratio=3)


async def test_a_stopped_or_killed_worker_is_soon_made_up_for(desk: BenchDesk, bench: Bench):
    """From the signal to the process until the next event of a workflow that was told meanwhile.

    Another worker stands beside it and takes over; one alone is back when it has started anew.
    """
    (like,) = await desk.offer(2, 1, ALL_DAY)
    await desk.waiting([like])
    waiting = await desk.fill(like, WAITING_AT_A_KILL)
    async with desk.another_core_worker():
        await _stopped_in_turn(desk, bench, waiting)


async def _stopped_in_turn(desk: BenchDesk, bench: Bench, waiting: list[Offer]) -> None:
    for stop, what in (("kill", "worker killed"), ("terminate", "worker stopped (SIGTERM)")):
        found: list[float] = []
        for _ in range(STOPS):
            offer = waiting.pop()
            worker = desk.process(CORE_WORKER)
            stopped_at = time.time()
            getattr(worker, stop)()
            found.append(await _acted_at(desk, offer) - stopped_at)
            await desk.withdraw(offer)
            await desk.until_serving()
        seen = ", ".join(f"{seconds:.1f}" for seconds in sorted(found))
        bench.within(
            f"{what} → next action of another, {WAITING_AT_A_KILL:,} waiting, s",
            sorted(found)[len(found) // 2],
            2.5,
            against=f"a wall clock; all: {seen}",
        )


async def _acted_at(desk: BenchDesk, offer: Offer) -> float:
    """Approve; the time at which the workflow had the approval judged."""
    answer = await desk.approve(offer)
    assert answer.is_success, answer.text
    assert await desk.order_id_at_broker(offer)
    handle = desk.temporal.get_workflow_handle(recommendation_workflow_id(offer.recommendation_id))
    async for event in handle.fetch_history_events():
        scheduled = event.activity_task_scheduled_event_attributes
        if (
            event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            and scheduled.activity_type.name == "judge_and_send"
        ):
            return event.event_time.ToMicroseconds() / 1e6
    raise AssertionError("nothing was judged")


async def test_a_full_queue_costs_little_memory_and_approvals_stay_quick(
    desk: BenchDesk, bench: Bench
):
    offers = await desk.offer(3, CLICKS, ALL_DAY)
    await desk.waiting(offers)
    held = await desk.rows("SELECT count(*) AS n FROM recommendations WHERE state = 'PROPOSED'")
    await desk.fill(offers[0], WAITING - held[0]["n"])
    memory = {
        name: desk.process(name).memory_info().rss / GIGABYTE
        for name in ("temporal", CORE_WORKER, "broker worker")
    }
    parts = ", ".join(f"{name} {size:.2f}" for name, size in memory.items())
    bench.within(
        f"server and workers with {WAITING:,} waiting, GB", sum(memory.values()), 1.5, against=parts
    )
    timings = Timings()
    for offer in offers:
        timings.seconds[OURS].append((await desk.click(offer)).answered)
        await desk.withdraw(offer)
    bench.within(
        f"approve answered with {WAITING:,} waiting, p99, ms",
        timings.percentile(OURS, 99) * 1e3,
        150.0,
        against=f"a wall clock; p50 {timings.median(OURS) * 1e3:.0f} ms",
    )


async def test_two_hundred_of_a_full_queue_are_approved_while_strategies_run(
    desk: BenchDesk, bench: Bench
):
    lots = [await desk.offer(lot, CLICKS, ALL_DAY) for lot in LOTS]
    offers = [offer for lot in lots for offer in lot]
    await desk.waiting(offers)
    held = await desk.rows("SELECT count(*) AS n FROM recommendations WHERE state = 'PROPOSED'")
    if held[0]["n"] < WAITING:
        await desk.fill(offers[0], WAITING - held[0]["n"])
    async with desk.strategies_running() as runs:
        clicks: list[Click] = []
        for lot in lots:
            clicks += [await desk.click(offer) for offer in lot]
            # The next has the same contracts: with an order at work they would be denied.
            await asyncio.gather(*(desk.withdraw(offer) for offer in lot))
    assert sum(run.ran for run in runs) > 0, "no strategy ran meanwhile"
    assert not [error for run in runs for outcome in run.outcomes for error in outcome.errors]
    # Not by what passed the wire: a trade that is judged again is previewed again.
    assert {desk.orders_at_gateway(offer) for offer in offers} == {1}, "each was sent once"
    timings = Timings()
    timings.seconds[OURS] = [click.answered for click in clicks]
    bench.within(
        f"{len(clicks)} of {WAITING:,} approved while strategies run, answered p99, ms",
        timings.percentile(OURS, 99) * 1e3,
        150.0,
        against=f"{len(runs)} runs; p50 {timings.percentile(OURS, 50) * 1e3:.0f} ms",
    )

"""Processes that compute backtests: heard, stopped, and replaced when they die."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import date

import pytest

from domain.backtest.results import BacktestProgress
from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import BacktestFindings, BacktestRequest, Progress
from infra.backtests.pool import BacktestPool, Reporter

pytestmark = pytest.mark.asyncio(loop_scope="module")

SESSION = date(2024, 1, 2)


def compute(request: BacktestRequest, reporter: Reporter) -> BacktestFindings:
    """What a test asks for by the request's name, in a process of the pool."""
    reporter.progress(BacktestProgress(1, 4, SESSION))
    match request.name:
        case "refused":
            raise GreenlightError(ErrorCode.DATA_INVALID, "line 3, bid: not a number", field="data")
        case "broken":
            raise ZeroDivisionError("of the strategy")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "long":
            give_up_at = time.monotonic() + 60
            while not reporter.should_stop() and time.monotonic() < give_up_at:
                time.sleep(0.01)
    return BacktestFindings(
        stats={"pid": os.getpid()},
        result_digest="",
        data_label="",
        data_digest="",
        errors=(),
        stopped=reporter.should_stop(),
        document=b"",
    )


def request(name: str) -> BacktestRequest:
    return BacktestRequest(strategy="theta", data=("/x",), name=name)


def hear_nothing(_: Progress) -> None: ...


@pytest.fixture(scope="module")
def pool() -> Iterator[BacktestPool]:
    """One process for all tests of this module: a start costs a second or two."""
    shared = BacktestPool(compute, processes=1)
    yield shared
    shared.close()


async def test_a_coded_error_keeps_its_code_and_its_field(pool: BacktestPool):
    with pytest.raises(GreenlightError, match="line 3") as refused:
        await pool.run(request("refused"), hear_nothing)
    assert refused.value.code is ErrorCode.DATA_INVALID
    assert refused.value.context["field"] == "data"


async def test_an_unforeseen_error_is_the_strategys_failure_with_its_traceback(pool: BacktestPool):
    with pytest.raises(GreenlightError) as failed:
        await pool.run(request("broken"), hear_nothing)
    assert failed.value.code is ErrorCode.STRATEGY_FAILED
    assert "ZeroDivisionError" in str(failed.value.context["traceback"])


async def test_progress_is_heard_and_a_cancelled_computation_stops(pool: BacktestPool):
    heard = asyncio.Event()

    def hear(progress: Progress) -> None:
        if progress == Progress(done=1, of=4, session="2024-01-02"):
            heard.set()

    running = asyncio.create_task(pool.run(request("long"), hear))
    await heard.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # Its place is free again: the one process does the next.
    assert not (await pool.run(request("next"), hear_nothing)).stopped


async def test_a_killed_process_is_replaced_for_the_next_backtest(pool: BacktestPool):
    before = (await pool.run(request("first"), hear_nothing)).stats["pid"]
    with pytest.raises(Exception, match="process"):
        await pool.run(request("killed"), hear_nothing)
    assert (await pool.run(request("after"), hear_nothing)).stats["pid"] != before

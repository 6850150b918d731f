"""Five years of short puts on 2.5 million recorded rows, by the desk's own code and by others."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from domain.backtest.config import BacktestConfig
from domain.backtest.results import BacktestResult
from domain.backtest.runner import run_backtest
from domain.ports.backtests import BacktestRequest, Progress
from infra.backtests.pool import BacktestPool
from infra.backtests.run import compute_backtest
from infra.calendars import trading_calendar
from infra.history.conversion import convert
from infra.history.opening import open_history
from tests.bench import backtest_peers as peers
from tests.bench.harness import OURS, Bench, Timings, interleaved
from tests.bench.recorded_years import FIRST, SYMBOL, five_years

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROUNDS = 5
YEAR_ROUNDS = 2
OVER_OPTOPSY = 1.5
TIMES_OPSTRAT = 10.0
GIGABYTE = 1 << 30
SWEPT, SWEEP_PARTS, SWEEP_TIMES = 64, 4, 1.8
AMPLE = {
    "max_notional": "10000000",
    "max_loss": "10000000",
    "max_daily_notional": "20000000",
    "max_contracts": 50,
    "max_orders_per_day": 100,
}
ASKED: dict[str, Any] = {
    "strategy": "theta",
    "cash": "2000000",
    "config": {
        "universe": [SYMBOL],
        "ladder_rungs": peers.RUNGS,
        "ladder_gap_days": peers.RUNG_GAP_DAYS,
        "min_delta": peers.LOW_DELTA,
        "max_delta": peers.HIGH_DELTA,
        "min_dte": peers.FIRST_DTE,
        "max_dte": peers.LAST_DTE,
        "exit_dte": peers.EXIT_DTE,
        "take_profit": str(peers.ENOUGH),
        "roll": False,
        "max_vix": None,
    },
    "fills": {"kind": "cross", "same_quote": True},
    "limits": AMPLE,
}


class Recording:
    """The rows, and the same as a folder of Parquet: five years, and the first of them."""

    def __init__(self, folder: Path) -> None:
        rows = five_years()
        whole, self.parquet = folder / "rows.parquet", folder / "parquet"
        rows.write_parquet(whole)
        convert([whole], self.parquet)
        (year,) = self.parquet.rglob(f"year={FIRST.year}")
        self.year = year
        self.rows = rows
        self.year_rows = rows.filter(pl.col("timestamp") < date(FIRST.year + 1, 1, 1))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return Recording(tmp_path_factory.mktemp("recording"))


def backtest(folder: Path) -> BacktestResult:
    """Parquet to result: opened, checked, run, summed up."""
    config = BacktestConfig.model_validate(ASKED)
    return run_backtest(config, open_history([folder]), trading_calendar())


def test_five_years_of_short_puts_beside_bare_statistics(bench: Bench, recording: Recording):
    contenders = {OURS: lambda: backtest(recording.parquet)}
    if find_spec("optopsy"):
        frame = peers.optopsy_frame(recording.rows)
        contenders["optopsy"] = lambda: peers.optopsy_short_puts(frame)
    contenders["numpy loop"] = lambda: peers.bare_loop(recording.rows)
    timings = interleaved(contenders, rounds=ROUNDS)
    what = "backtest, 5 years daily, 2.5M rows, Parquet load included"
    bench.beside(f"{what}, numpy", timings, peer="numpy loop")
    bench.at_most(what, timings, peer="optopsy", ratio=OVER_OPTOPSY)


def test_a_year_of_short_puts_beside_another_event_engine(bench: Bench, recording: Recording):
    contenders = {OURS: lambda: backtest(recording.year)}
    if find_spec("opstrat_backtester"):
        frame = peers.opstrat_frame(recording.year_rows)
        contenders["opstrat-backtester"] = lambda: peers.opstrat_short_puts(frame)
    timings = interleaved(contenders, rounds=YEAR_ROUNDS)
    what = "backtest, 1 year daily, 0.5M rows, Parquet load included"
    bench.at_least(what, timings, peer="opstrat-backtester", times=TIMES_OPSTRAT)


def peak_of_a_backtest(folder: Path) -> int:
    """Bytes that a process has needed at most, with the backtest all that it did.

    Of the kernel's two figures the one that does not count what its parent held when it began.
    """
    backtest(folder)
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024


def test_five_years_need_no_more_than_a_gigabyte(bench: Bench, recording: Recording):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as fresh:
        peak = fresh.submit(peak_of_a_backtest, recording.parquet).result()
    bench.within("backtest, 5 years: peak memory, GB", peak / GIGABYTE, 1.0, against="a process")


def hear_nothing(_: Progress) -> None: ...


async def sweep(pool: BacktestPool, requests: list[BacktestRequest]) -> None:
    await asyncio.gather(*(pool.run(request, hear_nothing) for request in requests))


async def test_a_sweep_is_nearly_twice_as_fast_on_two_processes(bench: Bench, recording: Recording):
    deltas = [0.10 + 0.002 * number for number in range(SWEPT)]
    requests = [
        BacktestRequest.model_validate(
            ASKED
            | {"data": [str(recording.year)], "config": ASKED["config"] | {"max_delta": delta}}
        )
        for delta in deltas
    ]
    timings = Timings()
    pools = {
        name: BacktestPool(compute_backtest, processes=processes)
        for name, processes in ((OURS, 2), ("one process", 1))
    }
    try:
        for pool in pools.values():
            await sweep(pool, requests[: pool.processes])
        # A part of it in turns: a neighbour's busy minute falls on both.
        for first in range(0, SWEPT, SWEPT // SWEEP_PARTS):
            for name, pool in pools.items():
                with timings.of(name):
                    await sweep(pool, requests[first : first + SWEPT // SWEEP_PARTS])
    finally:
        for pool in pools.values():
            pool.close()
    what = f"sweep of {SWEPT} configurations, 1 year each, on two processes, a quarter at a time"
    bench.at_least(what, timings, peer="one process", times=SWEEP_TIMES)

"""The figures of a run against the same figures worked out another way."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp, sqrt
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

from domain.backtest.benchmarks import puts_covered
from domain.backtest.results import BacktestResult
from domain.backtest.runner import run_backtest
from domain.backtest.side_data import PastDividend
from domain.backtest.stats import cagr, drawdown, sharpe, sortino
from tests.unit.backtest_market import (
    CALENDAR,
    Day,
    Row,
    prices,
    rate,
    recorded,
    underlying,
    wandering,
    wheel,
)

ROLLS = Path(__file__).parents[2].parent / "shared/data/reference_tables/cboe_put_index_rolls.csv"
TUESDAY = date(2024, 1, 2)
THIRD_FRIDAYS = (date(2024, 1, 19), date(2024, 2, 16), date(2024, 3, 15))
IDLE = {"max_capital_per_name": "0.01"}
"""A wheel too small to trade: benchmarks alone move."""

# --- formulas ------------------------------------------------------------------------------------


def test_growth_is_compounded_over_calendar_years():
    days = [TUESDAY, TUESDAY + timedelta(days=731)]
    assert cagr(100.0, 121.0, days) == pytest.approx(1.21 ** (365.25 / 731) - 1)
    assert cagr(100.0, 121.0, [TUESDAY, TUESDAY + timedelta(days=20)]) is None


def test_sharpe_and_sortino_are_of_excess_returns():
    returns, free = [0.01, -0.02, 0.015, 0.0], [0.0001] * 4
    excess = [r - f for r, f in zip(returns, free, strict=True)]
    below = sqrt(mean(min(e, 0.0) ** 2 for e in excess))
    assert sharpe(np.array(returns), np.array(free)) == pytest.approx(
        mean(excess) / stdev(excess) * sqrt(252)
    )
    assert sortino(np.array(returns), np.array(free)) == pytest.approx(
        mean(excess) / below * sqrt(252)
    )


def test_a_drawdown_is_measured_from_the_high_before_it_and_lasts_until_it_is_made_good():
    days = [TUESDAY + timedelta(days=n) for n in (0, 1, 5, 9, 10)]
    told = drawdown(days, np.array([100.0, 110.0, 99.0, 104.5, 111.0, 105.0]))
    assert told == {"max_drawdown": pytest.approx(0.1), "max_drawdown_days": 9}


def test_value_at_risk_is_that_of_the_worst_twentieth_of_sessions():
    result = whole_run()
    equity = [25000.0, *map(float, result.curve.equity)]
    returns = sorted(b / a - 1 for a, b in pairwise(equity))
    worst = returns[: -(-len(returns) // 20)]
    assert result.stats["var_95"] == pytest.approx(-worst[-1], abs=1e-6)
    assert result.stats["cvar_95"] == pytest.approx(-mean(worst), abs=1e-6)


def test_trades_are_counted_by_what_ended_them_and_add_up():
    result = whole_run()
    stats = result.stats
    ended = [each for each in result.trades if each.closed_at and each.con_id]
    assert sum(each["trades"] for each in stats["by_exit"].values()) == len(ended) >= 3
    total = sum(each["result"] for each in stats["by_exit"].values())
    assert total == pytest.approx(stats["option_result"], abs=0.01)
    assert stats["win_rate"] == pytest.approx(
        sum(each.result > 0 for each in ended) / len(ended), abs=1e-6
    )
    assert stats["commission"] == float(sum(each.commission for each in result.fills))


def whole_run() -> BacktestResult:
    config = wheel(
        cash="25000",
        commission="ibkr-fixed",
        config={"take_profit": "0.5", "roll": True, "max_drift": "0.05"},
    )
    days = wandering(5, 60)
    history = underlying(prices=prices(*((day.day, day.spot, day.spot) for day in days)))
    return run_backtest(config, recorded(days, {"ABC": history}), CALENDAR)


# --- benchmarks ----------------------------------------------------------------------------------


@pytest.mark.skipif(not ROLLS.is_file(), reason="the exchange's roll sheet is not here")
def test_as_many_puts_are_written_as_the_exchange_says():
    rows = list(csv.DictReader(ROLLS.open()))
    assert rows
    for row in rows:
        written = puts_covered(
            money=float(row["implied_index_level_at_roll_approx"]),
            strike=float(row["strike"]),
            premium=float(row["put_price"]),
            rate=float(row["tbill_1m_pct"]) / 100,
            years=28 / 365,
        )
        assert written == pytest.approx(float(row["number_of_puts"]), rel=1e-4)


def test_buy_and_hold_reinvests_dividends():
    history = underlying(dividends=(PastDividend(date(2024, 1, 4), Decimal(2)),))
    far = (Row(50, date(2024, 6, 21), 0.05, 0.1),)
    days = [Day(TUESDAY, 100.0, far), Day(date(2024, 1, 4), 80.0, far)]
    result = run_backtest(wheel(config=IDLE), recorded(days, {"ABC": history}), CALENDAR)
    hold = next(each for each in result.benchmarks if each.name == "buy_and_hold")
    assert hold.equity == (20000.0, pytest.approx(200 * (1 + 2 / 80) * 80))


def test_the_put_write_benchmark_is_what_an_independent_recomputation_gives():
    days = wandering(7)
    closes = {day.day: day.spot for day in days}
    history = underlying(prices=prices(*((day, spot, spot) for day, spot in closes.items())))
    recording = recorded(days, {"ABC": history}, rates=rate(0.05))
    result = run_backtest(wheel(config=IDLE), recording, CALENDAR)
    told = next(each for each in result.benchmarks if each.name == "put_write")
    assert told.equity == pytest.approx(put_write(days, closes, 20000.0, 0.05), abs=0.01)


def put_write(
    days: list[Day], closes: dict[date, float], money: float, annual: float
) -> list[float]:
    """Month by month, from the list of third Fridays."""
    worth: list[float] = []
    held: tuple[float, date, float] | None = None
    before = days[0].day
    for day in days:
        money *= exp(annual * (day.day - before).days / 365)
        before = day.day
        if held is not None and held[1] < day.day:
            strike, expiry, puts = held
            money -= puts * max(strike - closes[expiry], 0.0)
            held = None
        if held is None:
            listed = {row.expiry for row in day.rows}
            expiry = next(each for each in THIRD_FRIDAYS if each > day.day and each in listed)
            row = max(
                (
                    r for r in day.rows
                    if r.expiry == expiry and not r.is_call and r.strike <= day.spot and r.bid > 0
                ),
                key=lambda r: r.strike,
            )  # fmt: skip
            discounted = row.strike * exp(-annual * (expiry - day.day).days / 365)
            puts = money / (discounted - row.bid)
            money += puts * row.bid
            held = row.strike, expiry, puts
        strike, expiry, puts = held
        quoted = next(
            r for r in day.rows if r.strike == strike and r.expiry == expiry and not r.is_call
        )
        worth.append(money - puts * (quoted.bid + quoted.ask) / 2)
    return worth

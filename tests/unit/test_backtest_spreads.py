"""Put spreads in a backtest: one order, one margin, one trade in the figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.backtest.results import BacktestResult
from domain.backtest.runner import run_backtest
from domain.risk.limits import Limits
from tests.unit.backtest_market import Day, Row, index, recorded, theta, weekdays

TUESDAY, WEDNESDAY = date(2024, 1, 2), date(2024, 1, 3)
EXPIRY = date(2024, 2, 2)
CALENDAR = weekdays()


def puts(short: tuple[float, float], wing: tuple[float, float]) -> tuple[Row, ...]:
    return (Row(95, EXPIRY, *short, delta=0.12), Row(85, EXPIRY, *wing, delta=0.04))


OPENED = Day(TUESDAY, 100.0, puts((1.40, 1.50), (0.35, 0.45)), "XSP")


def run(*days: Day, **settings: Any) -> BacktestResult:
    config = theta(config={"wing_width": "10", **settings}, cash=Decimal(20_000))
    result = run_backtest(config, recorded(days, {"XSP": index()}), CALENDAR)
    assert result.errors == ()
    return result


def test_a_spread_is_opened_at_its_net_price_and_asks_for_its_width():
    result = run(OPENED)
    # 1.45 less 0.40, at the middle.
    assert sum(fill.cash for fill in result.fills) == 105
    assert [(fill.side, fill.order) for fill in result.fills] == [("SELL", 1), ("BUY", 1)]
    assert result.curve.reg_t[-1] == pytest.approx(1_000)
    assert result.denials == ()


@pytest.mark.parametrize(("cash", "fills"), [(1_000, 2), (890, 0)])
def test_cash_for_the_width_is_enough(cash: int, fills: int):
    limits = Limits.model_validate({"max_pm_usage": "1"})
    config = theta(
        config={"wing_width": "10", "max_notional": "20", "max_pm_usage": "1"},
        cash=Decimal(cash),
        limits=limits,
    )
    result = run_backtest(config, recorded([OPENED], {"XSP": index()}), CALENDAR)
    assert len(result.fills) == fills


def test_a_profit_is_taken_on_both_legs_in_one_order_and_counts_as_one_trade():
    later = Day(WEDNESDAY, 103.0, puts((0.60, 0.70), (0.15, 0.25)), "XSP")
    result = run(OPENED, later, take_profit="0.5")
    assert {fill.order for fill in result.fills} == {1, 2}
    # 0.65 less 0.20 buys in what brought 1.05.
    assert result.curve.cash[-1] == 20_000 + 105 - 45
    assert {trade.exit_rule for trade in result.trades} == {"take_profit"}
    stats = result.stats
    assert (stats["trades"], stats["win_rate"]) == (1, 1.0)
    assert stats["average_result"] == 60.0
    assert stats["return_on_risk"] == pytest.approx(60 / 1_000)
    assert stats["by_exit"]["take_profit"]["trades"] == 1


def test_at_settlement_the_wing_bounds_what_is_lost():
    end = Day(EXPIRY, 70.0, puts((25.0, 25.2), (15.0, 15.2)), "XSP")
    after = Day(date(2024, 2, 5), 70.0, puts((25.0, 25.2), (15.0, 15.2)), "XSP")
    result = run(OPENED, end, after)
    assert result.curve.equity[-1] - 20_000 == 105 - 1_000
    assert result.stats["trades"] == 1
    assert result.stats["by_exit"]["settled"]["result"] == 105 - 1_000

"""When orders meet which quotes, what stops them, and that a run knows nothing of its future."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.backtest.config import BacktestConfig, FillPolicy
from domain.backtest.digest import canonical
from domain.backtest.history import ChainFault, FaultCode
from domain.backtest.results import BacktestProgress, BacktestResult, EventKind
from domain.backtest.runner import run_backtest
from domain.backtest.side_data import PastDividend
from domain.errors import ErrorCode, GreenlightError
from domain.portfolio import AccountState
from domain.risk.limits import Limits
from domain.risk.state import RiskState
from domain.strategies.base import StrategyContext, StrategyResult
from domain.strategies.wheel import Wheel
from tests.unit.backtest_market import (
    CALENDAR,
    Day,
    Row,
    index,
    prices,
    recorded,
    theta,
    underlying,
    wandering,
    wheel,
)

EXPIRY = date(2024, 1, 19)
TUESDAY, WEDNESDAY, THURSDAY = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)
NEXT_QUOTE = {"kind": "cross"}


def put(bid: float, ask: float, size: float = 50.0) -> tuple[Row, ...]:
    return (Row(95, EXPIRY, bid, ask, size=size),)


def run(*days: Day, **changes: Any) -> BacktestResult:
    result = run_backtest(wheel(**changes), recorded(days), CALENDAR)
    assert result.errors == ()
    return result


class Broken(Wheel):
    """Fails whatever it is shown."""

    slug = "broken"

    def generate_signals(
        self, account_state: AccountState, risk_state: RiskState, instance: StrategyContext
    ) -> StrategyResult:
        raise RuntimeError("it is broken")


SEEN = Day(TUESDAY, 100.0, put(1.0, 1.2))


# --- when an order trades ------------------------------------------------------------------------


def test_a_decision_meets_the_next_quotes_not_those_it_was_made_on():
    result = run(SEEN, Day(WEDNESDAY, 100.2, put(1.05, 1.15)), fills=NEXT_QUOTE)
    fill = result.fills[0]
    assert (fill.price, fill.at.date(), fill.decided_at.date()) == (
        Decimal("1.05"), WEDNESDAY, TUESDAY,
    )  # fmt: skip
    assert result.curve.cash == [Decimal(20000), Decimal(20105)]
    assert fill.slippage == Decimal(5)


def test_told_to_it_trades_on_the_quotes_it_was_decided_on():
    result = run(SEEN, fills={"kind": "cross", "same_quote": True})
    assert [each.price for each in result.fills] == [Decimal(1)]


@pytest.mark.parametrize(
    ("fills", "price"),
    [
        ("mid", "1.1"),
        ("cross", "1"),
        ("fraction:0.25", "1.075"),
        # Down from 1.10 in four steps to the bid: the second is the first to give up a quarter.
        ("walk:0.25", "1.07"),
    ],
)
def test_fills_at_the_middle_the_touch_or_in_between(fills: str, price: str):
    policy = FillPolicy.named(fills).model_copy(update={"same_quote": True})
    result = run(SEEN, fills=policy)
    assert [each.price for each in result.fills] == [Decimal(price)]


def test_no_more_trades_than_the_quote_shows():
    days = Day(TUESDAY, 100.0, put(1.0, 1.2, size=2))
    fills = {"kind": "cross", "same_quote": True, "size_limited": True}
    result = run(days, fills=fills, cash="100000", config={"max_contracts": 5})
    assert [each.quantity for each in result.fills] == [Decimal(2)]
    assert [each.code for each in result.denials] == ["UNFILLED"]


def test_a_commission_is_that_of_the_brokers_schedule():
    result = run(SEEN, commission="ibkr-fixed", cash="100000", config={"max_contracts": 3})
    assert [each.commission for each in result.fills] == [Decimal("1.95")]
    assert result.curve.cash[-1] == Decimal(100_000 + 330) - Decimal("1.95")


# --- what stops an order -------------------------------------------------------------------------


def test_an_approval_is_void_once_the_underlying_has_drifted():
    result = run(SEEN, Day(WEDNESDAY, 98.5, put(1.4, 1.6)), fills=NEXT_QUOTE)
    assert [each.code for each in result.denials] == [ErrorCode.UNDERLYING_DRIFTED]
    assert result.stats["denials"] == {"UNDERLYING_DRIFTED": 1}


def test_an_order_lapses_where_the_market_does_not_reach_its_floor():
    result = run(SEEN, Day(WEDNESDAY, 100.0, put(0.95, 1.2)), fills=NEXT_QUOTE)
    assert [each.code for each in result.denials] == ["UNFILLED"]
    assert result.fills == ()


def test_the_accounts_limits_refuse_as_they_do_on_the_desk():
    result = run(SEEN, limits={"max_daily_notional": "5000"})
    assert [each.code for each in result.denials] == [ErrorCode.DAILY_NOTIONAL]


def test_no_more_is_offered_than_an_order_may_have():
    idle = run(SEEN, limits={"max_notional": "5000"})
    assert (
        "One contract's notional is 9,500; an order may have 5,000 (max_notional)." in idle.notes[0]
    )


def test_a_run_in_which_nothing_was_offered_says_why():
    day = Day(WEDNESDAY, 100.0, put(1.0, 1.2))
    idle = run_backtest(wheel(cash="5000"), recorded([SEEN, day]), CALENDAR)
    [why, *_] = idle.notes
    assert why.startswith("nothing was offered in the whole run; on 2024-01-03: ")
    assert "One contract ties up 9,500; 5,000 is left" in why
    assert not any("nothing was offered" in note for note in run(SEEN).notes)


def test_a_run_in_which_nothing_was_filled_says_what_refused_it():
    refused = run(SEEN, limits={"max_daily_notional": "5000"})
    assert "no approved trade was filled: 1 DAILY_NOTIONAL" in refused.notes
    [denial] = refused.denials
    assert denial.reason == "Notional opened today: 9,500, limit 5,000"


def test_a_faulty_day_is_not_traded_on_and_carries_marks_forward():
    fault = ChainFault(FaultCode.STALE_DUPLICATE, "it repeats 2 January")
    faulty = Day(WEDNESDAY, 50.0, put(9.0, 9.2), faults=(fault,))
    result = run(SEEN, faulty, Day(THURSDAY, 100.0, put(1.0, 1.1)))
    assert result.curve.positions == [Decimal(-110), Decimal(-110), Decimal(-105)]
    assert result.curve.carried == [0, 1, 0]
    assert [(each.session, each.symbol) for each in result.skipped] == [(WEDNESDAY, "ABC")]


def test_an_approval_waits_for_a_usable_quote():
    fault = ChainFault(FaultCode.CROSSED, "all of it")
    faulty = Day(WEDNESDAY, 100.0, put(1.0, 1.2), faults=(fault,))
    last = Day(THURSDAY, 100.0, put(1.0, 1.1))
    result = run(SEEN, faulty, last, fills=NEXT_QUOTE)
    assert [each.at.date() for each in result.fills] == [THURSDAY]


def test_missing_sessions_and_days_without_one_are_named():
    result = run(SEEN, Day(date(2024, 1, 5), 100.0, put(1.0, 1.2)))
    assert [(each.session, each.reason) for each in result.skipped] == [
        (day, "no data of this session") for day in (WEDNESDAY, THURSDAY)
    ]
    holiday = run(SEEN, Day(date(2024, 1, 6), 100.0, put(1.0, 1.2)))
    assert [each.session for each in holiday.skipped] == [date(2024, 1, 6)]
    assert len(holiday.curve) == 1


def test_a_snapshot_at_the_close_can_still_be_decided_on():
    result = run(replace(SEEN, at=time(21)))
    assert len(result.fills) == 1


def test_what_a_strategy_raises_is_an_error_of_the_run():
    config = wheel(strategy="tests.unit.test_backtest_run:Broken")
    result = run_backtest(
        config.model_copy(update={"config": {"universe": ["ABC"]}}), recorded([SEEN]), CALENDAR
    )
    assert "it is broken" in result.errors[0]
    assert result.curve.equity == [Decimal(20000)]


def test_without_a_universe_the_strategy_looks_at_whatever_was_recorded():
    config = wheel()
    named = {name: value for name, value in config.config.items() if name != "universe"}
    silent = run_backtest(config.model_copy(update={"config": named}), recorded([SEEN]), CALENDAR)
    told = run_backtest(config, recorded([SEEN]), CALENDAR)
    assert silent.fills
    assert (silent.fills, silent.curve.equity) == (told.fills, told.curve.equity)


def test_an_unknown_strategy_is_named():
    with pytest.raises(GreenlightError) as error:
        run_backtest(wheel(strategy="nothing"), recorded([SEEN]), CALENDAR)
    assert error.value.code is ErrorCode.STRATEGY_UNRESOLVED


# --- margin --------------------------------------------------------------------------------------


def test_the_curve_tells_margin_by_strategy_and_by_portfolio():
    result = run(SEEN)
    # 20 % of 100 less 5 out of the money, beside the option's 1.10, times 100.
    assert result.curve.reg_t == [pytest.approx(1610)]
    assert 37.5 <= result.curve.portfolio_margin[0] < 1610
    assert result.curve.pm_usage[0] == pytest.approx(1610 / 20110, abs=1e-6)


def test_portfolio_margin_governs_where_the_config_says_so():
    result = run(SEEN, margin="portfolio")
    assert result.curve.margin == result.curve.portfolio_margin


def short_index_puts(*days: Day) -> BacktestResult:
    """Ten puts struck at 95 are sold at 1.10 on Tuesday: 21,100 is in the account."""
    limits = {"require_covered": False, "max_pm_usage": "1"}
    settings = {"secured": False, "max_notional": "20", "max_pm_usage": "1", "max_contracts": 10}
    settings |= {"stop_multiple": None, "roll": False, "close_if_unable": False, "exit_dte": None}
    tuesday = Day(TUESDAY, 100.0, (Row(95, EXPIRY, 1.0, 1.2, delta=0.12),), "XSP")
    config = theta(config=settings, limits=Limits.model_validate(limits))
    result = run_backtest(config, recorded([tuesday, *days], {"XSP": index()}), CALENDAR)
    assert result.errors == ()
    return result


FALLEN = (Row(95, EXPIRY, 12.0, 12.2, delta=0.9),)


def test_a_margin_call_has_until_the_next_slice_to_be_mended():
    result = short_index_puts(
        Day(WEDNESDAY, 84.0, FALLEN, "XSP"),
        Day(THURSDAY, 100.0, (Row(95, EXPIRY, 1.0, 1.2, delta=0.12),), "XSP"),
    )
    assert [event.kind for event in result.events] == [EventKind.MARGIN_CALL]
    assert [trade.exit_rule for trade in result.trades] == ["end_of_data"]


def test_what_a_margin_call_leaves_short_the_broker_closes_at_the_touch():
    result = short_index_puts(
        Day(WEDNESDAY, 84.0, FALLEN, "XSP"), Day(THURSDAY, 84.0, FALLEN, "XSP")
    )
    called, closed = result.events
    # A put needs 15 % of 84 beside its 12.10: 24,700 for ten, 3,600 more than there is.
    assert (called.kind, called.price) == (EventKind.MARGIN_CALL, Decimal(3600))
    assert (closed.kind, closed.at.date()) == (EventKind.LIQUIDATED, THURSDAY)
    # Each one bought at 12.20 frees 2,470 for 1,220: three give 3,750, two would not do.
    traded = [(f.side, f.quantity, f.price) for f in result.fills[1:]]
    assert traded == [("BUY", 3, Decimal("12.2"))]
    assert result.curve.cash[-1] == Decimal(21_100 - 3 * 1_220)
    assert result.curve.reg_t[-1] == pytest.approx(7 * 2_470)


def test_an_account_that_nothing_can_mend_is_closed_whole_and_its_trades_say_why():
    ruin = (Row(95, EXPIRY, 35.0, 35.2, delta=0.99),)
    dark = (Row(95, EXPIRY, 35.0, 0.0, delta=0.99),)
    result = short_index_puts(
        Day(WEDNESDAY, 60.0, ruin, "XSP"),
        Day(THURSDAY, 60.0, dark, "XSP"),
        Day(date(2024, 1, 5), 60.0, ruin, "XSP"),
    )
    kinds = [(event.kind, event.at.day) for event in result.events]
    assert kinds == [(EventKind.MARGIN_CALL, 3), (EventKind.LIQUIDATED, 5)], "no ask on the 4th"
    (trade,) = result.trades
    assert (trade.exit_rule, trade.exit_action) == ("liquidated", "LIQUIDATED")
    assert result.curve.cash[-1] == Decimal(21_100 - 35_200)
    assert result.stats["by_exit"]["liquidated"]["trades"] == 1


# --- a whole run ---------------------------------------------------------------------------------

TURNING = {
    "cash": "25000",
    "commission": "ibkr-tiered",
    "config": {
        "take_profit": "0.5",
        "roll": True,
        "stop_multiple": "3",
        "max_new_trades": 3,
        "max_drift": "0.05",
    },
}


def market(seed: int, sessions: int = 45, **changes: Any) -> Any:
    days = wandering(seed, sessions)
    history = underlying(
        prices=prices(*((day.day, day.spot, day.spot) for day in days)),
        dividends=(PastDividend(days[20].day, Decimal("0.75")),),
        dividends_known=True,
    )
    return recorded(days, {"ABC": history}, **changes)


def turning(**changes: Any) -> BacktestConfig:
    return wheel(**TURNING | changes)


def until(result: BacktestResult, at: datetime) -> list[Any]:
    rows = sum(each <= at for each in result.curve.at)
    columns = (
        result.curve.cash, result.curve.equity, result.curve.margin,
        result.curve.portfolio_margin, result.curve.exposure,
    )  # fmt: skip
    told = (result.fills, result.events, result.denials)
    return [
        *(column[:rows] for column in columns),
        *([each for each in part if each.at <= at] for part in told),
    ]


@pytest.mark.parametrize("same_quote", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_poisoned_future_changes_nothing_that_came_before(seed: int, same_quote: bool):
    config = turning(fills={"kind": "cross", "same_quote": same_quote})
    days = wandering(seed)
    clean = run_backtest(config, market(seed), CALENDAR)
    assert len(clean.fills) >= 4
    for last in (10, 20, 30):
        at = datetime.combine(days[last].day, days[last].at, UTC)
        poisoned = [*days[: last + 1], *(_poisoned(day) for day in days[last + 1 :])]
        history = underlying(
            prices=prices(*((day.day, day.spot, day.spot) for day in poisoned)),
            dividends=(PastDividend(days[20].day, Decimal("0.75")),),
            dividends_known=True,
        )
        other = run_backtest(config, recorded(poisoned, {"ABC": history}), CALENDAR)
        assert until(other, at) == until(clean, at)
        assert canonical(other) != canonical(clean)


def _poisoned(day: Day) -> Day:
    rows = [replace(row, bid=row.ask * 2 + 1, ask=row.ask * 2 + 1.5) for row in day.rows]
    return replace(day, spot=round(day.spot * 0.6, 2), rows=tuple(rows))


def test_the_same_config_and_data_give_the_same_bytes():
    first, again = (run_backtest(turning(), market(3), CALENDAR) for _ in range(2))
    assert canonical(first) == canonical(again)
    assert first.digest == again.digest
    assert first.digest != run_backtest(turning(seed=1), market(3), CALENDAR).digest


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fills=st.sampled_from(["mid", "cross", "fraction:0.3", "walk:0.6"]),
    same_quote=st.booleans(),
    margin=st.sampled_from(["regt", "portfolio"]),
)
def test_cash_and_positions_are_the_sum_of_what_happened(
    seed: int, fills: str, same_quote: bool, margin: str
):
    policy = FillPolicy.named(fills).model_copy(update={"same_quote": same_quote})
    config = turning(fills=policy, margin=margin, interest=True)
    result = run_backtest(config, market(seed), CALENDAR)
    assert result.errors == ()
    moved = [*result.fills, *result.events]
    for at, cash in zip(result.curve.at, result.curve.cash, strict=True):
        assert cash == config.cash + sum(each.cash for each in moved if each.at <= at)
    parts = zip(
        result.curve.cash, result.curve.positions, result.curve.accrued, result.curve.equity,
        strict=True,
    )  # fmt: skip
    assert all(cash + held + owed == equity for cash, held, owed, equity in parts)
    carried = sum(each.cash for each in result.events if each.kind in ("DIVIDEND", "INTEREST"))
    results = sum(each.result for each in result.trades)
    assert float(config.cash + results + carried) == pytest.approx(
        float(result.curve.equity[-1] - result.curve.accrued[-1]), abs=1e-6
    )


def test_a_run_tells_how_far_it_is_and_stops_when_told():
    told: list[BacktestProgress] = []
    result = run_backtest(turning(), market(1), CALENDAR, told.append, lambda: len(told) >= 2)
    assert [each.done for each in told] == [10, 20]
    assert (result.stopped, len(result.curve)) == (True, 20)


def test_a_run_keeps_to_its_span():
    days = wandering(1)
    config = turning(start=days[5].day, end=days[9].day)
    result = run_backtest(config, market(1), CALENDAR)
    assert result.curve.session == [day.day for day in days[5:10]]

"""A recorded history, moment by moment: what a slice holds and what is known on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from domain.backtest.recorded import contract_numbers
from domain.backtest.side_data import PastDividend, PastSplit, RateHistory
from domain.calendar import Session, TradingCalendar
from domain.instruments import ExerciseStyle, Right
from tests.backtests.histories import daily, moment_of, quote, recorded, shares


def small():
    return recorded(
        quote("2020-01-03", "SPY", "P", 300, "2020-01-17", bid=0.9, ask=1.0, spot=321),
        quote("2020-01-02", "SPY", "C", 330, "2020-01-17", bid=1.9, ask=2.0, spot=320),
        quote("2020-01-02", "SPY", "P", 300, "2020-01-17", bid=1.0, ask=1.1, spot=320, ask_size=7),
        quote("2020-01-02", "SPX", "P", 3000, "2020-01-17", bid=9, ask=10, spot=3200, root="SPXW"),
        quote("2020-01-02", "SPX", "P", 3000, "2020-01-17", bid=8, ask=9, spot=3200),
    )


def test_slices_ascend_in_time_and_hold_the_chains_of_their_moment():
    history = small()
    assert [*history.timestamps()] == [moment_of(date(2020, 1, 2)), moment_of(date(2020, 1, 3))]
    first, second = history.slice(0), history.slice(1)
    assert {symbol: len(chain) for symbol, chain in first.chains.items()} == {"SPX": 2, "SPY": 2}
    assert first.session == date(2020, 1, 2)
    assert first.chains["SPY"].as_of == first.at == datetime(2020, 1, 2, 20, 45, tzinfo=UTC)
    assert first.chains["SPX"].style is ExerciseStyle.EUROPEAN
    assert second.chains.keys() == {"SPY"}
    assert second.chains["SPY"].underlying_price == 321


def test_a_row_keeps_its_quote_sizes_and_class():
    chains = small().slice(0)
    spy, spx = chains.chains["SPY"], chains.chains["SPX"]
    row = int(np.flatnonzero(~spy.is_call)[0])
    assert (spy.bid[row], spy.ask[row], chains.ask_size["SPY"][row]) == (1.0, 1.1, 7)
    assert spy.contract(row).right is Right.PUT
    assert spx.trading_class == ("SPX", "SPXW")
    assert [*spx.bid] == [8, 9]


def test_a_contract_keeps_its_number_and_is_found_by_it():
    history = small()
    before, after = (history.slice(number).chains["SPY"] for number in (0, 1))
    con_id = int(after.con_id[0])
    assert (np.diff(before.con_id) > 0).all()
    row = int(np.searchsorted(before.con_id, con_id))
    assert before.contract(row) == after.contract(0)


def test_every_term_of_a_contract_changes_its_number():
    def number(option_class: int, expiry: int, strike: float, is_call: bool) -> int:
        columns = (np.array([option_class]), np.array([expiry]), np.array([strike]))
        return int(contract_numbers(*columns, np.array([is_call]))[0])

    base = (1, 18_000, 300.0, False)
    others = [(2, 18_000, 300.0, False), (1, 18_001, 300.0, False)]
    others += [(1, 18_000, 300.001, False), (1, 18_000, 300.0, True)]
    assert len({number(*each) for each in [base, *others]}) == 5
    assert 0 < number(511, 65_535, 134_217.0, True) < 2**53


@pytest.mark.parametrize("strike", [0.0, -5.0, 134_218.0])
def test_a_strike_that_no_number_can_hold_is_refused(strike: float):
    with pytest.raises(ValueError, match="strikes lie between"):
        contract_numbers(np.array([1]), np.array([1]), np.array([strike]), np.array([True]))


def test_sessions_without_a_slice_are_missing():
    days = [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6)]
    calendar = TradingCalendar(
        tuple(
            Session(day, datetime(*day.timetuple()[:3], 14, 30, tzinfo=UTC),
                    datetime(*day.timetuple()[:3], 21, tzinfo=UTC))
            for day in days
        )
    )  # fmt: skip
    history = recorded(
        *(
            quote(day, "SPY", "P", 300, "2020-01-17", bid=1, ask=2, spot=320)
            for day in ("2020-01-02", "2020-01-06")
        )
    )
    assert history.missing_sessions(calendar) == (date(2020, 1, 3),)


def test_the_facts_of_a_day_end_with_the_session_before_it():
    underlying = shares("SPY", closes={"2020-01-02": 320, "2020-01-03": 321, "2020-01-06": 322})
    facts = underlying.facts(moment_of(date(2020, 1, 6)), date(2020, 1, 6))
    assert [*facts.close] == [320, 321]
    assert facts.dividends_known_to is None


def test_closes_are_adjusted_for_the_splits_that_have_been():
    underlying = shares(
        "AAPL",
        closes={"2014-06-05": 630.0, "2014-06-06": 637.0, "2014-06-09": 93.0},
        splits=(PastSplit(date(2014, 6, 9), Fraction(7)),),
    )

    def closes(day: date) -> list[float]:
        return [*underlying.facts(moment_of(day), day).close]

    assert closes(date(2014, 6, 6)) == [630.0]
    assert closes(date(2014, 6, 10)) == [90.0, 91.0, 93.0]


def test_a_dividend_is_known_once_declared_and_estimated_before():
    underlying = shares(
        "SPY",
        dividends=(
            PastDividend(date(2019, 3, 15), Decimal("1.2")),
            PastDividend(date(2020, 3, 20), Decimal("1.4"), declared=date(2020, 3, 2)),
        ),
        dividends_known=True,
    )

    def coming(day: date) -> list[tuple[date, Decimal, bool]]:
        facts = underlying.facts(moment_of(day), day)
        return [(each.ex_date, each.amount, each.is_estimate) for each in facts.dividends]

    assert coming(date(2020, 2, 28)) == [(date(2020, 3, 13), Decimal("1.2"), True)]
    assert coming(date(2020, 3, 3)) == [(date(2020, 3, 20), Decimal("1.4"), False)]


def test_a_rate_holds_until_the_next_and_is_zero_before_the_first():
    rates = RateHistory(daily({"2020-01-02": 0.015, "2020-01-06": 0.016}))
    assert rates.on(date(2020, 1, 4)) == 0.015
    assert (rates.on(date(2019, 12, 31)), rates.is_known(date(2019, 12, 31))) == (0.0, False)

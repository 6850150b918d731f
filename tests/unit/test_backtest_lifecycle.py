"""Small histories worked out by hand: one for each thing that can happen to a position."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from domain.backtest.book import Book, Holding, Instrument
from domain.backtest.nights import Nights
from domain.backtest.results import BacktestResult, EventKind
from domain.backtest.runner import run_backtest
from domain.backtest.side_data import PastDividend, PastSplit, RateHistory, UnderlyingHistory
from domain.instruments import OptionContract, Right, Settlement
from tests.unit.backtest_market import (
    CALENDAR,
    Day,
    Row,
    index,
    prices,
    rate,
    recorded,
    theta,
    underlying,
    wheel,
)

OPENED, LATER = date(2024, 1, 2), date(2024, 1, 10)
THURSDAY, EXPIRY, MONDAY = date(2024, 1, 18), date(2024, 1, 19), date(2024, 1, 22)
FEBRUARY = date(2024, 2, 16)


def put(bid: float, ask: float, strike: float = 95.0, expiry: date = EXPIRY) -> Row:
    return Row(strike, expiry, bid, ask)


def call(bid: float, ask: float, strike: float = 100.0) -> Row:
    return Row(strike, FEBRUARY, bid, ask, is_call=True)


SOLD = Day(OPENED, 100.0, (put(1.0, 1.2),))
"""A put is sold at 1.10: 20,000 becomes 20,110."""
NOTHING_TO_DO = (put(0.05, 0.30, strike=70.0, expiry=date(2024, 6, 21)),)


def run(*days: Day, history: UnderlyingHistory | None = None, **changes: object) -> BacktestResult:
    known = None if history is None else {history.symbol: history}
    result = run_backtest(wheel(**changes), recorded(days, known), CALENDAR)
    assert result.errors == ()
    return result


def endings(result: BacktestResult) -> list[tuple[str, Decimal]]:
    return [(each.exit_rule, each.result) for each in result.trades]


# --- expiry --------------------------------------------------------------------------------------


def test_a_put_out_of_the_money_at_the_close_expires_worthless():
    official = underlying(prices=prices((EXPIRY, 96.0, 95.00)))
    after = Day(MONDAY, 90.0, NOTHING_TO_DO)
    result = run(SOLD, Day(LATER, 101.0, (put(0.4, 0.6),)), after, history=official)
    assert endings(result) == [("expired", Decimal(110))]
    assert result.curve.cash == [Decimal(20110)] * 3
    assert result.curve.positions == [Decimal(-110), Decimal(-50), Decimal(0)]
    assert [each.at for each in result.events] == [datetime(2024, 1, 19, 21, tzinfo=UTC)]


def test_a_put_a_cent_in_the_money_is_assigned_and_its_shares_cost_the_strike():
    official = underlying(prices=prices((EXPIRY, 96.0, 94.99)))
    result = run(SOLD, Day(MONDAY, 96.0, NOTHING_TO_DO), history=official)
    assert endings(result) == [("assigned", Decimal(110)), ("end_of_data", Decimal(100))]
    assert result.curve.cash[-1] == Decimal(20110 - 9500)
    assert result.curve.positions[-1] == Decimal(9600)


def test_without_an_official_close_it_is_settled_at_the_price_last_seen_and_that_is_said():
    seen = Day(THURSDAY, 94.0, (put(1.0, 1.4),))
    result = run(SOLD, seen, Day(MONDAY, 99.0, NOTHING_TO_DO))
    assert result.trades[0].exit_rule == "assigned"
    assert "no official close" in result.notes[0]


def test_shares_are_called_away_and_the_wheel_has_turned_once():
    closes = underlying(prices=prices((EXPIRY, 96.0, 94.0), (FEBRUARY, 100.0, 100.01)))
    result = run(
        SOLD,
        Day(MONDAY, 96.0, (call(1.0, 1.2),)),
        Day(date(2024, 2, 19), 101.0, NOTHING_TO_DO),
        history=closes,
    )
    assert endings(result) == [
        ("assigned", Decimal(110)),
        ("assigned", Decimal(110)),
        ("called_away", Decimal(500)),
    ]
    assert result.curve.cash[-1] == result.curve.equity[-1] == Decimal(20720)


def test_a_cash_settled_put_pays_what_it_is_in_the_money_at_the_close():
    official = index(prices=prices((EXPIRY, 99.0, 90.0)))
    days = [
        Day(OPENED, 100.0, (Row(95, EXPIRY, 1.0, 1.2, delta=0.12),), symbol="XSP"),
        Day(MONDAY, 99.0, NOTHING_TO_DO, symbol="XSP"),
    ]
    result = run_backtest(theta(), recorded(days, {"XSP": official}), CALENDAR)
    assert endings(result) == [("settled", Decimal(110 - 500))]
    assert result.curve.cash[-1] == Decimal(19610)


def test_a_morning_settled_put_is_worth_what_the_open_after_its_last_day_makes_it():
    official = index("SPX", prices=prices((THURSDAY, 96.0, 96.0), (EXPIRY, 93.0, 99.0)))
    days = [
        Day(OPENED, 100.0, (Row(95, THURSDAY, 1.0, 1.2, delta=0.12),), symbol="SPX"),
        Day(THURSDAY, 96.0, (Row(95, THURSDAY, 0.5, 0.7, delta=0.12),), symbol="SPX"),
        Day(EXPIRY, 99.0, NOTHING_TO_DO, symbol="SPX"),
    ]
    settings = {"universe": ["SPX"]}
    history = recorded(days, {"SPX": official})
    result = run_backtest(theta(config=settings), history, CALENDAR)
    assert endings(result) == [("settled", Decimal(110 - 200))]
    assert [each.at for each in result.events] == [datetime(2024, 1, 19, 14, 30, tzinfo=UTC)]


def test_a_long_call_in_the_money_is_exercised():
    contract = OptionContract(
        symbol="ABC", trading_class="ABC", expiry=EXPIRY, strike=Decimal(100), right=Right.CALL,
        multiplier=Decimal(100), con_id=7,
    )  # fmt: skip
    book = Book("USD", Decimal(20_000))
    instrument = Instrument.of_option(contract, Settlement.PHYSICAL)
    held = Holding(instrument, datetime(2024, 1, 2, 20, tzinfo=UTC), "OPEN", Decimal(0))
    held.change(Decimal(2), Decimal("1.50"))
    book.holdings[contract.key] = held
    official = underlying(prices=prices((EXPIRY, 100.0, 103.0)))
    nights = Nights(book, CALENDAR, {"ABC": official}, RateHistory(), 0, pays_interest=False)
    nights.pass_to(datetime(2024, 1, 18, 20, tzinfo=UTC), THURSDAY)
    nights.pass_to(datetime(2024, 1, 22, 20, tzinfo=UTC), MONDAY)
    assert {each.kind for each in book.events} == {EventKind.EXERCISED}
    assert book.shares("ABC") == 200
    assert book.cash == 0
    shares = next(iter(book.holdings.values()))
    assert shares.average_cost == Decimal("101.5")


# --- the evening ---------------------------------------------------------------------------------


def assigned_shares_with_a_call(dividend: float) -> BacktestResult:
    """A call at 100 on assigned shares, 4.10 on the eve of an ex-date, the stock at 104."""
    history = underlying(
        prices=prices((EXPIRY, 96.0, 94.0), (FEBRUARY, 90.0, 90.0)),
        dividends=(PastDividend(date(2024, 2, 6), Decimal(str(dividend))),),
        dividends_known=True,
    )
    return run(
        SOLD,
        Day(MONDAY, 96.0, (call(1.0, 1.2),)),
        Day(date(2024, 2, 5), 104.0, (call(4.0, 4.2),)),
        Day(date(2024, 2, 6), 104.0, NOTHING_TO_DO),
        history=history,
    )


def test_a_call_with_less_time_value_than_the_dividend_is_assigned_the_night_before():
    result = assigned_shares_with_a_call(0.50)
    assert [each.exit_rule for each in result.trades[1:]] == ["assigned_early", "called_away"]
    assert EventKind.DIVIDEND not in {each.kind for each in result.events}
    assert result.curve.cash[-1] == Decimal(20720)


def test_a_call_with_more_time_value_than_the_dividend_is_not():
    result = assigned_shares_with_a_call(0.05)
    assert [each.exit_rule for each in result.trades] == ["assigned", "end_of_data", "end_of_data"]
    assert result.curve.cash[-1] == Decimal(20110 - 9500 + 110 + 5)


# --- carry ---------------------------------------------------------------------------------------


def test_who_holds_shares_before_the_ex_date_gets_the_dividend():
    history = underlying(
        prices=prices((EXPIRY, 96.0, 94.0)),
        dividends=(PastDividend(date(2024, 1, 24), Decimal("0.50")),),
    )
    days = [Day(day, 96.0, NOTHING_TO_DO) for day in (MONDAY, date(2024, 1, 25))]
    result = run(SOLD, *days, history=history)
    assert result.curve.cash[1:] == [Decimal(10610), Decimal(10660)]
    assert result.stats["dividends"] == 50.0


def test_a_split_makes_two_puts_of_one_at_half_the_strike():
    history = underlying(
        prices=prices((EXPIRY, 46.0, 46.0)),
        splits=(PastSplit(LATER, Fraction(2)),),
    )
    result = run(
        SOLD,
        Day(LATER, 50.0, (put(0.2, 0.3, strike=47.5),)),
        Day(MONDAY, 46.0, NOTHING_TO_DO),
        history=history,
    )
    assert result.curve.positions[1] == Decimal("-50")
    assert endings(result)[0] == ("assigned", Decimal(110))
    shares = result.trades[1]
    assert (shares.quantity, shares.open_price) == (Decimal(200), Decimal("47.5"))
    assert result.curve.cash[-1] == Decimal(20110 - 9500)


def test_a_split_of_shares_pays_cash_for_the_fraction_of_one():
    book = Book("USD", Decimal(0))
    shares = Holding(
        Instrument.of_shares("ABC", "USD"), datetime(2024, 1, 2, tzinfo=UTC), "", Decimal(1)
    )
    shares.change(Decimal(101), Decimal(60))
    book.holdings[shares.instrument.key] = shares
    history = underlying(splits=(PastSplit(LATER, Fraction(3, 2)),))
    nights = Nights(book, CALENDAR, {"ABC": history}, RateHistory(), 0, pays_interest=False)
    nights.spots["ABC"] = 60.0
    nights.pass_to(datetime(2024, 1, 9, 20, tzinfo=UTC), date(2024, 1, 9))
    nights.pass_to(datetime(2024, 1, 10, 20, tzinfo=UTC), LATER)
    assert (shares.quantity, shares.average_cost) == (Decimal(151), Decimal(40))
    assert book.cash == Decimal("20.00")


def test_cash_beyond_what_is_free_earns_interest_booked_on_the_first():
    days = [Day(OPENED, 100.0, NOTHING_TO_DO), Day(date(2024, 2, 1), 100.0, NOTHING_TO_DO)]
    config = wheel(interest=True)
    result = run_backtest(config, recorded(days, rates=rate(0.041)), CALENDAR)
    # 30 days on 10,000 at 3.6 %, a 360-day year.
    assert result.curve.cash[-1] == Decimal("20030.00")
    assert result.stats["interest"] == 30.0


# --- what the strategy does ----------------------------------------------------------------------


def test_a_put_is_bought_in_when_half_the_credit_is_earned():
    result = run(
        SOLD,
        Day(LATER, 104.0, (put(0.4, 0.6),)),
        config={"take_profit": "0.5"},
    )
    assert endings(result) == [("take_profit", Decimal(60))]
    assert result.curve.cash[-1] == Decimal(20060)


def test_a_put_is_bought_in_when_it_costs_twice_its_credit():
    result = run(SOLD, Day(LATER, 96.0, (put(2.2, 2.4),)), config={"stop_multiple": "2"})
    assert endings(result) == [("loss_stop", Decimal(-120))]


def test_a_tested_put_is_rolled_in_one_order_for_a_net_credit():
    monday = date(2024, 1, 15)
    result = run(
        SOLD,
        Day(monday, 94.0, (put(1.8, 2.0), put(3.0, 3.2, expiry=FEBRUARY))),
        config={"roll": True},
    )
    assert endings(result) == [("tested", Decimal(-80)), ("end_of_data", Decimal(0))]
    assert result.trades[0].exit_action == "ROLL"
    assert {each.order for each in result.fills[1:]} == {2}
    assert result.curve.cash[-1] == Decimal(20000 + 110 + 120)
    assert result.stats["rolls"] == 1

"""What is coming for options held, and when it is worth another look."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instruments import OptionContract, Right, SecType, Settlement
from domain.lifecycle import (
    FoundAssignment,
    LifecycleEvent,
    LifecycleKind,
    lifecycle_events,
    next_instant,
)
from domain.portfolio import (
    AccountState,
    AccountValues,
    PositionState,
    UnderlyingState,
    build_account_state,
)
from domain.risk.state import compute_risk_state
from domain.severity import Severity
from domain.underlyings import ComingDividend
from infra.calendars import trading_calendar

CALENDAR = trading_calendar()
FRIDAY = date(2026, 12, 18)
MONDAY_10 = datetime(2026, 12, 14, 15, 0, tzinfo=UTC)
THURSDAY_10, FRIDAY_10 = MONDAY_10 + timedelta(days=3), MONDAY_10 + timedelta(days=4)
FRIDAY_CLOSE = datetime(2026, 12, 18, 21, 0, tzinfo=UTC)


def option(
    right: str, strike: str, expiry: date = FRIDAY, trading_class: str = "X"
) -> OptionContract:
    return OptionContract(
        symbol="X",
        trading_class=trading_class,
        expiry=expiry,
        strike=Decimal(strike),
        right=Right(right),
        multiplier=Decimal(100),
        con_id=1,
    )


def account(
    contract: OptionContract,
    at: datetime,
    *,
    quantity: str = "-1",
    spot: str | None = "100",
    mark: str = "1.00",
    cash: str = "100000",
    settlement: Settlement = Settlement.PHYSICAL,
    dividends: tuple[ComingDividend, ...] = (),
) -> AccountState:
    money = dict.fromkeys(
        ("net_liquidation", "equity_with_loan", "buying_power", "available_funds",
         "excess_liquidity"), Decimal(100_000),
    )  # fmt: skip
    nothing = dict.fromkeys(("init_margin", "maint_margin", "gross_position_value"), Decimal(0))
    values = AccountValues(account_code="DU1", cash=Decimal(cash), as_of=at, **money, **nothing)
    position = PositionState(
        key=contract.key,
        symbol="X",
        sec_type=SecType.OPTION,
        option=contract,
        quantity=Decimal(quantity),
        average_cost=Decimal(100),
        multiplier=Decimal(100),
        market_price=Decimal(mark),
        settlement=settlement,
    )
    price = None if spot is None else Decimal(spot)
    known = UnderlyingState(symbol="X", price=price, as_of=at, dividends=dividends)
    return build_account_state(values, [position], [known])


def look(state: AccountState, *found: FoundAssignment) -> dict[LifecycleKind, LifecycleEvent]:
    events = lifecycle_events(state, compute_risk_state(state), found, CALENDAR, state.as_of)
    return {event.kind: event for event in events}


def test_an_option_far_from_expiry_and_from_the_money_is_no_news():
    assert look(account(option("P", "80", date(2027, 1, 15)), MONDAY_10)) == {}


def test_a_short_option_is_told_of_in_its_last_week_without_alarm():
    (event,) = look(account(option("P", "80"), MONDAY_10)).values()
    assert (event.kind, event.severity) == (LifecycleKind.EXPIRY_WEEK, Severity.INFO)
    assert event.deadline == FRIDAY_CLOSE
    assert not event.wants_a_run


@pytest.mark.parametrize(
    ("at", "severity"), [(THURSDAY_10, Severity.WARNING), (FRIDAY_10, Severity.CRITICAL)]
)
def test_a_put_about_to_expire_in_the_money_grows_graver_on_its_last_day(
    at: datetime, severity: Severity
):
    event = look(account(option("P", "110"), at, mark="10"))[LifecycleKind.EXPIRING_IN_THE_MONEY]
    assert event.severity is severity
    assert event.deadline == FRIDAY_CLOSE
    assert "100 shares of X are bought at 110, for 11,000.00" in event.advice
    assert event.wants_a_run


def test_what_settles_in_cash_says_so():
    state = account(option("P", "110"), FRIDAY_10, mark="10", settlement=Settlement.CASH)
    assert "paid in cash" in look(state)[LifecycleKind.EXPIRING_IN_THE_MONEY].advice


@pytest.mark.parametrize(("spot", "pinned"), [("100.4", True), ("101", False)])
def test_next_to_its_strike_on_the_last_day_nobody_knows(spot: str, pinned: bool):
    found = look(account(option("P", "100"), FRIDAY_10, spot=spot))
    assert (LifecycleKind.PIN_RISK in found) is pinned


def test_a_last_day_without_a_price_of_the_underlying_is_told():
    found = look(account(option("P", "100"), FRIDAY_10, spot=None))
    assert LifecycleKind.EXPIRING_UNPRICED in found


@pytest.mark.parametrize(
    ("settlement", "mark", "told"),
    [
        (Settlement.PHYSICAL, "10.05", True),
        (Settlement.PHYSICAL, "10.50", False),
        (Settlement.CASH, "10.05", False),
    ],
    ids=["no extrinsic value", "some", "European"],
)
def test_early_assignment_is_likely_where_exercise_gives_up_nothing(
    settlement: Settlement, mark: str, told: bool
):
    state = account(option("P", "110"), MONDAY_10, mark=mark, settlement=settlement)
    assert (LifecycleKind.EARLY_ASSIGNMENT in look(state)) is told


def paying(at: datetime, mark: str, *, is_estimate: bool = False) -> AccountState:
    dividend = ComingDividend(
        ex_date=date(2026, 12, 16), amount=Decimal("0.50"), is_estimate=is_estimate
    )
    return account(option("C", "90", date(2027, 1, 15)), at, mark=mark, dividends=(dividend,))


TUESDAY_10 = MONDAY_10 + timedelta(days=1)


@pytest.mark.parametrize(
    ("at", "severity"), [(MONDAY_10, Severity.WARNING), (TUESDAY_10, Severity.CRITICAL)]
)
def test_a_call_worth_less_than_the_dividend_beyond_intrinsic_must_go_the_day_before(
    at: datetime, severity: Severity
):
    event = look(paying(at, "10.30"))[LifecycleKind.EX_DIVIDEND]
    assert event.severity is severity
    assert event.deadline == datetime(2026, 12, 15, 21, 0, tzinfo=UTC)
    assert "50.00" in event.advice


def test_a_call_worth_more_a_projected_dividend_and_an_ex_date_gone_by_are_no_news():
    wednesday = MONDAY_10 + timedelta(days=2)
    for state in (
        paying(MONDAY_10, "10.60"),
        paying(MONDAY_10, "10.30", is_estimate=True),
        paying(wednesday, "10.30"),
    ):
        assert LifecycleKind.EX_DIVIDEND not in look(state)


@pytest.mark.parametrize(("trading_class", "told"), [("SPX", True), ("SPXW", False)])
def test_morning_settlement_is_told_from_the_day_before_the_last(trading_class: str, told: bool):
    contract = option("P", "80", trading_class=trading_class)
    found = look(account(contract, THURSDAY_10, settlement=Settlement.CASH))
    assert (LifecycleKind.MORNING_SETTLEMENT in found) is told


def test_a_long_option_in_the_money_exercises_itself():
    held = account(option("C", "90"), FRIDAY_10, quantity="1", mark="10")
    assert {*look(held)} == {LifecycleKind.EXERCISE_AT_EXPIRY}


@pytest.mark.parametrize(("cash", "told"), [("20000", False), ("5000", True)])
def test_an_assignment_that_cash_cannot_pay_is_told_ahead(cash: str, told: bool):
    state = account(option("P", "110"), THURSDAY_10, mark="10", cash=cash)
    assert (LifecycleKind.POST_EXPIRY_MARGIN in look(state)) is told


def test_an_assignment_found_has_strategies_look():
    gone = account(option("P", "110"), MONDAY_10, quantity="0")
    found = FoundAssignment(key="OPT:X", symbol="X", description="X put", found_at=MONDAY_10)
    event = look(gone, found)[LifecycleKind.ASSIGNMENT_FOUND]
    assert event.wants_a_run
    assert event.deadline is None


def test_after_the_last_close_there_is_nothing_more_to_do():
    state = account(option("P", "110"), FRIDAY_CLOSE, mark="10")
    assert LifecycleKind.EXPIRING_IN_THE_MONEY not in look(state)


@settings(deadline=None)
@given(minutes=st.integers(0, 10 * 24 * 60), right=st.sampled_from("PC"))
def test_the_words_of_a_look_do_not_move_with_prices(minutes: int, right: str):
    at = MONDAY_10 + timedelta(minutes=minutes)
    contract = option(right, "100")
    deep = ("60", "61") if right == "P" else ("160", "161")
    first, second = (look(account(contract, at, spot=spot, mark="41")) for spot in deep)
    expected = {kind: (e.severity, e.title, e.advice) for kind, e in first.items()}
    assert {kind: (e.severity, e.title, e.advice) for kind, e in second.items()} == expected


def test_the_moments_to_look_again_come_in_their_order():
    state = account(option("P", "80"), MONDAY_10)
    risk, at, seen = compute_risk_state(state), MONDAY_10, []
    while (instant := next_instant(state, risk, CALENDAR, at)) is not None:
        seen.append(instant.at)
        at = instant.at
        if at > FRIDAY_CLOSE:
            break
    open_of_friday = datetime(2026, 12, 18, 14, 30, tzinfo=UTC)
    assert seen == [
        open_of_friday,
        FRIDAY_CLOSE - timedelta(hours=2),
        FRIDAY_CLOSE - timedelta(minutes=30),
        datetime(2026, 12, 21, 14, 30, tzinfo=UTC),
    ]


def test_the_afternoon_before_an_ex_date_is_such_a_moment():
    state = paying(MONDAY_10, "10.60")
    instant = next_instant(state, compute_risk_state(state), CALENDAR, MONDAY_10)
    assert instant is not None
    assert instant.at == datetime(2026, 12, 15, 18, 0, tzinfo=UTC)

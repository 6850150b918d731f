"""The controls on trades of several legs: each leg is judged for what it does to the account."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ErrorCode
from domain.instruments import Leg, OptionContract, Right, Side
from domain.market import QuoteQuality
from domain.packages import package_quote
from domain.portfolio import AccountState
from domain.recommendations import RecommendationAction, Terms
from domain.risk.limits import Limits, TradingState
from domain.risk.pretrade import run_controls
from domain.risk.pretrade_inputs import MarginPreview, PretradeInputs
from domain.risk.state import compute_risk_state
from domain.risk.worst_case import never_worse_after
from tests.unit.trade_factories import (
    EXPIRY,
    NOW,
    TARGET,
    TODAY,
    account,
    contract,
    dec,
    in_order,
    option_position,
    quote,
    roll,
    stock_position,
    terms,
    trade,
)

PREVIEW = MarginPreview(
    init_margin_after=Decimal(60_000),
    maint_margin_after=Decimal(50_000),
    equity_with_loan_after=Decimal(500_000),
)
LOWER = contract(strike=dec(620), con_id=1003)
CALL = contract(right=Right.CALL, strike=dec(700), con_id=2001)
LATER_CALL = contract(right=Right.CALL, strike=dec(710), con_id=2002, expiry=TARGET.expiry)
NEAR = quote(bid=dec(4.10), ask=dec(4.20))
FAR = quote(bid=dec(5.30), ask=dec(5.40))
UNLIMITED = Limits(max_notional=dec(10_000_000), max_loss=dec(10_000_000), max_daily_notional=None)


def leg(side: Side, option: OptionContract, ratio: int = 1) -> Leg:
    return Leg(contract=option, side=side, ratio=ratio)


def rolling(offered: Terms | None = None, **changes: Any) -> PretradeInputs:
    """Rolling 2 short SPY 640 puts to later 635 ones for a credit of 1.15, all in order."""
    offered = offered or roll(limit_price=dec(-1.15))
    quotes = changes.pop("quotes", (NEAR, FAR))
    state = changes.pop("account", account(option_position(-2, contract())))
    fields: dict[str, Any] = {
        "trade": trade(offered),
        "quantity": offered.quantity,
        "limit_price": offered.limit_price,
        "quote": package_quote(offered.legs, quotes),
        "account": state,
        "risk": compute_risk_state(state) if state else None,
        "limits": UNLIMITED,
        "trading_state": TradingState.ACTIVE,
        "market_now": NOW + timedelta(seconds=5),
        "today": TODAY,
        "session_open": True,
        "what_if": PREVIEW,
    } | in_order(changes["trade"].terms if "trade" in changes else offered)
    return PretradeInputs(**fields | changes)


def failed(given: PretradeInputs) -> dict[str, ErrorCode | None]:
    return {result.rule: result.code for result in run_controls(given) if not result.passed}


def value(given: PretradeInputs, rule: str) -> str:
    (found,) = [result.value for result in run_controls(given) if result.rule == rule]
    return found


def test_a_roll_in_order_passes_every_control():
    assert failed(rolling()) == {}


@pytest.mark.parametrize(
    ("changes", "rule", "code"),
    [
        ({"account": account()}, "close_covered", ErrorCode.OUTSIDE_TERMS),
        (
            {"account": account(option_position(-1, contract()))},
            "close_covered",
            ErrorCode.OUTSIDE_TERMS,
        ),
        (
            {"account": account(option_position(2, contract()))},
            "close_covered",
            ErrorCode.OUTSIDE_TERMS,
        ),
        ({"today": EXPIRY + timedelta(days=1)}, "not_expired", ErrorCode.CONTRACT_EXPIRED),
        (
            {"quotes": (quote(quality=QuoteQuality.DELAYED), FAR)},
            "quote_live",
            ErrorCode.QUOTE_DELAYED,
        ),
        ({"quotes": (NEAR, quote(bid=None))}, "quote_two_sided", ErrorCode.QUOTE_MISSING),
        (
            {"quotes": (NEAR, quote(bid=dec(5.5), ask=dec(5.4)))},
            "quote_not_crossed",
            ErrorCode.QUOTE_CROSSED,
        ),
        (
            {"quotes": (NEAR, quote(as_of=NOW - timedelta(minutes=1)))},
            "quote_age",
            ErrorCode.QUOTE_STALE,
        ),
        (
            {"quotes": (quote(bid=dec(4.5), ask=dec(4.6)), FAR)},
            "mid_within_floor",
            ErrorCode.PRICE_OUTSIDE_FLOOR,
        ),
        ({"limit_price": dec("-0.95")}, "limit_within_floor", ErrorCode.OUTSIDE_TERMS),
        ({"limit_price": dec("-1.155")}, "price_increment", ErrorCode.PRICE_INCREMENT),
        ({"limit_price": dec("-9")}, "price_collar", ErrorCode.PRICE_COLLAR),
        ({"limit_price": dec("0.5")}, "price_collar", ErrorCode.PRICE_COLLAR),
        ({"limits": Limits(max_contracts=1)}, "max_contracts", ErrorCode.QUANTITY_LIMIT),
        ({"limits": Limits(max_notional=dec(126_999))}, "max_notional", ErrorCode.NOTIONAL_LIMIT),
        ({"trading_state": TradingState.HALTED}, "trading_state", ErrorCode.TRADING_HALTED),
        ({"trading_state": TradingState.REDUCING}, "trading_state", ErrorCode.TRADING_REDUCING),
        ({"open_order_keys": ("GL-9",)}, "no_other_order", ErrorCode.DUPLICATE_ORDER),
        ({"what_if": None}, "buying_power", ErrorCode.WHAT_IF_FAILED),
    ],
)
def test_a_roll_is_denied_for(changes: dict[str, Any], rule: str, code: ErrorCode):
    assert failed(rolling(**changes)).get(rule) is code


def test_what_is_bought_in_counts_neither_as_contracts_nor_as_notional():
    assert value(rolling(), "max_contracts") == "2"
    assert value(rolling(), "max_notional") == "127000"


def test_a_roll_is_charged_only_the_cash_its_new_strike_adds():
    held = option_position(-2, contract())
    dearer = roll(to=contract(strike=dec(645), expiry=TARGET.expiry, con_id=9))
    assert value(rolling(dearer), "covered") == "129000"
    tight = account(held, cash=dec(128_500))
    assert failed(rolling(dearer, account=tight))["covered"] is ErrorCode.ASSIGNMENT_CASH
    short_of_cash = account(held, cash=dec(100_000))
    assert "covered" not in failed(rolling(account=short_of_cash))


def test_the_roll_of_a_covered_call_needs_no_further_shares():
    offered = roll(legs=(leg(Side.BUY, CALL), leg(Side.SELL, LATER_CALL)), limit_price=dec(-1.15))
    held = option_position(-2, CALL)
    covered = account(held, stock_position(200))
    assert failed(rolling(offered, account=covered)) == {}
    naked = account(held, stock_position(100))
    assert failed(rolling(offered, account=naked))["covered"] is ErrorCode.NOT_COVERED


def strangle(**changes: Any) -> PretradeInputs:
    offered = terms(
        legs=(leg(Side.SELL, contract()), leg(Side.SELL, CALL)),
        limit_price=dec(-9.5),
        floor_price=dec(-9),
        increments=roll().increments,
    )
    return rolling(offered, **changes)


def test_both_sides_of_a_strangle_must_be_covered():
    assert failed(strangle(account=account(stock_position(200)))) == {}
    assert failed(strangle(account=account())) == {
        "covered": ErrorCode.NOT_COVERED,
        "max_loss": ErrorCode.MAX_LOSS_EXCEEDED,
    }
    poor = account(stock_position(200), cash=dec(1_000))
    assert failed(strangle(account=poor)) == {"covered": ErrorCode.ASSIGNMENT_CASH}


def test_every_contract_of_a_strangle_counts():
    assert value(strangle(account=account(stock_position(200))), "max_contracts") == "4"


def closing(*legs: Leg, account_state: AccountState, **changes: Any) -> PretradeInputs:
    offered = terms(
        action=RecommendationAction.CLOSE,
        legs=legs,
        quantity=1,
        limit_price=dec(1.3),
        floor_price=dec(1.6),
        increments=roll().increments,
    )
    quotes = (FAR, NEAR)[: len(legs)]
    return rolling(offered, account=account_state, quotes=quotes, **changes)


SHORT_VERTICAL = (option_position(-1, contract()), option_position(1, LOWER))
CLOSE_VERTICAL = (leg(Side.BUY, contract()), leg(Side.SELL, LOWER))


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING])
def test_a_spread_can_be_closed_while_trading_is_halted(state: TradingState):
    held = account(*SHORT_VERTICAL)
    assert failed(closing(*CLOSE_VERTICAL, account_state=held, trading_state=state)) == {}


def test_closing_a_spread_whose_long_leg_covers_another_short_is_no_reduction():
    """Buying in the 600 and selling the 620 leaves the 640 without the put that bounded it."""
    lowest = contract(strike=dec(600), con_id=1004)
    held = account(*SHORT_VERTICAL, option_position(-1, lowest))
    legs = (leg(Side.BUY, lowest), leg(Side.SELL, LOWER))
    denied = failed(closing(*legs, account_state=held, trading_state=TradingState.HALTED))
    assert denied["trading_state"] is ErrorCode.TRADING_HALTED


def test_a_close_of_a_leg_that_is_not_held_is_denied():
    held = account(option_position(-1, contract()))
    given = closing(*CLOSE_VERTICAL, account_state=held)
    assert failed(given)["close_covered"] is ErrorCode.OUTSIDE_TERMS


def test_a_long_option_that_expires_first_is_no_cover():
    early = contract(expiry=EXPIRY - timedelta(days=14), con_id=1005)
    late = contract(expiry=EXPIRY + timedelta(days=28), con_id=1006)
    held = [option_position(-1, contract()), *(option_position(1, o) for o in (early, late))]
    assert never_worse_after(held, (leg(Side.SELL, early),), 1)
    assert not never_worse_after(held, (leg(Side.SELL, late),), 1)


def test_selling_shares_cover_away_is_worse_however_far_the_calls_are():
    held = [stock_position(100), option_position(-1, CALL), option_position(1, LATER_CALL)]
    assert never_worse_after(held, (leg(Side.SELL, LATER_CALL),), 1)
    naked = [option_position(-1, CALL), option_position(1, LATER_CALL)]
    assert not never_worse_after(naked, (leg(Side.SELL, LATER_CALL),), 1)

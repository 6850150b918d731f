"""Closes and purchases before the controls: risk may always be reduced, at a sound price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import ErrorCode
from domain.instruments import Side
from domain.market import QuoteQuality
from domain.recommendations import RecommendationAction
from domain.risk.limits import Limits, TradingState
from tests.unit.test_pretrade import buy_to_close, failed, inputs
from tests.unit.trade_factories import (
    account,
    contract,
    option_position,
    quote,
    terms,
    trade,
)


@pytest.mark.parametrize("state", list(TradingState))
def test_a_close_proven_to_reduce_risk_passes_in_every_trading_state(state: TradingState):
    assert failed(buy_to_close(trading_state=state)) == {}


def test_size_and_margin_limits_do_not_hold_a_position_open():
    strained = buy_to_close(
        account=account(
            option_position(-2, contract()),
            maint_margin=Decimal(490_000),
            cash=Decimal(0),
        ),
        limits=Limits(max_contracts=1, max_notional=Decimal(1)),
        what_if=None,
    )
    assert failed(strained) == {}


def test_a_close_still_needs_a_live_quote():
    assert "quote_live" in failed(buy_to_close(quote=quote(quality=QuoteQuality.DELAYED)))


@pytest.mark.parametrize("held", [0, -1, 2])
def test_a_close_of_more_than_is_held_is_no_close(held: int):
    state = account(option_position(held, contract())) if held else account()
    faults = failed(buy_to_close(account=state, trading_state=TradingState.REDUCING))
    assert faults["close_covered"] is ErrorCode.OUTSIDE_TERMS
    assert faults["trading_state"] is ErrorCode.TRADING_REDUCING


def test_a_purchase_is_denied_when_the_market_has_risen_past_its_ceiling():
    dearer = buy_to_close(quote=quote(bid=Decimal("4.40"), ask=Decimal("4.50")))
    assert failed(dearer)["mid_within_floor"] is ErrorCode.PRICE_OUTSIDE_FLOOR


def test_a_purchase_may_not_bid_far_through_the_ask():
    given = buy_to_close(quote=quote(bid=Decimal("3.50"), ask=Decimal("3.60")))
    assert failed(given) == {"price_collar": ErrorCode.PRICE_COLLAR}


def test_without_account_figures_no_close_is_proven():
    faults = failed(buy_to_close(account=None))
    assert faults["close_covered"] is ErrorCode.OUTSIDE_TERMS
    assert faults["account_known"] is ErrorCode.ACCOUNT_STALE


def test_selling_what_is_held_long_needs_no_cover():
    offered = terms(action=RecommendationAction.CLOSE)
    state = account(option_position(2, contract()), cash=Decimal(0))
    assert failed(inputs(trade=trade(offered), account=state)) == {}


def test_buying_an_option_needs_no_cover():
    offered = terms(side=Side.BUY)
    state = account(cash=Decimal(1_000))
    assert failed(inputs(trade=trade(offered), account=state)) == {}

"""Several legs at one net price: what it is worth, what it says, how far it may be walked."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Leg, Right, Settlement, Side
from domain.market import QuoteQuality
from domain.orders import OrderIntent
from domain.packages import (
    assignment_cash,
    assignment_change,
    combo_increments,
    package_quote,
    price_words,
)
from domain.recommendations import RecommendationAction, approved_trade, walked_price
from tests.unit.trade_factories import (
    NOW,
    TARGET,
    approval,
    contract,
    dec,
    quote,
    roll,
    terms,
    trade,
)

CALL = contract(right=Right.CALL, strike=Decimal(700), con_id=2001)


def leg(side: Side, option: Any, ratio: int = 1) -> Leg:
    return Leg(contract=option, side=side, ratio=ratio)


ROLL = (leg(Side.BUY, contract()), leg(Side.SELL, TARGET))
STRANGLE = (leg(Side.SELL, contract()), leg(Side.SELL, CALL))


# --- quotes --------------------------------------------------------------------------------


def test_a_package_pays_the_ask_of_what_it_buys_and_gets_the_bid_of_what_it_sells():
    near, far = quote(bid=dec(4.10), ask=dec(4.20)), quote(bid=dec(5.30), ask=dec(5.50))
    market = package_quote(ROLL, (near, far))
    assert (market.bid, market.ask, market.mid) == (dec(-1.40), dec(-1.10), dec(-1.25))
    assert market.spread == dec("0.30")


def test_ratios_weigh_the_legs():
    legs = (leg(Side.BUY, contract()), leg(Side.SELL, TARGET, ratio=2))
    market = package_quote(legs, (quote(bid=dec(4), ask=dec(5)), quote(bid=dec(2), ask=dec(3))))
    assert (market.bid, market.ask) == (dec(-2), dec(1))


@pytest.mark.parametrize("worst", [QuoteQuality.FROZEN, QuoteQuality.DELAYED, QuoteQuality.MISSING])
def test_a_package_is_quoted_as_well_as_its_worst_leg(worst: QuoteQuality):
    assert package_quote(ROLL, (quote(), quote(quality=worst))).quality is worst


def test_a_package_s_quote_is_as_old_as_its_oldest_leg():
    old = NOW - timedelta(seconds=40)
    assert package_quote(ROLL, (quote(as_of=old), quote())).as_of == old


@pytest.mark.parametrize("missing", [{"bid": None}, {"ask": None}, {"bid": dec(0)}])
def test_a_package_has_no_market_while_a_leg_has_none(missing: dict[str, Any]):
    market = package_quote(ROLL, (quote(), quote(**missing)))
    assert not market.is_two_sided
    assert market.mid is None


def test_a_crossed_leg_is_not_hidden_by_the_spread_of_another():
    wide, crossed = quote(bid=dec(4), ask=dec(5)), quote(bid=dec(5.1), ask=dec(5))
    market = package_quote(ROLL, (wide, crossed))
    assert market.bid is not None
    assert market.ask is not None
    assert market.bid < market.ask
    assert market.is_crossed


def test_the_quote_of_one_leg_is_its_own():
    assert package_quote(ROLL[:1], (quote(),)) == quote()


def test_index_combos_move_in_nickels_and_others_in_cents():
    assert combo_increments(Settlement.CASH).at(dec(-12)) == dec("0.05")
    assert combo_increments(Settlement.PHYSICAL).at(dec(-12)) == dec("0.01")


# --- terms ---------------------------------------------------------------------------------


def test_a_package_is_bought_whatever_its_legs_do():
    assert roll().side is Side.BUY
    assert terms(legs=STRANGLE, limit_price=dec(-9), floor_price=dec(-8)).side is Side.BUY
    assert terms().side is Side.SELL


def test_a_greater_credit_is_better_than_a_smaller_one_and_that_than_a_debit():
    offered = roll()
    assert offered.is_no_worse(dec(-1.3), than=dec(-1.2))
    assert offered.is_no_worse(dec(-0.1), than=dec(0.1))
    assert not offered.is_no_worse(dec(-1.1), than=dec(-1.2))


def test_a_roll_is_filed_under_what_it_sells():
    assert roll().contract == TARGET
    assert terms().contract == contract()


@pytest.mark.parametrize(
    ("legs", "why"),
    [
        ((leg(Side.BUY, contract()), leg(Side.SELL, contract())), "same contract"),
        ((leg(Side.BUY, contract()), leg(Side.SELL, contract(symbol="QQQ", con_id=2))), "differ"),
        (
            (leg(Side.BUY, contract()), leg(Side.SELL, contract(multiplier=dec(10), con_id=2))),
            "differ",
        ),
        ((leg(Side.BUY, contract(), 2), leg(Side.SELL, TARGET, 2)), "divisor"),
        ((leg(Side.SELL, contract()), leg(Side.SELL, TARGET)), "more puts than it buys"),
        ((leg(Side.BUY, contract()), leg(Side.SELL, CALL)), "more calls than it buys"),
        ((leg(Side.BUY, contract()), leg(Side.BUY, TARGET)), "both buys and sells"),
        ((leg(Side.BUY, contract()), leg(Side.SELL, TARGET, 2)), "more puts than it buys"),
    ],
)
def test_legs_that_are_no_roll_make_no_terms(legs: tuple[Leg, ...], why: str):
    with pytest.raises(ValueError, match=why):
        roll(legs=legs)


@pytest.mark.parametrize("price", ["0", "-0.05"])
def test_one_option_never_costs_nothing_or_less(price: str):
    with pytest.raises(ValueError, match="not above zero"):
        terms(limit_price=dec(price), floor_price=dec(price), increments=roll().increments)
    with pytest.raises(ValueError, match="not above zero"):
        OrderIntent(
            order_key="GL-1",
            account_code="DU1",
            legs=terms().legs,
            quantity=1,
            limit_price=dec(price),
        )


def test_an_approval_may_ask_for_a_greater_credit_and_for_no_smaller_one():
    offered = roll()
    better = approved_trade(offered, approval(offered, limit_price=dec(-1.35)))
    assert (better.limit_price, better.floor_price) == (dec(-1.35), dec(-1.35))
    with pytest.raises(GreenlightError) as caught:
        approved_trade(offered, approval(offered, limit_price=dec(-1.15)))
    assert caught.value.code is ErrorCode.OUTSIDE_TERMS


def test_an_intent_on_record_from_before_packages_reads_as_one_leg():
    stored = {
        "order_key": "GL-1",
        "account_code": "DU1",
        "contract": contract().model_dump(mode="json"),
        "side": "SELL",
        "quantity": 2,
        "limit_price": "4.15",
        "tif": "DAY",
    }
    intent = OrderIntent.model_validate(stored)
    assert (intent.legs, intent.side, intent.is_package) == (terms().legs, Side.SELL, False)


# --- walking -------------------------------------------------------------------------------


def market_of(bid: object, ask: object) -> Any:
    """A package's market of one tight leg and one with the rest of the spread."""
    tight = quote(bid=dec(4), ask=dec(4))
    other = quote(bid=dec(4) - dec(ask), ask=dec(4) - dec(bid))
    return package_quote(ROLL, (tight, other))


def test_a_roll_is_walked_from_its_limit_to_its_floor_and_no_further():
    prices = [walked_price(trade(roll()), attempt, 3) for attempt in (1, 2, 3, 9)]
    assert prices == [dec(-1.2), dec(-1.1), dec(-1), dec(-1)]


def test_a_better_market_spares_a_part_of_the_walk():
    market = market_of(-1.4, -1.1)
    prices = [walked_price(trade(roll()), attempt, 2, market) for attempt in (1, 2)]
    assert prices == [dec(-1.25), dec(-1.1)]


def test_a_walk_may_cross_from_credit_to_debit_where_that_was_approved():
    thin = roll(limit_price=dec("-0.02"), floor_price=dec("0.02"))
    assert [walked_price(trade(thin), n, 5) for n in (1, 3, 5)] == [dec("-0.02"), 0, dec("0.02")]


# --- cash and words ------------------------------------------------------------------------


def test_a_roll_needs_what_its_new_strike_needs_beyond_the_old_one():
    up = (leg(Side.BUY, contract()), leg(Side.SELL, contract(strike=dec(645), con_id=9)))
    assert assignment_cash(up, 2, closing=up[:1]) == 1000
    assert assignment_cash(ROLL, 2, closing=ROLL[:1]) == 0
    assert assignment_change(ROLL, 2, closing=ROLL[:1]) == -1000


def test_a_long_put_opened_beside_a_short_one_is_no_cover():
    vertical = (leg(Side.SELL, contract()), leg(Side.BUY, TARGET))
    assert assignment_cash(vertical, 1, closing=()) == 64_000


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        (terms(), "Sell 2 SPY 18 Dec 2026 640 puts at 4.15 or better"),
        (
            roll(),
            "Roll 2 SPY 18 Dec 2026 640 puts to 15 Jan 2027 635 for a credit of 1.20 or better",
        ),
        (
            roll(quantity=1, limit_price=dec("0.35"), floor_price=dec("0.40")),
            "Roll 1 SPY 18 Dec 2026 640 put to 15 Jan 2027 635 for a debit of 0.35 or better",
        ),
        (
            terms(legs=STRANGLE, limit_price=dec(-9), floor_price=dec(-9)),
            "Sell 2 SPY 18 Dec 2026 640 puts, sell 2 SPY 18 Dec 2026 700 calls "
            "for a credit of 9.00 or better",
        ),
        (
            terms(
                action=RecommendationAction.CLOSE,
                legs=(leg(Side.BUY, contract(), 1), leg(Side.SELL, TARGET, 2)),
                quantity=1,
                limit_price=dec(0),
                floor_price=dec(0),
            ),
            "Buy 1 SPY 18 Dec 2026 640 put, sell 2 SPY 15 Jan 2027 635 puts "
            "for no net cost or better",
        ),
    ],
)
def test_a_trade_says_in_plain_words_what_it_does(offered: Any, words: str):
    assert offered.describe() == words


def test_the_roll_of_a_strangle_names_all_that_it_moves():
    out = date(2027, 1, 15)
    legs = (
        leg(Side.BUY, contract()),
        leg(Side.BUY, CALL),
        leg(Side.SELL, TARGET),
        leg(Side.SELL, contract(right=Right.CALL, strike=dec(710), expiry=out, con_id=2002)),
    )
    assert (
        roll(legs=legs, quantity=1)
        .describe()
        .startswith(
            "Roll 1 SPY 18 Dec 2026 640 put and 1 SPY 18 Dec 2026 700 call "
            "to 15 Jan 2027 635 put and 15 Jan 2027 710 call for"
        )
    )


def test_prices_are_worded_by_what_they_are():
    assert price_words(ROLL[:1], dec(4.15)) == "at 4.15"
    assert price_words(ROLL, dec(-1.2)) == "for a credit of 1.20"

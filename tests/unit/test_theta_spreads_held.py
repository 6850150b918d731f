"""Theta with a wing: put spreads held, closed and rolled as one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.instruments import OptionContract, Side
from domain.portfolio import PositionState
from domain.recommendations import RecommendationAction
from domain.strategies.base import SignalKind
from domain.strategies.wings import paired
from tests.unit.selling import expiring
from tests.unit.spreads import LATER_PUTS, held_spread, looked_after
from tests.unit.trade_factories import dec, option_position


@pytest.mark.parametrize(
    ("sold", "bought", "rule"),
    [
        ((1.00, 1.10), (0.50, 0.55), "take_profit"),
        ((7.00, 7.10), (3.00, 3.10), "loss_stop"),
    ],
)
def test_a_spread_is_bought_in_as_one_at_its_target_or_its_stop(
    sold: tuple[float, float], bought: tuple[float, float], rule: str
):
    (proposal,) = looked_after(held_spread(), sold, bought).proposals
    terms = proposal.terms
    assert proposal.rule_trace[0].rule == rule
    assert terms.action is RecommendationAction.CLOSE
    assert [(leg.contract.strike, leg.side) for leg in terms.legs] == [
        (620, Side.BUY),
        (600, Side.SELL),
    ]
    assert terms.quantity == 2
    assert terms.limit_price > 0, "a debit"


def test_a_profit_is_measured_on_the_net_credit_and_never_given_away():
    # 1.05 − 0.45 = 0.60 to buy in what brought 1.30: more than half is earned.
    (proposal,) = looked_after(held_spread(), (1.0, 1.1), (0.40, 0.50)).proposals
    assert proposal.terms.floor_price <= dec("0.65")
    words = " ".join(proposal.rationale)
    assert "54% of the credit is earned" in words
    assert "Sold for 1.30 after costs: a gain of 140 USD at the limit." in words


def test_the_short_put_alone_does_not_move_a_spread():
    """The short put has doubled, the spread has not: its wing has gained, too."""
    result = looked_after(held_spread(), (4.8, 5.0), (2.6, 2.7), stop_multiple=Decimal(2))
    assert result.proposals == ()
    assert SignalKind.HOLD_POSITION in {signal.kind for signal in result.signals}


@pytest.mark.parametrize("bid", [None, 0.0])
def test_a_wing_that_nobody_bids_for_is_left_to_expire(bid: float | None):
    (proposal,) = looked_after(held_spread(), (0.20, 0.25), (bid, 0.05)).proposals
    (leg,) = proposal.terms.legs
    assert (leg.contract.strike, leg.side) == (620, Side.BUY)


def test_a_wing_with_a_crossed_market_leaves_the_spread_alone_and_says_why():
    result = looked_after(held_spread(), (0.20, 0.25), (0.30, 0.10))
    assert result.proposals == ()
    said = [s.summary for s in result.signals if s.kind is SignalKind.DATA_UNUSABLE]
    assert "the market of its wing, the XSP 20 Dec 2026 600 put, is faulty" in said[0]


def test_out_of_time_a_spread_is_rolled_as_one():
    result = looked_after(held_spread(7), (2.6, 2.7), (1.15, 1.25), *LATER_PUTS)
    (proposal,) = [p for p in result.proposals if p.terms.action is RecommendationAction.ROLL]
    terms = proposal.terms
    assert [(leg.contract.strike, leg.side) for leg in terms.legs] == [
        (620, Side.BUY),
        (600, Side.SELL),
        (610, Side.SELL),
        (590, Side.BUY),
    ]
    # 2.00 for the new spread less 1.45 for the old one.
    assert terms.limit_price == dec("-0.55")
    assert terms.contract.strike == 610
    assert "moves the expiry by 33 days" in " ".join(proposal.rationale)
    (rolled,) = [o for o in result.opportunities if o.action is RecommendationAction.ROLL]
    assert rolled.metrics.wing_strike == 590
    assert rolled.metrics.collateral == 2_000


def test_a_roll_that_would_lose_its_wing_is_none():
    result = looked_after(held_spread(7), (2.6, 2.7), (1.15, 1.25), LATER_PUTS[0])
    actions = [proposal.terms.action for proposal in result.proposals]
    assert actions == [RecommendationAction.CLOSE]
    (close,) = result.proposals
    assert len(close.terms.legs) == 2


def test_a_spread_whose_wing_has_no_bid_is_rolled_into_a_spread_all_the_same():
    result = looked_after(held_spread(7), (1.6, 1.7), (None, 0.05), *LATER_PUTS)
    (proposal,) = [p for p in result.proposals if p.terms.action is RecommendationAction.ROLL]
    assert [leg.contract.strike for leg in proposal.terms.legs] == [620, 610, 590]
    assert [leg.contract.strike for leg in proposal.terms.closing_legs] == [620]


def test_without_a_wing_configured_a_long_put_is_somebody_elses():
    result = looked_after(held_spread(), (1.0, 1.1), (0.5, 0.55), wing_width=None)
    (proposal,) = result.proposals
    assert len(proposal.terms.legs) == 1


# --- pairing -------------------------------------------------------------------------------


def put(strike: int, quantity: int, **changes: Any) -> PositionState:
    option: OptionContract = expiring(
        30, symbol="XSP", trading_class="XSP", strike=Decimal(strike), con_id=strike, **changes
    )
    return option_position(quantity, option)


def pairs(*positions: PositionState) -> list[tuple[str, str]]:
    def named(position: PositionState | None) -> str:
        if position is None or position.option is None:
            return "alone"
        return f"{position.quantity} × {position.option.strike}"

    return [(named(unit.short), named(unit.wing)) for unit in paired(positions)]


def test_shorts_are_paired_with_the_nearest_wing_below_and_the_rest_stands_alone():
    assert pairs(put(620, -3), put(600, 2)) == [("-2 × 620", "2 × 600"), ("-1 × 620", "alone")]
    assert pairs(put(620, -1), put(610, -1), put(615, 1), put(600, 1)) == [
        ("-1 × 610", "1 × 600"),
        ("-1 × 620", "1 × 615"),
    ]
    assert pairs(put(620, -1), put(630, 1)) == [("-1 × 620", "alone")]
    later = {"multiplier": Decimal(10)}
    assert pairs(put(620, -1), put(600, 1, **later)) == [("-1 × 620", "alone")]

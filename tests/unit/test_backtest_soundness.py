"""When a backtest's chains are graded by the codes of the live desk."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from domain.backtest.market import FactsOnDemand, SliceMarket
from domain.backtest.soundness import graded_where_unsound
from domain.instruments import Side
from domain.market import QuoteCode
from domain.proposals import OfferPolicy, TradeIdea, build_terms
from domain.recommendations import RecommendationAction
from domain.strategies.base import Proposal
from tests.unit.backtest_market import Day, Row, recorded

TUESDAY, EXPIRY = date(2024, 1, 2), date(2024, 1, 19)
# At 97.5 a put struck at 100 is worth 2.50 to its holder at once: 2.40 cannot be.
ROWS = (Row(95, EXPIRY, 1.0, 1.2), Row(100, EXPIRY, 2.35, 2.45, delta=0.6))
POLICY = OfferPolicy(concession=Decimal(0), max_drift=Decimal("0.1"), decision_minutes=30)


def offered(side: Side, row: int) -> tuple[SliceMarket, list[Proposal]]:
    """The market of one slice, and a proposal to trade the option in ``row`` of its chain."""
    seen = recorded([Day(TUESDAY, 97.5, ROWS)]).slice(0)
    market = SliceMarket(seen.at, TUESDAY, seen.chains, FactsOnDemand({}, seen.at, TUESDAY), None)
    action = RecommendationAction.OPEN if side is Side.SELL else RecommendationAction.CLOSE
    idea = TradeIdea.from_chain(seen.chains["ABC"], row, "DU1", side, action, 1)
    terms = build_terms(idea, POLICY, seen.at, seen.at + timedelta(hours=1))
    return market, [Proposal.model_construct(terms=terms)]


def test_where_all_that_would_be_sold_is_sound_nothing_is_decided_again():
    assert graded_where_unsound(*offered(Side.SELL, 0), rate=0.0) is None


def test_a_sale_below_exercise_value_is_decided_again_on_graded_chains():
    market = graded_where_unsound(*offered(Side.SELL, 1), rate=0.0)
    assert market is not None
    code = market.chains["ABC"].code
    assert code is not None
    assert code.tolist() == [QuoteCode.OK, QuoteCode.BELOW_INTRINSIC]


def test_what_is_bought_back_need_not_be_sound():
    assert graded_where_unsound(*offered(Side.BUY, 1), rate=0.0) is None

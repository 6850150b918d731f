from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.instruments import PriceBand, PriceIncrements, Side
from domain.market import Quote
from domain.proposals import OfferPolicy, offer_prices
from domain.recommendations import ApprovedTrade, walked_price
from tests.unit.trade_factories import quote, terms, trade

# Market rules as exchanges write them: every edge is a multiple of the steps on both its sides.
RULES = [
    PriceIncrements.flat(Decimal("0.01")),
    PriceIncrements.flat(Decimal("0.05")),
    PriceIncrements(
        bands=(
            PriceBand(low_edge=Decimal(0), increment=Decimal("0.01")),
            PriceBand(low_edge=Decimal(3), increment=Decimal("0.05")),
        )
    ),
    PriceIncrements(
        bands=(
            PriceBand(low_edge=Decimal(0), increment=Decimal("0.05")),
            PriceBand(low_edge=Decimal(3), increment=Decimal("0.10")),
        )
    ),
]
rules = st.sampled_from(RULES)
sides = st.sampled_from(list(Side))
prices = st.decimals("0.0001", "900", places=4, allow_nan=False)
fractions = st.decimals("0", "0.5", places=3)


@given(rules, prices)
def test_rounded_prices_are_accepted_and_bracket_the_exact_one(
    increments: PriceIncrements, price: Decimal
):
    low, high = increments.down(price), increments.up(price)
    assert low <= price <= high
    assert increments.accepts(low)
    assert increments.accepts(high)
    assert high - low <= increments.at(price)
    assert increments.nearest(price) in (low, high)


@given(rules, prices)
def test_an_accepted_price_is_left_alone(increments: PriceIncrements, price: Decimal):
    accepted = increments.up(price)
    assert increments.down(accepted) == increments.up(accepted) == accepted
    assert increments.nearest(accepted) == accepted


@given(rules, prices, prices)
def test_rounding_keeps_the_order_of_prices(
    increments: PriceIncrements, one: Decimal, other: Decimal
):
    low, high = sorted([one, other])
    assert increments.up(low) <= increments.up(high)
    assert increments.down(low) <= increments.down(high)


@st.composite
def approved_trades(draw: st.DrawFn) -> ApprovedTrade:
    increments, side = draw(rules), draw(sides)
    low, high = sorted([increments.up(draw(prices)), increments.up(draw(prices))])
    limit, floor = (high, low) if side is Side.SELL else (low, high)
    return trade(terms(side=side, increments=increments, limit_price=limit, floor_price=floor))


@st.composite
def markets(draw: st.DrawFn) -> Quote:
    bid, ask = sorted([draw(prices), draw(prices)])
    return quote(bid=bid, ask=ask)


def walk(approved: ApprovedTrade, attempts: int, now: Quote | None = None) -> list[Decimal]:
    return [walked_price(approved, attempt, attempts, now) for attempt in range(1, attempts + 1)]


@given(approved_trades(), st.integers(1, 12), st.integers(1, 15))
def test_a_walked_price_is_on_increment_and_between_limit_and_floor(
    approved: ApprovedTrade, attempts: int, attempt: int
):
    price = walked_price(approved, attempt, attempts)
    assert approved.terms.is_no_worse(price, approved.floor_price)
    assert approved.terms.is_no_worse(approved.limit_price, price)
    assert approved.terms.increments.accepts(price)


@given(approved_trades(), st.integers(2, 12))
def test_a_walk_never_turns_back_and_ends_at_the_floor(approved: ApprovedTrade, attempts: int):
    steps = walk(approved, attempts)
    assert steps == sorted(steps, reverse=approved.terms.side is Side.SELL)
    assert (steps[0], steps[-1]) == (approved.limit_price, approved.floor_price)


@given(approved_trades(), st.integers(1, 12), markets())
def test_whatever_the_quote_a_walk_stays_inside_the_approval_and_never_turns_back(
    approved: ApprovedTrade, attempts: int, now: Quote
):
    steps = walk(approved, attempts, now)
    assert steps == sorted(steps, reverse=approved.terms.side is Side.SELL)
    for price in steps:
        assert price > 0
        assert approved.terms.increments.accepts(price)
        assert approved.terms.is_no_worse(price, approved.floor_price)


@given(approved_trades(), st.integers(2, 12), markets())
def test_a_quote_makes_no_attempt_worse_and_none_passes_the_market(
    approved: ApprovedTrade, attempts: int, now: Quote
):
    assert now.bid is not None
    assert now.ask is not None
    better = approved.terms.is_no_worse
    # A purchase cannot bid less than one step, however little the market asks.
    step = approved.terms.increments.at(Decimal(0))
    near = now.bid if approved.terms.side is Side.SELL else max(now.ask, step)
    pairs = zip(walk(approved, attempts, now), walk(approved, attempts), strict=True)
    for with_quote, without in pairs:
        assert better(with_quote, without)
        assert better(with_quote, near)


@given(rules, sides, prices, prices, fractions, st.none() | prices)
def test_offered_prices_are_on_increment_and_the_floor_is_never_the_better_one(
    increments: PriceIncrements,
    side: Side,
    one: Decimal,
    other: Decimal,
    concession: Decimal,
    worst: Decimal | None,
):
    bid, ask = sorted([one, other])
    step = increments.at(Decimal(0))
    assume(side is Side.SELL or min(ask, ask if worst is None else worst) >= step)
    policy = OfferPolicy(
        concession=concession, max_drift=Decimal("0.01"), decision_minutes=5, worst_price=worst
    )
    offer = offer_prices(side, bid, ask, increments, policy)
    assert increments.accepts(offer.limit_price)
    assert increments.accepts(offer.floor_price)
    if side is Side.SELL:
        assert offer.floor_price <= offer.limit_price
        assert offer.limit_price >= bid
        assert worst is None or offer.floor_price >= worst
    else:
        assert offer.floor_price >= offer.limit_price
        assert worst is None or offer.floor_price <= worst

"""Risk answers for every account, and margin never asks for less than it must, or more."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instruments import OptionContract, Right, SecType, Settlement
from domain.market import Quote, QuoteQuality
from domain.portfolio import (
    AccountState,
    PositionState,
    UnderlyingState,
    build_account_state,
)
from domain.risk.margin_regt import regt_margin
from domain.risk.margin_strategies import MarginLeg, possible_strategies, single
from domain.risk.state import RiskState, compute_risk_state
from domain.underlyings import ComingDividend
from tests.unit.trade_factories import NOW, TODAY, values

SYMBOLS = ("SPY", "SPX", "AAPL", "IWM")
money = st.decimals(-(10**9), 10**9, places=2)
price = st.none() | st.decimals(0, 10**6, places=2)
wild = st.none() | st.floats()


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    return Quote(
        bid=draw(price),
        ask=draw(price),
        underlying_price=draw(price),
        iv=draw(wild),
        delta=draw(wild),
        quality=draw(st.sampled_from(QuoteQuality)),
        as_of=NOW - timedelta(seconds=draw(st.integers(-10, 10**6))),
    )


@st.composite
def positions(draw: st.DrawFn) -> PositionState:
    symbol = draw(st.sampled_from(SYMBOLS))
    told = {
        "symbol": symbol,
        "quantity": draw(st.decimals(-1000, 1000, places=1)),
        "average_cost": draw(money),
        "market_price": draw(price),
        "market_value": draw(st.none() | money),
        "unrealized_pnl": draw(st.none() | money),
        "quote": draw(st.none() | quotes()),
        "open_interest": draw(wild),
    }
    if draw(st.booleans()):
        return PositionState(key=f"STK:{symbol}:USD", sec_type=SecType.STOCK, **told)
    option = OptionContract(
        symbol=symbol,
        trading_class=symbol,
        expiry=TODAY + timedelta(days=draw(st.sampled_from([-3, 0, 1, 7, 30, 800]))),
        strike=draw(st.decimals("0.5", 5000, places=1)),
        right=draw(st.sampled_from(Right)),
        multiplier=Decimal(draw(st.sampled_from([10, 100, 150]))),
        con_id=1,
    )
    return PositionState(
        key=option.key,
        sec_type=SecType.OPTION,
        option=option,
        multiplier=option.multiplier,
        settlement=draw(st.sampled_from(Settlement)),
        **told,
    )


@st.composite
def accounts(draw: st.DrawFn) -> AccountState:
    held = draw(st.lists(positions(), max_size=6, unique_by=lambda position: position.key))
    underlyings = [
        UnderlyingState(
            symbol=symbol,
            is_index=symbol == "SPX",
            price=draw(price),
            sector=draw(st.none() | st.just("Technology")),
            beta=draw(wild),
            dividends=(ComingDividend(ex_date=TODAY + timedelta(days=5), amount=Decimal(2)),),
        )
        for symbol in draw(st.sets(st.sampled_from(SYMBOLS)))
    ]
    figures = ("cash", "net_liquidation", "equity_with_loan", "maint_margin", "init_margin")
    told = {name: draw(money) for name in figures}
    return build_account_state(values(**told), held, underlyings)


@settings(max_examples=150, deadline=None)
@given(accounts())
def test_every_account_has_a_complete_and_repeatable_risk_state(account: AccountState):
    risk = compute_risk_state(account)
    assert risk == compute_risk_state(account)
    assert RiskState.model_validate_json(risk.model_dump_json()) == risk
    assert risk.positions_count == len(account.positions)
    assert {name.symbol for name in risk.concentration} == set(account.symbols)
    unpriced = set(risk.greeks.unpriced)
    assert unpriced <= set(risk.unpriced_positions)
    for position in account.positions:
        told = (position.quote, position.market_price, position.market_value)
        if position.option and told == (None, None, None):
            assert position.key in risk.unpriced_positions


# --- strategy-based margin -------------------------------------------------------------------

STRIKES = (90.0, 95.0, 100.0, 105.0, 110.0)
NEAR, FAR = date(2026, 12, 18), date(2027, 1, 15)


def fair(strike: float, right: Right, expiry: date) -> float:
    inside = 100.0 - strike if right is Right.CALL else strike - 100.0
    return max(inside, 0.0) + (1.5 if expiry == FAR else 1.0) * math.exp(-abs(inside) / 8)


@st.composite
def legs(draw: st.DrawFn) -> list[MarginLeg]:
    chosen = draw(
        st.lists(
            st.tuples(
                st.sampled_from(STRIKES), st.sampled_from(Right), st.sampled_from([NEAR, FAR])
            ),
            max_size=4,
            unique=True,
        )
    )
    options = [
        MarginLeg(
            "AAPL", draw(st.sampled_from([-2, -1, 1, 2])), fair(strike, right, expiry), 100.0,
            right, strike, expiry, 100.0,
        )
        for strike, right, expiry in chosen
    ]  # fmt: skip
    shares = draw(st.sampled_from([0, 0, 100, 250, -100]))
    return options + ([MarginLeg("AAPL", shares, 100.0, 100.0)] if shares else [])


def cheapest_by_trial(held: list[MarginLeg]) -> float:
    """Every way to combine the contracts, one after the other."""
    combined = possible_strategies(held)
    alone = [single(held, index).maintenance for index in range(len(held))]
    best = math.inf
    for counts in product(range(3), repeat=len(combined)):
        left = [abs(leg.quantity) for leg in held]
        for count, strategy in zip(counts, combined, strict=True):
            for leg, amount in zip(strategy.legs, strategy.amounts, strict=True):
                left[leg] -= count * amount
        if min(left, default=0) >= -1e-9:
            cost = sum(c * s.maintenance for c, s in zip(counts, combined, strict=True))
            best = min(best, cost + sum(n * each for n, each in zip(left, alone, strict=True)))
    return best


@settings(max_examples=60, deadline=None)
@given(legs().filter(lambda held: len(possible_strategies(held)) <= 7))
def test_no_way_to_combine_the_positions_asks_for_less(held: list[MarginLeg]):
    assert regt_margin(held).maintenance == pytest.approx(cheapest_by_trial(held), abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(legs(), st.sampled_from(STRIKES), st.sampled_from(Right))
def test_a_long_option_more_never_asks_for_more(held: list[MarginLeg], strike: float, right: Right):
    more = MarginLeg("AAPL", 1, 1.0, 100.0, right, strike, FAR, 100.0)
    assert regt_margin([*held, more]).maintenance <= regt_margin(held).maintenance + 1e-4

"""Put spreads of an index: the chains they are found in, and what Theta makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.instruments import Settlement
from domain.portfolio import AccountState, PositionState
from domain.risk.limits import Limits
from domain.risk.state import compute_risk_state
from domain.strategies.base import Proposal, StrategyResult
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from tests.unit.selling import days, expiring, index_chain, index_row, seen, short
from tests.unit.trade_factories import Market, account, context, option_position

WING: dict[str, Any] = {"con_id": 7601, "strike": 600.0, "bid": 1.15, "ask": 1.2, "delta": -0.06}
BY_WIDTH: dict[str, Any] = {"wing_width": Decimal(20)}


def run(
    *rows: dict[str, Any],
    state: AccountState | None = None,
    chain_changes: dict[str, Any] | None = None,
    limits: Limits | None = None,
    **config: Any,
) -> StrategyResult:
    state = state or account()
    market = Market({"XSP": index_chain(*rows, **chain_changes or {})}, vix=18.0)
    instance = context(config=ThetaConfig(**BY_WIDTH | config), market=market, limits=limits)
    return Theta().generate_signals(state, compute_risk_state(state), instance)


def offered(*rows: dict[str, Any], **changes: Any) -> Proposal:
    (proposal,) = run(*rows, **changes).proposals
    return proposal


def held_spread(
    dte: int = 30, contracts: int = 2, sold: str = "2.45", bought: str = "1.15", strikes: str = ""
) -> tuple[PositionState, PositionState]:
    """Sold for a net credit of 1.30 per share."""
    puts = [
        expiring(dte, symbol="XSP", trading_class="XSP", strike=Decimal(strike), con_id=con_id)
        for strike, con_id in ((620, 7001), (600, 7601))
    ]
    sold_put = short(puts[0], sold, contracts)
    wing = option_position(contracts, puts[1], average_cost=Decimal(bought) * 100)
    cash = {"settlement": Settlement.CASH}
    return sold_put.model_copy(update=cash), wing.model_copy(update=cash)


def market_of(
    position: PositionState, bid: float | None, ask: float | None, **changes: Any
) -> dict[str, Any]:
    assert position.option is not None
    return seen(position.option, 0, 0) | {"bid": bid, "ask": ask} | changes


def looked_after(
    spread: tuple[PositionState, PositionState],
    sold: tuple[float, float],
    bought: tuple[float | None, float | None],
    *others: dict[str, Any],
    **changes: Any,
) -> StrategyResult:
    rows = (market_of(spread[0], *sold), market_of(spread[1], *bought))
    return run(*rows, *others, state=account(*spread), **changes)


def later_row(strike: float, bid: float, ask: float, delta: float) -> dict[str, Any]:
    return index_row(
        con_id=9000 + int(strike), strike=strike, expiry=days(40), bid=bid, ask=ask, delta=delta
    )


LATER_PUTS = (later_row(610.0, 4.6, 4.7, -0.2), later_row(590.0, 2.6, 2.7, -0.13))

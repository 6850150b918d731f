"""Several accounts together: what adds up, and what must not be made up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.instruments import SecType
from domain.portfolio import AccountState, AccountValues, PositionState, UnderlyingState
from domain.risk.combined import combine
from domain.risk.state import RiskState, compute_risk_state

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def risk_of(shares: int, *, equity: int = 100_000, pnl: str | None = "10") -> RiskState:
    values = AccountValues(
        account_code=f"DU{shares}",
        net_liquidation=Decimal(equity),
        cash=Decimal(equity),
        equity_with_loan=Decimal(equity),
        buying_power=Decimal(equity),
        available_funds=Decimal(equity),
        excess_liquidity=Decimal(equity),
        init_margin=Decimal(0),
        maint_margin=Decimal(0),
        gross_position_value=Decimal(0),
        as_of=NOW,
    )
    held = PositionState(
        key="STK:SPY:USD",
        symbol="SPY",
        sec_type=SecType.STOCK,
        quantity=Decimal(shares),
        average_cost=Decimal(600),
        market_price=Decimal(650),
        market_value=Decimal(650 * shares),
        unrealized_pnl=None if pnl is None else Decimal(pnl),
    )
    spy = UnderlyingState(symbol="SPY", price=Decimal(650))
    state = AccountState(values=values, positions=(held,), underlyings={"SPY": spy}, as_of=NOW)
    return compute_risk_state(state)


def test_deltas_stress_and_notionals_add_up() -> None:
    alone, other = risk_of(100), risk_of(-40)
    together = combine([alone, other])
    [name] = together.underlyings
    assert name.risk.delta_shares == pytest.approx(60)
    assert name.risk.notional == Decimal(650 * 140)
    assert together.greeks.total.delta == pytest.approx(60 * 650)
    down = together.stress.spot_moves.index(-0.10)
    assert together.stress.pnl[down][0] == pytest.approx(-60 * 65)
    assert together.stress.worst.pnl == min(cell for row in together.stress.pnl for cell in row)


def test_the_worst_of_two_accounts_that_hedge_each_other_is_not_the_sum_of_their_worst() -> None:
    together = combine([risk_of(100), risk_of(-100)])
    assert together.stress.worst.pnl == pytest.approx(0)


def test_a_profit_that_is_not_known_leaves_the_sum_unknown() -> None:
    [name] = combine([risk_of(10), risk_of(20, pnl=None)]).underlyings
    assert name.risk.unrealized_pnl is None
    [name] = combine([risk_of(10), risk_of(20)]).underlyings
    assert name.risk.unrealized_pnl == Decimal(20)


def test_a_fraction_is_of_the_value_of_all_accounts() -> None:
    [name] = combine([risk_of(100, equity=65_000), risk_of(0, equity=65_000)]).underlyings
    assert name.fraction == Decimal("0.5")

"""The risk of an account of 1,000 positions; its stress grid is measured in ``test_american``."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from domain.instruments import OptionContract, Right, SecType
from domain.market import Quote, QuoteQuality
from domain.portfolio import AccountState, PositionState, UnderlyingState, build_account_state
from domain.risk.state import compute_risk_state
from domain.underlyings import ComingDividend
from tests.bench.harness import Bench, Timings
from tests.unit.trade_factories import NOW, TODAY, values

pytestmark = pytest.mark.bench

POSITIONS, UNDERLYINGS = 1_000, 50
SECONDS = 1.0


def large_account() -> AccountState:
    """Shares, short puts and calls and some cover on fifty names; every third pays a dividend."""
    rng = np.random.default_rng(5)
    positions: list[PositionState] = []
    underlyings: list[UnderlyingState] = []
    for number in range(UNDERLYINGS):
        symbol, spot = f"N{number}", float(rng.uniform(30, 400))
        paid = (ComingDividend(ex_date=TODAY + timedelta(days=20), amount=Decimal("0.50")),)
        underlyings.append(
            UnderlyingState(
                symbol=symbol, price=Decimal(f"{spot:.2f}"), as_of=NOW,
                dividends=paid if number % 3 == 0 else (),
            )
        )  # fmt: skip
        positions.append(
            PositionState(
                key=f"STK:{symbol}", symbol=symbol, sec_type=SecType.STOCK, quantity=Decimal(300),
                average_cost=Decimal(1), market_price=Decimal(f"{spot:.2f}"),
                market_value=300 * Decimal(f"{spot:.2f}"),
            )
        )  # fmt: skip
        positions += [option(rng, symbol, spot, 100 * number + each) for each in range(19)]
    return build_account_state(values(), positions, underlyings)


def option(rng: np.random.Generator, symbol: str, spot: float, con_id: int) -> PositionState:
    is_put = con_id % 3 != 0
    contract = OptionContract(
        symbol=symbol, trading_class=symbol, multiplier=Decimal(100), con_id=con_id + 1,
        expiry=TODAY + timedelta(days=int(rng.choice([28, 56, 84]))),
        strike=Decimal(round(spot * float(rng.uniform(0.85, 1.15)), 1)).quantize(Decimal("0.1")),
        right=Right.PUT if is_put else Right.CALL,
    )  # fmt: skip
    price = Decimal(f"{float(rng.uniform(0.02, 0.06)) * spot:.2f}")
    quote = Quote(
        bid=price, ask=price + Decimal("0.05"), iv=float(rng.uniform(0.2, 0.5)),
        quality=QuoteQuality.LIVE, as_of=NOW,
    )  # fmt: skip
    quantity = Decimal(2 if con_id % 4 == 0 else -2)
    return PositionState(
        key=f"OPT:{con_id}", symbol=symbol, sec_type=SecType.OPTION, option=contract,
        quantity=quantity, average_cost=price * 100, multiplier=Decimal(100), quote=quote,
        market_value=quantity * 100 * price,
    )  # fmt: skip


def test_the_risk_of_a_thousand_positions_is_told_within_a_second(bench: Bench):
    account = large_account()
    assert len(account.positions) == POSITIONS
    assert compute_risk_state(account).unpriced_positions == ()
    timings = Timings()
    for _ in range(5):
        with timings.of("ours"):
            compute_risk_state(account)
    what = f"risk of {POSITIONS} positions on {UNDERLYINGS} underlyings, s"
    bench.within(what, timings.median("ours"), SECONDS, against="a wall clock")

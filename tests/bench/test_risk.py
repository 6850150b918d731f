"""The risk of an account of 1,000 positions, and its stress grid beside a bare numpy pricing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from scipy.special import ndtr

from domain.instruments import OptionContract, Right, SecType
from domain.market import FloatArray, Quote, QuoteQuality
from domain.portfolio import AccountState, PositionState, UnderlyingState, build_account_state
from domain.risk.state import compute_risk_state
from domain.risk.stress import OptionBook, StressGrid, stress_options
from domain.underlyings import ComingDividend
from tests.bench.harness import Bench, Timings, interleaved
from tests.unit.trade_factories import NOW, TODAY, values

pytestmark = pytest.mark.bench

POSITIONS, UNDERLYINGS = 1_000, 50
SPOTS, VOLS = 31, 3
SECONDS = 1.0
GRID = StressGrid(tuple(np.linspace(-0.3, 0.3, SPOTS).tolist()), (-0.25, 0.0, 0.5))


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


def options() -> OptionBook:
    rng = np.random.default_rng(6)
    ones = np.ones(POSITIONS)
    return OptionBook(
        quantity=rng.choice([-2.0, -1.0, 1.0], POSITIONS),
        multiplier=100 * ones,
        spot=rng.uniform(30, 400, POSITIONS),
        strike=ones,
        years=rng.uniform(0.05, 1.0, POSITIONS),
        vol=rng.uniform(0.15, 0.6, POSITIONS),
        rate=0.04 * ones,
        dividend_yield=0.01 * ones,
        is_call=rng.random(POSITIONS) < 0.4,
        is_american=rng.random(POSITIONS) < 0.8,
        underlying=rng.integers(0, UNDERLYINGS, POSITIONS),
    )


def bare_prices(book: OptionBook) -> FloatArray:
    """European values in every cell and no more: no sums by underlying, no early exercise."""
    spot = book.spot[:, None, None] * (1 + np.asarray(GRID.spot_moves))[None, :, None]
    vol = book.vol[:, None, None] * (1 + np.asarray(GRID.vol_shifts))[None, None, :]
    years, strike = book.years[:, None, None], book.strike[:, None, None]
    rate, carried = book.rate[:, None, None], book.dividend_yield[:, None, None]
    sign = np.where(book.is_call, 1.0, -1.0)[:, None, None]
    spread = vol * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate - carried) * years) / spread + spread / 2
    held = spot * np.exp(-carried * years) * ndtr(sign * d1)
    return sign * (held - strike * np.exp(-rate * years) * ndtr(sign * (d1 - spread)))


def test_a_stress_grid_costs_at_most_twice_the_bare_prices(bench: Bench):
    book = options()
    book = book._replace(strike=book.spot * np.random.default_rng(7).uniform(0.8, 1.2, POSITIONS))
    assert not stress_options(book, GRID, UNDERLYINGS).unpriced.any()
    timings = interleaved(
        {
            "ours": lambda: stress_options(book, GRID, UNDERLYINGS),
            "numpy, prices only": lambda: bare_prices(book),
        },
        rounds=15,
    )
    what = f"stress grid, {POSITIONS} positions × {SPOTS} spots × {VOLS} vols"
    bench.at_most(what, timings, peer="numpy, prices only", ratio=2.0)

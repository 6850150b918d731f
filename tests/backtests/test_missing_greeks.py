"""Volatility and delta of recorded options whose publisher gave none."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from domain.market import OptionChain
from domain.pricing.european import greeks as european_greeks
from domain.pricing.european import price as european_price
from tests.backtests.histories import quote, recorded

SPOT, VOL, RATE, YIELD = 3000.0, 0.22, 0.03, 0.015
STRIKES = tuple(range(2600, 3401, 50))
YEARS = 44 / 365
"""From 15:45 on 2 January to the close of 15 February, but for a quarter of an hour."""


def chain(symbol: str = "SPX", **columns: float) -> OptionChain:
    """Priced by the formula within two cents, on a forward that is not the spot."""
    rows = []
    for right in "CP":
        worth = european_price(SPOT, np.array(STRIKES), YEARS, RATE, YIELD, VOL, right == "C")
        rows += [
            quote(
                "2020-01-02", symbol, right, strike, "2020-02-15",
                bid=float(mid) - 0.01, ask=float(mid) + 0.01, spot=SPOT, **columns,
            )
            for strike, mid in zip(STRIKES, worth.tolist(), strict=True)
        ]  # fmt: skip
    return recorded(*rows).slice(0).chains[symbol]


def test_volatility_and_delta_are_worked_out_on_the_forward_the_quotes_imply():
    told = chain(iv=nan, delta=nan)
    expected = european_greeks(SPOT, told.strike, YEARS, RATE, YIELD, VOL, told.is_call)
    np.testing.assert_allclose(told.iv, VOL, atol=2e-4)
    np.testing.assert_allclose(told.delta, expected.delta, atol=2e-3)


def test_what_was_recorded_stays():
    told = chain(iv=0.5, delta=nan)
    assert (told.iv == 0.5).all()
    assert np.isfinite(told.delta).all()
    whole = chain(iv=0.5, delta=0.25)
    assert (whole.delta == 0.25).all()


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 1.0), (2.0, 1.0), (nan, nan), (0.01, 0.02)])
def test_a_row_without_a_sound_quote_keeps_its_gap(bid: float, ask: float):
    """The last is a call worth less than its bound: no volatility explains it."""
    row = quote("2020-01-02", "SPX", "C", 2000, "2020-02-15", bid=bid, ask=ask, spot=SPOT,
                iv=nan, delta=nan)  # fmt: skip
    told = recorded(row).slice(0).chains["SPX"]
    assert np.isnan(told.iv).all()
    assert np.isnan(told.delta).all()

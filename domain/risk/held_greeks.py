"""Sensitivities of one option from what the broker quotes of it, for sums over an account."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain.instruments import OptionContract, Right
from domain.pricing.european import greeks
from domain.risk.pretrade_inputs import HeldGreeks


def quoted_greeks(
    contract: OptionContract,
    delta: float | None,
    iv: float | None,
    underlying_price: Decimal | None,
    on: date,
) -> HeldGreeks | None:
    """The broker's delta, and the vega of its volatility (Black-Scholes, without carry).

    ``on`` is the exchange date of the quote. None where any of the three is not known.
    """
    if delta is None or iv is None or not underlying_price:
        return None
    vega = greeks(
        spot=float(underlying_price),
        strike=float(contract.strike),
        years=max((contract.expiry - on).days, 1) / 365,
        rate=0.0,
        dividend_yield=0.0,
        vol=iv,
        is_call=contract.right is Right.CALL,
    ).vega
    return HeldGreeks(delta=delta, vega=float(vega), underlying_price=underlying_price)

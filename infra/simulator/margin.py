"""Reg-T strategy-based margin, in the simplified form of IBKR's published rules.

Stocks: 50 % initial, 25 % maintenance (short 30 %). Short options: premium plus the greater of
20 % of the underlying (15 % broad index) less the out-of-the-money amount and 10 % (of the strike
for puts, of the underlying for calls). Calls against shares cost nothing; a short option paired
with a long one of its class and right that expires no earlier costs at most their strike width.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from infra.simulator.contracts import Security

STOCK_INITIAL = 0.50
LONG_STOCK_MAINTENANCE = 0.25
SHORT_STOCK_MAINTENANCE = 0.30
EQUITY_OPTION_RATE = 0.20
INDEX_OPTION_RATE = 0.15
OPTION_MINIMUM_RATE = 0.10


@dataclass(frozen=True, slots=True)
class MarkedPosition:
    """A holding with the prices margin needs, USD per share; ``quantity`` is signed."""

    security: Security
    quantity: float
    mark: float
    spot: float
    iv: float = nan
    """Implied volatility of an option: annualised, decimal."""
    years: float = 0.0
    """An option's remaining life."""

    @property
    def value(self) -> float:
        return self.quantity * self.mark * self.security.multiplier


@dataclass(frozen=True, slots=True)
class Requirement:
    """USD."""

    initial: float
    maintenance: float


@dataclass(slots=True)
class _Lot:
    position: MarkedPosition
    open: float


def requirement(positions: Sequence[MarkedPosition]) -> Requirement:
    """The margin of one account's whole book."""
    initial = maintenance = 0.0
    shares: dict[str, float] = defaultdict(float)
    for position in positions:
        if position.security.is_option:
            continue
        shares[position.security.symbol] += position.quantity
        value = abs(position.value)
        initial += STOCK_INITIAL * value
        short = position.quantity < 0
        maintenance += (SHORT_STOCK_MAINTENANCE if short else LONG_STOCK_MAINTENANCE) * value
    options = _options_requirement([p for p in positions if p.security.is_option], shares)
    return Requirement(initial + options, maintenance + options)


def naked_requirement(position: MarkedPosition) -> float:
    """Margin per contract of a short option standing alone."""
    security, strike = position.security, float(position.security.strike or 0)
    rate = INDEX_OPTION_RATE if security.underlying.is_index else EQUITY_OPTION_RATE
    if security.is_call:
        out_of_the_money = max(strike - position.spot, 0.0)
        least = OPTION_MINIMUM_RATE * position.spot
    else:
        out_of_the_money = max(position.spot - strike, 0.0)
        least = OPTION_MINIMUM_RATE * strike
    exposure = max(rate * position.spot - out_of_the_money, least)
    return (position.mark + exposure) * security.multiplier


def _options_requirement(options: Sequence[MarkedPosition], shares: dict[str, float]) -> float:
    longs = [_Lot(p, p.quantity) for p in options if p.quantity > 0]
    shorts = [_Lot(p, -p.quantity) for p in options if p.quantity < 0]
    shorts.sort(key=lambda lot: naked_requirement(lot.position), reverse=True)
    total = 0.0
    for short in shorts:
        _cover_with_shares(short, shares)
        for long in sorted(longs, key=lambda lot: _spread_requirement(short, lot)):
            width = _spread_requirement(short, long)
            if width >= naked_requirement(short.position):
                break
            paired = min(short.open, long.open)
            short.open -= paired
            long.open -= paired
            total += paired * width
        total += short.open * naked_requirement(short.position)
    return total


def _cover_with_shares(short: _Lot, shares: dict[str, float]) -> None:
    security = short.position.security
    if security.is_call:
        covered = min(short.open, max(shares[security.symbol], 0.0) // security.multiplier)
    else:
        covered = min(short.open, max(-shares[security.symbol], 0.0) // security.multiplier)
    short.open -= covered
    shares[security.symbol] += (-1 if security.is_call else 1) * covered * security.multiplier


def _spread_requirement(short: _Lot, long: _Lot) -> float:
    """The most a pair can lose per contract; infinite when the long does not protect the short."""
    sold, bought = short.position.security, long.position.security
    if (
        long.open <= 0
        or sold.option_class != bought.option_class
        or sold.right != bought.right
        or not (sold.expiry and bought.expiry and sold.strike and bought.strike)
        or bought.expiry < sold.expiry
    ):
        return float("inf")
    width = bought.strike - sold.strike if sold.is_call else sold.strike - bought.strike
    return max(float(width), 0.0) * sold.multiplier

"""The market for a package of legs: its touch, its middle, and how a net price splits over legs.

A package is priced per share, as TWS quotes it: an option leg counts with its ratio, a stock leg
with its shares per option multiplier, so that a buy-write of 100 shares against one call costs
the share's price less the call's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from infra.simulator.market import Quote
from infra.simulator.validation import Leg, increments_of

_LEG_PRICE_STEP = Decimal("0.0001")
"""A contract on a hundred shares then moves whole cents."""
_REST_STEP = Decimal("0.00000001")
"""What is left for the last leg of uneven ratios falls on no such step."""
_UNLIMITED = 1_000_000
_ZERO, _ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Touch:
    """The market for one unit of an order's package; prices may be negative for combos.

    None where a leg has no bid to sell to (or the exchange shows no offer).
    """

    bid: Decimal | None
    ask: Decimal | None
    bid_size: int
    ask_size: int


def weights(legs: Sequence[Leg]) -> list[Decimal]:
    """How much of each leg's price is in the price of the package, signed."""
    unit = max(leg.security.multiplier for leg in legs)
    return [Decimal(leg.ratio * leg.security.multiplier) / unit for leg in legs]


def package_touch(legs: Sequence[Leg], quotes: Sequence[Quote]) -> Touch:
    """Best prices to sell (bid) and buy (ask) one unit of the package, by its legs' touches."""
    bid: Decimal | None = Decimal(0)
    ask: Decimal | None = Decimal(0)
    bid_size = ask_size = _UNLIMITED
    for leg, weight, quote in zip(legs, weights(legs), quotes, strict=True):
        count = abs(leg.ratio)
        leg_bid = _money(quote.bid) if quote.bid > 0 else None
        leg_ask = _money(quote.ask) if quote.ask > 0 else None
        sell, buy = (leg_bid, leg_ask) if leg.ratio > 0 else (leg_ask, leg_bid)
        bid = None if bid is None or sell is None else bid + weight * sell
        ask = None if ask is None or buy is None else ask + weight * buy
        sizes = (quote.bid_size, quote.ask_size)
        sell_size, buy_size = sizes if leg.ratio > 0 else sizes[::-1]
        bid_size = min(bid_size, sell_size // count)
        ask_size = min(ask_size, buy_size // count)
    return Touch(bid, ask, bid_size, ask_size)


def leg_prices(legs: Sequence[Leg], quotes: Sequence[Quote], net: Decimal) -> tuple[Decimal, ...]:
    """Prices of the legs that add up to ``net``: each as far from its middle to the touch it
    trades against as the package is, no leg beyond its touch; the dearest takes what is left."""
    if len(legs) == 1:
        return (net,)
    shares = weights(legs)
    mids = [_money(quote.mark) for quote in quotes]
    halves = [_half_spread(quote) for quote in quotes]
    middle = sum((w * mid for w, mid in zip(shares, mids, strict=True)), _ZERO)
    width = sum((abs(w) * half for w, half in zip(shares, halves, strict=True)), _ZERO)
    crossed = min(max((net - middle) / width, -_ONE), _ONE) if width else _ZERO
    prices = [
        (mid + half.copy_sign(w) * crossed).quantize(_LEG_PRICE_STEP).normalize()
        for w, mid, half in zip(shares, mids, halves, strict=True)
    ]
    whole = [i for i, share in enumerate(shares) if abs(share) == 1] or list(range(len(legs)))
    balancing = max(whole, key=lambda i: prices[i])
    others = sum(shares[i] * prices[i] for i in range(len(legs)) if i != balancing)
    prices[balancing] = ((net - others) / shares[balancing]).quantize(_REST_STEP).normalize()
    return tuple(prices)


def _half_spread(quote: Quote) -> Decimal:
    """Nothing where a side is missing: there is no touch to go to."""
    sound = 0 < quote.bid <= quote.ask
    return (_money(quote.ask) - _money(quote.bid)) / 2 if sound else _ZERO


def mid_price(legs: Sequence[Leg], quotes: Sequence[Quote]) -> Decimal:
    """The package's mid on its price grid."""
    mid = sum(
        float(weight) * quote.mark for weight, quote in zip(weights(legs), quotes, strict=True)
    )
    return increments_of(legs).nearest(_money(mid))


def _money(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))

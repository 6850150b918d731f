"""How a working order meets the simulated quotes.

A marketable order trades at the touch, no more than the displayed size at a time; displayed size
returns every REFRESH_SECONDS. A limit resting inside the spread is hit at random: with x its
distance from the near side as a share of the spread (0 at its own side's touch, ½ at mid), its
next fill comes after an exponential wait of mean 20 s · e^(6·(½ − x)) market seconds, so about
20 s at mid, 7 minutes when it joins the touch, 2 s near the other side. It then trades at its
limit. A limit behind the touch waits for the market. The waits are drawn from the seed, the
permId and the number of fills so far, hence repeat for a repeated run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import exp

import numpy as np

from domain.instruments import Side
from infra.simulator.market import REFRESH_SECONDS, Quote
from infra.simulator.records import OrderRecord
from infra.simulator.validation import Leg, increments_of

MEAN_WAIT_AT_MID = 20.0
WAIT_STEEPNESS = 6.0


@dataclass(frozen=True, slots=True)
class Touch:
    """The market for one unit of an order's package; prices may be negative for combos.

    None where a leg has no bid to sell to (or the exchange shows no offer).
    """

    bid: Decimal | None
    ask: Decimal | None
    bid_size: int
    ask_size: int


@dataclass(frozen=True, slots=True)
class Match:
    quantity: Decimal
    price: Decimal
    leg_prices: tuple[Decimal, ...]


@dataclass
class WorkingOrder:
    """An open order with its resolved legs and the progress of its wait."""

    record: OrderRecord
    legs: tuple[Leg, ...]
    waited: float = 0.0
    """Share of the drawn wait that has passed, in units of the mean wait."""
    fills: int = 0
    last_taken: int = field(default=-1)
    """The refresh period whose displayed size this order has already taken."""

    def match(self, quotes: list[Quote], seconds: float, at_second: int, seed: int) -> Match | None:
        """What trades now, ``seconds`` of market time after the last look; None if nothing."""
        touch = package_touch(self.legs, quotes)
        buying = self.record.terms.side is Side.BUY
        price = touch.ask if buying else touch.bid
        size = touch.ask_size if buying else touch.bid_size
        limit = self.record.terms.limit_price
        if self.record.terms.order_type == "MKT":
            limit = None
        if price is not None and size > 0 and _reaches(limit, price, buying):
            period = at_second // REFRESH_SECONDS
            if period == self.last_taken:
                return None
            self.last_taken = period
            return self._take(price, size, quotes)
        if limit is None or touch.ask is None:
            return None
        if not self._is_hit(limit, touch, seconds, seed):
            return None
        return self._take(limit, max(size, touch.bid_size, touch.ask_size, 1), quotes)

    def _take(self, price: Decimal, size: int, quotes: list[Quote]) -> Match:
        quantity = min(self.record.remaining, Decimal(size))
        self.waited = 0.0
        self.fills += 1
        return Match(quantity, price, leg_prices(self.legs, quotes, price))

    def _is_hit(self, limit: Decimal, touch: Touch, seconds: float, seed: int) -> bool:
        bid, ask = touch.bid or Decimal(0), touch.ask
        if ask is None or ask <= bid:
            return False
        share = (limit - bid) / (ask - bid)
        if self.record.terms.side is Side.SELL:
            share = 1 - share
        if share < 0:
            return False
        mean = MEAN_WAIT_AT_MID * exp(WAIT_STEEPNESS * (0.5 - float(share)))
        self.waited += seconds / mean
        rng = np.random.default_rng([seed, self.record.perm_id, self.fills])
        return self.waited >= rng.exponential()


def package_touch(legs: tuple[Leg, ...], quotes: list[Quote]) -> Touch:
    """Best prices to sell (bid) and buy (ask) one unit of the package, by its legs' touches."""
    bid: Decimal | None = Decimal(0)
    ask: Decimal | None = Decimal(0)
    bid_size = ask_size = 1_000_000
    for leg, quote in zip(legs, quotes, strict=True):
        count = abs(leg.ratio)
        leg_bid = _money(quote.bid) if quote.bid > 0 else None
        leg_ask = _money(quote.ask) if quote.ask > 0 else None
        sell, buy = (leg_bid, leg_ask) if leg.ratio > 0 else (leg_ask, leg_bid)
        bid = None if bid is None or sell is None else bid + leg.ratio * sell
        ask = None if ask is None or buy is None else ask + leg.ratio * buy
        sizes = (quote.bid_size, quote.ask_size)
        sell_size, buy_size = sizes if leg.ratio > 0 else sizes[::-1]
        bid_size = min(bid_size, sell_size // count)
        ask_size = min(ask_size, buy_size // count)
    return Touch(bid, ask, bid_size, ask_size)


def leg_prices(legs: tuple[Leg, ...], quotes: list[Quote], net: Decimal) -> tuple[Decimal, ...]:
    """Prices of the legs that add up to ``net``: their mids, the dearest leg taking the rest."""
    if len(legs) == 1:
        return (net,)
    prices = [_money(quote.mark) for quote in quotes]
    singles = [i for i, leg in enumerate(legs) if abs(leg.ratio) == 1] or list(range(len(legs)))
    balancing = max(singles, key=lambda i: prices[i])
    others = sum(legs[i].ratio * prices[i] for i in range(len(legs)) if i != balancing)
    prices[balancing] = (net - others) / legs[balancing].ratio
    return tuple(prices)


def mid_price(legs: tuple[Leg, ...], quotes: list[Quote]) -> Decimal:
    """The package's mid on its price grid."""
    mid = sum(leg.ratio * quote.mark for leg, quote in zip(legs, quotes, strict=True))
    return increments_of(legs).nearest(_money(mid))


def _reaches(limit: Decimal | None, price: Decimal, buying: bool) -> bool:
    return limit is None or (limit >= price if buying else limit <= price)


def _money(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))

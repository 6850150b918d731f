"""How a working order meets the simulated quotes.

A marketable order trades at the touch, no more than the displayed size at a time; displayed size
returns every REFRESH_SECONDS. A limit resting inside the spread is hit at random: with x its
distance from the near side as a share of the spread (0 at its own side's touch, ½ at mid), its
next fill comes after an exponential wait of mean 20 s · e^(6·(½ − x)) market seconds, so about
20 s at mid, 7 minutes when it joins the touch, 2 s near the other side. It then trades at its
limit. A limit behind the touch waits for the market. The waits are drawn from the seed, the
permId and the number of fills so far, hence repeat for a repeated run. An all-or-none or
fill-or-kill order trades only where the displayed size covers it. Where resting limits are told to
wait (``Resting.WAIT``) nobody hits them, and only what reaches the touch trades: fills then depend
on the quotes alone, as those of a backtest do. An auction (at the open or the
close) trades the whole order at the last price.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import exp

import numpy as np

from domain.instruments import Side
from infra.simulator.market import REFRESH_SECONDS, Quote
from infra.simulator.records import OrderRecord
from infra.simulator.resting import Resting
from infra.simulator.touch import Touch, leg_prices, package_touch
from infra.simulator.validation import Leg

MEAN_WAIT_AT_MID = 20.0
WAIT_STEEPNESS = 6.0


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
    reserved_per_unit: float | None = None
    """Margin kept for it, USD per unit of quantity; None until it is worked out."""

    def match(
        self, quotes: list[Quote], seconds: float, at_second: int, seed: int, resting: Resting
    ) -> Match | None:
        """What trades now, ``seconds`` of market time after the last look; None if nothing."""
        touch = package_touch(self.legs, quotes)
        buying = self.record.terms.side is Side.BUY
        price = touch.ask if buying else touch.bid
        size = touch.ask_size if buying else touch.bid_size
        limit = self.record.terms.limit
        if price is not None and size > 0 and _reaches(limit, price, buying):
            period = at_second // REFRESH_SECONDS
            if period == self.last_taken or not self._is_enough(size):
                return None
            self.last_taken = period
            return self._take(price, size, quotes)
        if resting is Resting.WAIT or limit is None or touch.ask is None:
            return None
        if not self._is_hit(limit, touch, seconds, seed):
            return None
        size = max(size, touch.bid_size, touch.ask_size, 1)
        return self._take(limit, size, quotes) if self._is_enough(size) else None

    def match_auction(self, quotes: list[Quote]) -> Match | None:
        """What the opening or closing auction gives the order: all of it at the last price."""
        price = Decimal(str(round(quotes[0].last, 2)))
        if price <= 0 or not _reaches(
            self.record.terms.limit, price, self.record.terms.side is Side.BUY
        ):
            return None
        return self._take(price, int(self.record.remaining), quotes)

    def _is_enough(self, size: int) -> bool:
        terms = self.record.terms
        return size >= self.record.remaining or not (terms.all_or_none or terms.tif == "FOK")

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


def _reaches(limit: Decimal | None, price: Decimal, buying: bool) -> bool:
    return limit is None or (limit >= price if buying else limit <= price)

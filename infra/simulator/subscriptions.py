"""Market data lines: what each subscription has shown its client, and what is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from infra.simulator import market_messages
from infra.simulator.market import Market, Quote
from infra.simulator.messages import Message
from infra.simulator.touch import package_touch
from infra.simulator.validation import Leg

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
# Delayed data use tick types of their own.
_DELAYED_TYPES = {1: 66, 2: 67, 4: 68, 0: 69, 3: 70, 5: 71, 8: 74, 9: 75, 13: 83, 45: 88}
_NO_PRICE = -1.0


@dataclass
class MarketDataLine:
    """One market data request of one client."""

    request_id: int
    legs: tuple[Leg, ...]
    generic_ticks: frozenset[int]
    data_type: int
    """As shown to the client: 1 to 4."""
    shown: dict[int, object] = field(default_factory=dict)

    def opening(self) -> list[Message]:
        """What precedes the ticks: the type of data and the contract's tick parameters."""
        security = self.legs[0].security if len(self.legs) == 1 else None
        return [
            market_messages.market_data_type(self.request_id, self.data_type),
            market_messages.tick_request_parameters(self.request_id, security),
        ]

    def ticks(self, quotes: list[Quote], market: Market, at: datetime) -> list[Message]:
        """The ticks that differ from what was shown, and remember them as shown."""
        open_now = market.calendar.is_open(at)
        visible = open_now or self.data_type in {FROZEN, DELAYED_FROZEN}
        first, *other_legs = self.legs
        if other_legs:
            return self._combo_ticks(quotes, visible)
        quote, security = quotes[0], first.security
        out: list[Message] = []
        if not security.underlying.is_index or security.is_option:
            self._price(out, 1, quote.bid, quote.bid_size, visible=visible)
            self._price(out, 2, quote.ask, quote.ask_size, visible=visible)
        self._price(out, 4, quote.last, quote.last_size, visible=True)
        self._size(out, 8, quote.volume)
        self._price(out, 9, quote.close, 0, visible=True)
        if self._is_new(45, int(at.timestamp()) // 60):
            stamp = str(int(at.timestamp()) // 60 * 60)
            out.append(market_messages.tick_string(self.request_id, self._type(45), stamp))
        if security.is_option:
            self._greeks(out, quote)
            if 101 in self.generic_ticks:
                self._size(out, 27 if security.is_call else 28, quote.open_interest)
                self._size(out, 28 if security.is_call else 27, 0)
        elif not security.underlying.is_index or self.generic_ticks & {104, 106}:
            self._underlying_generics(out, quotes[0], market, at)
        return out

    def _underlying_generics(
        self, out: list[Message], quote: Quote, market: Market, at: datetime
    ) -> None:
        underlying = self.legs[0].security.underlying
        month = 30 / 365
        if 106 in self.generic_ticks:
            iv = round(market.atm_vol(underlying, at, month), 4)
            if self._is_new(24, iv):
                out.append(market_messages.tick_generic(self.request_id, 24, iv))
        if 104 in self.generic_ticks:
            realised = round(market.realised_vol(underlying, at), 4)
            if self._is_new(23, realised):
                out.append(market_messages.tick_generic(self.request_id, 23, realised))
        if 101 in self.generic_ticks and not underlying.is_index:
            self._size(out, 27, 10 * quote.bid_size)
            self._size(out, 28, 12 * quote.bid_size)

    def _combo_ticks(self, quotes: list[Quote], visible: bool) -> list[Message]:
        touch = package_touch(self.legs, quotes)
        out: list[Message] = []
        bid, ask = touch.bid, touch.ask
        shows_bid, shows_ask = visible and bid is not None, visible and ask is not None
        self._price(out, 1, float(bid or 0), touch.bid_size, visible=shows_bid)
        self._price(out, 2, float(ask or 0), touch.ask_size, visible=shows_ask)
        return out

    def _greeks(self, out: list[Message], quote: Quote) -> None:
        model = (round(quote.model_price, 4), round(quote.iv, 4), round(quote.delta, 4))
        if self._is_new(13, model):
            tick = self._type(13)
            price = quote.model_price
            out.append(market_messages.option_computation(self.request_id, tick, quote, price))

    def _price(
        self, out: list[Message], tick: int, price: float, size: int, *, visible: bool
    ) -> None:
        if tick in {1, 2} and not (visible and size > 0):
            price, size = _NO_PRICE, 0
        if not self._is_new(tick, (price, size)):
            return
        out.append(market_messages.tick_price(self.request_id, self._type(tick), price, size))
        size_tick = {1: 0, 2: 3, 4: 5}.get(tick)
        if size_tick is not None:
            out.append(market_messages.tick_size(self.request_id, self._type(size_tick), size))

    def _size(self, out: list[Message], tick: int, size: int) -> None:
        if self._is_new(tick, size):
            out.append(market_messages.tick_size(self.request_id, self._type(tick), size))

    def _type(self, tick: int) -> int:
        delayed = self.data_type in {DELAYED, DELAYED_FROZEN}
        return _DELAYED_TYPES.get(tick, tick) if delayed else tick

    def _is_new(self, tick: int, value: object) -> bool:
        if self.shown.get(tick) == value and tick in self.shown:
            return False
        self.shown[tick] = value
        return True

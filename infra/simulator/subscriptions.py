"""Market data lines: what each subscription has shown its client, and what is new."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import nan

from infra.simulator import generic_ticks, market_messages
from infra.simulator.contracts import Security
from infra.simulator.generic_ticks import Tick, TickKind
from infra.simulator.market import Market, Quote
from infra.simulator.messages import Message
from infra.simulator.quality import DELAYED, DELAYED_FROZEN, FROZEN, LIVE
from infra.simulator.touch import package_touch
from infra.simulator.validation import Leg

# Delayed data use tick types of their own.
_DELAYED_TYPES = {
    **{0: 69, 1: 66, 2: 67, 3: 70, 4: 68, 5: 71, 6: 72, 7: 73, 8: 74, 9: 75},
    **{10: 80, 11: 81, 12: 82, 13: 83, 14: 76, 45: 88},
}
_NO_PRICE = -1.0
HALTED = 49
"""Sent once a contract has been halted: 1 while it is, 0 after."""


@dataclass
class MarketDataLine:
    """One market data request of one client."""

    request_id: int
    legs: tuple[Leg, ...]
    generic_ticks: frozenset[int]
    data_type: int
    """As shown to the client: 1 to 4."""
    asked: int = LIVE
    """The type the client had asked for when it subscribed."""
    shown: dict[int, object] = field(default_factory=dict)

    def opening(self) -> list[Message]:
        """What precedes the ticks: the type of data and the contract's tick parameters."""
        security = self.legs[0].security if len(self.legs) == 1 else None
        return [
            market_messages.market_data_type(self.request_id, self.data_type),
            market_messages.tick_request_parameters(self.request_id, security),
        ]

    def regraded(self, granted: int | None) -> list[Message]:
        """Tell of another type of data, when the line is granted one from now on."""
        if granted is None or granted == self.data_type:
            return []
        self.data_type = granted
        self.shown.clear()
        return [market_messages.market_data_type(self.request_id, granted)]

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
        if not security.is_option:
            self._day_range(out, security, quote, market, at)
        stamp = str(int(at.timestamp()) // 60 * 60)
        self._tick(out, Tick(TickKind.STRING, 45, stamp))
        halted = market.is_halted(security.symbol, at)
        if halted or HALTED in self.shown:
            self._tick(out, Tick(TickKind.GENERIC, HALTED, float(halted)))
        if security.is_option:
            self._greeks(out, quote)
        for tick in generic_ticks.ticks(self.generic_ticks, security, quote, market, at):
            self._tick(out, tick)
        return out

    def _day_range(
        self, out: list[Message], security: Security, quote: Quote, market: Market, at: datetime
    ) -> None:
        """The session's open, high and low, from the first trade on."""
        session = market.calendar.session_at(at) or market.calendar.previous_session(at)
        minutes = market.minute_prices(security.symbol, session.date)
        known = int((min(at, session.close_at) - session.open_at).total_seconds() // 60)
        seen = minutes[: known + 1]
        self._price(out, 6, max(round(float(seen.max()), 2), quote.last), 0, visible=True)
        self._price(out, 7, min(round(float(seen.min()), 2), quote.last), 0, visible=True)
        self._price(out, 14, round(float(seen[0]), 2), 0, visible=True)

    def _combo_ticks(self, quotes: list[Quote], visible: bool) -> list[Message]:
        touch = package_touch(self.legs, quotes)
        out: list[Message] = []
        bid, ask = touch.bid, touch.ask
        shows_bid, shows_ask = visible and bid is not None, visible and ask is not None
        self._price(out, 1, float(bid or 0), touch.bid_size, visible=shows_bid)
        self._price(out, 2, float(ask or 0), touch.ask_size, visible=shows_ask)
        return out

    def _greeks(self, out: list[Message], quote: Quote) -> None:
        """Model greeks, and the volatilities which bid, ask and last price imply."""
        prices = {13: quote.model_price, 10: quote.bid, 11: quote.ask, 12: quote.last}
        for tick, price in prices.items():
            if tick != 13 and not price > 0:
                continue
            iv = quote.iv if tick == 13 else _implied_by(price, quote)
            shown = (round(price, 4), round(iv, 4), round(quote.delta, 4))
            if self._is_new(tick, shown):
                implied = replace(quote, iv=iv)
                number = self._type(tick)
                out.append(
                    market_messages.option_computation(self.request_id, number, implied, price)
                )

    def _tick(self, out: list[Message], tick: Tick) -> None:
        if not self._is_new(tick.number, tick.value):
            return
        number, value = self._type(tick.number), tick.value
        match tick.kind:
            case TickKind.PRICE:
                out.append(market_messages.tick_price(self.request_id, number, float(value), 0))
            case TickKind.SIZE:
                out.append(market_messages.tick_size(self.request_id, number, int(value)))
            case TickKind.GENERIC:
                out.append(market_messages.tick_generic(self.request_id, number, float(value)))
            case TickKind.STRING:
                out.append(market_messages.tick_string(self.request_id, number, str(value)))

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


def _implied_by(price: float, quote: Quote) -> float:
    """The volatility a price near the model's implies, to first order; NaN where vega is nil."""
    if not quote.vega > 1e-4:
        return nan
    return max(quote.iv + (price - quote.model_price) / quote.vega, 1e-4)

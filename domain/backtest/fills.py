"""At which price, and how much of it, an approved order trades on the quotes it meets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from domain.backtest.config import FillKind, FillPolicy
from domain.instruments import Leg, Side
from domain.market import Quote
from domain.recommendations import ApprovedTrade, walked_price

ZERO = Decimal(0)
_PRICE_PLACES = Decimal("1e-8")


class Attempt(NamedTuple):
    """One order: the limit it would bear, and the price it trades at (None: it does not)."""

    limit_price: Decimal
    price: Decimal | None


def attempts(trade: ApprovedTrade, quote: Quote | None, policy: FillPolicy) -> Iterator[Attempt]:
    """The orders of one approval, in turn, until one of them trades.

    Without a two-sided quote there is one order, which does not trade: the controls will say why.
    """
    asked = None if quote is None else _asked(trade.terms.side, quote, policy)
    if asked is None:
        yield Attempt(trade.limit_price, None)
        return
    if policy.kind is FillKind.WALK:
        for step in range(1, policy.steps + 1):
            limit = walked_price(trade, step, policy.steps, quote)
            trades = trade.terms.is_no_worse(asked, limit)
            yield Attempt(limit, limit if trades else None)
            if trades:
                return
        return
    if not trade.terms.is_no_worse(asked, trade.floor_price):
        yield Attempt(trade.floor_price, None)
        return
    increments = trade.terms.increments
    selling = trade.terms.side is Side.SELL
    # A better fill than its limit is possible between two steps, a worse one never.
    yield Attempt(increments.down(asked) if selling else increments.up(asked), asked)


def _asked(side: Side, quote: Quote, policy: FillPolicy) -> Decimal | None:
    """The price at which the market trades with us: the middle, the touch, or in between."""
    mid, spread = quote.mid, quote.spread
    if mid is None or spread is None:
        return None
    shares = {FillKind.MID: ZERO, FillKind.CROSS: Decimal(1)}
    return mid + side.sign * shares.get(policy.kind, policy.fraction) * spread / 2


def leg_prices(
    legs: Sequence[Leg], quotes: Sequence[Quote], side: Side, price: Decimal
) -> tuple[Decimal, ...]:
    """Prices of the legs that add up to ``price``: each as far from its own middle to the touch
    it trades against as the package is."""
    if len(legs) == 1:
        return (price,)
    mids, halves = [_mid(quote) for quote in quotes], [_half(quote) for quote in quotes]
    net = sum((leg.side.sign * leg.ratio * m for leg, m in zip(legs, mids, strict=True)), ZERO)
    width = sum((leg.ratio * half for leg, half in zip(legs, halves, strict=True)), ZERO)
    share = side.sign * (price - net) / width if width else ZERO
    prices = [
        (mid + leg.side.sign * share * half).quantize(_PRICE_PLACES).normalize()
        for leg, mid, half in zip(legs, mids, halves, strict=True)
    ]
    first = legs[0]
    others = sum(
        (leg.side.sign * leg.ratio * p for leg, p in zip(legs[1:], prices[1:], strict=True)), ZERO
    )
    prices[0] = first.side.sign * (price - others) / first.ratio
    return tuple(prices)


def size_there(legs: Sequence[Leg], quotes: Sequence[Quote]) -> int | None:
    """Units that the displayed sizes allow; None where no leg's size is known."""
    known: list[int] = []
    for leg, quote in zip(legs, quotes, strict=True):
        size = quote.ask_size if leg.side is Side.BUY else quote.bid_size
        if size is not None:
            known.append(int((size / leg.ratio).to_integral_value(ROUND_FLOOR)))
    return min(known, default=None)


def _mid(quote: Quote) -> Decimal:
    assert quote.mid is not None
    return quote.mid


def _half(quote: Quote) -> Decimal:
    assert quote.spread is not None
    return quote.spread / 2

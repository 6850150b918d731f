"""The market of one slice as strategies, orders and marks see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from domain.backtest.history import HistorySlice
from domain.backtest.side_data import UnderlyingHistory
from domain.instruments import Leg
from domain.market import OptionChain, Quote, QuoteQuality, decimal_of
from domain.portfolio import PositionState
from domain.strategies.base import ChainWindow
from domain.underlyings import UnderlyingFacts


class FactsOnDemand(Mapping[str, UnderlyingFacts]):
    """What is known of each underlying on one day, gathered when it is asked for."""

    def __init__(
        self, histories: Mapping[str, UnderlyingHistory], at: datetime, today: date
    ) -> None:
        self._histories, self._at, self._today = histories, at, today

    def __getitem__(self, symbol: str) -> UnderlyingFacts:
        return self._histories[symbol].facts(self._at, self._today)

    def __iter__(self) -> Iterator[str]:
        return iter(self._histories)

    def __len__(self) -> int:
        return len(self._histories)


@dataclass(frozen=True, slots=True)
class SliceMarket:
    """``domain.market.MarketView`` of one slice."""

    as_of: datetime
    today: date
    chains: Mapping[str, OptionChain]
    facts: Mapping[str, UnderlyingFacts]
    vix: float | None


def usable_chains(seen: HistorySlice) -> dict[str, OptionChain]:
    """The chains that may be traded on: of those with a fault nothing is believed."""
    return {symbol: chain for symbol, chain in seen.chains.items() if not seen.faults.get(symbol)}


def windowed(
    chain: OptionChain,
    today: date,
    held: Sequence[PositionState],
    window_on: Callable[[Sequence[PositionState]], ChainWindow],
) -> OptionChain:
    """The part of a chain that the live desk would have read: the strategy's window, and what is
    held wherever it lies."""
    window = window_on(held)
    dte = chain.dte(today)
    moneyness = chain.strike / chain.underlying_price
    inside = (dte >= window.min_dte) & (dte <= window.max_dte)
    inside &= (moneyness >= window.min_moneyness) & (moneyness <= window.max_moneyness)
    if not (window.calls and window.puts):
        inside &= chain.is_call == window.calls
    for each in held:
        row = None if each.option is None else row_of(chain, each.option.con_id)
        if row is not None:
            inside[row] = True
    return chain.part(inside.nonzero()[0])


def row_of(chain: OptionChain, con_id: int) -> int | None:
    """Where a contract is quoted; rows of recorded chains ascend by ``con_id``."""
    row = int(chain.con_id.searchsorted(con_id))
    return row if row < len(chain.con_id) and chain.con_id[row] == con_id else None


def touch_of(chain: OptionChain, con_id: int) -> tuple[Decimal, Decimal] | None:
    """Bid and ask of a sound quote, as ``mid_of`` has it."""
    row = row_of(chain, con_id)
    if row is None:
        return None
    bid, ask = float(chain.bid[row]), float(chain.ask[row])
    return (decimal_of(bid), decimal_of(ask)) if 0 <= bid <= ask and ask > 0 else None


def mid_of(chain: OptionChain, con_id: int) -> Decimal | None:
    """The middle of a sound quote; a bid of nothing counts, a crossed or one-sided one not."""
    row = row_of(chain, con_id)
    if row is None:
        return None
    bid, ask = float(chain.bid[row]), float(chain.ask[row])
    return decimal_of((bid + ask) / 2) if 0 <= bid <= ask and ask > 0 else None


def leg_quotes(
    legs: Sequence[Leg], chain: OptionChain, seen: HistorySlice
) -> tuple[Quote, ...] | None:
    """A quote for every leg; None where the chain does not have them all."""
    quotes: list[Quote] = []
    for leg in legs:
        row = row_of(chain, leg.contract.con_id)
        if row is None:
            return None
        quotes.append(
            Quote.of_checked(
                bid=_known(chain.bid[row]),
                ask=_known(chain.ask[row]),
                bid_size=_known(seen.bid_size[chain.symbol][row]),
                ask_size=_known(seen.ask_size[chain.symbol][row]),
                last=None,
                underlying_price=decimal_of(chain.underlying_price),
                iv=_finite(chain.iv[row]),
                delta=_finite(chain.delta[row]),
                quality=QuoteQuality.LIVE,
                halted=None,
                grade=None,
                forward=None,
                rate=None,
                as_of=chain.as_of,
                legs=(),
            )
        )
    return tuple(quotes)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _known(value: float) -> Decimal | None:
    return decimal_of(value) if np.isfinite(value) else None

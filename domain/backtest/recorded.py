"""Recorded chains in memory: columns ordered by moment, underlying and contract.

A slice costs tens of microseconds: its chains are contiguous views of the columns, and no object
is made for a contract. ``domain.market.OptionChain`` is built without checking again what was
checked once for the whole history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby, pairwise

import numpy as np

from domain.backtest.greeks import with_missing_greeks
from domain.backtest.history import ChainFault, HistorySlice
from domain.backtest.side_data import DailySeries, RateHistory, UnderlyingHistory
from domain.calendar import TradingCalendar
from domain.market import BoolArray, FloatArray, IntArray, OptionChain, QuoteQuality

EPOCH_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
MILLS = 1000
"""Strikes are listed to a thousandth (OCC symbology)."""
_EXPIRY_BITS, _STRIKE_BITS = 16, 27
_CLASS_SHIFT = _EXPIRY_BITS + _STRIKE_BITS + 1


@dataclass(frozen=True, slots=True)
class OptionClass:
    """Contracts that differ in nothing but expiry, strike and right."""

    underlying: str
    name: str
    multiplier: float


@dataclass(frozen=True, slots=True)
class ChainColumns:
    """Every recorded row, ordered by moment, underlying and ``con_id``; shapes ``(rows,)``.

    ``con_id`` comes from ``contract_numbers``; ``expiry`` is the last trading day, as days since
    1970-01-01. Prices are USD per share: ``nan`` where nothing was quoted, a bid of 0 where the
    market bid nothing.
    """

    con_id: IntArray
    expiry: IntArray
    strike: FloatArray
    is_call: BoolArray
    multiplier: FloatArray
    bid: FloatArray
    ask: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray
    iv: FloatArray
    delta: FloatArray
    volume: FloatArray
    open_interest: FloatArray


@dataclass(frozen=True, slots=True)
class ChainRows:
    """Where the chain of one underlying at one moment lies in the columns."""

    underlying: str
    first: int
    end: int
    underlying_price: float
    trading_class: tuple[tuple[str, int], ...]
    """Class names with their numbers of rows, in the order of the rows."""
    faults: tuple[ChainFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """One slice: when, on which exchange date, and its chains."""

    at: datetime
    session: date
    chains: tuple[ChainRows, ...]


@dataclass(frozen=True)
class RecordedChains:
    """``HistoricalChains`` over columns in memory."""

    label: str
    digest_of: Callable[[], str]
    """Reading every file once more takes its time: only a run that is kept asks."""
    columns: ChainColumns
    moments: tuple[Moment, ...]
    underlying_histories: Mapping[str, UnderlyingHistory]
    rates: RateHistory = field(default_factory=RateHistory)
    vix: DailySeries | None = None
    _greeks: dict[int, tuple[FloatArray, FloatArray]] = field(
        default_factory=dict[int, tuple[FloatArray, FloatArray]], init=False, compare=False
    )
    """Volatility and delta by the first row of a chain, once what was missing is worked out: the
    backtests of a sweep look at the same slices."""

    @property
    def digest(self) -> str:
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return self.digest_of()

    def timestamps(self) -> Sequence[datetime]:
        return tuple(moment.at for moment in self.moments)

    def underlyings(self) -> Mapping[str, UnderlyingHistory]:
        return self.underlying_histories

    def slice(self, number: int) -> HistorySlice:
        """The moment of that number, from 0; a chain without an underlying price is left out."""
        moment = self.moments[number]
        usable = [rows for rows in moment.chains if rows.underlying_price > 0]
        return HistorySlice(
            at=moment.at,
            session=moment.session,
            chains={rows.underlying: self._chain(rows, moment) for rows in usable},
            bid_size={r.underlying: self.columns.bid_size[r.first : r.end] for r in usable},
            ask_size={r.underlying: self.columns.ask_size[r.first : r.end] for r in usable},
            faults={rows.underlying: rows.faults for rows in moment.chains if rows.faults},
        )

    def missing_sessions(self, calendar: TradingCalendar) -> tuple[date, ...]:
        if not self.moments:
            return ()
        recorded = {moment.session for moment in self.moments}
        sessions = calendar.sessions_between(min(recorded), max(recorded))
        return tuple(each.date for each in sessions if each.date not in recorded)

    def _chain(self, rows: ChainRows, moment: Moment) -> OptionChain:
        part, columns = slice(rows.first, rows.end), self.columns
        underlying = self.underlying_histories[rows.underlying]
        names: tuple[str, ...] = ()
        for name, count in rows.trading_class:
            names += (name,) * count
        known = self._greeks.get(rows.first)
        iv, delta = known or (columns.iv[part], columns.delta[part])
        chain = OptionChain.of_checked(
            symbol=rows.underlying,
            currency=underlying.currency,
            as_of=moment.at,
            underlying_price=rows.underlying_price,
            quality=QuoteQuality.LIVE,
            style=underlying.style,
            settlement=underlying.settlement,
            increments=underlying.increments,
            trading_class=names,
            multiplier=columns.multiplier[part],
            con_id=columns.con_id[part],
            expiry=columns.expiry[part],
            strike=columns.strike[part],
            is_call=columns.is_call[part],
            bid=columns.bid[part],
            ask=columns.ask[part],
            iv=iv,
            delta=delta,
            volume=columns.volume[part],
            open_interest=columns.open_interest[part],
            code=None,
            arbitrage=None,
            carries=(),
        )
        if known is None:
            chain = with_missing_greeks(chain, self.rates.on(moment.session))
            self._greeks[rows.first] = chain.iv, chain.delta
        return chain


def contract_numbers(
    option_class: IntArray, expiry: IntArray, strike: FloatArray, is_call: BoolArray
) -> IntArray:
    """A number per contract, from its terms alone: the same in every slice and every file.

    ``option_class`` is the number of its ``OptionClass``, from 1; ``expiry`` in days since
    1970-01-01 (to the year 2149); ``strike`` up to 134,217. Contracts ascend by class, expiry,
    strike and right. Positive, and below 2^53 for up to 511 classes, so that JSON keeps it.
    """
    mills = np.rint(strike * MILLS).astype(np.int64)
    if len(mills) and (int(mills.max()) >= 1 << _STRIKE_BITS or int(mills.min()) <= 0):
        raise ValueError(f"strikes lie between 0.001 and {(1 << _STRIKE_BITS) // MILLS}")
    # In place: each new column of millions costs more than the sum in it.
    number = option_class << _EXPIRY_BITS
    number |= expiry
    number <<= _STRIKE_BITS
    number |= mills
    number <<= 1
    number |= is_call
    return number


def starts_of(*columns: IntArray) -> IntArray:
    """The rows, the first among them, at which any of the ``columns`` changes."""
    changes = np.ones(len(columns[0]), dtype=np.bool_)
    changes[1:] = False
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def restruck(con_id: int, strike: float) -> int:
    """The number of the contract that differs from ``con_id`` in its strike alone."""
    mask = ((1 << _STRIKE_BITS) - 1) << 1
    return (con_id & ~mask) | (round(strike * MILLS) << 1)


def moments_of(
    at: IntArray,
    option_class: IntArray,
    underlying_price: FloatArray,
    classes: Sequence[OptionClass],
    session_of: Callable[[datetime], date],
) -> tuple[Moment, ...]:
    """The moments of rows ordered by time and contract number.

    ``at`` is microseconds since 1970-01-01 UTC; ``option_class`` counts from 1 into ``classes``,
    which are ordered by underlying. A chain's underlying price is the middle one of its rows.
    """
    if not len(at):
        return ()
    bounds = [*starts_of(at, option_class).tolist(), len(at)]
    moments: list[Moment] = []
    for time_us, blocks in groupby(pairwise(bounds), key=lambda block: int(at[block[0]])):
        moment = moment_at(time_us)
        by_underlying = groupby(
            blocks, key=lambda block: classes[int(option_class[block[0]]) - 1].underlying
        )
        chains = tuple(
            _chain_rows(underlying, list(parts), option_class, underlying_price, classes)
            for underlying, parts in by_underlying
        )
        moments.append(Moment(at=moment, session=session_of(moment), chains=chains))
    return tuple(moments)


def _chain_rows(
    underlying: str,
    blocks: list[tuple[int, int]],
    option_class: IntArray,
    underlying_price: FloatArray,
    classes: Sequence[OptionClass],
) -> ChainRows:
    first, end = blocks[0][0], blocks[-1][1]
    return ChainRows(
        underlying=underlying,
        first=first,
        end=end,
        underlying_price=_middle_price(underlying_price[first:end]),
        trading_class=tuple(
            (classes[int(option_class[start]) - 1].name, stop - start) for start, stop in blocks
        ),
    )


def _middle_price(prices: FloatArray) -> float:
    """Of those that are known; zero where none is."""
    low = float(prices.min())
    if 0 < low == prices.max():
        return low
    known = prices[prices > 0]
    middle = len(known) // 2
    return float(np.partition(known, middle)[middle]) if len(known) else 0.0


def moment_at(time_us: int) -> datetime:
    """The aware UTC moment so many microseconds after 1970-01-01."""
    return EPOCH_MOMENT + timedelta(microseconds=time_us)

"""What is wrong with a recording, and which of its days a backtest will leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
from pydantic import AwareDatetime, Field

from domain.backtest.faults import summed
from domain.backtest.history import FaultCode, HistorySlice
from domain.instruments import ExerciseStyle, Frozen
from domain.market import OptionChain
from domain.pricing.quality import Arbitrage, QuoteCode, find_arbitrage, grade_quotes
from infra.history.opening import OpenedHistory

DAYS_PER_YEAR = 365.0
LARGEST_CARRY = 0.05
"""Neither rates nor dividends are known of every recording: no quote is blamed for their absence,
so calls are held against the largest dividend yield and puts against the largest rate."""


class SkippedChain(Frozen):
    """A chain a backtest will not trade on, and why."""

    at: AwareDatetime
    session: date
    underlying: str
    reasons: tuple[str, ...]


class UnderlyingReport(Frozen):
    """Quotes of one underlying, counted. ``quotes`` go by ``QuoteCode``, ``arbitrage`` by flag."""

    symbol: str
    rows: int
    crossed: int
    one_sided: int
    parity: int = Field(description="calls whose put contradicts the underlying's price")
    expired: int = Field(description="rows left out: their expiry lay before the quote")
    duplicates: int = Field(description="rows left out: their contract had a row already")
    conflicting: int = Field(description="of the duplicates, those with another quote")
    quotes: dict[str, int]
    arbitrage: dict[str, int]
    has_official_prices: bool


class DataReport(Frozen):
    """What ``greenlight data check`` tells of a recording."""

    label: str
    digest: str
    layouts: tuple[str, ...]
    rows: int
    first: date
    last: date
    slices: int
    sessions: int = Field(description="sessions of the exchange with at least one slice")
    missing_sessions: tuple[date, ...]
    not_sessions: tuple[date, ...] = Field(description="dates with quotes and no session")
    stale_duplicates: tuple[date, ...]
    underlyings: tuple[UnderlyingReport, ...]
    skipped: tuple[SkippedChain, ...]
    rates_known: bool
    vix_known: bool

    @property
    def is_sound(self) -> bool:
        """Whether a backtest can use every session of the span."""
        return not self.missing_sessions and not self.skipped


def report_on(opened: OpenedHistory) -> DataReport:
    """Counts over the whole recording; every chain is priced against its own bounds once."""
    history = opened.chains
    quotes: dict[str, Counter[str]] = {}
    arbitrage: dict[str, Counter[str]] = {}
    skipped: list[SkippedChain] = []
    for number in range(len(history.moments)):
        piece = history.slice(number)
        for symbol, chain in piece.chains.items():
            quotes.setdefault(symbol, Counter()).update(_codes(chain, piece))
            arbitrage.setdefault(symbol, Counter()).update(_arbitrage(chain))
        skipped += [
            SkippedChain(
                at=piece.at,
                session=piece.session,
                underlying=symbol,
                reasons=tuple(map(str, faults)),
            )
            for symbol, faults in piece.faults.items()
        ]
    sessions = {moment.session for moment in history.moments}
    closed = _sessions_with(opened, FaultCode.NOT_A_SESSION)
    return DataReport(
        label=history.label,
        digest=history.digest,
        layouts=opened.layouts,
        rows=opened.rows_read,
        first=min(sessions),
        last=max(sessions),
        slices=len(history.moments),
        sessions=len(sessions) - len(closed),
        missing_sessions=history.missing_sessions(opened.calendar),
        not_sessions=closed,
        stale_duplicates=_sessions_with(opened, FaultCode.STALE_DUPLICATE),
        underlyings=tuple(
            _of_underlying(opened, symbol, quotes.get(symbol, Counter()), arbitrage.get(symbol))
            for symbol in sorted(history.underlyings())
        ),
        skipped=tuple(skipped),
        rates_known=history.rates.is_known(min(sessions)),
        vix_known=history.vix is not None,
    )


def _of_underlying(
    opened: OpenedHistory, symbol: str, quotes: Counter[str], arbitrage: Counter[str] | None
) -> UnderlyingReport:
    counts = [
        count
        for moment, counted in zip(opened.chains.moments, opened.counts, strict=True)
        for chain, count in zip(moment.chains, counted, strict=True)
        if chain.underlying == symbol
    ]
    names = ("rows", "crossed", "one_sided", "parity", "expired", "duplicates", "conflicting")
    totals = summed(counts)
    return UnderlyingReport(
        symbol=symbol,
        **{name: totals[name] for name in names},
        quotes=dict(quotes),
        arbitrage=dict(arbitrage or {}),
        has_official_prices=opened.chains.underlyings()[symbol].is_official,
    )


def _sessions_with(opened: OpenedHistory, code: FaultCode) -> tuple[date, ...]:
    found = {
        moment.session
        for moment in opened.chains.moments
        for chain in moment.chains
        if any(fault.code is code for fault in chain.faults)
    }
    return tuple(sorted(found))


def _codes(chain: OptionChain, piece: HistorySlice) -> dict[str, int]:
    # A day is added: on its last day an option has hours left, not none.
    years = (chain.dte(piece.session) + 1) / DAYS_PER_YEAR
    codes = grade_quotes(
        chain.bid,
        chain.ask,
        chain.underlying_price,
        chain.strike,
        years,
        np.where(chain.is_call, 0.0, LARGEST_CARRY),
        np.where(chain.is_call, LARGEST_CARRY, 0.0),
        chain.is_call,
        is_american=chain.style is ExerciseStyle.AMERICAN,
    )
    return _named(codes.tolist(), QuoteCode)


def _arbitrage(chain: OptionChain) -> dict[str, int]:
    # Classes are told apart: those that settle in the morning are other contracts.
    classes = np.unique(np.array(chain.trading_class), return_inverse=True)[1]
    flags = find_arbitrage(
        chain.expiry * (int(classes.max(initial=0)) + 1) + classes,
        chain.strike,
        chain.is_call,
        chain.bid,
        chain.ask,
        is_american=False,
    )
    return {
        flag.name or "": int(((flags & flag.value) != 0).sum())
        for flag in (Arbitrage.VERTICAL, Arbitrage.BUTTERFLY)
    }


def _named(codes: Sequence[int], names: type[QuoteCode]) -> dict[str, int]:
    return {names(code).name: count for code, count in sorted(Counter(codes).items())}

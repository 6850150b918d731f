"""Recorded files as the history a backtest runs on: read, ordered, numbered, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from domain.backtest.faults import COUNTED, ChainCounts, chain_faults, count_all
from domain.backtest.recorded import (
    ChainColumns,
    ChainRows,
    Moment,
    OptionClass,
    RecordedChains,
    moment_at,
    moments_of,
    starts_of,
)
from domain.backtest.side_data import DailySeries, day_number
from domain.calendar import TradingCalendar
from domain.market import IntArray
from infra.calendars import exchange_date, trading_calendar
from infra.history.canonical import HistoryError, Span
from infra.history.ordering import Rows, read_rows
from infra.history.reading import Reading, files_of
from infra.history.side_files import SideFiles, read_side_files
from infra.history.times import Times, micros_of

HASHED_AT_ONCE = 1 << 20
NOTHING_DROPPED = (0, 0, 0)


@dataclass(frozen=True)
class OpenedHistory:
    """A history with what was counted on the way, chain by chain, in the order of its moments."""

    chains: RecordedChains
    counts: tuple[tuple[ChainCounts, ...], ...]
    layouts: tuple[str, ...]
    rows_read: int
    calendar: TradingCalendar
    """One that covers the whole recording."""


def open_history(
    sources: Sequence[Path],
    how: Reading | None = None,
    side: SideFiles | None = None,
    span: Span | None = None,
    calendar: TradingCalendar | None = None,
) -> RecordedChains:
    """The recorded chains of files and folders, with the side files that belong to them.

    HistoryError names file, line, column and reason where one cannot be read.
    """
    return examine(sources, how, side, span, calendar).chains


def examine(
    sources: Sequence[Path],
    how: Reading | None = None,
    side: SideFiles | None = None,
    span: Span | None = None,
    calendar: TradingCalendar | None = None,
) -> OpenedHistory:
    """``open_history`` with what was counted."""
    files = [file for source in sources for file in files_of(source)]
    if not files:
        raise HistoryError(Path(), "no file is given")
    side = side or SideFiles()
    times = Times(calendar or trading_calendar())
    read = read_rows(files, how or Reading(), span or Span(), times)
    rows_read = len(read.rows.at)
    rows, dropped = _without_unusable(read.rows, read.classes)
    if not len(rows.at):
        raise HistoryError(files[0], "every option had expired by the date of its quote")
    prices = rows.floats["underlying_price"]
    moments = moments_of(rows.at, rows.option_class, prices, read.classes, exchange_date)
    side_data = read_side_files(side, moments, times)
    moments = tuple(_with_prices(moment, side_data.closes) for moment in moments)
    moments, counts = _checked(moments, rows, dropped, times)
    side_files = side.files()
    history = RecordedChains(
        label=", ".join(source.name for source in sources),
        digest_of=lambda: _digest([*files, *side_files]),
        columns=_columns(rows, read.classes),
        moments=moments,
        underlying_histories=side_data.underlyings,
        rates=side_data.rates,
        vix=side_data.vix,
    )
    return OpenedHistory(history, counts, read.layouts, rows_read, times.calendar)


def _without_unusable(
    rows: Rows, classes: Sequence[OptionClass]
) -> tuple[Rows, Mapping[tuple[int, str], tuple[int, int, int]]]:
    """Rows less those expired before their quote and the second ones of a contract.

    With what was dropped by moment and underlying: expired, duplicates, conflicting ones.
    """
    first = starts_of(rows.at)
    told = rows.at[first].tolist()
    day = np.array([day_number(exchange_date(moment_at(each))) for each in told], dtype=np.int64)
    same = np.zeros(len(rows.at), dtype=np.bool_)
    same[1:] = (rows.con_id[1:] == rows.con_id[:-1]) & (rows.at[1:] == rows.at[:-1])
    if not same.any() and (np.minimum.reduceat(rows.expiry, first) >= day).all():
        return rows, {}
    days = day.repeat(np.diff(first, append=len(rows.at)))
    expired = rows.expiry < days
    dropped = same | expired
    bid, ask = rows.floats["bid"], rows.floats["ask"]
    tally: dict[tuple[int, str], tuple[int, int, int]] = {}
    for row in np.flatnonzero(dropped).tolist():
        underlying = classes[int(rows.option_class[row]) - 1].underlying
        key = int(rows.at[row]), underlying
        conflicts = same[row] and not (bid[row] == bid[row - 1] and ask[row] == ask[row - 1])
        # On the morning it settles an option is past its last trading day, and its date is right.
        is_late = expired[row] and rows.listed[row] < days[row]
        one, two, three = tally.get(key, NOTHING_DROPPED)
        tally[key] = one + int(is_late), two + int(same[row]), three + int(conflicts)
    return rows.taken(~dropped), tally


def _checked(
    moments: tuple[Moment, ...],
    rows: Rows,
    dropped: Mapping[tuple[int, str], tuple[int, int, int]],
    times: Times,
) -> tuple[tuple[Moment, ...], tuple[tuple[ChainCounts, ...], ...]]:
    chains = [(moment, chain) for moment in moments for chain in moment.chains]
    before = _chains_before(chains)
    counted = count_all(
        np.array([chain.first for _, chain in chains], dtype=np.int64),
        np.array([chain.end for _, chain in chains], dtype=np.int64),
        before,
        np.array([chain.underlying_price for _, chain in chains], dtype=np.float64),
        np.array([day_number(moment.session) for moment, _ in chains], dtype=np.int64),
        (
            rows.con_id,
            rows.expiry,
            rows.floats["strike"],
            rows.is_call,
            rows.floats["bid"],
            rows.floats["ask"],
        ),
    )
    counts: list[ChainCounts] = []
    faulty: list[ChainRows] = []
    for (moment, chain), numbers, old in zip(chains, counted.tolist(), before, strict=True):
        key = micros_of(moment.at), chain.underlying
        expired, duplicates, conflicting = dropped.get(key, NOTHING_DROPPED)
        count = ChainCounts(
            **dict(zip(COUNTED, numbers, strict=True)),
            expired=expired,
            duplicates=duplicates,
            conflicting=conflicting,
        )
        faults = chain_faults(
            count,
            has_price=chain.underlying_price > 0,
            is_session=times.is_session(moment.session),
            session_before=chains[old][0].session if old >= 0 else None,
        )
        counts.append(count)
        faulty.append(replace(chain, faults=faults) if faults else chain)
    return _regrouped(moments, faulty), _grouped(moments, counts)


def _chains_before(chains: Sequence[tuple[Moment, ChainRows]]) -> IntArray:
    """For each chain the number of its underlying's last chain of an earlier session, or -1."""
    newest: dict[str, tuple[date, int, int]] = {}
    before = np.full(len(chains), -1, dtype=np.int64)
    for number, (moment, chain) in enumerate(chains):
        session, last, earlier = newest.get(chain.underlying, (moment.session, -1, -1))
        if session != moment.session:
            earlier = last
        before[number] = earlier
        newest[chain.underlying] = (moment.session, number, earlier)
    return before


def _regrouped(moments: Sequence[Moment], chains: Sequence[ChainRows]) -> tuple[Moment, ...]:
    remaining = iter(chains)
    return tuple(
        replace(moment, chains=tuple(next(remaining) for _ in moment.chains)) for moment in moments
    )


def _grouped(
    moments: Sequence[Moment], counts: Sequence[ChainCounts]
) -> tuple[tuple[ChainCounts, ...], ...]:
    remaining = iter(counts)
    return tuple(tuple(next(remaining) for _ in moment.chains) for moment in moments)


def _with_prices(moment: Moment, closes: Mapping[str, DailySeries]) -> Moment:
    """A chain recorded without its underlying's price takes the official close."""
    if all(chain.underlying_price > 0 for chain in moment.chains):
        return moment

    def price(chain: ChainRows) -> float:
        known = closes.get(chain.underlying)
        return (known.on(moment.session) if known else None) or chain.underlying_price

    chains = (replace(chain, underlying_price=price(chain)) for chain in moment.chains)
    return replace(moment, chains=tuple(chains))


def _columns(rows: Rows, classes: Sequence[OptionClass]) -> ChainColumns:
    names = (
        "strike", "bid", "bid_size", "ask_size", "iv", "delta", "volume",
        "open_interest",
    )  # fmt: skip
    ask = rows.floats["ask"]
    multiplier = np.array([each.multiplier for each in classes])
    return ChainColumns(
        con_id=rows.con_id,
        expiry=rows.expiry,
        is_call=rows.is_call,
        ask=np.where(ask > 0, ask, np.nan) if (ask <= 0).any() else ask,
        multiplier=multiplier[rows.option_class - 1],
        **{name: rows.floats[name] for name in names},
    )


def _digest(files: Sequence[Path]) -> str:
    """SHA-256 over the content of every file, in their order; their names do not matter."""
    whole = hashlib.sha256()
    for file in files:
        one = hashlib.sha256()
        with file.open("rb") as stream:
            while part := stream.read(HASHED_AT_ONCE):
                one.update(part)
        whole.update(one.digest())
    return whole.hexdigest()

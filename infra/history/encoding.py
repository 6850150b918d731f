"""Canonical tables as arrays: each distinct text is parsed once, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from domain.backtest.recorded import OptionClass
from domain.market import BoolArray, FloatArray, IntArray
from infra.calendars import EXCHANGE_ZONE, LAST_DAY
from infra.history.canonical import HistoryError
from infra.history.reading import Table
from infra.history.times import FIRST_LISTED, Times, is_listed, parse_date, parse_right

STANDARD_MULTIPLIER = 100.0
FLOATS = (
    "strike", "bid", "ask", "bid_size", "ask_size", "iv", "delta", "volume", "open_interest",
    "underlying_price",
)  # fmt: skip
BEYOND = f"is not within {FIRST_LISTED.year} to {LAST_DAY.year}"
NO_TIME = f"is not a time this layout knows, or {BEYOND}"
NO_DATE = f"is not a date, or {BEYOND}"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Which sessions to read, both ends included; None is without end."""

    first: date | None = None
    last: date | None = None


@dataclass
class Encoded:
    """Rows as arrays, before they are put in order."""

    at: list[IntArray] = field(default_factory=list[IntArray])
    listed: list[IntArray] = field(default_factory=list[IntArray])
    is_call: list[BoolArray] = field(default_factory=list[BoolArray])
    option_class: list[IntArray] = field(default_factory=list[IntArray])
    floats: dict[str, list[FloatArray]] = field(
        default_factory=lambda: {name: [] for name in FLOATS}
    )
    classes: dict[OptionClass, int] = field(default_factory=dict[OptionClass, int])
    layouts: dict[str, None] = field(default_factory=dict[str, None])


def encode(table: Table, encoded: Encoded, times: Times, span: Span) -> None:
    rows, place = table.rows, Path(table.place)
    encoded.layouts[table.layout.name] = None
    at = _moments(table, times)
    rows, at = _within(rows, at, span)
    encoded.at.append(at)
    encoded.listed.append(
        _parsed(rows, "expiry", lambda text: parse_date(text, table.layout), place, NO_DATE)
    )
    right = _parsed(rows, "right", parse_right, place, "is neither C nor P")
    encoded.is_call.append(right.astype(np.bool_))
    encoded.option_class.append(_classes(rows, encoded.classes))
    for name in FLOATS:
        encoded.floats[name].append(_floats(rows, name))


def _moments(table: Table, times: Times) -> IntArray:
    """The moment of every row, in microseconds since 1970-01-01 UTC."""
    rows, column, layout = table.rows, table.rows["timestamp"], table.layout
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        _refuse_unlisted(rows, "timestamp", Path(table.place))
        return _at_the_close(column.dt.epoch("us").to_numpy(), times)
    if column.dtype.is_temporal():
        # Parquet may hold dates, or times without a zone: they mean what they would mean as text.
        rows, layout = (
            rows.with_columns(column.dt.to_string("iso")),
            replace(layout, us_dates=False),
        )

    def moment(text: str) -> int | None:
        return times.moment(text, layout)

    return _parsed(rows, "timestamp", moment, Path(table.place), NO_TIME)


def _at_the_close(at: IntArray, times: Times) -> IntArray:
    """Moments of which those at or shortly after a close are its last minute."""
    first = np.flatnonzero(np.diff(at, prepend=at[:1] - 1))
    told, place = np.unique(at[first], return_inverse=True)
    moved = np.array([times.before_close(each) for each in told.tolist()], dtype=np.int64)
    return np.repeat(moved[place], np.diff(first, append=len(at)))


def _within(rows: pl.DataFrame, at: IntArray, span: Span) -> tuple[pl.DataFrame, IntArray]:
    if span.first is None and span.last is None:
        return rows, at
    kept = np.ones(len(at), dtype=np.bool_)
    if span.first is not None:
        kept &= at >= _midnight(span.first)
    if span.last is not None:
        kept &= at < _midnight(span.last + timedelta(days=1))
    return rows.filter(pl.Series(kept)), at[kept]


def _midnight(day: date) -> int:
    at = datetime(day.year, day.month, day.day, tzinfo=EXCHANGE_ZONE)
    return round((at - EPOCH) / timedelta(microseconds=1))


def _parsed(
    rows: pl.DataFrame,
    name: str,
    parse: Callable[[str], int | None],
    place: Path,
    reason: str,
) -> IntArray:
    """A text column as numbers: each distinct text is parsed once."""
    column = rows[name]
    if column.dtype.is_temporal():
        _refuse_unlisted(rows, name, place)
        return column.cast(pl.Date).to_physical().to_numpy().astype(np.int64)
    codes, texts = _factorised(column)
    values = [parse(text.strip()) for text in texts]
    table = np.array([0 if value is None else value for value in values], dtype=np.int64)
    unreadable = {text for text, value in zip(texts, values, strict=True) if value is None}
    if unreadable:
        bad = rows.filter(pl.col(name).cast(pl.String).is_in(sorted(unreadable)))
        first = bad.sort("line").row(0, named=True)
        raise HistoryError(place, f"{first[name]!r} {reason}", line=first["line"], column=name)
    return table[codes]


def _refuse_unlisted(rows: pl.DataFrame, name: str, place: Path) -> None:
    """HistoryError for the first date or time that no calendar reaches."""
    days = rows[name].dt.date()
    first, last = days.min(), days.max()
    if (
        isinstance(first, date)
        and isinstance(last, date)
        and not (is_listed(first) and is_listed(last))
    ):
        bad = rows.filter(~days.is_between(FIRST_LISTED, LAST_DAY)).row(0, named=True)
        reason = f"{bad[name]} {BEYOND}"
        raise HistoryError(place, reason, line=bad["line"], column=name)


def _factorised(column: pl.Series) -> tuple[IntArray, list[str]]:
    """Codes and the texts they stand for; a missing text is an empty one."""
    if not isinstance(column.dtype, pl.Categorical):
        column = column.cast(pl.String).fill_null("").cast(pl.Categorical(pl.Categories.random()))
    elif column.null_count():
        return _factorised(column.cast(pl.String))
    distinct = column.unique()
    physical = distinct.to_physical().to_numpy().astype(np.int64)
    texts: list[str] = distinct.cast(pl.String).to_list()
    place = np.zeros(int(physical.max(initial=0)) + 1, dtype=np.int64)
    place[physical] = np.arange(len(physical))
    return place[column.to_physical().to_numpy()], texts


def _classes(rows: pl.DataFrame, classes: dict[OptionClass, int]) -> IntArray:
    """The number of each row's class, from 1, in the order in which classes were met."""
    underlying, symbols = _factorised(rows["underlying"])
    root, names = _factorised(rows["root"])
    sizes, size = _distinct(rows["multiplier"].fill_null(STANDARD_MULTIPLIER).to_numpy())
    if len(symbols) == len(names) == len(sizes) == 1:
        key, keys = np.zeros(len(rows), dtype=np.int64), np.zeros(1, dtype=np.int64)
    else:
        keys, key = np.unique(
            (underlying * len(names) + root) * len(sizes) + size, return_inverse=True
        )
    numbers = np.empty(len(keys), dtype=np.int64)
    for place, packed in enumerate(keys.tolist()):
        rest, sized = divmod(packed, len(sizes))
        symbol, name = (part.strip() for part in _pair(rest, symbols, names))
        option_class = OptionClass(symbol, name or symbol, float(sizes[sized]))
        numbers[place] = classes.setdefault(option_class, len(classes) + 1)
    return numbers[key]


def _pair(packed: int, symbols: list[str], names: list[str]) -> tuple[str, str]:
    symbol, name = divmod(packed, len(names))
    return symbols[symbol], names[name]


def _distinct(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """The values there are, and of each row which; mostly there is one."""
    if len(values) and (values == values[0]).all():
        return values[:1], np.zeros(len(values), dtype=np.int64)
    return np.unique(values, return_inverse=True)


def _floats(rows: pl.DataFrame, name: str) -> FloatArray:
    return rows[name].to_numpy().astype(np.float64, copy=False)

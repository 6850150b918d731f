"""Canonical tables as arrays: each distinct text is parsed once, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from domain.backtest.recorded import OptionClass, starts_of
from domain.market import BoolArray, FloatArray, IntArray
from infra.calendars import FIRST_LISTED, LAST_DAY
from infra.history.canonical import HistoryError, Span
from infra.history.reading import Table
from infra.history.times import Times, is_listed, micros_of, parse_date, parse_right

STANDARD_MULTIPLIER = 100.0
FLOATS = (
    "strike", "bid", "ask", "bid_size", "ask_size", "iv", "delta", "volume", "open_interest",
    "underlying_price",
)  # fmt: skip
SAMPLE = 4096
LEAST_RUN = 4
"""Rows of a run, on average, from which looking at runs is worth it."""
BEYOND = f"is not within {FIRST_LISTED.year} to {LAST_DAY.year}"
NO_TIME = f"is not a time this layout knows, or {BEYOND}"
NO_DATE = f"is not a date, or {BEYOND}"


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
    first = starts_of(at)
    told, place = np.unique(at[first], return_inverse=True)
    moved = np.array([times.before_close(each) for each in told.tolist()], dtype=np.int64)
    if (moved == told).all():
        return at
    return np.repeat(moved[place], np.diff(first, append=len(at)))


def _within(rows: pl.DataFrame, at: IntArray, span: Span) -> tuple[pl.DataFrame, IntArray]:
    kept = np.ones(len(at), dtype=np.bool_)
    if span.begins is not None:
        kept &= at >= micros_of(span.begins)
    if span.ends is not None:
        kept &= at < micros_of(span.ends)
    return (rows, at) if kept.all() else (rows.filter(pl.Series(kept)), at[kept])


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
    texts = _Texts.of(column)
    values = [parse(text.strip()) for text in texts.distinct]
    numbers = np.array([0 if value is None else value for value in values], dtype=np.int64)
    unreadable = {each for each, value in zip(texts.distinct, values, strict=True) if value is None}
    if unreadable:
        bad = rows.filter(pl.col(name).cast(pl.String).is_in(sorted(unreadable)))
        first = bad.sort("line").row(0, named=True)
        raise HistoryError(place, f"{first[name]!r} {reason}", line=first["line"], column=name)
    return texts.by_row(numbers)


def _refuse_unlisted(rows: pl.DataFrame, name: str, place: Path) -> None:
    """HistoryError for the first date or time that no calendar reaches."""
    # The first and the last tell of all: to ask each row for its date would take its time.
    ends = [rows[name].min(), rows[name].max()]
    told = [each.date() if isinstance(each, datetime) else each for each in ends]
    if not all(is_listed(each) for each in told if isinstance(each, date)):
        within = rows[name].dt.date().is_between(FIRST_LISTED, LAST_DAY)
        bad = rows.filter(~within).row(0, named=True)
        reason = f"{bad[name]} {BEYOND}"
        raise HistoryError(place, reason, line=bad["line"], column=name)


class _Texts(NamedTuple):
    """A text column: its distinct texts, and which of them each run of equal rows holds."""

    distinct: list[str]
    codes: IntArray
    lengths: IntArray | None
    """How many rows a run has; None where each row is its own."""

    @classmethod
    def of(cls, column: pl.Series) -> _Texts:
        """A missing text is an empty one."""
        if isinstance(column.dtype, pl.Categorical) and not column.null_count():
            return cls(*_factorised(column), None)
        column = column.cast(pl.String).fill_null("")
        lengths = None
        # Dates and names come in long runs: most rows need not be looked up.
        if _comes_in_runs(column.head(SAMPLE)):
            runs = column.rle().struct
            column, lengths = runs["value"], runs["len"].to_numpy()
        return cls(*_factorised(column.cast(pl.Categorical(pl.Categories.random()))), lengths)

    def by_row(self, values: IntArray) -> IntArray:
        """Of each row the value that belongs to its text."""
        found = values.take(self.codes)
        return found if self.lengths is None else found.repeat(self.lengths)


def _comes_in_runs(texts: pl.Series) -> bool:
    return LEAST_RUN * len(texts.rle()) <= len(texts)


def _factorised(column: pl.Series) -> tuple[list[str], IntArray]:
    """The categories there are, and of each row which."""
    distinct = column.unique()
    texts: list[str] = distinct.cast(pl.String).to_list()
    if len(texts) == 1:
        return texts, np.zeros(len(column), dtype=np.int64)
    physical = distinct.to_physical().to_numpy().astype(np.int64)
    place = np.zeros(int(physical.max(initial=0)) + 1, dtype=np.int64)
    place[physical] = np.arange(len(physical))
    return texts, place.take(column.to_physical().to_numpy())


def _classes(rows: pl.DataFrame, classes: dict[OptionClass, int]) -> IntArray:
    """The number of each row's class, from 1, in the order in which classes were met."""
    underlying, root = _Texts.of(rows["underlying"]), _Texts.of(rows["root"])
    symbols, names = underlying.distinct, root.distinct
    sizes, size = _distinct(rows["multiplier"].fill_null(STANDARD_MULTIPLIER).to_numpy())
    if len(symbols) == len(names) == len(sizes) == 1:
        keys, key = np.zeros(1, dtype=np.int64), size
    else:
        packed = underlying.by_row(np.arange(len(symbols))) * len(names)
        packed += root.by_row(np.arange(len(names)))
        keys, key = np.unique(packed * len(sizes) + size, return_inverse=True)
    numbers = np.empty(len(keys), dtype=np.int64)
    for place, packed in enumerate(keys.tolist()):
        rest, sized = divmod(packed, len(sizes))
        symbol, name = (part.strip() for part in _pair(rest, symbols, names))
        option_class = OptionClass(symbol, name or symbol, float(sizes[sized]))
        numbers[place] = classes.setdefault(option_class, len(classes) + 1)
    return np.full(len(rows), numbers[0]) if len(numbers) == 1 else numbers[key]


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

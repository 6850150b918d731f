"""Recorded chains as one table: the canonical columns, for whoever wants rows and not slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from domain.backtest.recorded import OptionClass
from domain.calendar import TradingCalendar
from domain.expiration import settlement_time
from domain.market import BoolArray, FloatArray, IntArray
from infra.history.canonical import HistoryError, Span
from infra.history.encoding import FLOATS, Encoded, encode
from infra.history.layouts import FIELDS
from infra.history.reading import Reading, Table, files_of, read_tables
from infra.history.times import Times, day_told

NONE_IS_ZERO = ("bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest")
"""What a market shows as 0 where nothing is known of it."""


def read_recording(path: Path, calendar: TradingCalendar) -> pl.DataFrame:
    """Every row of a file or folder, by time; HistoryError where one cannot be read.

    Beside the columns of ``canonical_table`` there are ``last``, and ``whole_session`` where the
    recording tells a row's date alone. Its ``timestamp`` is then the session's last minute.
    """
    times, how = Times(calendar), Reading(fields=(*FIELDS, "last"))
    tables = [
        _recorded(table, times) for file in files_of(path) for table in read_tables([file], how)
    ]
    whole = pl.concat(tables).sort("timestamp", maintain_order=True)
    if whole.is_empty():
        raise HistoryError(path, "has no rows")
    return whole


def canonical_table(
    classes: Sequence[OptionClass],
    option_class: IntArray,
    at: IntArray,
    listed: IntArray,
    is_call: BoolArray,
    floats: Mapping[str, FloatArray],
) -> pl.DataFrame:
    """Rows as they are encoded (`infra.history.encoding`) under the names of the canonical table.

    ``option_class`` counts from 1 in ``classes``; ``at`` are microseconds since 1970-01-01 UTC,
    ``listed`` days since then.
    """
    by_class = {
        "underlying": [each.underlying for each in classes],
        "root": [each.name for each in classes],
        "settlement": [settlement_time(each.name).value for each in classes],
    }
    text = {
        name: pl.Series(values, dtype=pl.Categorical)[pl.Series(option_class - 1)]
        for name, values in by_class.items()
    }
    multiplier = np.array([each.multiplier for each in classes])
    rights = pl.Series(["P", "C"], dtype=pl.Categorical)
    numbers = {name: pl.Series(floats[name]).fill_nan(None) for name in FLOATS}
    return pl.DataFrame(
        {
            "timestamp": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "underlying": text["underlying"],
            "root": text["root"],
            "right": rights[pl.Series(is_call.astype(np.uint32))],
            "strike": numbers.pop("strike"),
            "expiry": pl.Series(listed.astype(np.int32)).cast(pl.Date),
            "settlement": text["settlement"],
            **numbers,
            "multiplier": pl.Series(multiplier[option_class - 1]),
        }
    )


def _recorded(table: Table, times: Times) -> pl.DataFrame:
    encoded = Encoded()
    encode(table, encoded, times, Span())
    floats = {name: parts[0] for name, parts in encoded.floats.items()}
    [option_class], [at] = encoded.option_class, encoded.at
    [listed], [is_call] = encoded.listed, encoded.is_call
    rows = canonical_table(tuple(encoded.classes), option_class, at, listed, is_call, floats)
    last = table.rows["last"].cast(pl.Float64)
    return rows.with_columns(
        pl.col(pl.Categorical).cast(pl.String), last=last, whole_session=_dates_alone(table)
    ).with_columns(pl.col(NONE_IS_ZERO).fill_null(0.0))


def _dates_alone(table: Table) -> pl.Series:
    """Which rows tell a date and no time."""
    column = table.rows["timestamp"]
    if column.dtype.is_temporal():
        return pl.Series([column.dtype == pl.Date]).new_from_index(0, len(column))
    texts = column.cast(pl.String)
    dates = [text for text in texts.unique() if day_told(text.strip(), table.layout) is not None]
    return texts.is_in(dates)

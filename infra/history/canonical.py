"""The canonical option history: one row per contract and moment.

| column | meaning |
| --- | --- |
| timestamp | moment of the quote, ISO 8601 with offset; a bare date means the whole session |
| underlying | symbol of what the option is on |
| root | trading class (``SPXW``); the underlying's symbol when empty |
| right | ``C`` or ``P`` |
| strike, expiry | USD; the expiration date as listed (ISO 8601) |
| settlement | ``AM`` or ``PM``; ``PM`` when empty |
| bid, ask, last | USD per share; 0 or empty is none |
| bid_size, ask_size, volume, open_interest | whole numbers; empty is unknown |
| underlying_price | USD |
| iv, delta | optional; annualised decimal, per share |
| multiplier | 100 when empty |
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

REQUIRED = ("timestamp", "underlying", "right", "strike", "expiry", "bid", "ask")
NUMBERS = (
    "strike", "bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest",
    "underlying_price", "iv", "delta", "multiplier",
)  # fmt: skip
DEFAULTS: dict[str, object] = {
    "root": None, "settlement": "PM", "last": 0.0, "bid_size": 0.0, "ask_size": 0.0, "volume": 0.0,
    "open_interest": 0.0, "underlying_price": None, "iv": None, "delta": None, "multiplier": 100.0,
}  # fmt: skip
COLUMNS = (
    "timestamp", "whole_session", "underlying", "root", "right", "strike", "expiry", "settlement",
    "bid", "ask", "bid_size", "ask_size", "last", "volume", "open_interest", "underlying_price",
    "iv", "delta", "multiplier",
)  # fmt: skip


class HistoryError(ValueError):
    """A recording that cannot be used: names file, line, column and reason."""

    def __init__(self, file: Path, reason: str, line: int | None = None, column: str = "") -> None:
        place = f"{file}" + (f", line {line}" if line else "") + (f", {column}" if column else "")
        super().__init__(f"{place}: {reason}")


def read_text_table(path: Path) -> pl.DataFrame:
    """A CSV (gzipped or not) as text columns, with ``line`` the line of each row."""
    try:
        table = pl.read_csv(path, infer_schema=False, row_index_name="line", row_index_offset=2)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(path, str(error).splitlines()[0]) from None
    return table.rename({name: name.strip() for name in table.columns})


def read_canonical(path: Path) -> pl.DataFrame:
    """A canonical CSV or Parquet file, checked, in COLUMNS."""
    if path.suffix == ".parquet":
        table = pl.read_parquet(path).with_row_index("line", offset=1)
        table = table.with_columns(pl.exclude("line").cast(pl.String))
    else:
        table = read_text_table(path)
    return checked(table, path)


def checked(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Text columns of canonical names as typed ones; HistoryError for the first bad row."""
    for name in REQUIRED:
        if name not in table.columns:
            raise HistoryError(path, "the column is missing", column=name)
    missing = [pl.lit(None, pl.String).alias(n) for n in DEFAULTS if n not in table.columns]
    table = table.with_columns(missing)
    text = {name: pl.col(name).str.strip_chars() for name in table.columns if name != "line"}
    table = table.with_columns(**{n: pl.when(c != "").then(c) for n, c in text.items()})
    for name in REQUIRED:
        _refuse(table, path, name, pl.col(name).is_null(), "is empty")
    numbers = {name: pl.col(name).cast(pl.Float64, strict=False) for name in NUMBERS}
    for name, number in numbers.items():
        bad = pl.col(name).is_not_null() & ~number.is_finite().fill_null(value=False)
        _refuse(table, path, name, bad, "is not a number")
    for name in ("bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest"):
        _refuse(table, path, name, numbers[name] < 0, "is negative")
    for name in ("strike", "multiplier", "underlying_price"):
        _refuse(table, path, name, numbers[name] <= 0, "is not positive")
    right = pl.col("right").str.to_uppercase().str.slice(0, 1)
    _refuse(table, path, "right", ~right.is_in(["C", "P"]), "is neither C nor P")
    settlement = pl.col("settlement").str.to_uppercase().fill_null("PM")
    _refuse(table, path, "settlement", ~settlement.is_in(["AM", "PM"]), "is neither AM nor PM")
    expiry = pl.col("expiry").str.to_date("%Y-%m-%d", strict=False)
    _refuse(table, path, "expiry", expiry.is_null(), "is not a date (YYYY-MM-DD)")
    whole = pl.col("timestamp").str.len_chars() <= 10
    day = pl.col("timestamp").str.to_date("%Y-%m-%d", strict=False)
    # A date stands for its session; noon keeps it that date in every American and European zone.
    noon = day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours=17)
    moment = pl.col("timestamp").str.to_datetime(time_zone="UTC", time_unit="us", strict=False)
    timestamp = pl.when(whole).then(noon).otherwise(moment)
    _refuse(table, path, "timestamp", timestamp.is_null(), "is not an ISO 8601 time with offset")
    filled = {
        name: number.fill_null(value=DEFAULTS[name])
        if isinstance(DEFAULTS.get(name), float)
        else number
        for name, number in numbers.items()
    }
    return table.select(
        timestamp.alias("timestamp"),
        whole.alias("whole_session"),
        pl.col("underlying"),
        pl.col("root").fill_null(pl.col("underlying")),
        right.alias("right"),
        filled["strike"],
        expiry.alias("expiry"),
        settlement.alias("settlement"),
        *(filled[name] for name in COLUMNS[8:]),
    )


def _refuse(table: pl.DataFrame, path: Path, column: str, bad: pl.Expr, reason: str) -> None:
    found = table.filter(bad).head(1)
    if found.height:
        value = found.get_column(column).item()
        shown = reason if value is None else f"{value!r} {reason}"
        raise HistoryError(path, shown, line=found.get_column("line").item(), column=column)

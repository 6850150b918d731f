"""Recorded files as one folder of canonical Parquet, by underlying and year, in reading order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl

from domain.expiration import settlement_time
from infra.calendars import trading_calendar
from infra.history.canonical import HistoryError
from infra.history.encoding import Span
from infra.history.ordering import OrderedRows, read_rows
from infra.history.reading import Reading, files_of
from infra.history.times import Times

ROW_GROUP = 250_000
"""Rows read at a time: some months of an index, so that a span skips the others."""
NUMBERS = (
    "strike", "bid", "ask", "bid_size", "ask_size", "volume", "open_interest", "underlying_price",
    "iv", "delta",
)  # fmt: skip


def convert(sources: Sequence[Path], out: Path, how: Reading | None = None) -> list[Path]:
    """The files written, ``out/underlying=<symbol>/year=<year>/quotes.parquet``.

    Every row is kept, in the order in which slices are cut. Nothing is left in ``out`` unless all
    of it was written; HistoryError where something is there already, or a source cannot be read.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise HistoryError(out, "is there already, and not an empty folder")
    files = [file for source in sources for file in files_of(source)]
    table = _table(read_rows(files, how or Reading(), Span(), Times(trading_calendar())))
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        written = _write(table, unfinished)
        if out.exists():
            out.rmdir()
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    out.chmod(0o755)
    return [out / each.relative_to(unfinished) for each in written]


def _write(table: pl.DataFrame, folder: Path) -> list[Path]:
    written: list[Path] = []
    year = pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.year()
    parts = table.with_columns(year=year).partition_by(
        "underlying", "year", maintain_order=True, as_dict=True
    )
    for (symbol, in_year), part in parts.items():
        path = folder / f"underlying={symbol}" / f"year={in_year}" / "quotes.parquet"
        path.parent.mkdir(parents=True)
        part.drop("year").write_parquet(path, row_group_size=ROW_GROUP)
        written.append(path)
    return written


def _table(read: OrderedRows) -> pl.DataFrame:
    rows, classes = read.rows, read.classes
    by_class = {
        "underlying": [each.underlying for each in classes],
        "root": [each.name for each in classes],
        "settlement": [settlement_time(each.name).value for each in classes],
    }
    text = {
        name: pl.Series(values, dtype=pl.Categorical)[pl.Series(rows.option_class - 1)]
        for name, values in by_class.items()
    }
    multiplier = np.array([each.multiplier for each in classes])
    rights = pl.Series(["P", "C"], dtype=pl.Categorical)
    numbers = {name: pl.Series(rows.floats[name]).fill_nan(None) for name in NUMBERS}
    return pl.DataFrame(
        {
            "timestamp": pl.Series(rows.at).cast(pl.Datetime("us", "UTC")),
            "underlying": text["underlying"],
            "root": text["root"],
            "right": rights[pl.Series(rows.is_call.astype(np.uint32))],
            "strike": numbers.pop("strike"),
            "expiry": pl.Series(rows.listed.astype(np.int32)).cast(pl.Date),
            "settlement": text["settlement"],
            **numbers,
            "multiplier": pl.Series(multiplier[rows.option_class - 1]),
        }
    )

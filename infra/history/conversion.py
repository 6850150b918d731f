"""Recorded files as one folder of canonical Parquet, by underlying and year, in reading order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from infra.calendars import trading_calendar
from infra.history.canonical import HistoryError, Span
from infra.history.ordering import read_rows
from infra.history.reading import Reading, files_of
from infra.history.tables import canonical_table
from infra.history.times import Times

ROW_GROUP = 250_000
"""Rows read at a time: some months of an index, so that a span skips the others."""


def convert(sources: Sequence[Path], out: Path, how: Reading | None = None) -> list[Path]:
    """The files written, ``out/underlying=<symbol>/year=<year>/quotes.parquet``.

    Every row is kept, in the order in which slices are cut. Nothing is left in ``out`` unless all
    of it was written; HistoryError where something is there already, or a source cannot be read.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise HistoryError(out, "is there already, and not an empty folder")
    files = [file for source in sources for file in files_of(source)]
    read = read_rows(files, how or Reading(), Span(), Times(trading_calendar()))
    rows = read.rows
    table = canonical_table(
        read.classes, rows.option_class, rows.at, rows.listed, rows.is_call, rows.floats
    )
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

"""One recorded file as canonical columns: typed, checked, nothing half-read.

Numbers are read as numbers at once. Only when that fails is the file read again as text, to name
the line and the column of the first bad value.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf
from pathlib import Path

import polars as pl

from infra.history import lean
from infra.history.canonical import NUMBERS, HistoryError, Span
from infra.history.faulty_lines import cut_off, first_bad_line, first_bad_number, shown
from infra.history.layouts import (
    FIELDS,
    LAYOUTS,
    NEEDED,
    Layout,
    recognised,
    remapped,
)

SUFFIXES = (".csv", ".csv.gz", ".txt", ".txt.gz", ".zip", ".parquet")
NOT_NEGATIVE = ("bid", "ask", "bid_size", "ask_size", "volume", "open_interest", "last")
HEADER_ROWS = 1
TWICE = "_duplicated_0"
"""What polars adds to the second of two columns of one name."""
ROW = "_row"
"""The number of a Parquet row, under a name that no publisher gives a column."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are to be read: ``mapping`` goes before what the layout says.

    ``layout`` is a name in ``LAYOUTS``, or None to go by each file's header. ``fields`` are the
    columns that are wanted; a backtest has no use for others.
    """

    layout: str | None = None
    mapping: Mapping[str, str] | None = None
    fields: tuple[str, ...] = FIELDS


@dataclass(frozen=True, slots=True)
class Table:
    """Canonical columns of one file, ``line`` telling where each row comes from.

    Of several Parquet files read as one it is the number among all their rows, and ``place`` the
    first of them: `batches` tells why that is enough.
    """

    rows: pl.DataFrame
    layout: Layout
    place: str


def files_of(path: Path) -> list[Path]:
    """The recorded files at ``path``: itself, or those of a folder and the folders in it."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise HistoryError(path, "there is no such file or folder")
    found = lean.archives_in(path) or sorted(
        p for p in path.rglob("*") if p.name.endswith(SUFFIXES)
    )
    if not found:
        raise HistoryError(path, f"holds no file ending in {', '.join(SUFFIXES)}")
    return found


def batches(files: Sequence[Path]) -> list[list[Path]]:
    """The files in their order, Parquet files of one schema side by side in one batch.

    Read as one, a thousand daily files cost little more than the one that holds as much. Where
    a batch cannot be read, its files are read one by one: the faulty one then names itself.
    """
    found: list[list[Path]] = []
    before = None
    for file in files:
        schema = _schema_of(file)
        if schema is not None and schema == before:
            found[-1].append(file)
        else:
            found.append([file])
        before = schema
    return found


def _schema_of(file: Path) -> list[tuple[str, pl.DataType]] | None:
    """The columns of a Parquet file; None of any other, and of one that cannot be read."""
    if file.suffix != ".parquet":
        return None
    try:
        return list(pl.read_parquet_schema(file).items())
    except (pl.exceptions.PolarsError, OSError):
        return None


def read_tables(files: Sequence[Path], how: Reading, span: Span | None = None) -> Iterator[Table]:
    """What a batch holds, one table for each file in an archive.

    Of Parquet that tells moments, rows outside ``span`` are not even read; of the others they are
    left for the caller to leave out.
    """
    file = files[0]
    if file.suffix == ".parquet":
        yield _read_parquet(files, how, span or Span())
    elif lean.is_archive(file):
        layout = LAYOUTS["canonical"].of(how.fields)
        yield _canonical(lean.read_archive(file), layout, file, how)
    elif file.suffix == ".zip":
        yield from _read_archive(file, how)
    else:
        yield _read_csv(file, file, how)


def _read_archive(file: Path, how: Reading) -> Iterator[Table]:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [each for each in archive.namelist() if each.endswith((".csv", ".txt"))]
            if not names:
                raise HistoryError(file, "holds no CSV file")
            for name in sorted(names):
                yield _read_csv(archive.read(name), file / name, how)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        # RuntimeError: it is encrypted.
        raise HistoryError(file, f"cannot be unpacked: {error}") from None


def _read_csv(source: Path | bytes, place: Path, how: Reading) -> Table:
    header = _read(source, place, n_rows=0, infer_schema=False).columns
    layout = _layout_of(header, place, how)
    columns = {layout.clean(name): name for name in header}
    number_of = {columns[n]: pl.Float64 for n in layout.number_columns() if n in columns}
    text_of = {columns[n] for n in layout.text_columns() if n in columns}
    try:
        table = _read(
            source,
            place,
            columns=[*number_of, *text_of],
            schema_overrides={**number_of, **dict.fromkeys(text_of, pl.String)},
            row_index_name="line",
            row_index_offset=HEADER_ROWS + 1,
        )
    except HistoryError as error:
        raise (
            first_bad_line(source, place)
            or first_bad_number(_text_of(source, place), list(number_of), place)
            or error
        ) from None
    incomplete = cut_off(source, place, table.height)
    if incomplete is not None:
        raise incomplete
    # numpy wants each column in one piece: here all cores put them together.
    table = table.rename(_names(layout, table.columns)).rechunk()
    return _canonical(table, layout, place, how)


def read_text(file: Path) -> pl.DataFrame:
    """A CSV (gzipped or not) as text columns, with ``line`` the line of each row."""
    try:
        return _text_of(file, file)
    except HistoryError as error:
        raise first_bad_line(file, file) or error from None


def _text_of(source: Path | bytes, place: Path) -> pl.DataFrame:
    return _read(
        source, place, infer_schema=False, row_index_name="line", row_index_offset=HEADER_ROWS + 1
    )


def _read(source: Path | bytes, place: Path, **options: object) -> pl.DataFrame:
    data = BytesIO(source) if isinstance(source, bytes) else source
    try:
        return pl.read_csv(data, **options)  # pyright: ignore[reportArgumentType]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(place, str(error).splitlines()[0]) from None


def _read_parquet(files: Sequence[Path], how: Reading, span: Span) -> Table:
    place = files[0]
    try:
        scan = pl.scan_parquet(
            list(files), glob=False, hive_partitioning=False,
            row_index_name=ROW, row_index_offset=1,
        )  # fmt: skip
        header = [name for name in scan.collect_schema().names() if name != ROW]
        layout = _layout_of(header, place, how)
        wanted = layout.number_columns() | layout.text_columns()
        names = [name for name in header if layout.clean(name) in wanted]
        scan = scan.select(ROW, *names).rename({**_names(layout, names), ROW: "line"})
        scan = _within(scan, layout, span)
        numbers = [layout.clean(n) for n in names if layout.clean(n) in layout.number_columns()]
        table = _as_numbers(scan, numbers, place)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(place, str(error).splitlines()[0]) from None
    return _canonical(table, layout, place, how)


def _within(scan: pl.LazyFrame, layout: Layout, span: Span) -> pl.LazyFrame:
    """The rows within ``span`` alone, where the file tells moments and not texts."""
    at = layout.sides[0]["timestamp"]
    told = scan.select(at.alias("at")).collect_schema()["at"]
    if isinstance(told, pl.Datetime) and told.time_zone is not None:
        if span.begins is not None:
            scan = scan.filter(at >= pl.lit(span.begins).dt.convert_time_zone(told.time_zone))
        if span.ends is not None:
            scan = scan.filter(at < pl.lit(span.ends).dt.convert_time_zone(told.time_zone))
    return scan


def _as_numbers(scan: pl.LazyFrame, names: list[str], place: Path) -> pl.DataFrame:
    try:
        return scan.with_columns(pl.col(names).cast(pl.Float64)).collect()
    except pl.exceptions.PolarsError:
        text = scan.with_columns(pl.col(names).cast(pl.String)).collect()
        bad = first_bad_number(text, names, place)
        if bad is None:
            raise
        raise bad from None


def _layout_of(header: list[str], place: Path, how: Reading) -> Layout:
    layout = LAYOUTS[how.layout] if how.layout else recognised(header)
    if layout is None and how.mapping:
        layout = LAYOUTS["canonical"]
    if layout is None:
        missing = sorted(set(NEEDED) - {name.strip() for name in header})
        reason = f"no known layout; as the canonical one it lacks {', '.join(missing)}"
        raise HistoryError(place, f"{reason} (its columns: {shown(header)})")
    layout = remapped(layout.of(how.fields), how.mapping or {})
    present = {layout.clean(name) for name in header}
    for name in layout.number_columns() | layout.text_columns():
        if f"{name}{TWICE}" in present:
            raise HistoryError(place, "the column is there twice", column=name)
    for side in layout.sides:
        for name in NEEDED:
            lacking = sorted(set(side[name].meta.root_names()) - present) if name in side else []
            if lacking:
                raise HistoryError(place, "the column is missing", column=lacking[0])
    if layout.needs_underlying:
        reason = f"a {layout.name} file does not name it: --map underlying==SYMBOL does"
        raise HistoryError(place, reason, column="underlying")
    return layout


def _names(layout: Layout, names: list[str]) -> dict[str, str]:
    return {name: layout.clean(name) for name in names}


def _canonical(table: pl.DataFrame, layout: Layout, place: Path, how: Reading) -> Table:
    """The fields of every contract of every row; what the file does not hold is null."""
    missing = (layout.number_columns() | layout.text_columns()) - set(table.columns)
    table = table.with_columns(
        pl.lit(None, pl.Float64 if name in layout.number_columns() else pl.Categorical).alias(name)
        for name in sorted(missing)
    )
    sides = [_side(table, side, how.fields) for side in layout.sides]
    rows = sides[0] if len(sides) == 1 else pl.concat(sides, how="vertical_relaxed")
    _check(rows, place)
    return Table(rows=rows, layout=layout, place=str(place))


def _side(
    table: pl.DataFrame, side: Mapping[str, pl.Expr], fields: tuple[str, ...]
) -> pl.DataFrame:
    return table.select(
        "line",
        *(
            side[name].alias(name)
            if name in side
            else pl.lit(None, pl.Float64 if name in NUMBERS else pl.String).alias(name)
            for name in fields
        ),
    )


def _check(rows: pl.DataFrame, place: Path) -> None:
    """HistoryError for the first row that no reading can be made of."""
    for name in ("timestamp", "underlying", "right", "strike", "expiry"):
        if rows[name].null_count():
            _refuse(rows, place, name, pl.col(name).is_null(), "is empty")
    numbers = [name for name in NUMBERS if name in rows.columns]
    every = pl.col(numbers)
    ends = rows.select(every.min().name.prefix("low "), every.max().name.prefix("high "))
    end = ends.row(0, named=True)
    for name in NOT_NEGATIVE:
        if (end.get(f"low {name}") or 0) < 0:
            _refuse(rows, place, name, pl.col(name) < 0, "is negative")
    for name in ("strike", "multiplier"):
        if (low := end[f"low {name}"]) is not None and low <= 0:
            _refuse(rows, place, name, pl.col(name) <= 0, "is not positive")
    for name in numbers:
        if inf in (-(end[f"low {name}"] or 0.0), end[f"high {name}"]):
            _refuse(rows, place, name, pl.col(name).is_infinite(), "is not a number")
    if rows["strike"].is_nan().any():
        _refuse(rows, place, "strike", pl.col("strike").is_nan(), "is not a number")


def _refuse(rows: pl.DataFrame, place: Path, column: str, bad: pl.Expr, reason: str) -> None:
    first = rows.filter(bad).sort("line").row(0, named=True)
    value = first[column]
    shown = reason if value is None else f"{value} {reason}"
    raise HistoryError(place, shown, line=first["line"], column=column)

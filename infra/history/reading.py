"""One recorded file as canonical columns: typed, checked, nothing half-read.

Numbers are read as numbers at once. Only when that fails is the file read again as text, to name
the line and the column of the first bad value.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import polars as pl

from infra.history import lean
from infra.history.canonical import NUMBERS, HistoryError
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
    """Canonical columns of one file, ``line`` telling where each row comes from."""

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


def read_tables(file: Path, how: Reading) -> Iterator[Table]:
    """What ``file`` holds, one table for each file in an archive."""
    if file.suffix == ".parquet":
        yield _read_parquet(file, how)
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
    # Each its own categories: their numbers stay small, and serve as an index.
    categories = {name: pl.Categorical(pl.Categories.random()) for name in text_of}
    try:
        table = _read(
            source,
            place,
            columns=[*number_of, *text_of],
            schema_overrides={**number_of, **categories},
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
    return _canonical(table.rename(_names(layout, table.columns)), layout, place, how)


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


def _read_parquet(file: Path, how: Reading) -> Table:
    try:
        scan = pl.scan_parquet(file)
        header = scan.collect_schema().names()
        layout = _layout_of(header, file, how)
        wanted = layout.number_columns() | layout.text_columns()
        names = [name for name in header if layout.clean(name) in wanted]
        table = scan.select(names).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(file, str(error).splitlines()[0]) from None
    table = table.rename(_names(layout, table.columns)).with_row_index("line", offset=1)
    casts = [
        name
        for name in layout.number_columns()
        if name in table.columns and table.schema[name] != pl.Float64
    ]
    try:
        table = table.with_columns(pl.col(casts).cast(pl.Float64))
    except pl.exceptions.PolarsError as error:
        text = table.with_columns(pl.col(casts).cast(pl.String))
        raise (
            first_bad_number(text, casts, file) or HistoryError(file, str(error).splitlines()[0])
        ) from None
    return _canonical(table, layout, file, how)


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
    low = rows.select(pl.col(numbers).min()).row(0, named=True)
    for name in NOT_NEGATIVE:
        if (low.get(name) or 0) < 0:
            _refuse(rows, place, name, pl.col(name) < 0, "is negative")
    for name in ("strike", "multiplier"):
        if low[name] is not None and low[name] <= 0:
            _refuse(rows, place, name, pl.col(name) <= 0, "is not positive")
    unusable = {name: pl.col(name).is_infinite() for name in numbers}
    unusable["strike"] = ~pl.col("strike").is_finite()
    found = rows.select(bad.any().alias(name) for name, bad in unusable.items())
    for name, is_found in found.row(0, named=True).items():
        if is_found:
            _refuse(rows, place, name, unusable[name], "is not a number")


def _refuse(rows: pl.DataFrame, place: Path, column: str, bad: pl.Expr, reason: str) -> None:
    first = rows.filter(bad).sort("line").row(0, named=True)
    value = first[column]
    shown = reason if value is None else f"{value} {reason}"
    raise HistoryError(place, shown, line=first["line"], column=column)

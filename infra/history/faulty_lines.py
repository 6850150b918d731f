"""Which line is wrong with a file that polars does not read, or reads though it should not."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from infra.history.canonical import HistoryError

GZIP = b"\x1f\x8b"
TAIL_BYTES = 1 << 16


def first_bad_number(text: pl.DataFrame, names: Sequence[str], place: Path) -> HistoryError | None:
    """The first value in the text columns ``names`` that is no number; ``line`` tells where."""
    bad = [
        (text["line"][row], name, text[name][row])
        for name in names
        for row in _is_no_number(text[name]).arg_true().head(1)
    ]
    if not bad:
        return None
    line, name, value = min(bad)
    return HistoryError(place, f"{value!r} is not a number", line=line, column=name.strip())


def first_bad_line(source: Path | bytes, place: Path) -> HistoryError | None:
    """The first line that is no UTF-8 text, or has more fields than the header."""
    width = 0
    try:
        for number, raw in enumerate(_lines(source), start=1):
            try:
                fields = _fields(raw.decode())
            except UnicodeDecodeError:
                return HistoryError(place, "is not UTF-8 text", line=number)
            width = width or fields
            if fields > width:
                reason = f"has {fields} fields, the header {width}"
                return HistoryError(place, reason, line=number)
    except (OSError, EOFError, zlib.error, csv.Error):
        return None
    return None


def shown(header: Sequence[str]) -> str:
    """Columns as far as a person may want to read them, of a file that may be no text at all."""
    return "".join(each if each.isprintable() else "?" for each in ", ".join(header)[:80])


def cut_off(source: Path | bytes, place: Path, rows: int) -> HistoryError | None:
    """The last of so many lines of a file that ends in the middle of it.

    Fields that a line lacks would be read as unknown. Of a gzipped file the end is told by gzip.
    """
    head, tail = _ends(source)
    if head.startswith(GZIP):
        return None
    header, _, _ = head.partition(b"\n")
    _, _, last = tail.rstrip(b"\r\n").rpartition(b"\n")
    try:
        width, fields = _fields(header.decode()), _fields(last.decode())
    except (UnicodeDecodeError, csv.Error):
        return None
    if not last.strip() or fields >= width:
        return None
    reason = f"has {fields} fields, the header {width}: the file is cut off"
    return HistoryError(place, reason, line=rows + 1)


def _ends(source: Path | bytes) -> tuple[bytes, bytes]:
    if isinstance(source, bytes):
        return source[:TAIL_BYTES], source[-TAIL_BYTES:]
    with source.open("rb") as stream:
        head = stream.read(TAIL_BYTES)
        stream.seek(max(0, source.stat().st_size - TAIL_BYTES))
        return head, stream.read()


def _lines(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield from source.splitlines(keepends=True)
        return
    with source.open("rb") as stream:
        is_gzipped = stream.read(2) == GZIP
    with gzip.open(source) if is_gzipped else source.open("rb") as stream:
        yield from stream


def _fields(line: str) -> int:
    return len(next(csv.reader([line.rstrip("\r\n")]), []))


def _is_no_number(column: pl.Series) -> pl.Series:
    value = column.str.strip_chars()
    return (value.str.len_chars() > 0) & value.cast(pl.Float64, strict=False).is_null()

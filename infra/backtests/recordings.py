"""What the desk's history directory holds, for people who choose what to run a backtest on.

Files are told apart by their headers alone: nothing is read or checked beyond the first line.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import polars as pl

from infra.history.layouts import recognised
from infra.history.reading import SUFFIXES

LONGEST_HEADER = 16_384
"""Characters of a first line that are looked at; what has more is no header."""


class Holds(StrEnum):
    """What is in a recording: option chains, what belongs beside them, or neither by its look."""

    CHAINS = "CHAINS"
    SIDE = "SIDE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, or a folder with all files in it; ``name`` is relative to the history directory."""

    name: str
    is_folder: bool
    files: int
    bytes: int
    modified_at: datetime
    holds: Holds
    layout: str | None


def recordings(history: Path) -> list[Recording]:
    """Every folder and file of recorded data in ``history``, by name.

    What a link leads to outside of it is left out: a backtest could not be asked for it.
    """
    home = history.resolve()
    files = [
        path
        for path in sorted(home.rglob("*"))
        if path.name.endswith(SUFFIXES) and path.is_file() and path.resolve().is_relative_to(home)
    ]
    folders: dict[Path, list[_File]] = {}
    found: list[Recording] = []
    for file in files:
        told = _File(file.stat(), *_content(file))
        found.append(_described(home, file, [told], is_folder=False))
        for folder in file.parents:
            if folder == home:
                break
            folders.setdefault(folder, []).append(told)
    found += [_described(home, path, inside, is_folder=True) for path, inside in folders.items()]
    return sorted(found, key=lambda each: each.name)


class _File(NamedTuple):
    told: os.stat_result
    holds: Holds
    layout: str | None


def _described(home: Path, path: Path, files: list[_File], *, is_folder: bool) -> Recording:
    # Chains are what is looked for first: side files may lie among them.
    first = min(files, key=lambda file: list(Holds).index(file.holds))
    return Recording(
        name=str(path.relative_to(home)),
        is_folder=is_folder,
        files=len(files),
        bytes=sum(each.told.st_size for each in files),
        modified_at=datetime.fromtimestamp(max(each.told.st_mtime for each in files), UTC),
        holds=first.holds,
        layout=first.layout,
    )


def _content(file: Path) -> tuple[Holds, str | None]:
    if file.suffix == ".zip" and "_quote_" in file.name:
        return Holds.CHAINS, "lean"
    header = _header(file)
    layout = recognised(header)
    if layout is not None:
        return Holds.CHAINS, layout.name
    is_side = _is_side(file, {name.strip().lower() for name in header})
    return (Holds.SIDE if is_side else Holds.UNKNOWN), None


def _is_side(file: Path, header: set[str]) -> bool:
    if file.parent.name in ("equity_daily", "factor_files"):
        return True
    by_date = {"close", "iv30", "rate", "vix", "1 mo", "3 mo", "bc_1month", "bc_3month"}
    by_symbol = {"ex_date", "sector", "date"}
    is_dated = "date" in header and not by_date.isdisjoint(header)
    return is_dated or ("symbol" in header and not by_symbol.isdisjoint(header))


def _header(file: Path) -> list[str]:
    """The names of the columns; none where the file cannot be read."""
    try:
        if file.suffix == ".parquet":
            return list(pl.read_parquet_schema(file))
        line = _first_line(file)
    except (OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile, pl.exceptions.PolarsError):
        return []
    return next(csv.reader([line]), [])


def _first_line(file: Path) -> str:
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            inside = (
                each for each in sorted(archive.namelist()) if each.endswith((".csv", ".txt"))
            )
            name = next(inside, None)
            if name is None:
                return ""
            with archive.open(name) as member:
                return io.TextIOWrapper(member, "utf-8-sig").readline(LONGEST_HEADER)
    if file.suffix == ".gz":
        with gzip.open(file, "rt", encoding="utf-8-sig") as text:
            return text.readline(LONGEST_HEADER)
    with file.open(encoding="utf-8-sig") as text:
        return text.readline(LONGEST_HEADER)

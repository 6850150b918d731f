"""Recorded chains in other people's formats, read into the canonical table.

- **chain files**: daily CSVs with ``underlying_last, optionroot, type, expiration, quotedate``
  (dates MM/DD/YYYY; the option's OCC symbol in ``optionroot``).
- **LEAN**: ``option_daily/<symbol>_<year>_quote_american.zip`` with one CSV of quote bars per
  contract, trades, open interest and ``equity_daily/<symbol>.zip`` beside it; prices × 10,000.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from infra.history.canonical import HistoryError, checked, read_canonical, read_text_table

AM_SETTLED_ROOTS = ("SPX", "NDX", "RUT", "DJX", "VIX")
_CHAIN_FILE = {"underlying_last", "optionroot", "expiration", "quotedate"}
_CONTRACT = re.compile(
    r"(?P<symbol>\w+)_quote_\w+_(?P<right>call|put)_(?P<strike>\d+)_(\d{8})\.csv"
)
_SCALE = 10_000


def read_history(path: Path) -> pl.DataFrame:
    """A file, or every file of a folder, as one canonical table ordered by time."""
    files = _files(path)
    if not files:
        raise HistoryError(path, "no CSV, CSV.GZ, Parquet or LEAN archive is there")
    tables = [_read(file) for file in files]
    return pl.concat(tables).sort("timestamp")


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise HistoryError(path, "there is no such file or folder")
    archives = sorted(path.glob("option_daily/*_quote_*.zip"))
    if archives:
        return archives
    return sorted(p for p in path.iterdir() if p.name.endswith((".csv", ".csv.gz", ".parquet")))


def _read(file: Path) -> pl.DataFrame:
    if file.suffix == ".zip":
        return _read_lean(file)
    if file.suffix == ".parquet":
        return read_canonical(file)
    table = read_text_table(file)
    if set(table.columns) >= _CHAIN_FILE:
        return _read_chain_file(table, file)
    return checked(table, file)


def _read_chain_file(table: pl.DataFrame, file: Path) -> pl.DataFrame:
    root = pl.col("optionroot").str.slice(0, pl.col("optionroot").str.len_chars() - 15)
    dates = {
        name: pl.col(name).str.to_date("%m/%d/%Y", strict=False).dt.to_string("%Y-%m-%d")
        for name in ("quotedate", "expiration")
    }
    canonical = table.select(
        "line",
        "underlying",
        "bid",
        "ask",
        "last",
        "volume",
        "strike",
        "delta",
        # What cannot be read stays as it was written, for the check to name.
        timestamp=dates["quotedate"].fill_null(pl.col("quotedate")),
        expiry=dates["expiration"].fill_null(pl.col("expiration")),
        root=root.str.strip_chars(),
        right=pl.col("type"),
        settlement=pl.when(root.is_in(AM_SETTLED_ROOTS)).then(pl.lit("AM")).otherwise(pl.lit("PM")),
        open_interest=pl.col("openinterest"),
        underlying_price=pl.col("underlying_last"),
        # The publisher writes 0 where it found no volatility.
        iv=pl.when(pl.col("impliedvol").cast(pl.Float64, strict=False) > 0).then(
            pl.col("impliedvol")
        ),
    )
    return checked(canonical, file)


def _read_lean(file: Path) -> pl.DataFrame:
    symbol = file.name.split("_")[0].upper()
    equity = file.parent.parent / "equity_daily" / f"{symbol.lower()}.zip"
    closes = (
        {row[0][:8]: float(row[4]) / _SCALE for row in _lines(equity)} if (equity.exists()) else {}
    )
    interest = _by_contract(file, "openinterest")
    trades = _by_contract(file, "trade")
    rows: dict[str, list[object]] = {name: [] for name in _LEAN_COLUMNS}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            match = _CONTRACT.fullmatch(name)
            if match is None:
                raise HistoryError(file, f"{name} is not named like a contract's quotes")
            key, expiry = name.split("_quote_")[1].split("_", 1)[1], name[-12:-4]
            for number, line in enumerate(archive.read(name).decode().splitlines(), 1):
                fields = line.split(",")
                if len(fields) != 11:
                    raise HistoryError(file, f"{name}: {len(fields)} fields, not 11", line=number)
                day = fields[0][:8]
                trade = trades.get((key, day), ["0"] * 6)
                open_interest = interest.get((key, day), ["", ""])[1]
                values = (
                    number, _iso(day), symbol, match["right"], int(match["strike"]) / _SCALE,
                    _iso(expiry), _price(fields[4]), fields[5], _price(fields[9]), fields[10],
                    _price(trade[4]), trade[5], open_interest, closes.get(day),
                )  # fmt: skip
                for column, value in zip(_LEAN_COLUMNS, values, strict=True):
                    rows[column].append(value)
    table = pl.DataFrame(rows, strict=False)
    return checked(table.with_columns(pl.exclude("line").cast(pl.String)), file)


_LEAN_COLUMNS = (
    "line", "timestamp", "underlying", "right", "strike", "expiry", "bid", "bid_size", "ask",
    "ask_size", "last", "volume", "open_interest", "underlying_price",
)  # fmt: skip


def _by_contract(quotes: Path, kind: str) -> dict[tuple[str, str], list[str]]:
    """Rows of a sister archive by contract and day; empty where there is none."""
    file = quotes.with_name(quotes.name.replace("_quote_", f"_{kind}_"))
    found: dict[tuple[str, str], list[str]] = {}
    if not file.exists():
        return found
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            key = name.split(f"_{kind}_")[1].split("_", 1)[1]
            for line in archive.read(name).decode().splitlines():
                fields = line.split(",")
                found[key, fields[0][:8]] = fields
    return found


def _lines(archive_file: Path) -> Iterator[list[str]]:
    with zipfile.ZipFile(archive_file) as archive:
        for line in archive.read(archive.namelist()[0]).decode().splitlines():
            yield line.split(",")


def _price(text: str) -> float:
    return float(text) / _SCALE if text else 0.0


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:8]}"

"""LEAN's archives of daily option bars as canonical columns.

``option_daily/<symbol>_<year>_quote_american.zip`` holds a CSV of quote bars for each contract,
named ``<symbol>_quote_american_<right>_<strike>_<expiry>.csv``: ``date time``, bid open, high, low,
close, size, ask open, high, low, close, size. Trades and open interest are in archives beside it,
the underlying's closes in ``../equity_daily/<symbol>.zip``. Prices and strikes are × 10,000.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from infra.history.canonical import HistoryError

SCALE = 10_000
_CONTRACT = re.compile(r"\w+_quote_\w+?_(?P<right>call|put)_(?P<strike>\d+)_(?P<expiry>\d{8})\.csv")
_TEXTS = ("timestamp", "underlying", "right", "expiry")
_COLUMNS = (
    "line", *_TEXTS, "strike", "bid", "bid_size", "ask", "ask_size", "last", "volume",
    "open_interest", "underlying_price",
)  # fmt: skip
_SCHEMA = {
    name: pl.String if name in _TEXTS else pl.UInt32 if name == "line" else pl.Float64
    for name in _COLUMNS
}
_SCALED = frozenset({"bid", "ask", "last", "underlying_price"})
_NOT_TRADED = ["", "", "", "", "", "0"]


def is_archive(file: Path) -> bool:
    """Whether ``file`` is named like an archive of quotes."""
    return file.suffix == ".zip" and "_quote_" in file.name


def archives_in(folder: Path) -> list[Path]:
    """The archives of quotes in a folder of LEAN's data."""
    return sorted(folder.glob("option_daily/*_quote_*.zip"))


def read_archive(file: Path) -> pl.DataFrame:
    """Every bar of an archive; HistoryError names the file in it and the line that is no bar."""
    symbol = file.name.split("_")[0].upper()
    equity = file.parent.parent / "equity_daily" / f"{symbol.lower()}.zip"
    closes = {row[0][:8]: row[4] for _, _, row in _lines(equity, 5)} if equity.exists() else {}
    trades = _by_contract(file, "trade", 6)
    interest = _by_contract(file, "openinterest", 2)
    untraded = _NOT_TRADED if trades else [""] * 6
    rows: list[tuple[object, ...]] = []
    for name, number, bar in _lines(file, 11):
        contract = _CONTRACT.fullmatch(name)
        if contract is None:
            raise HistoryError(file / name, "is not named like a contract's quotes")
        at = _key(name, "quote"), bar[0][:8]
        trade = trades.get(at, untraded)
        numbers = {
            "bid": bar[4], "bid_size": bar[5], "ask": bar[9], "ask_size": bar[10],
            "last": trade[4], "volume": trade[5], "open_interest": interest.get(at, ["", ""])[1],
            "underlying_price": closes.get(at[1], ""),
        }  # fmt: skip
        rows.append(
            (
                number,
                _iso(at[1]),
                symbol,
                contract["right"],
                _iso(contract["expiry"]),
                int(contract["strike"]) / SCALE,
                *(_number(file, name, number, each, text) for each, text in numbers.items()),
            )
        )
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def read_daily(file: Path) -> Iterator[tuple[date, tuple[float, ...]]]:
    """Days and prices (open, high, low, close) of ``equity_daily/<symbol>.zip``."""
    for name, number, bar in _lines(file, 5):
        try:
            yield lean_date(bar[0]), tuple(float(price) / SCALE for price in bar[1:5])
        except ValueError:
            reason = f"{','.join(bar)!r} is no daily bar"
            raise HistoryError(file / name, reason, line=number) from None


def lean_date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _lines(archive_file: Path, fields: int) -> Iterator[tuple[str, int, list[str]]]:
    """Every line of every file in an archive, under its name and number, in at least ``fields``."""
    try:
        with zipfile.ZipFile(archive_file) as archive:
            texts = [(name, archive.read(name).decode()) for name in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
        raise HistoryError(archive_file, f"cannot be read: {error}") from None
    for name, text in texts:
        for number, line in enumerate(text.splitlines(), start=1):
            found = line.split(",")
            if len(found) < fields:
                reason = f"{len(found)} fields, not {fields}"
                raise HistoryError(archive_file / name, reason, line=number)
            yield name, number, found


def _by_contract(quotes: Path, kind: str, fields: int) -> dict[tuple[str, str], list[str]]:
    """Lines of an archive beside the quotes by contract and day; none where there is none."""
    file = quotes.with_name(quotes.name.replace("_quote_", f"_{kind}_"))
    if not file.exists():
        return {}
    return {(_key(name, kind), row[0][:8]): row for name, _, row in _lines(file, fields)}


def _key(name: str, kind: str) -> str:
    """What names a contract in each of the archives."""
    return name.partition(f"_{kind}_")[2].partition("_")[2]


def _number(file: Path, name: str, line: int, column: str, text: str) -> float | None:
    """None where nothing is written."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        reason = f"{text!r} is not a number"
        raise HistoryError(file / name, reason, line=line, column=column) from None
    return value / SCALE if column in _SCALED else value


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:8]}"

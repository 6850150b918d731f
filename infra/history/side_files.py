"""What belongs to recorded chains and is in no chain: prices, dividends, splits, rates, the VIX.

Each file is recognised by its header (docs/history-data.md):

| header | holds |
| --- | --- |
| ``symbol,date,open,high,low,close`` | official daily prices as traded; of ``VIX``, the index too |
| ``symbol,date,iv30`` | 30-day implied volatility at the session's end, decimal |
| ``symbol,ex_date,amount[,declared]`` | cash dividends per share of their day |
| ``symbol,ex_date,new,old`` | splits: ``new`` shares for ``old`` |
| ``symbol,date[,until]`` | earnings; known up to the last ``until`` or date |
| ``symbol,sector,beta`` | what is known of a company; beta to the S&P 500 |
| ``date,rate`` | annual risk-free rate, decimal, continuously compounded |
| ``date,vix`` | closes of the VIX, in points |

and, as published: index end-of-day files (``Date,Open,High,Low,Close,…,root``), VIX history
files (``DATE,OPEN,HIGH,LOW,CLOSE``), US Treasury par yields (``1 Mo`` or ``BC_1MONTH`` and so on,
in percent, 0 where not published; the 3-month yield is used), LEAN's daily prices
(``equity_daily/<symbol>.zip``) and factor files (``factor_files/<symbol>.csv``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from domain.backtest.recorded import Moment
from domain.backtest.side_data import (
    DailySeries,
    Ohlc,
    PastDividend,
    PastSplit,
    RateHistory,
    UnderlyingHistory,
    day_number,
)
from domain.instruments import ExerciseStyle, Settlement
from domain.listed_options import CASH_SETTLED, price_steps
from infra.history.canonical import HistoryError
from infra.history.faulty_lines import shown
from infra.history.lean import lean_date, read_daily
from infra.history.reading import read_text
from infra.history.times import Times

T = TypeVar("T")
SUFFIXES = (".csv", ".csv.gz", ".zip")
LARGEST_SPLIT_TERM = 100
PRICES = ("open", "high", "low", "close")
TREASURY_3_MONTHS = ("3 Mo", "BC_3MONTH")


@dataclass(frozen=True, slots=True)
class SideFiles:
    """Files, or folders of them."""

    paths: tuple[Path, ...] = ()

    def files(self) -> list[Path]:
        """Every file, in a stable order; HistoryError for a path where nothing is."""
        found: list[Path] = []
        for path in self.paths:
            if not path.exists():
                raise HistoryError(path, "there is no such file or folder")
            inside = sorted(p for p in path.rglob("*") if p.name.endswith(SUFFIXES))
            found += inside if path.is_dir() else [path]
        return found


@dataclass(frozen=True, slots=True)
class SideData:
    """Side files as a history needs them; ``closes`` are official ones by symbol."""

    underlyings: Mapping[str, UnderlyingHistory]
    closes: Mapping[str, DailySeries]
    rates: RateHistory
    vix: DailySeries | None


@dataclass
class _Read:
    """Rows of all side files, by symbol and date; of a date told twice the last file holds."""

    prices: dict[str, dict[date, tuple[float, ...]]] = field(default_factory=dict)
    iv30: dict[str, dict[date, float]] = field(default_factory=dict)
    dividends: dict[str, dict[date, PastDividend]] = field(default_factory=dict)
    splits: dict[str, dict[date, PastSplit]] = field(default_factory=dict)
    earnings: dict[str, dict[date, date]] = field(default_factory=dict)
    companies: dict[str, tuple[str | None, float | None]] = field(default_factory=dict)
    rates: dict[date, float] = field(default_factory=dict)
    vix: dict[date, float] = field(default_factory=dict)


def read_side_files(side: SideFiles, moments: Sequence[Moment], times: Times) -> SideData:
    """Side data for the underlyings of these moments; HistoryError names a bad row."""
    read = _Read()
    for file in side.files():
        _read_file(file, read, times)
    recorded = _recorded_prices(moments)
    series = {symbol: _series(_column(rows, 3)) for symbol, rows in read.prices.items()}
    vix = read.vix or (_column(read.prices["VIX"], 3) if "VIX" in read.prices else {})
    return SideData(
        underlyings={symbol: _history(symbol, read, rows) for symbol, rows in recorded.items()},
        closes=series,
        rates=RateHistory(_series(read.rates) if read.rates else None),
        vix=_series(vix) if vix else None,
    )


def _history(symbol: str, read: _Read, recorded: dict[date, float]) -> UnderlyingHistory:
    is_index = symbol in CASH_SETTLED
    official = read.prices.get(symbol)
    prices = official or {day: (price,) * 4 for day, price in recorded.items()}
    earnings = read.earnings.get(symbol, {})
    sector, beta = read.companies.get(symbol, (None, None))
    iv30 = read.iv30.get(symbol)
    return UnderlyingHistory(
        symbol=symbol,
        is_index=is_index,
        style=ExerciseStyle.EUROPEAN if is_index else ExerciseStyle.AMERICAN,
        settlement=Settlement.CASH if is_index else Settlement.PHYSICAL,
        increments=price_steps(symbol),
        prices=Ohlc(_days(prices), *(_series(_column(prices, n)).values for n in range(4))),
        is_official=official is not None,
        iv30=_series(iv30) if iv30 else None,
        dividends=_ordered(read.dividends.get(symbol, {})),
        dividends_known=is_index or symbol in read.dividends,
        splits=_ordered(read.splits.get(symbol, {})),
        earnings=tuple(sorted(earnings)),
        earnings_known_to=max(earnings.values(), default=None),
        sector=sector,
        beta=beta,
    )


def _recorded_prices(moments: Sequence[Moment]) -> dict[str, dict[date, float]]:
    """The last recorded price of each session, by symbol."""
    found: dict[str, dict[date, float]] = {}
    for moment in moments:
        for chain in moment.chains:
            prices = found.setdefault(chain.underlying, {})
            if chain.underlying_price > 0:
                prices[moment.session] = chain.underlying_price
    return found


# --- one file ------------------------------------------------------------------------------


def _read_file(file: Path, read: _Read, times: Times) -> None:
    if file.suffix == ".zip":
        read.prices.setdefault(file.stem.upper(), {}).update(read_daily(file))
        return
    if file.parent.name == "factor_files":
        _read_lean_factors(file, read, times)
        return
    table = read_text(file)
    table = table.rename({name: name.strip() for name in table.columns})
    lower = {name.lower(): name for name in table.columns}
    table = table.rename({name: key for key, name in lower.items() if key != name})
    header = set(table.columns)
    yields = next((name.lower() for name in TREASURY_3_MONTHS if name.lower() in header), None)
    if yields:
        _read_yields(_Column(table, file), yields, read)
    elif {"date", *PRICES} <= header:
        _read_prices(_Column(table, file), header, read)
    elif {"symbol", "date", "iv30"} <= header:
        rows = _Column(table, file)
        for symbol, day, iv in zip(
            rows.texts("symbol"), rows.dates("date"), rows.numbers("iv30"), strict=True
        ):
            read.iv30.setdefault(symbol, {})[day] = iv
    elif {"symbol", "ex_date", "amount"} <= header:
        _read_dividends(_Column(table, file), header, read)
    elif {"symbol", "ex_date", "new", "old"} <= header:
        _read_splits(_Column(table, file), read)
    elif {"symbol", "sector"} <= header:
        _read_companies(_Column(table, file), header, read)
    elif {"symbol", "date"} <= header:
        _read_earnings(_Column(table, file), header, read)
    elif {"date", "rate"} <= header or {"date", "vix"} <= header:
        rows, name = _Column(table, file), "rate" if "rate" in header else "vix"
        kept = read.rates if name == "rate" else read.vix
        values = rows.numbers(name, above=None if name == "rate" else 0)
        kept.update(zip(rows.dates("date"), values, strict=True))
    else:
        told = shown([name for name in table.columns if name != "line"])
        raise HistoryError(file, f"no side file has the columns {told}")


@dataclass(frozen=True, slots=True)
class _Column:
    """Columns of one file as values; the first bad one is named by line and column."""

    table: pl.DataFrame
    file: Path

    def texts(self, name: str) -> list[str]:
        found = self.table[name].str.strip_chars()
        self._refuse(name, found.is_null() | (found == ""), "is empty")
        return found.to_list()

    def dates(self, name: str, *, required: bool = True) -> list[date]:
        text = self.table[name].str.strip_chars()
        found = text.str.to_date("%Y-%m-%d", strict=False)
        bad = found.is_null() & (pl.Series([required] * len(text)) | (text != ""))
        self._refuse(name, bad.fill_null(required), "is not a date (YYYY-MM-DD)")
        return found.to_list()

    def numbers(
        self,
        name: str,
        *,
        required: bool = False,
        above: float | None = None,
        at_least: float | None = None,
    ) -> list[float]:
        """Empty ones are nan."""
        text = self.table[name].str.strip_chars()
        found = text.cast(pl.Float64, strict=False)
        is_bad = found.is_null() & text.is_not_null() & (text != "") | found.is_infinite()
        self._refuse(name, is_bad.fill_null(False), "is not a number")
        if required:
            self._refuse(name, found.is_null(), "is empty")
        if above is not None:
            self._refuse(name, (found <= above).fill_null(False), f"is not above {above:g}")
        if at_least is not None:
            self._refuse(name, (found < at_least).fill_null(False), f"is below {at_least:g}")
        return [np.nan if value is None else value for value in found.to_list()]

    def _refuse(self, name: str, bad: pl.Series, reason: str) -> None:
        if bad.any():
            row = int(bad.arg_max() or 0)
            value = self.table[name][row]
            shown = reason if value is None else f"{value!r} {reason}"
            raise HistoryError(self.file, shown, line=self.table["line"][row], column=name)


def _read_prices(rows: _Column, header: set[str], read: _Read) -> None:
    days = rows.dates("date")
    symbols = (
        rows.texts("symbol" if "symbol" in header else "root")
        if (header & {"symbol", "root"})
        else ["VIX"] * len(days)
    )  # a VIX history file holds nothing else
    if "symbol" not in header and "root" not in header and "vix" not in rows.file.name.lower():
        raise HistoryError(rows.file, "the column is missing", column="symbol")
    columns = [rows.numbers(name, above=0) for name in PRICES]
    for symbol, day, *prices in zip(symbols, days, *columns, strict=True):
        read.prices.setdefault(symbol, {})[day] = tuple(prices)


def _read_dividends(rows: _Column, header: set[str], read: _Read) -> None:
    days = rows.dates("ex_date")
    declared = (
        rows.dates("declared", required=False) if "declared" in header else [None] * len(days)
    )
    amounts = rows.numbers("amount", at_least=0)
    for symbol, day, amount, told in zip(
        rows.texts("symbol"), days, amounts, declared, strict=True
    ):
        kept = read.dividends.setdefault(symbol, {})
        if amount > 0:
            kept[day] = PastDividend(day, Decimal(repr(amount)), told)


def _read_splits(rows: _Column, read: _Read) -> None:
    terms = zip(
        rows.numbers("new", required=True, at_least=1),
        rows.numbers("old", required=True, at_least=1),
        strict=True,
    )
    for symbol, day, (new, old) in zip(
        rows.texts("symbol"), rows.dates("ex_date"), terms, strict=True
    ):
        ratio = Fraction(round(new), round(old))
        read.splits.setdefault(symbol, {})[day] = PastSplit(day, ratio)


def _read_companies(rows: _Column, header: set[str], read: _Read) -> None:
    betas = rows.numbers("beta") if "beta" in header else [np.nan] * len(rows.table)
    for symbol, sector, beta in zip(
        rows.texts("symbol"), rows.table["sector"].to_list(), betas, strict=True
    ):
        read.companies[symbol] = (sector or None, beta if np.isfinite(beta) else None)


def _read_earnings(rows: _Column, header: set[str], read: _Read) -> None:
    days = rows.dates("date")
    until = rows.dates("until", required=False) if "until" in header else [None] * len(days)
    for symbol, day, known in zip(rows.texts("symbol"), days, until, strict=True):
        read.earnings.setdefault(symbol, {})[day] = known or day


def _read_yields(rows: _Column, name: str, read: _Read) -> None:
    """Par yields are bond-equivalent: compounded twice a year (US Treasury, yield curve notes)."""
    for day, percent in zip(rows.dates("date"), rows.numbers(name), strict=True):
        if percent > 0:
            read.rates[day] = 2.0 * float(np.log1p(percent / 200.0))


def _read_lean_factors(file: Path, read: _Read, times: Times) -> None:
    """``date,price factor,split factor,close``: what to multiply older prices by, up to a date.

    The event that a row ends with happens on the session after its date (LEAN's factor file
    format): the ratio of split factors is a split, the rest of the ratio of price factors a
    dividend.
    """
    symbol = file.stem.upper()
    dividends, splits = read.dividends.setdefault(symbol, {}), read.splits.setdefault(symbol, {})
    rows: list[tuple[date, float, float, float]] = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            day, price, split, close = line.split(",")
            rows.append((lean_date(day), float(price), float(split), float(close)))
        except ValueError:
            raise HistoryError(file, f"{line!r} is no factor", line=number) from None
    for (day, price, split, close), (_, next_price, next_split, _) in pairwise(rows):
        ex_date = times.next_session(day)
        ratio = Fraction(next_split / split).limit_denominator(LARGEST_SPLIT_TERM)
        if ratio != 1:
            splits[ex_date] = PastSplit(ex_date, ratio)
        amount = close * (1.0 - price / next_price)
        # Factors have seven places: what is left of a split is not a dividend.
        if amount > close * 1e-5:
            dividends[ex_date] = PastDividend(ex_date, Decimal(f"{amount:.4f}"))


# --- values by date to arrays --------------------------------------------------------------


def _column(rows: Mapping[date, tuple[float, ...]], number: int) -> dict[date, float]:
    return {day: values[number] for day, values in rows.items()}


def _series(values: Mapping[date, float]) -> DailySeries:
    days = sorted(values)
    return DailySeries(_days(values), np.array([values[day] for day in days], dtype=np.float64))


def _days(values: Mapping[date, object]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([day_number(day) for day in sorted(values)], dtype=np.int64)


def _ordered(by_date: Mapping[date, T]) -> tuple[T, ...]:
    return tuple(by_date[day] for day in sorted(by_date))

"""Prices, dividends, splits, rates and the VIX beside recorded chains."""

from __future__ import annotations

import zipfile
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import log
from pathlib import Path

import pytest

from domain.instruments import ExerciseStyle
from domain.listed_options import price_steps
from infra.calendars import trading_calendar
from infra.history.canonical import HistoryError
from infra.history.side_files import SideData, SideFiles, read_side_files
from infra.history.times import Times
from tests.backtests.histories import quote, recorded

DAY = date(2019, 5, 24)


def side_data(*paths: Path, symbol: str = "AAPL") -> SideData:
    moments = recorded(
        quote("2019-05-24", symbol, "P", 170, "2019-06-21", bid=1, ask=2, spot=178.97)
    ).moments
    return read_side_files(SideFiles(paths), moments, Times(trading_calendar()))


def write(folder: Path, text: str, name: str = "side.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_side_files_prices_are_those_of_the_chains():
    data = side_data()
    apple = data.underlyings["AAPL"]
    assert apple.prices.close_on(DAY) == 178.97
    assert (apple.is_official, apple.dividends_known, data.vix) == (False, False, None)
    assert not data.rates.is_known(DAY)


def test_the_desks_own_side_files_are_told_apart_by_their_headers(tmp_path: Path):
    files = {
        "prices.csv": "symbol,date,open,high,low,close\nAAPL,2019-05-24,180,182,178,179\n",
        "dividends.csv": "symbol,ex_date,amount,declared\nAAPL,2019-05-10,0.77,2019-04-30\n",
        "splits.csv": "symbol,ex_date,new,old\nAAPL,2020-08-31,4,1\n",
        "earnings.csv": "symbol,date,until\nAAPL,2019-07-30,2019-08-30\n",
        "companies.csv": "symbol,sector,beta\nAAPL,Technology,1.2\n",
        "iv.csv": "symbol,date,iv30\nAAPL,2019-05-24,0.31\n",
        "rates.csv": "date,rate\n2019-05-24,0.0231\n",
        "vix.csv": "date,vix\n2019-05-24,15.85\n",
    }
    for name, text in files.items():
        write(tmp_path, text, name)
    data = side_data(tmp_path)
    apple = data.underlyings["AAPL"]
    assert (apple.prices.open_on(DAY), apple.prices.close_on(DAY)) == (180, 179)
    assert apple.dividends[0].amount == Decimal("0.77")
    assert apple.dividends[0].declared == date(2019, 4, 30)
    assert apple.splits[0].ratio == Fraction(4)
    assert (apple.earnings, apple.earnings_known_to) == ((date(2019, 7, 30),), date(2019, 8, 30))
    assert (apple.sector, apple.beta) == ("Technology", 1.2)
    assert apple.iv30 is not None
    assert apple.iv30.on(DAY) == 0.31
    assert data.rates.on(DAY) == 0.0231
    assert data.vix is not None
    assert data.vix.on(DAY) == 15.85


def test_treasury_yields_become_continuous_rates_and_zeros_are_not_published(tmp_path: Path):
    path = write(tmp_path, "Date,1 Mo,3 Mo\n2019-05-27,0,0.0\n2019-05-24,2.37,2.35\n")
    data = side_data(path)
    assert data.rates.on(date(2019, 5, 28)) == pytest.approx(2 * log(1 + 0.0235 / 2))


def test_lean_factors_become_the_dividend_and_the_split_of_the_next_session(tmp_path: Path):
    # A dividend of 2 on a close of 100, then 7 for 1: factors multiply what lies before them.
    path = write(
        tmp_path,
        "20190510,0.98,0.14285714,100\n20190524,1,0.14285714,90\n20501231,1,1,0\n",
        "factor_files/aapl.csv",
    )
    apple = side_data(path).underlyings["AAPL"]
    assert [(each.ex_date, each.amount) for each in apple.dividends] == [
        (date(2019, 5, 13), Decimal("2.0000"))
    ]
    # The 27th was Memorial Day.
    assert [(each.ex_date, each.ratio) for each in apple.splits] == [
        (date(2019, 5, 28), Fraction(7))
    ]


def test_lean_prices_are_divided_by_ten_thousand(tmp_path: Path):
    path = tmp_path / "aapl.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("aapl.csv", "20190524 00:00,1802000,1821400,1777300,1789700,23714600\n")
    prices = side_data(path).underlyings["AAPL"].prices
    assert (prices.open_on(DAY), prices.close_on(DAY)) == (180.2, 178.97)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("symbol,ex_date,amount\nAAPL,10.5.2019,0.77\n", "line 2, ex_date: '10.5.2019' is not"),
        ("symbol,date,open,high,low,close\nAAPL,2019-05-24,a,1,1,1\n", "line 2, open: 'a' is not"),
        ("symbol,ex_date,new,old\nAAPL,2019-05-24,0,1\n", "line 2, new: '0' is below 1"),
        ("date,rate\n2019-05-24,0.02\n2019-05-28,two\n", "line 3, rate: 'two' is not a number"),
        ("colour,size\nred,1\n", "no side file has the columns colour"),
    ],
)
def test_a_bad_side_file_is_named(tmp_path: Path, text: str, says: str):
    path = write(tmp_path, text)
    with pytest.raises(HistoryError) as error:
        side_data(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_side_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(HistoryError, match="no such file"):
        side_data(tmp_path / "nothing")


def test_indexes_settle_in_cash_and_shares_are_delivered():
    spx, apple = side_data(symbol="SPX").underlyings["SPX"], side_data().underlyings["AAPL"]
    assert (spx.is_index, spx.style) == (True, ExerciseStyle.EUROPEAN)
    assert (apple.is_index, apple.style) == (False, ExerciseStyle.AMERICAN)
    assert price_steps("SPX").at(Decimal(5)) == Decimal("0.10")
    assert price_steps("SPY").at(Decimal(5)) == Decimal("0.01")

"""What is wrong with recorded chains is counted, and makes a chain untradable past its limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from domain.backtest.history import FaultCode
from infra.history.checking import report_on
from infra.history.opening import OpenedHistory, examine
from infra.history.side_files import SideFiles
from tests.backtests.synthetic import Synthetic, synthetic_quotes

DAYS = Synthetic(first=date(2019, 5, 22), last=date(2019, 5, 29), strikes=20, weeks=3)
BAD = pl.lit("2019-05-24")
ON_BAD_DAY = pl.col("timestamp").str.starts_with("2019-05-24")
Spoil = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def sound() -> pl.DataFrame:
    return synthetic_quotes(DAYS)


def examined(folder: Path, table: pl.DataFrame, *side: Path) -> OpenedHistory:
    path = folder / "quotes.csv"
    table.write_csv(path)
    return examine([path], side=SideFiles(side))


def faults_by_day(opened: OpenedHistory) -> dict[date, set[FaultCode]]:
    return {
        moment.session: {fault.code for chain in moment.chains for fault in chain.faults}
        for moment in opened.chains.moments
        if any(chain.faults for chain in moment.chains)
    }


def crossed(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(bid=pl.when(ON_BAD_DAY).then(pl.col("ask") + 0.05).otherwise("bid"))


def without_bids(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(bid=pl.when(ON_BAD_DAY).then(0.0).otherwise("bid"))


def without_price(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(
        underlying_price=pl.when(ON_BAD_DAY).then(None).otherwise("underlying_price")
    )


def rights_mixed_up(table: pl.DataFrame) -> pl.DataFrame:
    other = pl.col("right").replace({"C": "P", "P": "C"})
    return table.with_columns(right=pl.when(ON_BAD_DAY).then(other).otherwise("right"))


def repeating_the_day_before(table: pl.DataFrame) -> pl.DataFrame:
    before = table.filter(pl.col("timestamp").str.starts_with("2019-05-23"))
    copy = before.with_columns(timestamp=pl.lit("2019-05-24T15:45:00-04:00"))
    return pl.concat([table.filter(~ON_BAD_DAY), copy])


def quoting_twice(table: pl.DataFrame) -> pl.DataFrame:
    again = table.filter(ON_BAD_DAY).with_columns(ask=pl.col("ask") + 1.0)
    return pl.concat([table, again])


def expired_before(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(
        expiry=pl.when(ON_BAD_DAY & (pl.col("expiry") == date(2019, 5, 31)))
        .then(date(2019, 5, 17))
        .otherwise("expiry")
    )


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (crossed, FaultCode.CROSSED),
        (without_bids, FaultCode.ONE_SIDED),
        (without_price, FaultCode.NO_UNDERLYING_PRICE),
        (rights_mixed_up, FaultCode.PARITY),
        (repeating_the_day_before, FaultCode.STALE_DUPLICATE),
        (quoting_twice, FaultCode.DUPLICATE_ROWS),
        (expired_before, FaultCode.WRONG_DATES),
    ],
)
def test_a_day_spoiled_throughout_is_untradable_and_no_other(
    tmp_path: Path, sound: pl.DataFrame, spoil: Spoil, code: FaultCode
):
    found = faults_by_day(examined(tmp_path, spoil(sound)))
    assert found == {date(2019, 5, 24): {code}}


def test_quotes_of_a_holiday_are_of_no_session(tmp_path: Path, sound: pl.DataFrame):
    holiday = sound.filter(ON_BAD_DAY).with_columns(timestamp=pl.lit("2019-05-27T15:45:00-04:00"))
    found = faults_by_day(examined(tmp_path, pl.concat([sound, holiday])))
    assert FaultCode.NOT_A_SESSION in found[date(2019, 5, 27)]
    assert FaultCode.STALE_DUPLICATE in found[date(2019, 5, 27)]


def test_a_few_bad_quotes_are_counted_and_left_to_the_strategies(
    tmp_path: Path, sound: pl.DataFrame
):
    one = pl.int_range(pl.len()) == 30
    table = sound.with_columns(bid=pl.when(one).then(pl.col("ask") + 0.05).otherwise("bid"))
    opened = examined(tmp_path, table)
    assert faults_by_day(opened) == {}
    assert sum(count.crossed for counts in opened.counts for count in counts) == 1


def test_the_same_row_twice_is_read_once(tmp_path: Path, sound: pl.DataFrame):
    opened = examined(tmp_path, pl.concat([sound, sound.head(500)]))
    assert faults_by_day(opened) == {}
    assert len(opened.chains.columns.con_id) == len(sound)
    assert sum(count.duplicates for counts in opened.counts for count in counts) == 500


def test_an_official_close_stands_in_for_a_price_that_was_not_recorded(
    tmp_path: Path, sound: pl.DataFrame
):
    prices = tmp_path / "prices.csv"
    prices.write_text("symbol,date,open,high,low,close\nSPX,2019-05-24,1,9999,1,3010.5\n")
    opened = examined(tmp_path, without_price(sound), prices)
    assert FaultCode.NO_UNDERLYING_PRICE not in faults_by_day(opened).get(date(2019, 5, 24), set())
    assert opened.chains.slice(2).chains["SPX"].underlying_price == 3010.5


def test_the_report_names_missing_sessions_and_days_left_out(tmp_path: Path, sound: pl.DataFrame):
    table = crossed(sound).filter(~pl.col("timestamp").str.starts_with("2019-05-23"))
    report = report_on(examined(tmp_path, table))
    assert report.missing_sessions == (date(2019, 5, 23),)
    assert [each.session for each in report.skipped] == [date(2019, 5, 24)]
    assert "CROSSED" in report.skipped[0].reasons[0]
    assert report.underlyings[0].quotes["CROSSED"] == report.underlyings[0].crossed > 0
    assert not report.is_sound


def test_a_sound_recording_is_reported_sound(tmp_path: Path, sound: pl.DataFrame):
    report = report_on(examined(tmp_path, sound))
    assert report.is_sound
    assert (report.rows, report.sessions) == (len(sound), 5)
    assert report.underlyings[0].arbitrage == {"VERTICAL": 0, "BUTTERFLY": 0}

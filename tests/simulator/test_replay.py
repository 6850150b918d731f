"""Recorded chains as a market: read, moved onto the session's dates, and traded on the wire."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ib_async
import polars as pl
import pytest
from ib_async import MarketOrder

from domain.instruments import Right
from infra.calendars import trading_calendar
from infra.history.canonical import HistoryError
from infra.history.tables import read_recording
from infra.simulator.contracts import ContractSpec
from infra.simulator.reference import MARKET_RULES
from infra.simulator.replay import ReplayMarket, weeks_to
from tests.simulator.conftest import Connect, StartGateway, place, qualified, quoted, settle

CALENDAR = trading_calendar()
MONDAY = date(2026, 11, 23)
SHARED = Path(__file__).parents[3] / "shared" / "data"
HEADER = (
    "timestamp,underlying,root,right,strike,expiry,settlement,bid,ask,bid_size,ask_size,last,"
    "volume,open_interest,underlying_price,multiplier\n"
)
ROWS = """\
2019-04-29T09:30:00-04:00,ACME,ACME,P,95,2019-05-03,PM,1.00,1.10,5,7,1.05,10,100,100,100
2019-04-29T12:00:00-04:00,ACME,ACME,P,95,2019-05-03,PM,2.00,2.10,5,7,2.05,20,100,97,100
2019-04-30T09:30:00-04:00,ACME,ACME,P,95,2019-05-03,PM,3.00,3.20,5,7,3.05,10,120,93,100
2019-05-03T15:59:00-04:00,ACME,ACME,P,95,2019-05-03,PM,4.90,5.10,5,7,5,10,120,90,100
2019-04-29,ACME,ACME2,C,95,2019-05-17,PM,6.00,6.40,1,1,0,0,0,,50
"""


def _file(folder: Path, rows: str = ROWS) -> Path:
    path = folder / "acme.csv"
    path.write_text(HEADER + rows)
    return path


def _market(path: Path) -> ReplayMarket:
    return ReplayMarket(7, CALENDAR, path, MONDAY)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            ROWS.replace(",P,95,2019-05-03,PM,2.00", ",X,95,2019-05-03,PM,2.00"),
            "line 3, right: 'X'",
        ),
        (ROWS.replace("2.00,2.10", "two,2.10"), "line 3, bid: 'two' is not a number"),
        (ROWS.replace("3.00,3.20", "-3.00,3.20"), "line 4, bid: -3.0 is negative"),
        (ROWS.replace("2019-05-17", "17/05/2019"), "line 6, expiry: '17/05/2019' is not a date"),
        (ROWS.replace("2019-04-29T12:00:00-04:00", "noon"), "line 3, timestamp: 'noon'"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_column(tmp_path: Path, bad: str, says: str):
    path = _file(tmp_path, bad)
    with pytest.raises(HistoryError) as error:
        read_recording(path, CALENDAR)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_missing_column_and_a_missing_file_are_named(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("timestamp,underlying\n2019-04-29,ACME\n")
    with pytest.raises(
        HistoryError, match="as the canonical one it lacks ask, bid, expiry, right, strike"
    ):
        read_recording(path, CALENDAR)
    with pytest.raises(HistoryError, match="no such file"):
        read_recording(tmp_path / "nothing", CALENDAR)


def test_parquet_reads_like_csv(tmp_path: Path):
    table = read_recording(_file(tmp_path), CALENDAR)
    other = tmp_path / "acme.parquet"
    table.drop("whole_session").write_parquet(other)
    again = read_recording(other, CALENDAR)
    assert again.drop("whole_session").equals(table.drop("whole_session"))


def test_a_parquet_column_of_dates_holds_for_whole_sessions(tmp_path: Path):
    table = read_recording(_file(tmp_path), CALENDAR)
    other = tmp_path / "acme.parquet"
    table.with_columns(pl.col("timestamp").dt.date()).write_parquet(other)
    again = read_recording(other, CALENDAR)
    assert again["whole_session"].all()
    assert {at.hour for at in again["timestamp"]} == {19}, "a minute before the close"


def test_weekdays_and_days_to_expiry_survive_the_move(tmp_path: Path):
    market = _market(_file(tmp_path))
    assert market.shift.days % 7 == 0
    assert market.first_session == MONDAY
    chain = list(
        market.book.find(
            ContractSpec(symbol="ACME", sec_type="OPT"), MONDAY, market.reference_prices(_at(11))
        )
    )
    put, call = sorted(chain, key=lambda s: s.expiry or MONDAY)
    assert put.expiry == date(2026, 11, 27)
    assert (call.trading_class, call.multiplier) == ("ACME2", 50)
    later = ReplayMarket(7, CALENDAR, _file(tmp_path), date(2027, 3, 3))
    assert later.first_session == date(2027, 3, 8)
    assert later.book.by_id(put.con_id) is not None, "ids do not depend on when it is played"


def test_a_first_day_on_a_holiday_waits_for_the_next_such_weekday():
    assert weeks_to(CALENDAR, date(2019, 5, 2), date(2026, 11, 24)) == (
        date(2026, 12, 3) - date(2019, 5, 2)
    )


def _at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    """New York time in November 2026."""
    return datetime(2026, 11, day, hour + 5, minute, tzinfo=UTC)


def test_quotes_step_at_the_recorded_moments(tmp_path: Path):
    market = _market(_file(tmp_path))
    put = next(s for s in market.book._options["ACME"] if s.right is Right.PUT)
    bids = {
        at: market.quote(put, at).bid
        for at in (_at(9, 31), _at(11, 59), _at(12), _at(17), _at(10, 0, 24), _at(13, 0, 25))
    }
    assert list(bids.values()) == [1, 1, 2, 2, 3, 3]
    first = market.quote(put, _at(12))
    assert (first.ask_size, first.open_interest, first.close) == (7, 100, 0)
    assert market.quote(put, _at(10, 0, 24)).close == 2.05
    assert market.spot("ACME", _at(12)) == 97
    assert first.iv > 0
    assert first.delta < 0
    # A bare date holds from the open on.
    call = next(s for s in market.book._options["ACME"] if s.right is Right.CALL)
    assert market.quote(call, _at(9, 30)).bid == 6


def test_recorded_deltas_are_shown_and_price_steps_are_those_of_the_name(tmp_path: Path):
    told = tmp_path / "spy.csv"
    told.write_text(
        "timestamp,underlying,right,strike,expiry,bid,ask,underlying_price,iv,delta\n"
        "2019-04-29,SPY,P,95,2019-05-17,4.01,4.10,100,0.2,-0.123\n"
        "2019-04-29,SPY,P,90,2019-05-17,2.01,2.10,100,0.2,\n"
    )
    market = _market(told)
    low, high = sorted(market.book._options["SPY"], key=lambda s: s.strike or 0)
    assert market.quote(high, _at(11)).delta == -0.123
    assert -0.1 < market.quote(low, _at(11)).delta < 0, "worked out where none is recorded"
    assert MARKET_RULES[high.market_rule].at(Decimal(4)) == Decimal("0.01")


async def test_a_recording_is_traded_on_the_wire_until_its_expiry(
    tmp_path: Path, start_gateway: StartGateway, connect: Connect
):
    gateway = await start_gateway(
        market="replay", recording=_file(tmp_path), data_dir=tmp_path / "gw", messages_per_second=0
    )
    assert gateway.clock.now() == _at(10)
    ib = await connect(gateway)
    stock = await qualified(ib, ib_async.Stock("ACME", "SMART", "USD"))
    (chain, *_) = await ib.reqSecDefOptParamsAsync("ACME", "", "STK", stock.conId)
    assert chain.tradingClass in {"ACME", "ACME2"}
    put = await qualified(ib, ib_async.Option("ACME", "20261127", 95, "P", "SMART"))
    ticker = await quoted(ib, put)
    assert (ticker.bid, ticker.ask) == (1.0, 1.1)
    assert ticker.modelGreeks is not None
    sold = await place(ib, put, MarketOrder("SELL", 1))
    assert sold.orderStatus.avgFillPrice == 1.0
    gateway.clock.advance(timedelta(hours=2, minutes=1))
    await settle(ib)
    assert ticker.bid == 2.0
    for _ in range(5):
        gateway.clock.advance(timedelta(days=1))
    await settle(ib)
    held = {p.contract.symbol: p.position for p in ib.positions()}
    assert held == {"ACME": 100}


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no recording at {path}")
    return path


def test_a_day_of_a_real_index_chain_is_played(tmp_path: Path):
    source = _shared("spx_2019") / "SPX_20190425.csv.gz"
    market = _market(source)
    assert market.first_session == date(2026, 12, 3), "a Thursday that is no holiday"
    at = CALENDAR.session_on(market.first_session).open_at + timedelta(hours=1)
    assert market.spot("SPX", at) == 2919.04
    names = {c.name: c for c in market.book.classes("SPX", at.date())}
    assert names["SPX"].am_settled
    assert not names["SPXW"].am_settled
    assert all(c.cash_settled for c in names.values())
    chain = list(market.book.find(ContractSpec(symbol="SPX", sec_type="OPT"), at.date(), {}))
    assert len(chain) > 10_000
    quotes = market.quotes(chain, at)
    assert all(0 <= q.bid <= q.ask for q in quotes)
    assert 0.05 < market.atm_vol(market.book.underlyings["SPX"], at, 30 / 365) < 0.3


def test_lean_archives_are_read_with_open_interest_and_the_close():
    table = read_recording(_shared("lean"), CALENDAR)
    assert table["timestamp"].dt.date().unique().sort().to_list() == [
        date(2014, 6, 6),
        date(2014, 6, 9),
    ]
    assert set(table["underlying_price"].unique()) == {645.57, 93.7}
    assert table["open_interest"].sum() > 0
    assert (table["ask"] >= table["bid"]).mean() > 0.99

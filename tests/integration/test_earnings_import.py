"""Earnings dates from a file: whole or not at all, and every fault named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from infra.calendars import trading_calendar
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.earnings import EarningsFileError, import_earnings, read_earnings
from infra.seed import seed_demo
from infra.settings import Settings
from infra.simulator.earnings_file import write_earnings
from infra.simulator.market_events import MarketEvents

MONDAY = date(2026, 11, 23)


def file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "earnings.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("aap l?,2026-12-01,", "line 3, column symbol: 'aap l?' is no symbol"),
        ("AAPL,12/01/2026,", "line 3, column date: '12/01/2026' is no date (YYYY-MM-DD)"),
        ("AAPL,,", "line 3, column date: '' is no date (YYYY-MM-DD)"),
        ("AAPL", "line 3, column date: '' is no date (YYYY-MM-DD)"),
        ("AAPL,2026-12-01,soon", "line 3, column until: 'soon' is no date (YYYY-MM-DD)"),
        ("AAPL,2026-12-01,2026-11-30", "column until: 2026-11-30 is before the date, 2026-12-01"),
        ("AAPL,2026-12-01,2026-12-01,x", "line 3, column until: there are more fields than"),
        ("MSFT,2026-12-02,", "line 3, column date: MSFT has this date already"),
    ],
)
def test_a_faulty_row_is_named_with_its_line_column_and_reason(tmp_path: Path, row: str, told: str):
    path = file(tmp_path, "symbol,date,until", "MSFT,2026-12-02,", row)
    with pytest.raises(EarningsFileError) as raised:
        read_earnings(path)
    (fault,) = raised.value.faults
    assert fault.startswith(str(path))
    assert told in fault


def test_all_faults_are_told_at_once(tmp_path: Path):
    path = file(tmp_path, "symbol,date", "AAPL,x", "MSFT,2026-12-02", ",2026-12-02")
    with pytest.raises(EarningsFileError) as raised:
        read_earnings(path)
    assert len(raised.value.faults) == 2


@pytest.mark.parametrize(
    ("header", "told"),
    [("symbol", "column date is missing"), ("symbol,date,eps", "column eps is not known")],
)
def test_a_header_that_says_something_else_is_refused(tmp_path: Path, header: str, told: str):
    with pytest.raises(EarningsFileError, match=told):
        read_earnings(file(tmp_path, header, "AAPL,2026-12-01,1"))


@pytest.mark.parametrize("text", [b"", b"symbol,date\n", b"\xff\xfe"])
def test_a_file_that_is_empty_or_no_text_is_refused(tmp_path: Path, text: bytes):
    path = tmp_path / "earnings.csv"
    path.write_bytes(text)
    with pytest.raises(EarningsFileError):
        read_earnings(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(EarningsFileError, match=r"missing\.csv: No such file"):
        read_earnings(tmp_path / "missing.csv")


@pytest.mark.integration
async def test_an_import_moves_what_was_moved_and_keeps_the_rest(tmp_path: Path, database_url: str):
    settings = Settings(database_url=database_url)
    first = ("AAPL,2026-10-29", "AAPL,2027-01-28", "MSFT,2026-10-27,2027-01-20")
    await import_earnings(settings, file(tmp_path, "symbol,date,until", *first))
    for _ in range(2):
        await import_earnings(settings, file(tmp_path, "symbol,date", "AAPL,2027-01-27"))
    with pytest.raises(EarningsFileError):
        await import_earnings(settings, file(tmp_path, "symbol,date", "MSFT,2027-01-26", "?,"))
    engine = create_engine(database_url)
    async with sessions(engine)() as session:
        rows = await session.scalars(
            select(m.EarningsDate).order_by(m.EarningsDate.symbol, m.EarningsDate.day)
        )
        assert [(row.symbol, row.day, row.known_to) for row in rows] == [
            ("AAPL", date(2026, 10, 29), date(2026, 10, 29)),
            ("AAPL", date(2027, 1, 27), date(2027, 1, 27)),
            ("MSFT", date(2026, 10, 27), date(2027, 1, 20)),
        ]
        told = await session.scalars(select(m.AuditEvent.action))
        assert list(told) == ["earnings.imported"] * 2, "an import without news is no event"
    await engine.dispose()


def test_the_simulated_market_writes_the_calendar_its_prices_follow(tmp_path: Path):
    events = MarketEvents(7, trading_calendar(), MONDAY)
    calendar = read_earnings(write_earnings(tmp_path, events, MONDAY))
    assert {each.symbol for each in calendar} == {"AAPL", "MSFT", "NVDA"}
    aapl = [each for each in calendar if each.symbol == "AAPL"]
    ahead = events.earnings("AAPL", MONDAY, date(2027, 11, 23))
    assert {e.on for e in ahead} <= {each.day for each in aapl}
    assert [each.known_to for each in aapl[:-1]] < [each.day for each in aapl[1:]]


@pytest.mark.integration
async def test_a_first_desk_knows_the_calendar_of_its_simulated_market(
    tmp_path: Path, database_url: str
):
    calendar = write_earnings(tmp_path, MarketEvents(7, trading_calendar(), MONDAY), MONDAY)
    settings = Settings(database_url=database_url)
    assert await seed_demo(settings, calendar) is not None
    assert await seed_demo(settings, calendar) is None, "a second start finds all in place"
    engine = create_engine(database_url)
    async with sessions(engine)() as session:
        symbols = await session.scalars(select(m.EarningsDate.symbol).distinct())
        assert {*symbols} == {"AAPL", "MSFT", "NVDA"}
    await engine.dispose()

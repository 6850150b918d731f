"""The document a backtest leaves, its tables and its report."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import pytest

from domain.backtest.runner import run_backtest
from domain.ports.backtests import BacktestRequest
from infra.backtests.artifacts import EQUITY, REPORT, STATS, TRADES, write_artifacts
from infra.backtests.document import BacktestDocument, TableName, document_of
from infra.backtests.figures import figures
from infra.backtests.report import ROWS_SHOWN, drawdowns, monthly_returns, report_html
from infra.backtests.svg import MOST_POINTS, Line, line_chart, money
from tests.unit.backtest_market import CALENDAR, Day, Row, prices, recorded, underlying, wheel

OPENED, LATER, EXPIRY, MONDAY = (date(2024, 1, day) for day in (2, 10, 19, 22))


@pytest.fixture(scope="module")
def document() -> BacktestDocument:
    """A put sold on the first day that expires worthless."""

    def put(bid: float, ask: float) -> Row:
        return Row(95.0, EXPIRY, bid, ask)

    days = [
        Day(OPENED, 100.0, (put(1.0, 1.2),)),
        Day(LATER, 101.0, (put(0.4, 0.6),)),
        Day(MONDAY, 90.0, (Row(70.0, date(2024, 6, 21), 0.05, 0.30),)),
    ]
    history = recorded(days, {"ABC": underlying(prices=prices((EXPIRY, 96.0, 95.0)))})
    config = wheel()
    request = BacktestRequest.model_validate(
        {**config.model_dump(mode="json"), "data": ["/x"], "name": "One <put> & no more"}
    )
    return document_of(request, run_backtest(config, history, CALENDAR), history.digest)


def test_a_document_packs_into_equal_bytes_and_comes_back_whole(document: BacktestDocument):
    packed = document.packed()
    assert packed == document.packed()
    assert BacktestDocument.unpacked(packed) == document


def test_the_trades_file_says_what_was_traded(document: BacktestDocument):
    rows = list(csv.DictReader(io.StringIO(document.table(TableName.TRADES).csv())))
    assert [(row["exit_rule"], row["result"], row["strike"]) for row in rows] == [
        ("expired", "110", "95")
    ]


def test_the_report_asks_nothing_of_any_server_and_runs_nothing(document: BacktestDocument):
    page = report_html(document)
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<iframe|\bsrc=|\bon\w+=", page)
    assert "One &lt;put&gt; &amp; no more" in page
    assert len(page) < 60_000


def test_every_figure_of_the_report_is_one_of_the_stats(document: BacktestDocument):
    page = report_html(document)
    shown = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert shown["Return"] == f"{100 * document.stats['return']:.2f} %" == "0.55 %"
    assert shown["Equity at the end"] == f"{document.stats['equity_end']:,.2f}" == "20,110.00"
    assert len(shown) == len(figures(document.stats))


def test_a_figure_that_could_not_be_told_shows_as_a_dash_and_no_zero_is_negative():
    told = {each.name: each.text for each in figures({"sharpe": None, "return": -0.0})}
    assert told == {"return": "0.00 %", "sharpe": "–"}


def test_the_drawdown_counts_from_the_cash_at_the_beginning():
    assert drawdowns([90.0, 110.0, 99.0], start=100.0) == pytest.approx([-0.1, 0.0, -0.1])


def test_months_follow_each_other_from_the_cash_at_the_beginning():
    days = [date(2024, 1, 5), date(2024, 1, 31), date(2024, 2, 29)]
    found = monthly_returns(days, [101.0, 110.0, 99.0], start=100.0)
    assert found == {(2024, 1): pytest.approx(0.1), (2024, 2): pytest.approx(-0.1)}


def test_a_long_history_is_drawn_by_its_extremes():
    days = [date.fromordinal(738_000 + number) for number in range(10_000)]
    values = [100.0 + number % 7 for number in range(10_000)]
    values[5_000] = 500.0
    chart = line_chart("x", days, [Line("equity", values)], money)
    assert chart.count("L") <= MOST_POINTS
    assert "500" in chart
    peak = min(float(y) for y in re.findall(r"[ML]\S+ ([\d.]+)", chart))
    assert peak == pytest.approx(10.0)


def test_a_short_or_empty_history_has_a_report_too(document: BacktestDocument):
    empty = {name: type(table)(table.columns, ()) for name, table in document.tables.items()}
    bare = BacktestDocument(
        **{
            name: getattr(document, name)
            for name in document.__dataclass_fields__
            if name not in ("tables", "benchmarks")
        },
        tables=empty,
        benchmarks=(),
    )
    assert "Not enough days" in report_html(bare)


def test_long_tables_end_with_the_latest_rows(document: BacktestDocument):
    trades = document.table(TableName.TRADES)
    many = type(trades)(trades.columns, trades.rows * (ROWS_SHOWN + 50))
    page = report_html(
        BacktestDocument(
            **{
                name: getattr(document, name)
                for name in document.__dataclass_fields__
                if name != "tables"
            },
            tables={**document.tables, TableName.TRADES: many},
        )
    )
    assert f"The last {ROWS_SHOWN} of {ROWS_SHOWN + 50}" in page


def test_the_files_of_a_folder_appear_whole(document: BacktestDocument, tmp_path: Path):
    written = write_artifacts(document, tmp_path / "new" / "folder")
    assert {path.name for path in written} == {TRADES, EQUITY, STATS, REPORT}
    assert {path.name for path in written[0].parent.iterdir()} == {p.name for p in written}

"""``greenlight data``: what it prints, what it leaves, what it answers to a script."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from infra.cli import app
from infra.history.opening import open_history
from tests.backtests.synthetic import Synthetic, synthetic_quotes

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SMALL = Synthetic(first=date(2018, 12, 28), last=date(2019, 1, 4), strikes=10, weeks=2)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


@pytest.fixture
def quotes(tmp_path: Path) -> Path:
    path = tmp_path / "quotes.csv"
    synthetic_quotes(SMALL).write_csv(path)
    return path


def test_a_sound_recording_is_checked_with_exit_code_0(quotes: Path):
    result = run("check", quotes)
    assert result.exit_code == 0, result.output
    assert "200 rows, layout canonical" in result.output
    assert "missing sessions: none" in result.output


def test_a_missing_day_is_exit_code_1_and_named(quotes: Path):
    table = pl.read_csv(quotes).filter(~pl.col("timestamp").str.starts_with("2019-01-02"))
    table.write_csv(quotes)
    result = run("check", quotes, "--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["missing_sessions"] == ["2019-01-02"]
    assert report["skipped"] == []


@pytest.mark.parametrize("command", ["check", "convert"])
def test_a_bad_row_is_exit_code_2_and_named(tmp_path: Path, quotes: Path, command: str):
    quotes.write_text(quotes.read_text().replace(",PM,", ",PM,x", 1))
    out = ["--out", tmp_path / "out"] if command == "convert" else []
    result = run(command, quotes, *out)
    assert result.exit_code == 2
    assert f"{quotes}, line 2, bid: " in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--layout", "nobody"), ("--map", "bid"), ("--map", "x=y")])
def test_an_option_without_sense_is_exit_code_2(quotes: Path, option: tuple[str, str]):
    assert run("check", quotes, *option).exit_code == 2


def test_converted_quotes_make_the_same_slices(tmp_path: Path, quotes: Path):
    out = tmp_path / "out"
    result = run("convert", quotes, "--out", out)
    assert result.exit_code == 0, result.output
    assert [str(path.relative_to(out)) for path in sorted(out.rglob("*.parquet"))] == [
        "underlying=SPX/year=2018/quotes.parquet",
        "underlying=SPX/year=2019/quotes.parquet",
    ]
    before, after = open_history([quotes]), open_history([out])
    assert [*after.timestamps()] == [*before.timestamps()]
    for number in range(len(before.moments)):
        one, two = before.slice(number), after.slice(number)
        assert one.chains["SPX"].to_json() == two.chains["SPX"].to_json()
        assert (one.bid_size["SPX"] == two.bid_size["SPX"]).all()


def test_nothing_is_written_over(tmp_path: Path, quotes: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    result = run("convert", quotes, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert (tmp_path / "out" / "mine").read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"quotes.csv", "out"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded days are not here")
def test_the_recorded_index_days_are_reported_with_their_faults():
    files = [SHARED / "spx_2019" / f"SPX_201905{day}.csv.gz" for day in (16, 20, 24, 27, 28)]
    result = run("check", *files, "--side", SHARED / "rates", "--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["layouts"] == ["chain-file"]
    assert report["missing_sessions"] == ["2019-05-17", "2019-05-21", "2019-05-22", "2019-05-23"]
    assert report["not_sessions"] == ["2019-05-27"]
    assert [(each["session"], each["underlying"]) for each in report["skipped"]] == [
        ("2019-05-27", "SPX")
    ]
    assert report["rates_known"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded days are not here")
def test_the_recorded_split_of_apple_is_sound():
    side = [SHARED / "lean" / name for name in ("equity_daily", "factor_files")]
    history = open_history([SHARED / "lean"])
    assert [moment.session for moment in history.moments] == [date(2014, 6, 6), date(2014, 6, 9)]
    result = run("check", SHARED / "lean", "--side", side[0], "--side", side[1])
    assert result.exit_code == 0, result.output

"""``greenlight backtest``: files, figures, records, exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from infra.cli import app
from infra.db.models import RunMode, RunStatus, StrategyRun
from infra.db.session import create_engine, sessions
from infra.settings import get_settings
from tests.chain_files import write_chains, write_config

pytestmark = pytest.mark.integration


@pytest.fixture
def chains(tmp_path: Path) -> Path:
    return write_chains(tmp_path / "history.csv")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "config.json")


def backtest(*arguments: object) -> Result:
    get_settings.cache_clear()
    try:
        return CliRunner().invoke(app, ["backtest", *map(str, arguments)])
    finally:
        get_settings.cache_clear()


def test_it_prints_figures_and_writes_four_files(chains: Path, config: Path, tmp_path: Path):
    out = tmp_path / "result"
    ran = backtest(
        "--strategy", "wheel", "--config", config, "--data", chains, "--cash", 20000,
        "--commission", "none", "--out", out, "--no-record", "--name", "a try",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "Option trades" in ran.stdout
    stats: dict[str, Any] = json.loads((out / "stats.json").read_text())
    assert stats["stats"]["sessions"] == 4
    assert stats["stats"]["trades_open"] == 1
    assert (out / "trades.csv").read_text().count("ABC") >= 1
    assert (out / "report.html").read_text().startswith("<!doctype html>")


def test_the_same_backtest_twice_writes_the_same_bytes(chains: Path, config: Path, tmp_path: Path):
    for name in ("first", "second"):
        backtest(
            "--strategy", "wheel", "--config", config, "--data", chains, "--no-record",
            "--out", tmp_path / name,
        )  # fmt: skip
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes(), file.name


async def test_a_reachable_database_has_the_run(
    chains: Path, config: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", database_url)
    ran = await asyncio.to_thread(
        backtest, "--strategy", "wheel", "--config", config, "--data", chains, "--record"
    )
    assert ran.exit_code == 0, ran.output
    engine = create_engine(database_url)
    async with sessions(engine)() as session:
        run = (await session.scalars(select(StrategyRun))).one()
    await engine.dispose()
    assert (run.mode, run.status) == (RunMode.BACKTEST, RunStatus.COMPLETED)
    assert run.stats["sessions"] == 4
    assert f"Recorded as run {run.id}" in ran.stderr


def test_without_a_database_it_runs_and_says_that_nothing_is_on_record(
    chains: Path, config: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    asked = ("--strategy", "wheel", "--config", config, "--data", chains)
    ran = backtest(*asked)
    assert ran.exit_code == 0
    assert ran.stderr.startswith("Not recorded: no desk's database can be used")
    assert backtest(*asked, "--record").exit_code == 4


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"--strategy": "alpha"}, 2, "the installed strategies are wheel, theta"),
        ({"--config": "absent.json"}, 2, "config: absent.json: No such file"),
        ({"--fills": "luck"}, 2, "fills"),
        ({"--cash": "-5"}, 2, "cash"),
        ({"--start": "2024-03-01", "--end": "2024-02-01"}, 2, "end lies before start"),
        ({"--data": "absent.csv"}, 3, "there is no such file or folder"),
        ({"--start": "2030-01-01"}, 3, "no rows in the span"),
    ],
)
def test_what_is_wrong_is_named_and_has_its_exit_code(
    chains: Path, config: Path, changes: dict[str, str], code: int, said: str
):
    options = {"--strategy": "wheel", "--config": config, "--data": chains, **changes}
    ran = backtest(*(part for pair in options.items() for part in pair), "--no-record")
    assert (ran.exit_code, said in ran.stderr) == (code, True), ran.stderr


def test_a_wrong_configuration_names_the_field(chains: Path, tmp_path: Path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"universe": ["ABC"], "max_delta": 7}')
    ran = backtest("--strategy", "wheel", "--config", wrong, "--data", chains, "--no-record")
    assert ran.exit_code == 2
    assert ran.stderr.startswith(
        "CONFIG_INVALID: the configuration of wheel is not valid: max_delta"
    )


def test_a_bad_row_names_file_line_and_column(chains: Path, config: Path):
    chains.write_text(chains.read_text().replace(",1.5,", ",one,", 1))
    ran = backtest("--strategy", "wheel", "--config", config, "--data", chains, "--no-record")
    assert ran.exit_code == 3
    assert "history.csv, line 3, bid" in ran.stderr

"""``greenlight backtest``: files, figures, records, exit codes."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner, Result

from infra.backtests.claims import ABANDONED
from infra.backtests.exits import exits
from infra.cli import app
from infra.db.models import RunMode, RunStatus, StrategyRun
from infra.db.session import create_engine, sessions
from infra.settings import get_settings
from tests.chain_files import DAYS, write_chains, write_config

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


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a person stands who has just begun."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def written(out: Path) -> dict[str, Any]:
    return json.loads((out / "stats.json").read_text())


def test_the_line_that_everybody_types_first(empty_folder: Path):
    (empty_folder / "config.json").write_text("{}")
    one = write_chains(empty_folder / "history.csv")
    write_chains(empty_folder / "more.csv", underlying="XYZ")
    one.write_text(
        one.read_text() + "\n".join((empty_folder / "more.csv").read_text().split("\n")[1:])
    )
    line = "greenlight backtest --strategy wheel --config config.json --data history.csv"
    programs = str(Path(sys.executable).parent)
    ran = subprocess.run(
        line,
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "100"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "wheel on history.csv" in ran.stdout
    assert {path.name for path in empty_folder.iterdir()} == {
        "config.json", "history.csv", "more.csv"
    }  # fmt: skip


def test_without_a_universe_every_underlying_of_the_data_is_traded(empty_folder: Path):
    Path("config.json").write_text("{}")
    write_chains(Path("abc.csv"))
    write_chains(Path("xyz.csv"), underlying="XYZ")
    ran = backtest(
        "--strategy", "wheel", "--config", "config.json", "--data", "abc.csv", "--data", "xyz.csv",
        "--no-record", "--out", "out",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert set(pl.read_csv("out/trades.csv")["symbol"]) == {"ABC", "XYZ"}


def _gzipped(source: Path, folder: Path) -> list[Path]:
    path = folder / "history.csv.gz"
    path.write_bytes(gzip.compress(source.read_bytes()))
    return [path]


def _zipped(source: Path, folder: Path) -> list[Path]:
    path = folder / "history.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(source, "inside/history.csv")
    return [path]


def _parquet(source: Path, folder: Path) -> list[Path]:
    pl.read_csv(source).write_parquet(folder / "history.parquet")
    return [folder / "history.parquet"]


def _by_day(source: Path, folder: Path) -> list[Path]:
    return [write_chains(folder / f"{day}.csv", [day]) for day in DAYS]


def _folder(source: Path, folder: Path) -> list[Path]:
    (folder / "days" / "deep").mkdir(parents=True)
    _by_day(source, folder / "days" / "deep")
    return [folder / "days"]


def _converted(source: Path, folder: Path) -> list[Path]:
    done = CliRunner().invoke(app, ["data", "convert", str(source), "--out", str(folder / "out")])
    assert done.exit_code == 0, done.output
    return [folder / "out"]


@pytest.mark.parametrize("packed", [_gzipped, _zipped, _parquet, _by_day, _folder, _converted])
def test_however_the_data_are_packed_the_result_is_the_same(
    chains: Path, config: Path, tmp_path: Path, packed: Callable[[Path, Path], list[Path]]
):
    folder = tmp_path / "packed"
    folder.mkdir()
    for out, sources in (("plain", [chains]), ("other", packed(chains, folder))):
        data = [part for each in sources for part in ("--data", each)]
        ran = backtest(
            "--strategy", "wheel", "--config", config, *data, "--no-record", "--out", tmp_path / out
        )
        assert ran.exit_code == 0, ran.output
    assert written(tmp_path / "plain")["stats"] == written(tmp_path / "other")["stats"]
    for name in ("trades.csv", "equity.csv"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_strategy_of_ones_own_is_found_in_the_folder_one_works_in(
    empty_folder: Path, chains: Path, config: Path
):
    (empty_folder / "my_wheel.py").write_text(
        "from domain.strategies.wheel import Wheel\n\nclass Mine(Wheel):\n    slug = 'mine'\n"
    )
    asked = ("--config", config, "--data", chains, "--no-record")
    ran = backtest("--strategy", "my_wheel:Mine", *asked)
    assert (ran.exit_code, "Option trades" in ran.stdout) == (0, True), ran.output
    ran = backtest("--strategy", "my_wheel:Other", *asked)
    assert (ran.exit_code, "has no Other" in ran.stderr) == (2, True)
    ran = backtest("--strategy", "pathlib:Path", *asked)
    assert (ran.exit_code, ran.stderr.startswith("STRATEGY_UNRESOLVED")) == (2, True)


def test_what_a_strategy_raises_is_exit_code_1_and_the_files_are_written_all_the_same(
    empty_folder: Path, chains: Path, config: Path
):
    (empty_folder / "broken.py").write_text(
        "from domain.strategies.wheel import Wheel\n\n"
        "class Broken(Wheel):\n    slug = 'broken'\n\n"
        "    def generate_signals(self, *_):\n        raise ValueError('out of ideas')\n"
    )
    ran = backtest(
        "--strategy", "broken:Broken", "--config", config, "--data", chains, "--no-record",
        "--out", "out",
    )  # fmt: skip
    assert (ran.exit_code, "out of ideas" in ran.stderr) == (1, True), ran.output
    assert "out of ideas" in written(Path("out"))["errors"][0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("--config", "[1]", "config"),
        ("--config", "{", "is not JSON"),
        ("--limits", '{"max_orders_per_day": -1}', "limits.max_orders_per_day"),
    ],
)
def test_a_wrong_file_of_settings_is_named(
    chains: Path, tmp_path: Path, name: str, content: str, said: str
):
    wrong = tmp_path / "wrong.json"
    wrong.write_text(content)
    ran = backtest("--strategy", "wheel", name, wrong, "--data", chains, "--no-record")
    assert (ran.exit_code, said in ran.stderr) == (2, True), ran.stderr


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_runs(
    chains: Path, config: Path
):
    ran = backtest(
        "--strategy", "wheel", "--config", config, "--data", chains, "--no-record", "--out", chains
    )
    assert (ran.exit_code, f"out: {chains} is no folder" in ran.stderr) == (2, True)


@pytest.fixture
def patient(empty_folder: Path, chains: Path, config: Path) -> Iterator[subprocess.Popen[str]]:
    """A backtest in a process of its own whose strategy has begun, and never ends."""
    (empty_folder / "patient.py").write_text(
        "import time\nfrom domain.strategies.wheel import Wheel\n\n"
        "class Patient(Wheel):\n    slug = 'patient'\n\n"
        "    def generate_signals(self, *_):\n"
        "        print('thinking', flush=True)\n        time.sleep(600)\n"
    )
    programs = Path(sys.executable).parent
    command = [programs / "greenlight", "backtest", "--strategy", "patient:Patient"]
    # Tests that run in the background may ignore it, and children would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [*command, "--config", config, "--data", chains, "--out", "out"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        signal.signal(signal.SIGINT, before)
        yield process
        process.kill()


async def test_an_interrupted_backtest_is_exit_code_130_and_cancelled_on_record(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", database_url)
    process: subprocess.Popen[str] = request.getfixturevalue("patient")
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "thinking\n"
    process.send_signal(signal.SIGINT)
    _, wrong = await asyncio.to_thread(process.communicate)
    assert (process.returncode, wrong) == (130, "Interrupted.\n")
    assert not Path("out").exists()  # noqa: ASYNC240
    assert await status_on_record(database_url) is RunStatus.CANCELLED


async def test_a_backtest_that_was_killed_is_failed_once_another_begins_and_not_before(
    request: pytest.FixtureRequest,
    chains: Path,
    config: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", database_url)
    process: subprocess.Popen[str] = request.getfixturevalue("patient")
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "thinking\n"

    async def another() -> list[tuple[RunStatus, list[str]]]:
        """Runs one to its end; then of all on record, the oldest first."""
        asked = ("--strategy", "wheel", "--config", config, "--data", chains, "--record")
        ran = await asyncio.to_thread(backtest, *asked)
        assert ran.exit_code == 0, ran.output
        engine = create_engine(database_url)
        async with sessions(engine)() as session:
            runs = (
                await session.scalars(select(StrategyRun).order_by(StrategyRun.started_at))
            ).all()
        await engine.dispose()
        return [(run.status, list(run.errors)) for run in runs]

    completed = (RunStatus.COMPLETED, list[str]())
    assert await another() == [(RunStatus.RUNNING, []), completed]
    process.kill()
    await asyncio.to_thread(process.wait)
    assert await another() == [(RunStatus.FAILED, [ABANDONED]), completed, completed]


async def status_on_record(database_url: str) -> RunStatus:
    engine = create_engine(database_url)
    async with sessions(engine)() as session:
        run = (await session.scalars(select(StrategyRun))).one()
    await engine.dispose()
    return run.status


def test_sigterm_is_an_interrupt():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(typer.Exit) as left, exits():
        os.kill(os.getpid(), signal.SIGTERM)
    assert left.value.exit_code == 130
    assert signal.getsignal(signal.SIGTERM) is before

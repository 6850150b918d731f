"""``greenlight backtest --submit`` and ``greenlight sweep``: what the workers get, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from temporalio.client import Client
from typer.testing import CliRunner, Result

from domain.backtest.config import MarginModel
from domain.ports.backtests import BacktestRequest
from infra.cli import app
from infra.settings import get_settings
from tests.workflows.backtests.desk import Engine

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = os.path.abspath("here.csv")
THETA = ("--strategy", "theta", "--data", "/data")


@pytest.fixture
def here(desk: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The desk, for commands that are typed in this process."""
    monkeypatch.setenv("GREENLIGHT_TEMPORAL_ADDRESS", desk.service_client.config.target_host)
    monkeypatch.setenv("GREENLIGHT_TEMPORAL_NAMESPACE", desk.namespace)
    return desk


async def typed(*arguments: object) -> Result:
    def invoke() -> Result:
        get_settings.cache_clear()
        try:
            return CliRunner().invoke(app, [*map(str, arguments)])
        finally:
            get_settings.cache_clear()

    return await asyncio.to_thread(invoke)


def asked_of(engine: Engine) -> list[BacktestRequest]:
    return [engine.begun.get_nowait() for _ in range(engine.begun.qsize())]


async def test_a_submitted_backtest_is_waited_for_and_shown(here: Client, engine: Engine):
    ran = await typed("backtest", *THETA, "--submit", "--wait", "--workflow-id", "mine")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[0] == "mine"
    assert "Sharpe" in ran.stdout
    assert "temporal workflow cancel --workflow-id mine" in ran.stderr
    assert "Recorded as run" in ran.stderr


async def test_without_waiting_only_the_id_is_printed(here: Client, engine: Engine):
    engine.gate.clear()
    ran = await typed("backtest", *THETA, "--submit", "--data", "here.csv")
    assert ran.exit_code == 0, ran.output
    [workflow_id] = ran.stdout.split()
    request = await engine.begun.get()
    assert request.data == ("/data", HERE)
    engine.gate.set()
    await here.get_workflow_handle(workflow_id).result()


async def test_every_option_reaches_every_backtest_of_a_sweep(
    here: Client, engine: Engine, tmp_path: Path
):
    limits = tmp_path / "limits.json"
    limits.write_text('{"max_orders_per_day": 3}')
    ran = await typed(
        "sweep", *THETA, "--set", "exit_dte=1,2", "--set", 'universe=[["SPX"],["NDX","RUT"]]',
        "--limits", limits, "--margin", "portfolio", "--layout", "orats", "--map", "root=class",
        "--map", "underlying==SPX", "--seed", 7, "--cash", 5000, "--commission", "none",
        "--fills", '{"kind": "walk", "size_limited": true}', "--start", "2019-05-01",
        "--no-interest", "--benchmark", "SPX", "--objective", "cagr", "--wait",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "CAGR" in ran.stdout
    assert "4 of 4 done, 0 failed." in ran.stderr
    requests = asked_of(engine)
    configs = [json.dumps(request.config, sort_keys=True) for request in requests]
    assert sorted(configs) == [
        f'{{"exit_dte": {dte}, "universe": {universe}}}'
        for dte in (1, 2)
        for universe in ('["NDX", "RUT"]', '["SPX"]')
    ]
    for request in requests:
        assert request.limits.stored() == {"max_orders_per_day": 3}
        assert (request.margin, request.seed, request.cash) == (MarginModel.PORTFOLIO, 7, 5000)
        assert request.columns == {"root": "class", "underlying": "=SPX"}
        assert (request.layout, request.benchmark, request.interest) == ("orats", "SPX", False)
        assert (request.fills.kind, request.fills.size_limited) == ("walk", True)
        assert (str(request.start), request.commission) == ("2019-05-01", "none")


async def test_a_sweep_of_which_one_failed_says_which_with_exit_code_1(
    here: Client, engine: Engine
):
    engine.refuses = 5
    ran = await typed("sweep", *THETA, "--set", "exit_dte=4,5", "--wait")
    assert ran.exit_code == 1
    assert "exit_dte=4  4.0000" in ran.stdout
    assert "failed: 1 (exit_dte=5): x.csv, line 3, bid: 'a' is no number" in ran.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "exit_dte=1,-3"), "CONFIG_INVALID: backtest 1 (exit_dte=-3)"),
        (("--set", "run.colour=red"), "colour"),
        (("--set", "exit_dte"), "set: 'exit_dte' is not NAME=VALUE,VALUE"),
        (("--set", "exit_dte=1", "--set", "exit_dte=2"), "set: exit_dte is given twice"),
        (("--set", "exit_dte=1", "--objective", "luck"), "objective: 'luck' is none of"),
        (("--set", "exit_dte=1", "--max-concurrent", 0), "max_concurrent"),
        (("--set", "exit_dte=1", "--strategy", "alpha"), "STRATEGY_UNRESOLVED"),
        ((), "a sweep needs a grid or configs"),
    ],
)
async def test_a_sweep_that_cannot_run_is_not_begun(
    here: Client, engine: Engine, more: tuple[object, ...], said: str
):
    ran = await typed("sweep", *THETA, *more)
    assert (ran.exit_code, said in ran.stderr) == (2, True), ran.output
    assert (ran.stdout, engine.begun.empty()) == ("", True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--wait",), "wait: goes with --submit"),
        (("--workflow-id", "x"), "workflow-id: goes with --submit"),
        (("--submit", "--out", "x"), "out: the desk keeps"),
        (("--submit", "--no-record"), "no-record: what the desk's workers run"),
    ],
)
async def test_options_that_contradict_each_other_are_refused(more: tuple[str, ...], said: str):
    ran = await typed("backtest", *THETA, *more)
    assert (ran.exit_code, said in ran.stderr) == (2, True), ran.output


async def test_one_that_the_workers_refuse_ends_as_it_would_have_here(
    here: Client, engine: Engine, tmp_path: Path
):
    engine.refuses = 5
    config = tmp_path / "config.json"
    config.write_text('{"exit_dte": 5}')
    ran = await typed("backtest", *THETA, "--config", config, "--submit", "--wait")
    assert ran.exit_code == 3
    assert "DATA_INVALID: x.csv, line 3, bid: 'a' is no number" in ran.stderr


async def test_one_that_is_cancelled_meanwhile_has_failed(here: Client, engine: Engine):
    engine.gate.clear()
    waiting = asyncio.create_task(
        typed("backtest", *THETA, "--submit", "--wait", "--workflow-id", "stopped")
    )
    await engine.begun.get()
    await here.get_workflow_handle("stopped").cancel()
    ran = await waiting
    assert (ran.exit_code, "Failed: cancelled" in ran.stderr) == (1, True), ran.output


async def test_without_temporal_the_exit_code_is_5(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GREENLIGHT_TEMPORAL_ADDRESS", "127.0.0.1:1")
    for command in (("backtest", *THETA, "--submit"), ("sweep", *THETA, "--set", "exit_dte=1")):
        ran = await typed(*command)
        assert (ran.exit_code, "Is the desk running?" in ran.stderr) == (5, True), ran.output

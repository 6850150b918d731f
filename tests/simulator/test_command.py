"""The command line of the simulated gateway: what it asks for, refuses and says."""

from __future__ import annotations

import fcntl
import socket
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from infra.simulator.command import MarketKind, default_data_dir, gateway_command


def _run(*arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(gateway_command(lambda: None))
    return CliRunner().invoke(app, arguments, env={"TERM": "dumb", "COLUMNS": "200"})


def test_a_bad_value_is_named_by_its_option():
    port = _run("--port", "70000")
    assert port.exit_code == 2
    assert "--port: Input should be less than or equal to 65535" in port.output
    start = _run("--start", "yesterday")
    assert start.exit_code == 2
    assert "'yesterday' is not an ISO 8601 time" in start.output


def test_a_replay_and_its_recording_go_together(tmp_path: Path):
    for arguments in (("--market", "replay"), ("chains.csv",)):
        result = _run(*arguments, "--data-dir", str(tmp_path))
        assert result.exit_code == 2
        assert "--market replay and the PATH of a recording go together" in result.output


def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path):
    bad = tmp_path / "bad.csv"
    bad.write_text("timestamp\n2019-01-02\n")
    result = _run("--market", "replay", str(bad), "--port", "0", "--data-dir", str(tmp_path / "d"))
    assert result.exit_code == 1
    assert f"{bad}: no known layout; as the canonical one it lacks" in result.output
    assert "underlying" in result.output


def test_a_bad_event_plan_or_quality_is_named(tmp_path: Path):
    plan = tmp_path / "events.json"
    plan.write_text('{"events": [{"kind": "halt", "symbol": "SPY"}]}')
    result = _run("--events", str(plan), "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "events.0.halt.start: Field required" in result.output
    assert "'SPY' is not SYMBOL=KIND" in _run("--quality", "SPY").output
    assert "--quality: Input should be 'live'" in _run("--quality", "SPY=good").output


def test_two_gateways_never_share_a_ledger(tmp_path: Path):
    with (tmp_path / "gateway.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = _run("--port", "0", "--data-dir", str(tmp_path))
    assert second.exit_code == 1
    assert f"another gateway runs on {tmp_path}" in second.output


def test_a_port_in_use_is_said_in_plain_words(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _run("--port", str(port), "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in result.output


def test_every_market_and_port_has_a_data_directory_of_its_own():
    directories = {
        default_data_dir(MarketKind.SYNTHETIC, None, 4002),
        default_data_dir(MarketKind.SYNTHETIC, None, 4003),
        default_data_dir(MarketKind.REPLAY, Path("chains/spx.csv"), 4002),
    }
    assert len(directories) == 3

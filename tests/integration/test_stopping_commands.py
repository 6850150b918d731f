"""``greenlight halt``, ``reduce``, ``resume``, ``kill-switch``, with all but Postgres down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.embedded.ports import any_free_port
from infra.settings import Settings
from infra.stopping_commands import add_stopping_commands
from tests.integration.trading_world import ACCOUNT, TradingWorld

pytestmark = pytest.mark.integration
Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str) -> Run:
    settings = Settings(database_url=database_url, temporal_address=f"127.0.0.1:{any_free_port()}")
    app = typer.Typer()
    add_stopping_commands(app, lambda: settings)

    def invoke(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(app, arguments, env={"TERM": "dumb", "COLUMNS": "200"}, **options)

    return invoke


def on_desk(database_url: str, work: Callable[[TradingWorld], Any]) -> Any:
    """What ``work`` gives on a small desk in the database."""

    async def working() -> Any:
        engine = create_engine(database_url)
        try:
            return await work(TradingWorld(sessions(engine)))
        finally:
            await engine.dispose()

    return asyncio.run(working())


async def _one_order_being_sent(world: TradingWorld) -> str:
    await world.build()
    ledger, _ = await world.leased_ledger()
    return await world.sent(ledger)


def test_the_desk_and_an_account_are_stopped_and_resumed_by_name(run: Run, database_url: str):
    on_desk(database_url, lambda world: world.build())
    halted = run("halt", "--reason", "news")
    reduced = run("reduce", "--account", ACCOUNT.lower(), "--reason", "winding down")
    resumed = run("resume", "--reason", "calm again")
    stranger = run("halt", "--account", "DU9999999", "--reason", "news")
    assert halted.output == "the whole desk: ACTIVE → HALTED\n"
    assert reduced.output == f"account {ACCOUNT}: ACTIVE → REDUCING\n"
    assert resumed.output == "the whole desk: HALTED → ACTIVE\n"
    assert stranger.exit_code == 2
    assert "--account" in stranger.output
    changes = on_desk(database_url, lambda world: world.all(m.TradingStateChange))
    assert (changes[0].author, changes[0].reason) == ("command line", "news")


def test_the_kill_switch_says_what_it_cancels_asks_and_tells_what_is_not_confirmed(
    run: Run, database_url: str
):
    on_desk(database_url, _one_order_being_sent)
    refused = run("kill-switch", "--reason", "runaway", input="n\n")
    pressed = run("kill-switch", "--reason", "runaway", "--wait", "0", input="y\n")
    assert refused.exit_code == 1
    assert "CANCELLING" in refused.output
    assert "HALTED" not in refused.output
    assert pressed.exit_code == 1
    assert "the whole desk: HALTED, every approval under way is withdrawn" in pressed.output
    assert "Temporal does not answer" in pressed.output
    assert "Not everything is confirmed yet" in pressed.output
    (row,) = on_desk(database_url, lambda world: world.all(m.KillSwitch))
    assert (row.author, row.reason) == ("command line", "runaway")

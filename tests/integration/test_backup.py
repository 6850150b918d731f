"""Backups, and restores behind a broker that went on: nothing is sent again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.errors import ErrorCode, GreenlightError
from domain.order_evidence import BrokerStatus
from domain.orders import OrderState
from domain.risk.limits import TradingState
from infra.backup import (
    BackupError,
    make_backup,
    read_manifest,
    restore_database,
    restore_temporal,
)
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.retention import RULES, prune
from infra.settings import Settings
from tests.integration.broker_answers import books, broker_order, execution
from tests.integration.trading_world import CLIENT_NUMBER, SLUG, TradingWorld

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=database_url)


async def restored(world: TradingWorld, settings: Settings, folder: Path) -> int:
    await world.sessions.kw["bind"].dispose()
    return await restore_database(settings, folder)


async def test_what_was_sent_and_filled_after_the_backup_is_flagged_and_never_sent_again(
    world: TradingWorld, settings: Settings
):
    ledger, lease = await world.leased_ledger()
    approval = await world.approve()
    key = await world.ready(ledger, approval)
    folder = await asyncio.to_thread(make_backup, settings)
    assert await ledger.claim(key, 1, CLIENT_NUMBER)
    fill = execution(key, quantity=2)
    filled = books(broker_order(key, BrokerStatus.FILLED), executions=(fill,))
    await world.record.books(SLUG, filled)
    assert await world.state(key) is OrderState.FILLED

    assert await restored(world, settings, folder) == 1

    assert await world.state(key) is OrderState.READY
    with pytest.raises(GreenlightError) as raised:
        await ledger.claim(key, 1, CLIENT_NUMBER)
    assert raised.value.code is ErrorCode.LEASE_LOST
    after, newer = await world.leased_ledger("the next worker")
    assert newer.epoch > lease.epoch
    with pytest.raises(GreenlightError) as raised:
        await after.claim(key, 2, CLIENT_NUMBER)
    assert raised.value.code is ErrorCode.ORDER_CANCELLED
    # The broker's books then tell what happened, and the fill is on record once more.
    await world.record.books(SLUG, filled)
    order = await world.order(key)
    assert order.state is not OrderState.READY
    assert order.filled_quantity == 2
    (account,) = await world.all(m.BrokerAccount)
    states = {row.key: row.value for row in await world.all(m.Setting)}
    assert states["trading_state"] == TradingState.HALTED
    assert await world.alert_codes(), account


async def test_a_trade_approved_after_the_backup_is_adopted_though_its_order_is_forgotten(
    world: TradingWorld, settings: Settings
):
    ledger, _ = await world.leased_ledger()
    folder = await asyncio.to_thread(make_backup, settings)
    key = await world.sent(ledger)
    fill = execution(key, quantity=2)
    await restored(world, settings, folder)
    assert await world.all(m.Order) == []
    await world.record.execution(SLUG, fill)
    (kept,) = await world.all(m.Execution)
    assert (kept.exec_id, kept.order_id) == (fill.fill.exec_id, None)
    assert await world.alert_codes()


async def test_a_restore_waits_for_nobody_else_to_be_connected(
    world: TradingWorld, settings: Settings
):
    folder = await asyncio.to_thread(make_backup, settings)
    async with world.sessions() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(BackupError, match="stop the API and every worker"):
            await restore_database(settings, folder)


async def test_a_backup_that_was_damaged_is_refused_before_anything_changes(
    world: TradingWorld, settings: Settings
):
    folder = await asyncio.to_thread(make_backup, settings)
    with (folder / "postgres.dump").open("r+b") as file:
        file.seek(20)
        file.write(b"damaged")
    with pytest.raises(BackupError, match="not what was backed up"):
        await restored(world, settings, folder)
    assert len(await world.all(m.BrokerAccount)) == 1


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path):
    with pytest.raises(BackupError, match="not a complete backup"):
        read_manifest(tmp_path)


def test_a_database_that_is_away_leaves_no_complete_backup(tmp_path: Path):
    settings = Settings(home=tmp_path, database_url="postgresql+psycopg://x@127.0.0.1:1/none")
    with pytest.raises(BackupError, match="pg_dump failed"):
        make_backup(settings)
    assert list(tmp_path.glob("backups/*/manifest.json")) == []


async def test_temporal_s_file_is_copied_while_it_is_written_and_put_back_whole(
    world: TradingWorld, settings: Settings, tmp_path: Path
):
    live = tmp_path / "temporal" / "temporal.db"
    live.parent.mkdir()
    with closing(sqlite3.connect(live)) as writing:
        writing.execute("PRAGMA journal_mode=WAL")
        writing.execute("CREATE TABLE executions (id TEXT)")
        writing.execute("INSERT INTO executions VALUES ('before')")
        writing.commit()
        folder = await asyncio.to_thread(make_backup, settings, None, live)
        writing.execute("INSERT INTO executions VALUES ('after')")
        writing.commit()
    assert set(read_manifest(folder).files) == {"postgres.dump", "temporal.db"}
    restore_temporal(folder, live)
    with closing(sqlite3.connect(live)) as reading:
        assert reading.execute("SELECT id FROM executions").fetchall() == [("before",)]


async def test_old_snapshots_thin_out_to_one_a_day_and_the_record_stays(
    world: TradingWorld, settings: Settings
):
    async with world.sessions.begin() as session:
        await session.execute(text("UPDATE account_snapshots SET created_at = '2020-01-02'"))
        await session.execute(
            text(
                "INSERT INTO account_snapshots SELECT (json_populate_record("
                "NULL::account_snapshots, (to_jsonb(s) || jsonb_build_object('id', uuidv7(), "
                "'as_of', s.as_of + interval '10 minutes'))::json)).* FROM account_snapshots s"
            )
        )
    counted = {rule.table: count for rule, count in await prune(settings, dry_run=True)}
    assert counted["account_snapshots"] == 1
    assert len(await world.all(m.AccountSnapshot)) == 2
    await prune(settings)
    (kept,) = await world.all(m.AccountSnapshot)
    assert kept.created_at.year == 2020
    kept_for_ever = {"decisions", "orders", "order_events", "executions", "audit_events", "alerts"}
    assert not kept_for_ever & {rule.table for rule in RULES}

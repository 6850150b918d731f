"""Health in depth: every part by itself, what is wrong named with what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.orders import OrderState
from infra import doctor
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.doctor import backup_check, examine, key_checks, settings_checks
from infra.embedded.ports import any_free_port
from infra.health import Check, HealthState, desk_health, overall, records
from infra.keys import create_key_file
from infra.settings import Settings
from infra.temporal.setup import add_search_attributes
from tests.integration.trading_world import SLUG, TradingWorld

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build(at=datetime.now(UTC))
    finally:
        await engine.dispose()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """How busy the machine under test is decides nothing here."""
    monkeypatch.setattr(records, "SLOW_SECONDS", 60.0)


async def checks_of(
    world: TradingWorld, home: Path, client: Client | None = None
) -> dict[str, Check]:
    found = await desk_health(Settings(home=home), world.sessions, client, datetime.now(UTC))
    return {f"{check.part} {check.name}": check for check in found}


def bad(checks: dict[str, Check]) -> dict[str, HealthState]:
    return {name: check.state for name, check in checks.items() if check.state != "ok"}


async def make_well(world: TradingWorld) -> None:
    await world.leased_ledger()
    now = datetime.now(UTC)
    async with world.sessions.begin() as session:
        await session.execute(
            update(m.Gateway).values(
                connection=m.ConnectionState.CONNECTED, market_at=now, clock_read_at=now
            )
        )
        await session.execute(
            update(m.BrokerAccount).values(positions_synced_at=now, snapshot_synced_at=now)
        )


async def test_a_desk_that_is_well_has_nothing_to_say_but_of_temporal(
    world: TradingWorld, tmp_path: Path
):
    await make_well(world)
    checks = await checks_of(world, tmp_path)
    assert bad(checks) == {"temporal server": HealthState.FAILED}


@pytest.mark.parametrize(
    ("change", "part", "state"),
    [
        ("UPDATE gateways SET connection = 'DISCONNECTED'", f"gateway {SLUG}", "failed"),
        ("UPDATE gateways SET connection = 'SYNCING'", f"gateway {SLUG}", "degraded"),
        ("UPDATE gateways SET lease_until = now()", f"gateway {SLUG} lease", "failed"),
        (
            "UPDATE gateways SET clock_read_at = now() - interval '1 minute'",
            f"gateway {SLUG} clock",
            "degraded",
        ),
        (
            "UPDATE gateways SET kind = 'PAPER', market_at = now() + interval '20 s'",
            f"clock {SLUG} clock",
            "degraded",
        ),
        (
            "UPDATE broker_accounts SET positions_synced_at = now() - interval '10 min'",
            f"data {SLUG} data",
            "degraded",
        ),
        (
            "UPDATE broker_accounts SET snapshot_synced_at = now() - interval '1 hour'",
            f"data {SLUG} data",
            "failed",
        ),
        ("UPDATE alembic_version SET version_num = '0001'", "database migrations", "failed"),
    ],
)
async def test_what_is_wrong_is_named_with_what_to_do(
    world: TradingWorld, tmp_path: Path, change: str, part: str, state: str
):
    await make_well(world)
    async with world.sessions.begin() as session:
        await session.execute(text(change))
    checks = await checks_of(world, tmp_path)
    assert checks[part].state == state, checks[part]
    assert checks[part].advice
    assert set(bad(checks)) == {part, "temporal server"}


async def test_a_database_that_answers_late_is_told_with_its_time(
    world: TradingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await make_well(world)
    monkeypatch.setattr(records, "SLOW_SECONDS", 0.0)
    check = (await checks_of(world, tmp_path))["database postgres"]
    assert (check.state, check.detail.split(" in ")[0]) == ("degraded", "answers")


async def test_an_order_in_doubt_is_told_with_its_age(world: TradingWorld, tmp_path: Path):
    await make_well(world)
    ledger, _ = await world.leased_ledger()
    await world.sent(ledger)
    async with world.sessions.begin() as session:
        await session.execute(update(m.Order).values(state=OrderState.UNKNOWN))
    check = (await checks_of(world, tmp_path))["orders in doubt"]
    assert (check.state, check.detail.split(",")[0]) == ("degraded", "1")


async def test_queues_nobody_polls_and_schedules_that_do_not_exist_are_failures(
    world: TradingWorld, tmp_path: Path, temporal_address: str
):
    await make_well(world)
    client = await Client.connect(temporal_address, data_converter=pydantic_data_converter)
    await add_search_attributes(client)
    checks = await checks_of(world, tmp_path, client)
    assert checks["temporal server"].state is HealthState.OK
    assert checks[f"worker broker:{SLUG}"].state is HealthState.FAILED
    assert f"--gateway {SLUG}" in checks[f"worker broker:{SLUG}"].advice
    assert checks[f"schedule reconciliation-{SLUG}"].advice == "greenlight setup-temporal"


async def test_a_database_that_is_away_fails_alone(tmp_path: Path):
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{any_free_port()}/none")
    found = await desk_health(Settings(home=tmp_path), sessions(engine), None, NOW)
    await engine.dispose()
    assert overall(found) is HealthState.FAILED
    assert [check.name for check in found if check.part == "database"] == ["postgres"]
    assert [check for check in found if check.part == "disk"]


async def test_the_doctor_examines_the_whole_deployment(world: TradingWorld, tmp_path: Path):
    url = world.sessions.kw["bind"].url.render_as_string(hide_password=False)
    address = f"127.0.0.1:{any_free_port()}"
    gateway_port = any_free_port()
    async with world.sessions.begin() as session:
        await session.execute(update(m.Gateway).values(port=gateway_port))
    found = await examine(Settings(home=tmp_path, database_url=url, temporal_address=address))
    named = {f"{check.part} {check.name}": check for check in found}
    assert named["database role"].state is HealthState.DEGRADED
    assert named["backup newest"].state is HealthState.DEGRADED
    assert named["temporal server"].state is HealthState.FAILED
    assert named[f"gateway {SLUG} at 127.0.0.1:{gateway_port}"].state is HealthState.FAILED
    assert all(check.advice for check in found if check.state is not HealthState.OK)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"api_host": "0.0.0.0"}, "cookie"),
        ({"temporal_address": "desk.a1b2c.tmprl.cloud:7233"}, "temporal TLS"),
        ({"temporal_tls_cert_path": Path("/nowhere/desk.pem")}, "temporal TLS files"),
    ],
)
def test_risky_settings_are_failures(settings: dict[str, object], name: str):
    found = {check.name: check for check in settings_checks(Settings.model_validate(settings), NOW)}
    assert found[name].state is HealthState.FAILED


def test_tracing_that_cannot_be_exported_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    traced = Settings(tracing_endpoint="http://collector:4318")
    assert "tracing" not in {check.name for check in settings_checks(traced, NOW)}
    monkeypatch.setattr(doctor, "_EXPORTER", "no_such_package")
    found = {check.name: check for check in settings_checks(traced, NOW)}
    assert found["tracing"].state is HealthState.FAILED


def test_keys_that_cannot_be_read_are_named_with_what_to_do(tmp_path: Path):
    def states(**settings: Path) -> dict[str, str]:
        return {
            check.name: check.state for check in key_checks(Settings(home=tmp_path, **settings))
        }

    assert states() == {"at rest": "degraded"}
    missing = tmp_path / "elsewhere.key"
    assert states(key_file=missing, temporal_payload_key_file=missing) == dict.fromkeys(
        ("at rest", "payloads"), "failed"
    )
    create_key_file(missing)
    assert states(key_file=missing, temporal_payload_key_file=missing) == dict.fromkeys(
        ("at rest", "payloads"), "ok"
    )
    missing.chmod(0o644)
    assert states(key_file=missing) == {"at rest": "failed"}


def test_a_backup_of_yesterday_is_recent_and_an_older_one_is_not(tmp_path: Path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "manifest.json").write_text("{}")
    assert backup_check(tmp_path, datetime.now(UTC)).state is HealthState.OK
    assert backup_check(tmp_path, datetime.now(UTC) + timedelta(days=2)).advice

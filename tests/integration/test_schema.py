"""What the database itself promises, whatever the code above it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.risk.limits import TradingState
from infra.db import migrate
from infra.db.models import (
    AuditEvent,
    Base,
    BrokerAccount,
    Client,
    Gateway,
    GatewayKind,
    Portfolio,
    Setting,
)
from infra.db.session import create_engine as create_async_engine
from infra.db.session import sessions
from infra.embedded import EmbeddedPostgres

pytestmark = pytest.mark.integration


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(database_url)
    async with sessions(engine)() as opened:
        yield opened
    await engine.dispose()


def test_migrations_go_down_and_up_again_and_match_the_models(postgres: EmbeddedPostgres):
    postgres.create_database("migrations")
    url = postgres.url("migrations")
    migrate.upgrade(url)
    migrate.check(url)
    migrate.downgrade(url, "base")
    engine = create_engine(url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    with engine.connect() as connection:
        assert not migrate.is_at_head(connection)
    migrate.upgrade(url)
    with engine.connect() as connection:
        assert migrate.is_at_head(connection)
    engine.dispose()
    postgres.drop_database("migrations")


def test_every_table_has_a_uuid_key_made_by_postgres_and_both_times(database_url: str):
    engine = create_engine(database_url)
    columns = {table: inspect(engine).get_columns(table) for table in Base.metadata.tables}
    engine.dispose()
    for table, described in columns.items():
        by_name = {column["name"]: column for column in described}
        assert "uuidv7" in str(by_name["id"]["default"]), table
        assert {"created_at", "updated_at"} <= set(by_name), table


def test_recommendations_name_their_owners_and_no_foreign_key_has_a_default():
    table = Base.metadata.tables["recommendations"]
    owners = (
        "strategy_run_id",
        "strategy_instance_id",
        "strategy_version_id",
        "portfolio_id",
        "broker_account_id",
    )
    for name in owners:
        assert not table.c[name].nullable
    for column in table.c:
        if column.foreign_keys:
            assert column.default is None
            assert column.server_default is None


async def test_autotrade_cannot_be_switched_on(session: AsyncSession):
    session.add(Setting(key="autotrade_enabled", value=False))
    await session.commit()
    with pytest.raises(IntegrityError, match="autotrade_stays_off"):
        await session.execute(
            text("UPDATE settings SET value = 'true' WHERE key = 'autotrade_enabled'")
        )


async def test_the_trading_state_can_only_be_one_of_three(session: AsyncSession):
    session.add(Setting(key="trading_state", value="PAUSED"))
    with pytest.raises(IntegrityError, match="trading_state_legal"):
        await session.commit()


@pytest.mark.parametrize(
    "change", ["UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events"]
)
async def test_the_audit_trail_is_append_only(session: AsyncSession, change: str):
    session.add(AuditEvent(at=datetime.now(UTC), actor="a", action="b", entity="c", entity_id="d"))
    await session.commit()
    with pytest.raises(IntegrityError, match="append-only"):
        await session.execute(text(change))


async def test_an_account_reads_as_its_code_its_alias_and_the_kind_of_its_gateway(
    session: AsyncSession,
):
    gateway = Gateway(slug="g", name="G", kind=GatewayKind.PAPER, host="127.0.0.1", port=4002)
    client = Client(slug="c", name="C")
    session.add_all([gateway, client])
    await session.flush()
    portfolio = Portfolio(client_id=client.id, name="P")
    session.add(portfolio)
    await session.flush()
    session.add(
        BrokerAccount(portfolio_id=portfolio.id, gateway_id=gateway.id, code="DU1", alias="Main")
    )
    await session.commit()
    account = (await session.scalars(select(BrokerAccount))).one()
    assert str(account) == "DU1 · Main (PAPER)"
    assert account.trading_state is TradingState.ACTIVE


async def test_one_account_code_exists_once_per_gateway(session: AsyncSession):
    gateway = Gateway(slug="g", name="G", kind=GatewayKind.PAPER, host="127.0.0.1", port=4002)
    client = Client(slug="c", name="C")
    session.add_all([gateway, client])
    await session.flush()
    portfolio = Portfolio(client_id=client.id, name="P")
    session.add(portfolio)
    await session.flush()
    for _ in range(2):
        session.add(BrokerAccount(portfolio_id=portfolio.id, gateway_id=gateway.id, code="DU1"))
    with pytest.raises(IntegrityError, match="uq_broker_accounts_gateway_id_code"):
        await session.commit()

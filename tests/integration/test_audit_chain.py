"""The audit trail: one chain whatever happens at once, and nothing of it can be changed unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from infra.cli import app
from infra.db.audit import Actor, audit
from infra.db.audit_chain import verify_audit_chain
from infra.db.roles import APP_ROLE
from infra.db.session import Sessions, create_engine, sessions
from infra.settings import get_settings

pytestmark = pytest.mark.integration
SOMEBODY = Actor(name="somebody", address="10.0.0.1")


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Sessions]:
    engine = create_engine(database_url)
    yield sessions(engine)
    await engine.dispose()


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Sessions]:
    """Connected as the desk's processes are."""
    as_app = make_url(database_url).set(username=APP_ROLE)
    engine = create_engine(as_app.render_as_string(hide_password=False), pool_size=20)
    yield sessions(engine)
    await engine.dispose()


async def write(desk: Sessions, *actions: str) -> None:
    async with desk.begin() as session:
        for action in actions:
            facts = {"price": "4.10", "n": 1, "nested": {"b": None, "a": "é"}}
            audit(session, SOMEBODY, action, "thing", 7, before=None, after=facts)
            await session.flush()


async def tamper(owner: Sessions, statement: str) -> None:
    """What only the owner of the tables can do, with the guards out of the way."""
    async with owner.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(statement))


async def test_entries_of_many_transactions_at_once_make_one_chain(
    desk: Sessions, owner: Sessions
) -> None:
    await asyncio.gather(*(write(desk, f"a{n}.done", f"b{n}.done") for n in range(20)))
    async with owner() as session:
        found = await verify_audit_chain(session)
    assert (found.entries, found.broken) == (40, None)


async def test_what_is_rolled_back_leaves_no_gap(desk: Sessions, owner: Sessions) -> None:
    await write(desk, "first.done")
    async with desk() as session:
        audit(session, SOMEBODY, "never.done", "thing", 1)
        await session.flush()
        await session.rollback()
    await write(desk, "second.done")
    async with owner() as session:
        found = await verify_audit_chain(session)
    assert (found.entries, found.broken) == (2, None)


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE audit_events SET actor = 'nobody' WHERE action = 'two.done'", "link 2: its entry"),
        (
            "UPDATE audit_events SET after = jsonb_set(after, '{price}', '\"4.11\"') "
            "WHERE action = 'two.done'",
            "link 2: its entry",
        ),
        ("DELETE FROM audit_links WHERE seq = 2", "link 2 is missing"),
        ("DELETE FROM audit_events WHERE action = 'two.done'", "link 2: its entry"),
        (
            "INSERT INTO audit_events (at, actor, action, entity, entity_id, address) "
            "VALUES (now(), 'x', 'slipped.in', 'thing', '7', '')",
            "is not in the chain",
        ),
        ("UPDATE audit_links SET previous_hash = hash WHERE seq = 2", "link 2 does not follow"),
    ],
)
async def test_tampering_is_found_at_the_first_row_it_broke(
    desk: Sessions, owner: Sessions, statement: str, complaint: str
) -> None:
    await write(desk, "one.done", "two.done", "three.done")
    await tamper(owner, statement)
    async with owner() as session:
        found = await verify_audit_chain(session)
    assert found.broken is not None
    assert complaint in found.broken


async def test_an_end_cut_off_is_found_by_a_hash_noted_before(
    desk: Sessions, owner: Sessions
) -> None:
    await write(desk, "one.done", "two.done")
    async with owner() as session:
        noted = (await verify_audit_chain(session)).head
    await tamper(owner, "DELETE FROM audit_links WHERE seq = 2")
    await tamper(owner, "DELETE FROM audit_events WHERE action = 'two.done'")
    async with owner() as session:
        assert (await verify_audit_chain(session)).broken is None
        found = await verify_audit_chain(session, noted)
    assert found.broken is not None
    assert "its end was removed" in found.broken


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'x'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events CASCADE",
        "UPDATE order_events SET payload = '{}'",
        "INSERT INTO audit_links (seq, event_id, previous_hash, hash) "
        "SELECT 9, id, '', '' FROM audit_events",
        "DELETE FROM audit_links",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_events_chained ON audit_events",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION audit_canonical(entry audit_events) RETURNS text "
        "LANGUAGE sql AS 'SELECT '''''",
        "SET ROLE postgres",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
async def test_the_desks_own_role_is_not_permitted_to(desk: Sessions, statement: str) -> None:
    await write(desk, "one.done")
    async with desk() as session:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            await session.execute(text(statement))


def test_the_command_names_the_first_broken_row_and_ends_with_1(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", database_url)
    get_settings.cache_clear()
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(plain) as connection:
        for number in range(3):
            connection.execute(
                "INSERT INTO audit_events (at, actor, action, entity, entity_id, address) "
                "VALUES (now(), 'x', 'a.done', 'thing', %s, '')",
                (str(number),),
            )
        connection.commit()
        whole = CliRunner().invoke(app, ["audit", "verify"])
        assert (whole.exit_code, "3 entries" in whole.output) == (0, True), whole.output
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit_events SET actor = 'y' WHERE entity_id = '1'")
        connection.commit()
    broken = CliRunner().invoke(app, ["audit", "verify"])
    get_settings.cache_clear()
    assert broken.exit_code == 1
    assert "BROKEN: link 2" in broken.output

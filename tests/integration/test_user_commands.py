"""``greenlight users``: the first administrator, and whatever else the API does for people."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.security import verify_password
from infra.settings import Settings
from infra.user_commands import users_group
from tests.integration.trading_world import TradingWorld

pytestmark = pytest.mark.integration
Run = Callable[..., Result]
ADA = "ada@desk.test"


@pytest.fixture
def run(database_url: str) -> Run:
    settings = Settings(database_url=database_url)
    app = users_group(lambda: settings)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"TERM": "dumb", "COLUMNS": "200"})

    return invoke


def rows_of(database_url: str, model: type[m.Base]) -> Sequence[Any]:
    async def read() -> Sequence[Any]:
        engine = create_engine(database_url)
        try:
            async with sessions(engine)() as session:
                return (await session.scalars(select(model).order_by(model.id))).all()
        finally:
            await engine.dispose()

    return asyncio.run(read())


def test_the_first_administrator_of_an_empty_desk_is_made_by_command(run: Run, database_url: str):
    made = run("add", ADA, "--name", "Ada", "--admin")
    assert made.exit_code == 0, made.output
    (user,) = rows_of(database_url, m.User)
    assert (user.email, user.is_admin, user.is_active) == (ADA, True, True)
    said = re.findall(r"\S{12,}", made.output)
    assert any(verify_password(user.password_hash, each) for each in said), (
        "the password is shown once"
    )
    assert user.password_expires_at is not None
    (entry,) = rows_of(database_url, m.AuditEvent)
    assert (entry.action, entry.actor, entry.after["email"]) == (
        "user.created",
        "command line",
        ADA,
    )
    again = run("add", ADA, "--name", "Another")
    assert again.exit_code == 1
    assert len(rows_of(database_url, m.User)) == 1
    assert run("add", "nonsense", "--name", "N").exit_code == 2


def test_roles_and_access_are_given_and_taken_by_command(run: Run, database_url: str):
    async def build() -> str:
        engine = create_engine(database_url)
        try:
            world = await TradingWorld(sessions(engine)).build()
            (client,) = await world.all(m.Client)
            return client.slug
        finally:
            await engine.dispose()

    slug = asyncio.run(build())
    assert run("add", ADA, "--name", "Ada").exit_code == 0
    assert run("grant", ADA, "approver", "--client", slug).exit_code == 0
    (held,) = rows_of(database_url, m.Membership)
    assert held.role is m.Role.APPROVER
    assert "APPROVER" in run("list").output
    assert run("grant", ADA, "emperor", "--client", slug).exit_code == 2
    assert run("revoke", ADA, "--client", slug).exit_code == 0
    assert rows_of(database_url, m.Membership) == []
    assert run("disable", ADA).exit_code == 0
    assert not next(each for each in rows_of(database_url, m.User) if each.email == ADA).is_active
    actions = [entry.action for entry in rows_of(database_url, m.AuditEvent)]
    assert {"role.granted", "role.revoked", "user.changed"} <= set(actions)

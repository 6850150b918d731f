"""People's access, from the command line. Whoever can run it holds the database's own keys."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import Actor
from infra.db.clock import host_now
from infra.db.models import Client, Membership, Portfolio, Role, User
from infra.db.queries.paging import MAX_LIMIT, PageAsk
from infra.db.queries.users import roles_of, user_rows
from infra.db.session import engine, sessions
from infra.db.users import (
    Grant,
    NewUser,
    UserChange,
    change_user,
    create_user,
    drop_second_factor,
    grant,
    issue_password,
    revoke,
    user_id_of,
)
from infra.security import hash_password
from infra.settings import Settings

COMMAND_LINE = Actor(name="command line")


class UserLine(NamedTuple):
    """One user of ``greenlight users list``."""

    email: str
    name: str
    state: str
    second_factor: str
    roles: str


def new_password() -> str:
    """A password to note down: 16 characters, 96 bits."""
    return secrets.token_urlsafe(12)


async def add_user(settings: Settings, wanted: NewUser) -> str:
    """The first password of a new user. GreenlightError EMAIL_TAKEN."""
    password = new_password()
    async with _desk(settings) as session:
        await create_user(session, wanted, hash_password(password), host_now(), COMMAND_LINE)
    return password


async def list_users(settings: Settings) -> list[UserLine]:
    lines: list[UserLine] = []
    cursor: str | None = None
    async with _desk(settings) as session:
        while True:
            ask = PageAsk(limit=MAX_LIMIT, cursor=cursor)
            page = await user_rows(session, is_active=None, page=ask)
            users: list[User] = [row.User for row in page.items]
            held = await roles_of(session, [user.id for user in users])
            for user in users:
                roles = [f"{row.role} {row.portfolio or row.client}" for row in held[user.id]]
                if user.is_admin:
                    roles.insert(0, "administrator")
                lines.append(
                    UserLine(
                        user.email,
                        user.name,
                        "active" if user.is_active else "disabled",
                        "yes" if user.totp_confirmed_at else "no",
                        ", ".join(roles) or "-",
                    )
                )
            if (cursor := page.next_cursor) is None:
                return lines


async def set_active(settings: Settings, email: str, is_active: bool) -> None:
    """Disable somebody, who is signed out everywhere, or let them in again."""
    async with _desk(settings) as session:
        user_id = await _user(session, email)
        change = UserChange(is_active=is_active)
        await change_user(session, user_id, change, host_now(), COMMAND_LINE)


async def reset_password(settings: Settings, email: str) -> str:
    """A new password for that user, whose sessions all end. GreenlightError NOT_FOUND."""
    password = new_password()
    async with _desk(settings) as session:
        user_id = await _user(session, email)
        hashed = hash_password(password)
        await issue_password(session, user_id, hashed, host_now(), COMMAND_LINE)
    return password


async def reset_second_factor(settings: Settings, email: str) -> None:
    async with _desk(settings) as session:
        user_id = await _user(session, email)
        await drop_second_factor(session, user_id, host_now(), COMMAND_LINE)


async def grant_role(
    settings: Settings, email: str, role: Role, client: str, portfolio: str | None
) -> None:
    """Give a role for a client (by slug) or one portfolio of it (by name)."""
    async with _desk(settings) as session:
        user_id = await _user(session, email)
        client_id, portfolio_id = await _owner(session, client, portfolio)
        wanted = Grant(client_id=client_id, portfolio_id=portfolio_id, role=role)
        await grant(session, user_id, wanted, COMMAND_LINE)


async def revoke_role(settings: Settings, email: str, client: str, portfolio: str | None) -> None:
    async with _desk(settings) as session:
        user_id = await _user(session, email)
        client_id, portfolio_id = await _owner(session, client, portfolio)
        held = await session.scalar(
            select(Membership.id).where(
                Membership.user_id == user_id,
                Membership.client_id == client_id,
                Membership.portfolio_id.is_not_distinct_from(portfolio_id),
            )
        )
        if held is None:
            raise GreenlightError(ErrorCode.NOT_FOUND, f"{email} holds no role there")
        await revoke(session, user_id, held, COMMAND_LINE)


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[AsyncSession]:
    database = engine(settings)
    try:
        async with sessions(database).begin() as session:
            yield session
    finally:
        await database.dispose()


async def _user(session: AsyncSession, email: str) -> UUID:
    found = await user_id_of(session, email)
    if found is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, f"nobody signs in as {email}")
    return found


async def _owner(
    session: AsyncSession, client: str, portfolio: str | None
) -> tuple[UUID, UUID | None]:
    client_id = await session.scalar(select(Client.id).where(Client.slug == client))
    if client_id is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, f"there is no client {client}")
    if portfolio is None:
        return client_id, None
    portfolio_id = await session.scalar(
        select(Portfolio.id).where(Portfolio.client_id == client_id, Portfolio.name == portfolio)
    )
    if portfolio_id is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, f"client {client} has no portfolio {portfolio}")
    return client_id, portfolio_id

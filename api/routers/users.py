"""People and their roles, administered."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from api.administering import Administrator, administrator
from api.commands import once
from api.deps import Desk, Transaction, actor, paged, throttled_command
from api.entity_tags import IfMatch, require_match
from api.schemas.common import Page
from api.schemas.users import (
    GrantAsk,
    IssuedPassword,
    NewUserAsk,
    RoleAnswer,
    UserChangeAsk,
    UserRow,
)
from infra.db.audit import audit
from infra.db.models import User
from infra.db.queries.identity import end_sessions, session_counts
from infra.db.queries.paging import PageAsk
from infra.db.queries.users import USERS, roles_of, user_rows
from infra.db.users import (
    Grant,
    NewUser,
    UserChange,
    change_user,
    create_user,
    drop_second_factor,
    grant,
    issue_password,
    locked_user,
    revoke,
)
from infra.security import hash_password
from infra.users import new_password

_COMMAND = [Depends(throttled_command)]

router = APIRouter(prefix="/users", tags=["users"], dependencies=[Depends(administrator)])


@router.get("/")
async def list_users(
    desk: Desk,
    session: Transaction,
    page: Annotated[PageAsk, Depends(paged(USERS))],
    is_active: bool | None = None,
) -> Page[UserRow]:
    """Everybody who may sign in, or could once, by e-mail."""
    rows = await user_rows(session, is_active=is_active, page=page)
    return Page(
        items=await _answers(session, [row.User for row in rows.items], desk.clock.now()),
        next_cursor=rows.next_cursor,
    )


@router.post("/", status_code=status.HTTP_201_CREATED, dependencies=_COMMAND)
@once
async def add_user(
    ask: NewUserAsk, request: Request, desk: Desk, session: Transaction, by: Administrator
) -> IssuedPassword:
    """A new user, without any role yet, and the password of their first sign-in."""
    password = new_password()
    user = await create_user(
        session,
        NewUser(**ask.model_dump()),
        await asyncio.to_thread(hash_password, password),
        desk.clock.now(),
        actor(request, by),
    )
    return IssuedPassword(user=await _answer(session, user, desk.clock.now()), password=password)


@router.get("/{user_id}/")
async def get_user(user_id: UUID, response: Response, desk: Desk, session: Transaction) -> UserRow:
    """One person, their roles, and in how many browsers they are signed in."""
    row = await _answer(session, await locked_user(session, user_id), desk.clock.now())
    response.headers["ETag"] = row.etag
    return row


@router.patch("/{user_id}/", dependencies=_COMMAND)
@once
async def edit_user(
    user_id: UUID,
    ask: UserChangeAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    by: Administrator,
    if_match: IfMatch = None,
) -> UserRow:
    """Rename, disable or enable, make or unmake an administrator."""
    current = await _answer(session, await locked_user(session, user_id), desk.clock.now())
    require_match(if_match, current.etag)
    change = UserChange(**ask.model_dump())
    user = await change_user(session, user_id, change, desk.clock.now(), actor(request, by))
    return await _answer(session, user, desk.clock.now())


@router.post("/{user_id}/reset-password/", dependencies=_COMMAND)
@once
async def reset_password(
    user_id: UUID, request: Request, desk: Desk, session: Transaction, by: Administrator
) -> IssuedPassword:
    """A new password for their next sign-in; they are signed out everywhere."""
    password = new_password()
    hashed = await asyncio.to_thread(hash_password, password)
    await issue_password(session, user_id, hashed, desk.clock.now(), actor(request, by))
    user = await locked_user(session, user_id)
    return IssuedPassword(user=await _answer(session, user, desk.clock.now()), password=password)


@router.delete(
    "/{user_id}/sessions/", status_code=status.HTTP_204_NO_CONTENT, dependencies=_COMMAND
)
@once
async def end_user_sessions(
    user_id: UUID, request: Request, desk: Desk, session: Transaction, by: Administrator
) -> None:
    """Sign somebody out of every browser. Their password and their scripts' tokens stay good."""
    await locked_user(session, user_id)
    ended = await end_sessions(session, user_id, desk.clock.now())
    after = {"ended": ended}
    audit(session, actor(request, by), "user.signed_out", "user", user_id, after=after)


@router.post(
    "/{user_id}/reset-second-factor/",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=_COMMAND,
)
@once
async def reset_second_factor(
    user_id: UUID, request: Request, desk: Desk, session: Transaction, by: Administrator
) -> None:
    """For somebody who lost phone and recovery codes; they are signed out everywhere."""
    await drop_second_factor(session, user_id, desk.clock.now(), actor(request, by))


@router.put("/{user_id}/roles/", dependencies=_COMMAND)
@once
async def grant_role(
    user_id: UUID,
    ask: GrantAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    by: Administrator,
) -> UserRow:
    """Give a role for a client or one portfolio of it, in the place of the one held there."""
    await grant(session, user_id, Grant(**ask.model_dump()), actor(request, by))
    return await _answer(session, await locked_user(session, user_id), desk.clock.now())


@router.delete(
    "/{user_id}/roles/{role_id}/", status_code=status.HTTP_204_NO_CONTENT, dependencies=_COMMAND
)
@once
async def revoke_role(
    user_id: UUID, role_id: UUID, request: Request, session: Transaction, by: Administrator
) -> None:
    """Take a role away, at once."""
    await revoke(session, user_id, role_id, actor(request, by))


async def _answer(session: AsyncSession, user: User, now: datetime) -> UserRow:
    return (await _answers(session, [user], now))[0]


async def _answers(session: AsyncSession, users: list[User], now: datetime) -> list[UserRow]:
    ids = [user.id for user in users]
    held = await roles_of(session, ids)
    signed_in = await session_counts(session, ids, now)
    return [
        UserRow(
            id=user.id,
            email=user.email,
            name=user.name,
            is_active=user.is_active,
            is_admin=user.is_admin,
            has_second_factor=user.totp_confirmed_at is not None,
            last_login_at=user.last_login_at,
            password_expires_at=user.password_expires_at,
            created_at=user.created_at,
            sessions=signed_in.get(user.id, 0),
            roles=[RoleAnswer.model_validate(row) for row in held[user.id]],
        )
        for user in users
    ]

"""People and what they may do: created, disabled, given roles. The caller commits.

Every change is audited with what was before and after, in the same transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from infra.db.audit import Actor, audit
from infra.db.models import Client, Membership, Portfolio, Role, User
from infra.db.queries.factors import forget_totp
from infra.db.queries.identity import end_sessions
from infra.db.queries.tokens import revoke_tokens

# A password that somebody else has seen opens the desk this long, and changes it to one's own.
ISSUED_PASSWORD_LIFETIME = timedelta(days=3)


class NewUser(Frozen):
    email: str = Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = Field(min_length=1, max_length=120)
    is_admin: bool = False


class UserChange(Frozen):
    """What to change; None leaves it."""

    name: str | None = Field(default=None, min_length=1, max_length=120)
    is_active: bool | None = None
    is_admin: bool | None = None


class Grant(Frozen):
    """A role for a client, or for one portfolio of it."""

    client_id: UUID
    portfolio_id: UUID | None = None
    role: Role


async def create_user(
    session: AsyncSession, wanted: NewUser, password_hash: str, now: datetime, by: Actor
) -> User:
    """A user with a password that somebody else made. GreenlightError EMAIL_TAKEN."""
    email = wanted.email.strip().lower()
    if await session.scalar(select(User.id).where(User.email == email)) is not None:
        raise _taken(email)
    user = User(
        email=email,
        name=wanted.name,
        password_hash=password_hash,
        password_expires_at=now + ISSUED_PASSWORD_LIFETIME,
        is_admin=wanted.is_admin,
    )
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:  # somebody created the same one meanwhile
        raise _taken(email) from error
    audit(session, by, "user.created", "user", user.id, after={"email": email, **_facts(user)})
    return user


async def change_user(
    session: AsyncSession, user_id: UUID, change: UserChange, now: datetime, by: Actor
) -> User:
    """Apply ``change``; whoever is disabled is signed out everywhere.

    Raises GreenlightError NOT_FOUND, and LAST_ADMIN rather than leave the desk without one.
    """
    loses_power = change.is_active is False or change.is_admin is False
    admins = await _lock_admins(session) if loses_power else ()
    user = await locked_user(session, user_id)
    before = _facts(user)
    for name, value in change.model_dump(exclude_none=True).items():
        setattr(user, name, value)
    remaining = {each.id for each in admins if each.is_active and each.is_admin}
    if loses_power and user_id in {each.id for each in admins} and not remaining:
        raise GreenlightError(ErrorCode.LAST_ADMIN, "this is the last active administrator")
    await session.flush()
    if change.is_active is False:
        await end_sessions(session, user_id, now)
        await revoke_tokens(session, user_id, now)
    after = _facts(user)
    if after != before:
        audit(session, by, "user.changed", "user", user_id, before=before, after=after)
    return user


async def issue_password(
    session: AsyncSession, user_id: UUID, password_hash: str, now: datetime, by: Actor
) -> None:
    """A new password from somebody else: every session and token of the user ends."""
    user = await locked_user(session, user_id)
    user.password_hash = password_hash
    user.password_expires_at = now + ISSUED_PASSWORD_LIFETIME
    await end_sessions(session, user_id, now)
    await revoke_tokens(session, user_id, now)
    audit(
        session, by, "user.password_reset", "user", user_id,
        after={"expires_at": user.password_expires_at.isoformat()},
    )  # fmt: skip


async def drop_second_factor(
    session: AsyncSession, user_id: UUID, now: datetime, by: Actor
) -> None:
    """For somebody who lost phone and recovery codes; they are signed out everywhere.

    Raises GreenlightError NOT_FOUND, or SECOND_FACTOR_STATE where none is set up.
    """
    await locked_user(session, user_id)
    if not await forget_totp(session, user_id):
        raise GreenlightError(ErrorCode.SECOND_FACTOR_STATE, "no second factor is set up")
    await end_sessions(session, user_id, now)
    audit(
        session, by, "user.totp_reset", "user", user_id,
        before={"second_factor": True}, after={"second_factor": False},
    )  # fmt: skip


async def grant(session: AsyncSession, user_id: UUID, wanted: Grant, by: Actor) -> Membership:
    """Give a role, in the place of the one held for the same client or portfolio.

    Raises GreenlightError NOT_FOUND for a user, client or portfolio of it that does not exist.
    """
    await locked_user(session, user_id)
    await _require_owner(session, wanted)
    held = await session.scalar(
        select(Membership).where(
            Membership.user_id == user_id,
            Membership.client_id == wanted.client_id,
            Membership.portfolio_id.is_not_distinct_from(wanted.portfolio_id),
        )
    )
    before = None if held is None else _grant_facts(held)
    if held is None:
        held = Membership(user_id=user_id, **wanted.model_dump())
        session.add(held)
    held.role = wanted.role
    await session.flush()
    after = _grant_facts(held)
    if before != after:
        audit(session, by, "role.granted", "user", user_id, before=before, after=after)
    return held


async def revoke(session: AsyncSession, user_id: UUID, membership_id: UUID, by: Actor) -> None:
    """Take a role away. GreenlightError NOT_FOUND where the user does not hold it."""
    held = await session.get(Membership, membership_id, with_for_update=True)
    if held is None or held.user_id != user_id:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such role")
    audit(session, by, "role.revoked", "user", user_id, before=_grant_facts(held))
    await session.delete(held)
    await session.flush()


async def locked_user(session: AsyncSession, user_id: UUID) -> User:
    user = await session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such user")
    return user


async def user_id_of(session: AsyncSession, email: str) -> UUID | None:
    return await session.scalar(select(User.id).where(User.email == email.strip().lower()))


async def has_users(session: AsyncSession) -> bool:
    return bool(await session.scalar(select(func.count()).select_from(User)))


async def _lock_admins(session: AsyncSession) -> list[User]:
    """Two administrators who disable each other take turns."""
    statement = select(User).where(User.is_admin, User.is_active).order_by(User.id)
    return list(await session.scalars(statement.with_for_update()))


async def _require_owner(session: AsyncSession, wanted: Grant) -> None:
    if wanted.portfolio_id is None:
        known = await session.scalar(select(Client.id).where(Client.id == wanted.client_id))
    else:
        known = await session.scalar(
            select(Portfolio.id).where(
                Portfolio.id == wanted.portfolio_id, Portfolio.client_id == wanted.client_id
            )
        )
    if known is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such client or portfolio of it")


def _taken(email: str) -> GreenlightError:
    return GreenlightError(ErrorCode.EMAIL_TAKEN, f"{email} is somebody's already", field="email")


def _facts(user: User) -> dict[str, Any]:
    return {"name": user.name, "is_active": user.is_active, "is_admin": user.is_admin}


def _grant_facts(held: Membership) -> dict[str, Any]:
    return {
        "client_id": str(held.client_id),
        "portfolio_id": None if held.portfolio_id is None else str(held.portfolio_id),
        "role": held.role.value,
    }

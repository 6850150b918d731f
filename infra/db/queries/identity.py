"""Users, their sessions and the clients they may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import (
    BrokerAccount,
    Client,
    Membership,
    Role,
    Session,
    TokenScope,
    User,
)
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer

SESSION_LIFETIME = timedelta(hours=12)
SESSION_IDLE_LIMIT = timedelta(minutes=60)
TOUCH_INTERVAL = timedelta(minutes=1)
# Least to most, for showing one word where a person's portfolios differ.
_RANK = tuple(Role)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user proves themselves by."""

    user_id: UUID
    email: str
    name: str
    password_hash: str
    totp_secret: bytes | None
    """Encrypted; None while no second factor is asked for."""


@dataclass(frozen=True, slots=True)
class VisibleClient:
    id: UUID
    slug: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is neither revoked nor timed out, and whose user is active."""

    viewer: Viewer
    token_hash: bytes
    last_seen_at: datetime
    token_id: UUID | None = None
    """Of the API token that stands for the user here."""

    def needs_touch(self, now: datetime) -> bool:
        return now - self.last_seen_at >= TOUCH_INTERVAL


_CREDENTIALS = select(
    User.id,
    User.email,
    User.name,
    User.password_hash,
    case((User.totp_confirmed_at.is_not(None), User.totp_secret)).label("totp_secret"),
).where(User.is_active)


async def credentials(session: AsyncSession, email: str, now: datetime) -> Credentials | None:
    """What an active user signs in by; None where a password made for them has expired."""
    statement = _CREDENTIALS.where(
        User.email == email.strip().lower(),
        or_(User.password_expires_at.is_(None), User.password_expires_at > now),
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Credentials(*row)


async def credentials_of(session: AsyncSession, user_id: UUID) -> Credentials:
    """What a signed-in user proves themselves by once more."""
    return Credentials(*(await session.execute(_CREDENTIALS.where(User.id == user_id))).one())


async def live_session(
    session: AsyncSession, token_hash: bytes, now: datetime
) -> LiveSession | None:
    """The session behind a token, or None once it was revoked, has expired or lain idle."""
    statement = (
        select(
            Session.id,
            Session.last_seen_at,
            Session.authenticated_at,
            Session.user_id,
            User.email,
            User.name,
            User.is_admin,
        )
        .join(User, User.id == Session.user_id)
        .where(
            Session.token_hash == token_hash,
            *_live(now),
            User.is_active,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    viewer = await viewer_of(session, row, session_id=row.id, authenticated_at=row.authenticated_at)
    return LiveSession(viewer, token_hash, row.last_seen_at)


async def viewer_of(
    session: AsyncSession,
    row: AnyRow,
    *,
    session_id: UUID | None,
    authenticated_at: datetime,
    scopes: frozenset[TokenScope] | None = None,
) -> Viewer:
    """The person of a row that names ``user_id``, ``email``, ``name`` and ``is_admin``."""
    held = (
        await session.execute(
            select(Membership.client_id, Membership.portfolio_id, Membership.role).where(
                Membership.user_id == row.user_id
            )
        )
    ).all()
    restricted: dict[UUID, Role] = {}
    for each in held:
        if each.portfolio_id is not None:
            most = max(each.role, restricted.get(each.client_id, Role.VIEWER), key=_RANK.index)
            restricted[each.client_id] = most
    return Viewer(
        user_id=row.user_id,
        email=row.email,
        name=row.name,
        is_admin=row.is_admin,
        session_id=session_id,
        authenticated_at=authenticated_at,
        roles={each.client_id: each.role for each in held if each.portfolio_id is None},
        portfolio_roles={each.portfolio_id: each.role for each in held if each.portfolio_id},
        restricted_clients=restricted,
        scopes=scopes,
    )


async def touch(session: AsyncSession, session_id: UUID, now: datetime) -> None:
    """Note that the session is in use; of several requests at once only one writes."""
    await session.execute(
        update(Session)
        .where(Session.id == session_id, Session.last_seen_at <= now - TOUCH_INTERVAL)
        .values(last_seen_at=now)
    )


async def open_session(
    session: AsyncSession,
    *,
    user_id: UUID,
    token_hash: bytes,
    now: datetime,
    address: str,
    user_agent: str,
    authenticated_at: datetime | None = None,
) -> None:
    """Sign a browser in, and forget this user's sessions that ended by themselves."""
    await session.execute(
        delete(Session).where(Session.user_id == user_id, Session.expires_at <= now)
    )
    session.add(
        Session(
            user_id=user_id,
            token_hash=token_hash,
            last_seen_at=now,
            authenticated_at=authenticated_at or now,
            expires_at=now + SESSION_LIFETIME,
            address=address,
            user_agent=user_agent[:400],
        )
    )
    await session.execute(update(User).where(User.id == user_id).values(last_login_at=now))


async def revoke_session(session: AsyncSession, token_hash: bytes, now: datetime) -> None:
    await session.execute(
        update(Session)
        .where(Session.token_hash == token_hash, Session.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def renew_session(
    session: AsyncSession, session_id: UUID, token_hash: bytes, now: datetime
) -> None:
    """A new token for a session whose user has just proved again who they are."""
    await session.execute(
        update(Session)
        .where(Session.id == session_id)
        .values(token_hash=token_hash, authenticated_at=now, last_seen_at=now)
    )


async def live_sessions_of(session: AsyncSession, user_id: UUID, now: datetime) -> list[Session]:
    """The user's sessions that are still good, the one used last first."""
    statement = (
        select(Session)
        .where(
            Session.user_id == user_id,
            *_live(now),
        )
        .order_by(Session.last_seen_at.desc(), Session.id)
    )
    return list(await session.scalars(statement))


async def session_counts(
    session: AsyncSession, user_ids: Collection[UUID], now: datetime
) -> dict[UUID, int]:
    """In how many browsers each of these users is signed in; absent: in none."""
    statement = (
        select(Session.user_id, func.count().label("live"))
        .where(Session.user_id.in_(user_ids), *_live(now))
        .group_by(Session.user_id)
    )
    rows = await session.execute(statement)
    return {row.user_id: row.live for row in rows}


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Session.revoked_at.is_(None),
        Session.expires_at > now,
        Session.last_seen_at > now - SESSION_IDLE_LIMIT,
    )


async def end_sessions(
    session: AsyncSession,
    user_id: UUID,
    now: datetime,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> int:
    """Revoke the user's sessions: all, ``only`` one, or all ``but`` one; how many that were."""
    statement = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(Session.id == only)
    if but is not None:
        statement = statement.where(Session.id != but)
    ended = await session.execute(statement.values(revoked_at=now).returning(Session.id))
    return len(ended.all())


async def change_password_hash(
    session: AsyncSession, user_id: UUID, password_hash: str, now: datetime
) -> None:
    """A new password, as opposed to the same one hashed anew."""
    await session.execute(
        update(User)
        .where(User.id == user_id)
        .values(password_hash=password_hash, password_changed_at=now, password_expires_at=None)
    )


async def replace_password_hash(session: AsyncSession, user_id: UUID, password_hash: str) -> None:
    await session.execute(
        update(User).where(User.id == user_id).values(password_hash=password_hash)
    )


async def visible_account_ids(session: AsyncSession, viewer: Viewer) -> frozenset[UUID]:
    found = await session.scalars(select(BrokerAccount.id).where(viewer.sees(BrokerAccount.id)))
    return frozenset(found)


async def visible_clients(session: AsyncSession, viewer: Viewer) -> list[VisibleClient]:
    """The clients the viewer may see, by name; an installation admin is ADMIN of each."""
    statement = (
        select(Client.id, Client.slug, Client.name)
        .where(viewer.knows_client(Client.id))
        .order_by(Client.name)
    )
    rows = (await session.execute(statement)).all()
    return [
        VisibleClient(row.id, row.slug, row.name, role)
        for row in rows
        if (role := viewer.role_for(row.id) or viewer.restricted_clients.get(row.id)) is not None
    ]

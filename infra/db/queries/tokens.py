"""API tokens: a script's way in, with less than its user may do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import ApiToken, TokenScope, User
from infra.db.queries.identity import TOUCH_INTERVAL, LiveSession, viewer_of


async def live_token(session: AsyncSession, token_hash: bytes, now: datetime) -> LiveSession | None:
    """Whoever a token stands for, or None once it was revoked or has expired."""
    statement = (
        select(
            ApiToken.id,
            ApiToken.scopes,
            ApiToken.last_used_at,
            ApiToken.created_at,
            ApiToken.user_id,
            User.email,
            User.name,
            User.is_admin,
        )
        .join(User, User.id == ApiToken.user_id)
        .where(
            ApiToken.token_hash == token_hash,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > now,
            User.is_active,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    viewer = await viewer_of(
        session,
        row,
        session_id=None,
        # A token proves nothing anew: where an approval asks for a fresh proof, a person gives it.
        authenticated_at=row.created_at,
        scopes=frozenset(TokenScope(scope) for scope in row.scopes),
    )
    return LiveSession(viewer, token_hash, row.last_used_at or row.created_at, token_id=row.id)


async def touch_token(session: AsyncSession, token_id: UUID, now: datetime) -> None:
    """Note that the token is in use; of several requests at once only one writes."""
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - TOUCH_INTERVAL)
    await session.execute(
        update(ApiToken).where(ApiToken.id == token_id, stale).values(last_used_at=now)
    )


async def add_token(
    session: AsyncSession,
    user_id: UUID,
    name: str,
    token_hash: bytes,
    scopes: Collection[TokenScope],
    expires_at: datetime,
) -> ApiToken:
    made = ApiToken(
        user_id=user_id,
        name=name,
        token_hash=token_hash,
        scopes=sorted(scope.value for scope in scopes),
        expires_at=expires_at,
    )
    session.add(made)
    await session.flush()
    return made


async def tokens_of(session: AsyncSession, user_id: UUID, now: datetime) -> list[ApiToken]:
    """The user's tokens that are still good, newest first."""
    statement = (
        select(ApiToken)
        .where(
            ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
        )
        .order_by(ApiToken.id.desc())
    )
    return list(await session.scalars(statement))


async def revoke_tokens(
    session: AsyncSession, user_id: UUID, now: datetime, *, only: UUID | None = None
) -> int:
    """Revoke the user's tokens, or one of them; how many that were."""
    statement = update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(ApiToken.id == only)
    revoked = await session.execute(statement.values(revoked_at=now).returning(ApiToken.id))
    return len(revoked.all())

"""People's access, from the command line."""

from __future__ import annotations

import secrets

from sqlalchemy import select, update

from infra.db.audit import Actor, audit
from infra.db.clock import host_now
from infra.db.models import Session, User
from infra.db.session import engine, sessions
from infra.security import hash_password
from infra.settings import Settings

COMMAND_LINE = Actor(name="command line")


def new_password() -> str:
    """A password to note down: 16 characters, 96 bits."""
    return secrets.token_urlsafe(12)


async def reset_password(settings: Settings, email: str) -> str | None:
    """A new password for that user, whose sessions all end; None where there is no such user."""
    database = engine(settings)
    password = new_password()
    try:
        async with sessions(database).begin() as session:
            user = await session.scalar(select(User).where(User.email == email.lower()))
            if user is None:
                return None
            user.password_hash = hash_password(password)
            await session.execute(
                update(Session)
                .where(Session.user_id == user.id, Session.revoked_at.is_(None))
                .values(revoked_at=host_now())
            )
            audit(session, COMMAND_LINE, "user.password_reset", "user", user.id)
        return password
    finally:
        await database.dispose()

"""Second factors: a user's one-time-code secret and recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import RecoveryCode, User


async def begin_totp(session: AsyncSession, user_id: UUID, sealed_secret: bytes) -> bool:
    """Keep a secret that is not asked for yet; False where one is in force already."""
    begun = await session.execute(
        update(User)
        .where(User.id == user_id, User.totp_confirmed_at.is_(None))
        .values(totp_secret=sealed_secret, totp_last_step=None)
        .returning(User.id)
    )
    return begun.one_or_none() is not None


async def unconfirmed_totp(session: AsyncSession, user_id: UUID) -> bytes | None:
    """The sealed secret that waits for its first code."""
    return await session.scalar(
        select(User.totp_secret)
        .where(User.id == user_id, User.totp_confirmed_at.is_(None))
        .with_for_update()
    )


async def confirm_totp(
    session: AsyncSession, user_id: UUID, step: int, now: datetime, recovery: Sequence[bytes]
) -> None:
    """Ask for codes from now on; ``recovery`` replaces the recovery codes there were."""
    await session.execute(
        update(User).where(User.id == user_id).values(totp_confirmed_at=now, totp_last_step=step)
    )
    await _put_recovery_codes(session, user_id, recovery)


async def replace_recovery_codes(
    session: AsyncSession, user_id: UUID, recovery: Sequence[bytes]
) -> bool:
    """Forget the recovery codes there were; False where no second factor is in force."""
    confirmed = select(User.id).where(User.id == user_id, User.totp_confirmed_at.is_not(None))
    if await session.scalar(confirmed.with_for_update()) is None:
        return False
    await _put_recovery_codes(session, user_id, recovery)
    return True


async def _put_recovery_codes(
    session: AsyncSession, user_id: UUID, recovery: Sequence[bytes]
) -> None:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=each) for each in recovery)


async def forget_totp(session: AsyncSession, user_id: UUID) -> bool:
    """Ask for codes no more; False where none were asked for."""
    forgotten = await session.execute(
        update(User)
        .where(User.id == user_id, User.totp_secret.is_not(None))
        .values(totp_secret=None, totp_confirmed_at=None, totp_last_step=None)
        .returning(User.id)
    )
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    return forgotten.one_or_none() is not None


async def spend_step(session: AsyncSession, user_id: UUID, step: int) -> bool:
    """Whether this step's code is accepted: of several uses, at once or in turn, only the first."""
    spent = await session.execute(
        update(User)
        .where(
            User.id == user_id,
            or_(User.totp_last_step.is_(None), User.totp_last_step < step),
        )
        .values(totp_last_step=step)
        .returning(User.id)
    )
    return spent.one_or_none() is not None


async def spend_recovery_code(
    session: AsyncSession, user_id: UUID, code_hash: bytes, now: datetime
) -> bool:
    """Whether the user has this recovery code and had not used it."""
    spent = await session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.id)
    )
    return spent.one_or_none() is not None


async def recovery_codes_left(session: AsyncSession, user_id: UUID) -> int:
    statement = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return await session.scalar(statement) or 0

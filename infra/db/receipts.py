"""What was answered to commands, kept so that a repeated one is answered the same and done once.

A receipt is claimed in the transaction of its command: a command that failed has none. Two requests
with one key at once take turns at the unique index, and the second finds what the first answered.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import ErrorCode, GreenlightError
from infra.db.models import CommandReceipt


async def claim_receipt(
    session: AsyncSession, user_id: UUID, key: str, digest: bytes
) -> CommandReceipt | None:
    """The receipt of an earlier request with the key, or None once it is claimed for this one.

    Raises GreenlightError IDEMPOTENCY_KEY_REUSED where the earlier request was another one.
    """
    claim = insert(CommandReceipt).values(
        id=uuid7(), user_id=user_id, idempotency_key=key, request_digest=digest
    )
    claimed = await session.execute(
        claim.on_conflict_do_nothing(index_elements=["user_id", "idempotency_key"]).returning(
            CommandReceipt.id
        )
    )
    if claimed.one_or_none() is not None:
        return None
    known = await session.scalar(
        select(CommandReceipt)
        .where(CommandReceipt.user_id == user_id, CommandReceipt.idempotency_key == key)
        .execution_options(populate_existing=True)
    )
    assert known is not None, "a receipt is in the way, and none is ever removed this soon"
    if known.request_digest != digest:
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key came with another request before"
        )
    return known


async def keep_answer(
    session: AsyncSession,
    user_id: UUID,
    key: str,
    *,
    status: int,
    etag: str | None,
    sealed_body: bytes | None,
) -> None:
    """Write what was answered beside the claim."""
    await session.execute(
        update(CommandReceipt)
        .where(CommandReceipt.user_id == user_id, CommandReceipt.idempotency_key == key)
        .values(status=status, etag=etag, sealed_body=sealed_body)
    )

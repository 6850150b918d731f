"""Commands of people on orders, each with its audit entry; the caller commits."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.order_evidence import DeclaredNotSent
from domain.orders import OrderState
from infra.db.audit import Actor, audit
from infra.db.models import Order
from infra.db.order_rows import fold, lock_order

# Complete, spaced looks at the broker's books that must have missed an order (DESIGN: "repeated").
LOOKS_NEEDED = 3


async def declare_not_sent(
    session: AsyncSession, order_id: UUID, user_id: UUID, user_email: str, address: str, reason: str
) -> None:
    """A person declares that an UNKNOWN order never reached the broker.

    Raises GreenlightError NOT_FOUND, or EVIDENCE_INCOMPLETE unless the order is UNKNOWN, has no
    fill, was never acknowledged, and enough complete and spaced looks at the broker's books on
    its own trading day did not find it. The evidence stays in the order's events.
    """
    key = await session.scalar(select(Order.order_key).where(Order.id == order_id))
    if key is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such order")
    row = await lock_order(session, key)
    if row.state is not OrderState.UNKNOWN or row.filled_quantity:
        raise GreenlightError(
            ErrorCode.EVIDENCE_INCOMPLETE, f"the order is {row.state}, not an UNKNOWN without fills"
        )
    if row.perm_id is not None:
        raise GreenlightError(
            ErrorCode.EVIDENCE_INCOMPLETE,
            f"the broker acknowledged the order as permId {row.perm_id}: it was sent",
        )
    if row.absent_looks < LOOKS_NEEDED:
        raise GreenlightError(
            ErrorCode.EVIDENCE_INCOMPLETE,
            f"{row.absent_looks} of {LOOKS_NEEDED} looks at the broker's books are done",
            limit=LOOKS_NEEDED,
            actual=row.absent_looks,
        )
    await fold(
        session, row, DeclaredNotSent(user_id=user_id),
        payload={"by": user_email, "reason": reason, "absent_looks": row.absent_looks},
    )  # fmt: skip
    audit(
        session,
        Actor(name=user_email, user_id=user_id, address=address),
        "order.declared_not_sent",
        "order",
        key,
        before={"state": OrderState.UNKNOWN.value},
        after={"reason": reason, "absent_looks": row.absent_looks},
    )

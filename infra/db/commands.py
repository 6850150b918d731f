"""Commands of people on orders, each with its audit entry; the caller commits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.order_evidence import BrokerStatus, DeclaredEnded, DeclaredNotSent
from domain.orders import OrderState
from infra.db.alerts import raise_alert
from infra.db.audit import Actor, audit
from infra.db.book_comparison import LastLook
from infra.db.models import Order, Severity
from infra.db.order_rows import fold, lock_order
from infra.db.position_evidence import PositionEvidence, position_evidence

# Complete, spaced looks at the broker's books that must have missed an order (DESIGN: "repeated").
LOOKS_NEEDED = 3
_OVER = (None, BrokerStatus.CANCELLED, BrokerStatus.REJECTED, BrokerStatus.FILLED)


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who declares, from where, and what was checked."""

    user_id: UUID
    user_email: str
    address: str
    reason: str


async def declare_not_sent(session: AsyncSession, order_id: UUID, by: Declaration) -> None:
    """A person declares that an UNKNOWN order never reached the broker.

    Raises GreenlightError NOT_FOUND, or EVIDENCE_INCOMPLETE unless the order is UNKNOWN, has no
    fill, was never acknowledged, and enough complete and spaced looks at the broker's books on
    its own trading day did not find it. The evidence stays in the order's events.
    """
    row = await _lock(session, order_id)
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
        session, row, DeclaredNotSent(user_id=by.user_id),
        payload={"by": by.user_email, "reason": by.reason, "absent_looks": row.absent_looks},
    )  # fmt: skip
    audit(
        session,
        Actor(name=by.user_email, user_id=by.user_id, address=by.address),
        "order.declared_not_sent",
        "order",
        row.order_key,
        before={"state": OrderState.UNKNOWN.value},
        after={"reason": by.reason, "absent_looks": row.absent_looks},
    )


def may_be_declared_over(state: OrderState, last_look: dict[str, object] | None) -> bool:
    """Whether enough complete, spaced looks left an order in doubt and none of late was live."""
    if state not in (OrderState.UNKNOWN, OrderState.QUARANTINE) or last_look is None:
        return False
    look = LastLook.model_validate(last_look)
    return look.looks >= LOOKS_NEEDED and look.status in _OVER


async def declare_ended(
    session: AsyncSession, order_id: UUID, executed: Decimal, by: Declaration
) -> None:
    """A person declares an order in doubt over, with ``executed`` contracts traded in all.

    The way out for an order that was acknowledged and vanished, whose day is over unseen, whose
    executions the broker has forgotten, or that was quarantined. Raises GreenlightError
    NOT_FOUND, EVIDENCE_INCOMPLETE unless enough looks at the books are done and the last did not
    show it live, or INVALID_INPUT for a quantity that cannot be. What spoke for it is kept with
    the order's events and the audit.
    """
    row = await _lock(session, order_id)
    state = row.state
    if not may_be_declared_over(state, row.last_look):
        raise GreenlightError(
            ErrorCode.EVIDENCE_INCOMPLETE,
            f"the order is {state}; it takes {LOOKS_NEEDED} complete looks at the broker's books "
            "that leave it in doubt and do not show it live",
            limit=LOOKS_NEEDED,
            last_look=row.last_look,
        )
    most = max(row.quantity, row.filled_quantity)
    if executed != executed.to_integral_value() or not row.filled_quantity <= executed <= most:
        raise GreenlightError(
            ErrorCode.INVALID_INPUT,
            f"executions on record show {row.filled_quantity:f}, the order was for "
            f"{row.quantity:f}: {executed:f} cannot be",
            field="executed_quantity",
        )
    positions = await position_evidence(session, row)
    evidence = {
        "by": by.user_email,
        "reason": by.reason,
        "executed": str(executed),
        "on_record": str(row.filled_quantity),
        "last_look": row.last_look,
        "absent_looks": row.absent_looks,
        "positions": None if positions is None else positions.model_dump(mode="json"),
    }
    missing = executed - row.filled_quantity
    await fold(session, row, DeclaredEnded(user_id=by.user_id, executed=executed), payload=evidence)
    audit(
        session,
        Actor(name=by.user_email, user_id=by.user_id, address=by.address),
        "order.declared_ended",
        "order",
        row.order_key,
        before={"state": state.value},
        after=evidence,
    )
    if missing:
        await _report_missing(session, row, missing)


async def ending_evidence(
    session: AsyncSession, order_id: UUID
) -> tuple[LastLook | None, PositionEvidence | None]:
    """What a person has to go by: the latest look at the books, and what the positions tell."""
    row = await session.get(Order, order_id)
    if row is None or row.state not in (OrderState.UNKNOWN, OrderState.QUARANTINE):
        return None, None
    look = None if row.last_look is None else LastLook.model_validate(row.last_look)
    return look, await position_evidence(session, row)


async def _lock(session: AsyncSession, order_id: UUID) -> Order:
    key = await session.scalar(select(Order.order_key).where(Order.id == order_id))
    if key is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such order")
    return await lock_order(session, key)


async def _report_missing(session: AsyncSession, row: Order, missing: Decimal) -> None:
    await raise_alert(
        session,
        "EXECUTIONS_MISSING",
        row.order_key,
        Severity.WARNING,
        "Contracts were traded of which the broker gave no execution",
        detail=f"{missing:f} of {row.quantity:f}: enter price and commission from the statement",
        account_id=row.broker_account_id,
        context={"order_id": str(row.id)},
    )

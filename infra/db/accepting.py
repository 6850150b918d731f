"""A person takes the broker's figure for the record, and says why."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.discrepancies import DiscrepancyType
from domain.errors import ErrorCode, GreenlightError
from domain.position_events import PositionEventKind
from infra.db.alerts import clear_alert
from infra.db.audit import Actor, audit
from infra.db.models import BrokerAccount, Discrepancy, PositionEvent

ACCEPTABLE = frozenset({DiscrepancyType.POSITION_MISMATCH, DiscrepancyType.CASH_MISMATCH})


async def accept_broker_figure(
    session: AsyncSession,
    discrepancy_id: UUID,
    seen_actual: str,
    note: str,
    actor: Actor,
    market_at: datetime,
    now: datetime,
) -> None:
    """Book the difference as an ACCEPTED event, so that the record agrees from here on.

    The account stays halted: resuming it is a decision of its own. Raises GreenlightError
    NOT_FOUND, ILLEGAL_TRANSITION for a discrepancy that is cleared or has no figure to accept,
    and DISCREPANCY_CHANGED when the broker's figure is not the one the person saw.
    """
    found = await session.get(Discrepancy, discrepancy_id)
    if found is None or found.broker_account_id is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such discrepancy")
    # The account before its discrepancy, as reconciliation locks them.
    await session.get(BrokerAccount, found.broker_account_id, with_for_update={"of": BrokerAccount})
    row = await session.scalar(
        select(Discrepancy)
        .where(Discrepancy.id == discrepancy_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert row is not None
    if row.cleared_at is not None or row.raised_at is None or row.type not in ACCEPTABLE:
        raise GreenlightError(
            ErrorCode.ILLEGAL_TRANSITION, "only an open difference of position or cash is accepted"
        )
    if row.actual != seen_actual:
        raise GreenlightError(
            ErrorCode.DISCREPANCY_CHANGED,
            f"the broker says {row.actual} now",
            seen=seen_actual,
            actual=row.actual,
        )
    difference = Decimal(row.actual) - Decimal(row.expected)
    is_cash = row.type is DiscrepancyType.CASH_MISMATCH
    session.add(
        PositionEvent(
            broker_account_id=row.broker_account_id,
            instrument_id=row.instrument_id,
            con_id=row.con_id,
            kind=PositionEventKind.ACCEPTED,
            quantity=Decimal(0) if is_cash else difference,
            cash=difference if is_cash else Decimal(0),
            market_at=market_at,
            detail=f"{actor.name}: {note}",
        )
    )
    row.cleared_at = now
    await clear_alert(session, row.type.value, row.subject)
    audit(
        session, actor, "discrepancy.accepted", "discrepancy", row.id,
        before={"expected": row.expected}, after={"actual": row.actual, "note": note},
    )  # fmt: skip
    await session.flush()

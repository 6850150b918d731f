"""What an account's position tells of executions that nobody reported."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import Frozen, Side
from domain.orders import OrderIntent
from infra.db.models import BrokerAccount, Execution, IbkrContract, Order, Position


class PositionAt(Frozen):
    """A position, long positive, as the broker told it at a moment of market time."""

    quantity: Decimal
    as_of: AwareDatetime


class PositionEvidence(Frozen):
    """The position before the claim and now, and the executions on record in between.

    ``missed`` is what they leave unexplained, counted in the order's own direction: fills that
    may have been missed. Expiry, assignment or a trade by hand explain it as well. Of a package
    the leg it is filed under is looked at, in contracts of that leg.
    """

    before: PositionAt
    now: PositionAt
    executed_between: Decimal
    missed: Decimal


async def position_of(session: AsyncSession, order: Order) -> dict[str, Any] | None:
    """The account's position in the order's contract as last read; None if never read."""
    as_of = await session.scalar(
        select(BrokerAccount.positions_synced_at).where(BrokerAccount.id == order.broker_account_id)
    )
    quantity = await session.scalar(
        select(Position.quantity).where(
            Position.broker_account_id == order.broker_account_id,
            Position.instrument_id == order.instrument_id,
        )
    )
    return as_position(quantity, as_of)


def as_position(quantity: Decimal | None, as_of: datetime | None) -> dict[str, Any] | None:
    """A position as an order keeps it; no row is none held, None is never read."""
    if as_of is None:
        return None
    return PositionAt(quantity=quantity or Decimal(0), as_of=as_of).model_dump(mode="json")


async def position_evidence(session: AsyncSession, order: Order) -> PositionEvidence | None:
    """None until the positions were read both before the claim and after it."""
    current = await position_of(session, order)
    if order.position_before is None or current is None or order.sent_market_at is None:
        return None
    before, now = PositionAt.model_validate(order.position_before), PositionAt(**current)
    if now.as_of <= order.sent_market_at:
        return None
    signed = case((Execution.side == Side.BUY, Execution.quantity), else_=-Execution.quantity)
    executed = await session.scalar(
        select(func.coalesce(func.sum(signed), 0)).where(
            Execution.broker_account_id == order.broker_account_id,
            Execution.instrument_id == order.instrument_id,
            Execution.superseded.is_(False),
            Execution.executed_at > before.as_of,
            Execution.executed_at <= now.as_of,
        )
    )
    executed = Decimal(executed or 0)
    unexplained = now.quantity - before.quantity - executed
    return PositionEvidence(
        before=before,
        now=now,
        executed_between=executed,
        missed=unexplained * await _direction(session, order),
    )


async def _direction(session: AsyncSession, order: Order) -> int:
    """1 where the order buys the contract it is filed under, -1 where it sells it."""
    legs = OrderIntent.model_validate(order.intent).legs
    con_ids = set(
        await session.scalars(
            select(IbkrContract.con_id).where(IbkrContract.instrument_id == order.instrument_id)
        )
    )
    found = (leg.side.sign for leg in legs if leg.contract.con_id in con_ids)
    return next(found, order.side.sign)

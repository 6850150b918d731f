"""What a claim is held to, read under lock, in few statements: a click waits for each.

The order's row is locked before; then the gateway and the recommendation, then the trading state,
which everybody locks after recommendations; then, by a statement of its own that sees whatever was
committed while those locks were waited for, what nobody needs to lock.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.recommendations import RecommendationAction
from domain.risk.limits import TradingState
from infra.db.clock import CLOCK
from infra.db.lease import Lease
from infra.db.models import BrokerAccount, Execution, Gateway, Position, Recommendation
from infra.db.models import Decision as DecisionRow
from infra.db.models import Order as OrderRow
from infra.db.position_evidence import as_position
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.trading_state import effective_trading_state


class ClaimFacts(NamedTuple):
    """``now`` is Postgres's time, after all locks; ``executed_elsewhere`` by other attempts."""

    now: datetime
    executed_elsewhere: Decimal
    has_executions: bool
    position: dict[str, Any] | None


async def lock_governing(session: AsyncSession, order: OrderRow) -> AnyRow:
    """The gateway and the recommendation, locked for share.

    A withdrawal or a loss of the lease that commits later waits for this transaction; one that
    committed earlier is seen.
    """
    statement: Rowed = (
        select(
            Gateway.slug,
            Gateway.lease_owner,
            Gateway.lease_epoch,
            Gateway.lease_until,
            *CLOCK,
            Recommendation.action,
            Recommendation.withdrawn_at,
            Recommendation.quantity.label("offered"),
            DecisionRow.quantity.label("narrowed"),
        )
        .select_from(Recommendation)
        .join(DecisionRow, DecisionRow.id == order.decision_id)
        .join(Gateway, Gateway.id == order.gateway_id)
        .where(Recommendation.id == order.recommendation_id)
        .with_for_update(read=True, of=[Gateway, Recommendation])
    )
    return (await session.execute(statement)).one()


async def read_claim_facts(session: AsyncSession, order: OrderRow) -> ClaimFacts:
    others = select(func.coalesce(func.sum(OrderRow.traded_quantity), 0)).where(
        OrderRow.recommendation_id == order.recommendation_id, OrderRow.id != order.id
    )
    synced_at = select(BrokerAccount.positions_synced_at).where(
        BrokerAccount.id == order.broker_account_id
    )
    held = select(Position.quantity).where(
        Position.broker_account_id == order.broker_account_id,
        Position.instrument_id == order.instrument_id,
    )
    statement: Rowed = select(
        func.clock_timestamp().label("now"),
        others.scalar_subquery().label("elsewhere"),
        select(Execution.id).where(Execution.order_id == order.id).exists().label("executed"),
        synced_at.scalar_subquery().label("synced_at"),
        held.scalar_subquery().label("held"),
    )
    row = (await session.execute(statement)).one()
    return ClaimFacts(
        now=row.now,
        executed_elsewhere=row.elsewhere,
        has_executions=row.executed,
        position=as_position(row.held, row.synced_at),
    )


def require_held(lease: Lease, governed: AnyRow) -> None:
    """LEASE_LOST unless the locked gateway carries this lease; while locked nobody can take it."""
    if (governed.slug, governed.lease_owner, governed.lease_epoch) != lease.identity:
        raise _lost(lease)


def require_not_run_out(lease: Lease, governed: AnyRow, facts: ClaimFacts) -> None:
    """LEASE_LOST once the lease has run out by Postgres's clock."""
    if governed.lease_until is None or governed.lease_until <= facts.now:
        raise _lost(lease)


def _lost(lease: Lease) -> GreenlightError:
    return GreenlightError(ErrorCode.LEASE_LOST, f"the lease on {lease.gateway} is no longer held")


async def require_trading(session: AsyncSession, order: OrderRow, governed: AnyRow) -> None:
    """Not withdrawn, and trading ACTIVE, under lock, where the order opens risk."""
    if governed.withdrawn_at is not None:
        raise GreenlightError(ErrorCode.ORDER_CANCELLED, "the approval was withdrawn")
    if governed.action is RecommendationAction.CLOSE:
        return
    state = await effective_trading_state(session, order.broker_account_id, lock=True)
    if state is not TradingState.ACTIVE:
        code = (
            ErrorCode.TRADING_HALTED if state is TradingState.HALTED else ErrorCode.TRADING_REDUCING
        )
        raise GreenlightError(code, f"trading is {state}")


def require_still_left(order: OrderRow, governed: AnyRow, facts: ClaimFacts) -> None:
    """An earlier attempt may have filled after this one was made; together they stay approved."""
    executed = facts.executed_elsewhere
    if executed + order.quantity > (governed.narrowed or governed.offered):
        raise GreenlightError(
            ErrorCode.SEND_ABANDONED, f"earlier attempts have filled {executed:f} in the meantime"
        )

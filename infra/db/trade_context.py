"""An approval, re-read, with what our own records add to the judgement of it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Right, Side
from domain.orders import OrderIntent, OrderState
from domain.packages import assignment_cash
from domain.ports import TradeContext
from domain.recommendations import (
    Decision,
    RecommendationAction,
    RecommendationState,
    Terms,
    approved_trade,
)
from infra.db.clock import host_now
from infra.db.external_orders import working_external_orders
from infra.db.models import BrokerAccount, Execution, Gateway, Instrument, Recommendation
from infra.db.models import Decision as DecisionRow
from infra.db.models import Order as OrderRow
from infra.db.trading_state import effective_trading_state, limits_in_force

_UNDER_WAY = (
    OrderState.READY,
    OrderState.SENDING,
    OrderState.WORKING,
    OrderState.PARTIAL,
    OrderState.CANCEL_PENDING,
    OrderState.UNKNOWN,
)


async def read_trade_context(
    session: AsyncSession, recommendation_id: UUID, decision_id: UUID
) -> TradeContext:
    recommendation = await lock_approved(session, recommendation_id, even_withdrawn=True)
    row = await session.get(DecisionRow, decision_id)
    if row is None or row.recommendation_id != recommendation_id:
        raise GreenlightError(ErrorCode.NOT_APPROVED, "no such decision on this recommendation")
    terms = Terms.model_validate(recommendation.terms)
    if terms.hash != recommendation.terms_hash:
        raise GreenlightError(ErrorCode.TERMS_CHANGED, "the stored terms do not match their hash")
    trade = approved_trade(
        terms,
        Decision(
            id=row.id,
            recommendation_id=row.recommendation_id,
            action=row.action,
            user_id=row.user_id,
            terms_hash=row.terms_hash,
            quantity=row.quantity,
            limit_price=row.limit_price,
            reason=row.reason,
            decided_at=row.decided_at,
        ),
    )
    if row.delivered_at is None:
        row.delivered_at = host_now()
    account_id = recommendation.broker_account_id
    gateway, account_code = (
        await session.execute(
            select(Gateway.slug, BrokerAccount.code)
            .join(BrokerAccount, BrokerAccount.gateway_id == Gateway.id)
            .where(BrokerAccount.id == account_id)
        )
    ).one()
    own = list(
        await session.scalars(
            select(OrderRow).where(OrderRow.recommendation_id == recommendation_id)
        )
    )
    open_attempt = next((order.order_key for order in own if not order.state.is_terminal), None)
    if open_attempt is None:
        # What a withdrawal cannot undo is an order that is open: that one is seen to its end.
        _require_not_withdrawn(recommendation)
        _require_own_account(terms, account_code)
    others = await _orders_under_way(session, account_id, recommendation)
    contracts = {leg.contract.con_id for leg in terms.legs}
    return TradeContext(
        trade=trade,
        gateway=gateway,
        limits=await limits_in_force(session),
        trading_state=await effective_trading_state(session, account_id),
        already_filled=sum((order.traded_quantity for order in own), Decimal(0)),
        attempts=len(own),
        open_attempt=open_attempt,
        open_order_keys=tuple(
            other.key for other in others if not other.con_ids.isdisjoint(contracts)
        ),
        committed_assignment_cash=sum((other.assignment_cash for other in others), Decimal(0)),
        orders_under_way=tuple(sorted(other.key for other in others)),
        executions_on_record=await _executions_on_record(session, account_id),
    )


async def lock_approved(
    session: AsyncSession, recommendation_id: UUID, *, even_withdrawn: bool = False
) -> Recommendation:
    """The recommendation, locked; NOT_APPROVED unless an approval is being carried out."""
    recommendation = await session.get(
        Recommendation, recommendation_id, with_for_update=True, populate_existing=True
    )
    if recommendation is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such recommendation")
    if recommendation.state is not RecommendationState.APPROVED:
        raise GreenlightError(
            ErrorCode.NOT_APPROVED, f"the recommendation is {recommendation.state}"
        )
    if not even_withdrawn:
        _require_not_withdrawn(recommendation)
    return recommendation


def _require_not_withdrawn(recommendation: Recommendation) -> None:
    if recommendation.withdrawn_at is not None:
        raise GreenlightError(ErrorCode.NOT_APPROVED, "the approval was withdrawn")


def _require_own_account(terms: Terms, account_code: str) -> None:
    """The order goes to the account in the terms, at a gateway that may serve many."""
    if terms.account_code != account_code:
        raise GreenlightError(
            ErrorCode.TERMS_CHANGED,
            f"the terms are for account {terms.account_code}, "
            f"the recommendation is for {account_code}",
        )


class _UnderWay(NamedTuple):
    """An order that may still trade, ours or made outside the desk."""

    key: str
    con_ids: frozenset[int]
    assignment_cash: Decimal


async def _orders_under_way(
    session: AsyncSession, account_id: UUID, recommendation: Recommendation
) -> list[_UnderWay]:
    """The account's orders but for this recommendation's, those made outside included."""
    ours = await session.execute(
        select(OrderRow, Recommendation.action)
        .join(Recommendation, Recommendation.id == OrderRow.recommendation_id)
        .where(
            OrderRow.broker_account_id == account_id,
            OrderRow.recommendation_id != recommendation.id,
            OrderRow.state.in_(_UNDER_WAY),
        )
    )
    under_way = [_own(order, action) for order, action in ours]
    # How much of an external order has filled is not followed: all of it may be to come.
    under_way += [
        _UnderWay(
            f"external order {order.perm_id}",
            frozenset({order.con_id}),
            _external_assignment_cash(order.side, order.quantity, instrument),
        )
        for order, instrument in await working_external_orders(session, account_id)
    ]
    return under_way


def _own(order: OrderRow, action: RecommendationAction) -> _UnderWay:
    """One of our orders, with the cash that assignment of its unfilled part would need."""
    legs = OrderIntent.model_validate(order.intent).legs
    remaining = max(order.quantity - order.traded_quantity, Decimal(0))
    return _UnderWay(
        order.order_key,
        frozenset(leg.contract.con_id for leg in legs),
        assignment_cash(legs, remaining, is_roll=action is RecommendationAction.ROLL),
    )


def _external_assignment_cash(
    side: Side, quantity: Decimal, instrument: Instrument | None
) -> Decimal:
    if instrument is None or side is not Side.SELL or instrument.right is not Right.PUT:
        return Decimal(0)
    assert instrument.strike is not None
    return quantity * instrument.strike * instrument.multiplier


async def lock_unchanged_account(
    session: AsyncSession, context: TradeContext, recommendation: Recommendation
) -> UUID:
    """The account's gateway, the account locked, its orders and fills as ``context`` had them.

    Two approvals judged at the same moment would each overlook the other's cash; the second to
    get here is judged again. Raises GreenlightError ACCOUNT_STALE then.
    """
    account = await session.get(
        BrokerAccount, recommendation.broker_account_id, with_for_update={"of": BrokerAccount}
    )
    assert account is not None
    others = await _orders_under_way(session, account.id, recommendation)
    executions = await _executions_on_record(session, account.id)
    if (
        tuple(sorted(other.key for other in others)) != context.orders_under_way
        or executions != context.executions_on_record
    ):
        raise GreenlightError(
            ErrorCode.ACCOUNT_STALE, "an order or a fill of this account came in between"
        )
    return account.gateway_id


async def _executions_on_record(session: AsyncSession, account_id: UUID) -> int:
    count = select(func.count()).select_from(Execution)
    return await session.scalar(count.where(Execution.broker_account_id == account_id)) or 0

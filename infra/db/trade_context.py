"""An approval, re-read, with what our own records add to the judgement of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
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
from infra.db.day_record import OtherOrder, read_day_record
from infra.db.external_orders import working_external_orders
from infra.db.held_greeks import held_greeks
from infra.db.limits import limits_in_force
from infra.db.models import (
    BrokerAccount,
    Execution,
    ExternalOrder,
    Gateway,
    Instrument,
    Recommendation,
    Strategy,
    StrategyVersion,
)
from infra.db.models import Decision as DecisionRow
from infra.db.models import Order as OrderRow
from infra.db.trading_state import effective_trading_state

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
    owners = await _owners(session, recommendation)
    own = list(
        await session.scalars(
            select(OrderRow).where(OrderRow.recommendation_id == recommendation_id)
        )
    )
    open_attempt = next((order.order_key for order in own if not order.state.is_terminal), None)
    if open_attempt is None:
        # What a withdrawal cannot undo is an order that is open: that one is seen to its end.
        _require_not_withdrawn(recommendation)
        _require_own_account(terms, owners.account_code)
    others = await _orders_under_way(session, account_id, recommendation)
    contracts = {leg.contract.con_id for leg in terms.legs}
    limits = await limits_in_force(session, account_id, recommendation.strategy_instance_id)
    return TradeContext(
        trade=trade,
        gateway=owners.gateway,
        gateway_kind=owners.gateway_kind,
        strategy=owners.strategy,
        approved_hash=row.terms_hash,
        limits=limits,
        record=await read_day_record(session, account_id, trade, limits.limits, others),
        held_greeks=await held_greeks(session, account_id, limits.limits),
        trading_state=await effective_trading_state(session, account_id),
        already_filled=sum((order.traded_quantity for order in own), Decimal(0)),
        attempts=len(own),
        open_attempt=open_attempt,
        open_order_keys=tuple(
            other.key for other in others if not contracts.isdisjoint(other.sides)
        ),
        committed_assignment_cash=sum((other.assignment_cash for other in others), Decimal(0)),
        orders_under_way=tuple(sorted(other.key for other in others)),
        executions_on_record=await _executions_on_record(session, account_id),
    )


async def _owners(session: AsyncSession, recommendation: Recommendation) -> Any:
    """Through which gateway, on which account, and by which strategy."""
    statement = (
        select(
            Gateway.slug.label("gateway"),
            Gateway.kind.label("gateway_kind"),
            BrokerAccount.code.label("account_code"),
            Strategy.slug.label("strategy"),
        )
        .select_from(BrokerAccount)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .join(StrategyVersion, StrategyVersion.id == recommendation.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .where(BrokerAccount.id == recommendation.broker_account_id)
    )
    return (await session.execute(statement)).one()


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


async def _orders_under_way(
    session: AsyncSession, account_id: UUID, recommendation: Recommendation
) -> list[OtherOrder]:
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
    under_way += [
        _external(order, instrument)
        for order, instrument in await working_external_orders(session, account_id)
    ]
    return under_way


def _own(order: OrderRow, action: RecommendationAction) -> OtherOrder:
    """One of our orders, with what its unfilled part may still open."""
    intent = OrderIntent.model_validate(order.intent)
    remaining = max(order.quantity - order.traded_quantity, Decimal(0))
    is_roll = action is RecommendationAction.ROLL
    opens = Decimal(0)
    if action is not RecommendationAction.CLOSE:
        # What a roll buys in makes room for what it sells.
        signs = (-leg.side.sign if is_roll else 1 for leg in intent.legs)
        opens = sum(
            (sign * leg.ratio * remaining for sign, leg in zip(signs, intent.legs, strict=True)),
            Decimal(0),
        )
    return OtherOrder(
        key=order.order_key,
        sides={leg.contract.con_id: leg.side for leg in intent.legs},
        limit_price=None if intent.is_package else intent.limit_price,
        symbol=intent.legs[0].contract.symbol,
        assignment_cash=assignment_cash(intent.legs, remaining, is_roll=is_roll),
        opens_contracts=max(opens, Decimal(0)),
        opens_notional=(order.notional or Decimal(0)) * remaining / order.quantity,
    )


def _external(order: ExternalOrder, instrument: Instrument | None) -> OtherOrder:
    """An order made outside: how much of it has filled is not followed, all may be to come."""
    sells_option = (
        instrument is not None and instrument.strike is not None and order.side is Side.SELL
    )
    notional = Decimal(0)
    if sells_option:
        assert instrument is not None
        assert instrument.strike is not None
        notional = order.quantity * instrument.strike * instrument.multiplier
    sells_put = instrument is not None and instrument.right is Right.PUT
    return OtherOrder(
        key=f"external order {order.perm_id}",
        sides={order.con_id: order.side},
        limit_price=order.limit_price,
        symbol="" if instrument is None else instrument.symbol,
        assignment_cash=notional if sells_put else Decimal(0),
        opens_contracts=order.quantity if sells_option else Decimal(0),
        opens_notional=notional,
    )


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
    limits = await limits_in_force(session, account.id, recommendation.strategy_instance_id)
    if limits.versions != context.limits.versions:
        raise GreenlightError(ErrorCode.ACCOUNT_STALE, "the limits were changed in between")
    return account.gateway_id


async def _executions_on_record(session: AsyncSession, account_id: UUID) -> int:
    count = select(func.count()).select_from(Execution)
    return await session.scalar(count.where(Execution.broker_account_id == account_id)) or 0

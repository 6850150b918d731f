"""An approval, re-read, with what our own records add to the judgement of it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.dialects.postgresql import array_agg
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
    closing_legs,
)
from infra.db.clock import CLOCK, host_now, require_clock
from infra.db.day_record import OtherOrder, executions_on_record, read_account_day
from infra.db.external_orders import working_external_orders
from infra.db.held_greeks import held_greeks
from infra.db.limits import Bound, limits_binding, newest_refs
from infra.db.models import (
    BrokerAccount,
    ExternalOrder,
    Gateway,
    Instrument,
    Portfolio,
    Recommendation,
    Strategy,
    StrategyVersion,
)
from infra.db.models import Decision as DecisionRow
from infra.db.models import Order as OrderRow
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.trading_state import desk_state, in_force

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
    """The approval and all that is on record around it, in a statement for each kind of thing.

    Nothing is locked: what may change until the order is made is compared again under lock, by
    ``is_on_record``.
    """
    approval = await _read_approval(session, recommendation_id, decision_id)
    terms = Terms.model_validate(approval.terms)
    if terms.hash != approval.terms_hash:
        raise GreenlightError(ErrorCode.TERMS_CHANGED, "the stored terms do not match their hash")
    trade = approved_trade(terms, _decision(approval, recommendation_id))
    account_id = approval.broker_account_id
    own, others = await _orders_around(session, account_id, recommendation_id)
    open_attempt = next((order.order_key for order in own if not order.state.is_terminal), None)
    if open_attempt is None:
        # What a withdrawal cannot undo is an order that is open: that one is seen to its end.
        _require_not_withdrawn(approval)
        _require_own_account(terms, approval.account_code)
    others += await _external_orders(session, account_id)
    contracts = {leg.contract.con_id for leg in terms.legs}
    limits = await limits_binding(session, _bound(approval))
    market_now = require_clock(approval).now(host_now())
    day = await read_account_day(session, account_id, trade, limits.limits, others, market_now)
    return TradeContext(
        trade=trade,
        gateway=approval.gateway,
        gateway_kind=approval.gateway_kind,
        strategy=approval.strategy,
        approved_hash=approval.approved_hash,
        limits=limits,
        record=day.record,
        held_greeks=await held_greeks(session, account_id, limits.limits),
        trading_state=in_force(approval.desk_state, approval.account_state),
        already_filled=sum((order.traded_quantity for order in own), Decimal(0)),
        attempts=len(own),
        open_attempt=open_attempt,
        open_order_keys=tuple(
            other.key for other in others if not contracts.isdisjoint(other.sides)
        ),
        committed_assignment_cash=sum((other.assignment_cash for other in others), Decimal(0)),
        orders_under_way=tuple(sorted(other.key for other in others)),
        executions_on_record=day.executions,
    )


async def _read_approval(
    session: AsyncSession, recommendation_id: UUID, decision_id: UUID
) -> AnyRow:
    """The recommendation, the decision on it, and whom and what the trade concerns."""
    of_this = and_(
        DecisionRow.id == decision_id, DecisionRow.recommendation_id == Recommendation.id
    )
    statement: Rowed = (
        select(
            Recommendation.state,
            Recommendation.withdrawn_at,
            Recommendation.terms,
            Recommendation.terms_hash,
            Recommendation.broker_account_id,
            Recommendation.strategy_instance_id,
            DecisionRow.id.label("decision_id"),
            DecisionRow.action,
            DecisionRow.user_id,
            DecisionRow.terms_hash.label("approved_hash"),
            DecisionRow.quantity,
            DecisionRow.limit_price,
            DecisionRow.reason,
            DecisionRow.decided_at,
            Gateway.slug.label("gateway"),
            Gateway.kind.label("gateway_kind"),
            *CLOCK,
            BrokerAccount.code.label("account_code"),
            BrokerAccount.trading_state.label("account_state"),
            desk_state().label("desk_state"),
            BrokerAccount.portfolio_id,
            Portfolio.client_id,
            Strategy.slug.label("strategy"),
        )
        .select_from(Recommendation)
        .join(BrokerAccount, BrokerAccount.id == Recommendation.broker_account_id)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .join(StrategyVersion, StrategyVersion.id == Recommendation.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .outerjoin(DecisionRow, of_this)
        .where(Recommendation.id == recommendation_id)
    )
    approval = (await session.execute(statement)).one_or_none()
    _require_approved(approval)
    assert approval is not None
    if approval.decision_id is None:
        raise GreenlightError(ErrorCode.NOT_APPROVED, "no such decision on this recommendation")
    return approval


def _decision(approval: AnyRow, recommendation_id: UUID) -> Decision:
    return Decision(
        id=approval.decision_id,
        recommendation_id=recommendation_id,
        action=approval.action,
        user_id=approval.user_id,
        terms_hash=approval.approved_hash,
        quantity=approval.quantity,
        limit_price=approval.limit_price,
        reason=approval.reason,
        decided_at=approval.decided_at,
    )


def _bound(approval: AnyRow) -> Bound:
    return Bound(
        client_id=approval.client_id,
        portfolio_id=approval.portfolio_id,
        broker_account_id=approval.broker_account_id,
        strategy_instance_id=approval.strategy_instance_id,
    )


def _require_approved(row: AnyRow | None) -> None:
    """NOT_APPROVED unless an approval is being carried out."""
    if row is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such recommendation")
    if row.state is not RecommendationState.APPROVED:
        raise GreenlightError(ErrorCode.NOT_APPROVED, f"the recommendation is {row.state}")


def _require_not_withdrawn(row: AnyRow) -> None:
    if row.withdrawn_at is not None:
        raise GreenlightError(ErrorCode.NOT_APPROVED, "the approval was withdrawn")


def _require_own_account(terms: Terms, account_code: str) -> None:
    """The order goes to the account in the terms, at a gateway that may serve many."""
    if terms.account_code != account_code:
        raise GreenlightError(
            ErrorCode.TERMS_CHANGED,
            f"the terms are for account {terms.account_code}, "
            f"the recommendation is for {account_code}",
        )


async def _orders_around(
    session: AsyncSession, account_id: UUID, recommendation_id: UUID
) -> tuple[list[AnyRow], list[OtherOrder]]:
    """The recommendation's own orders, and the account's others that may still trade."""
    statement: Rowed = (
        select(
            OrderRow.recommendation_id,
            OrderRow.order_key,
            OrderRow.state,
            OrderRow.quantity,
            OrderRow.traded_quantity.label("traded_quantity"),
            OrderRow.intent,
            OrderRow.notional,
            Recommendation.action,
        )
        .join(Recommendation, Recommendation.id == OrderRow.recommendation_id)
        .where(
            or_(
                OrderRow.recommendation_id == recommendation_id,
                _under_way_of(account_id),
            )
        )
        .order_by(OrderRow.id)
    )
    found = await session.execute(statement)
    own: list[AnyRow] = []
    others: list[OtherOrder] = []
    for order in found:
        if order.recommendation_id == recommendation_id:
            own.append(order)
        else:
            others.append(_own(order))
    return own, others


def _under_way_of(account_id: UUID) -> ColumnElement[bool]:
    return and_(OrderRow.broker_account_id == account_id, OrderRow.state.in_(_UNDER_WAY))


async def _external_orders(session: AsyncSession, account_id: UUID) -> list[OtherOrder]:
    """The account's orders made outside the desk."""
    found = await working_external_orders(session, account_id)
    return [_external(order, instrument) for order, instrument in found]


def _own(order: AnyRow) -> OtherOrder:
    """One of our orders, with what its unfilled part may still open."""
    intent = OrderIntent.model_validate(order.intent)
    remaining = max(order.quantity - order.traded_quantity, Decimal(0))
    closing = closing_legs(order.action, intent.legs)
    opens = Decimal(0)
    if order.action is not RecommendationAction.CLOSE:
        # What a roll closes makes room for what it opens.
        signs = (-1 if leg in closing else 1 for leg in intent.legs)
        opens = sum(
            (sign * leg.ratio * remaining for sign, leg in zip(signs, intent.legs, strict=True)),
            Decimal(0),
        )
    return OtherOrder(
        key=order.order_key,
        sides={leg.contract.con_id: leg.side for leg in intent.legs},
        limit_price=None if intent.is_package else intent.limit_price,
        symbol=intent.legs[0].contract.symbol,
        assignment_cash=assignment_cash(intent.legs, remaining, closing=closing),
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
        key=external_key(order.perm_id),
        sides={order.con_id: order.side},
        limit_price=order.limit_price,
        symbol="" if instrument is None else instrument.symbol,
        assignment_cash=notional if sells_put else Decimal(0),
        opens_contracts=order.quantity if sells_option else Decimal(0),
        opens_notional=notional,
    )


def external_key(perm_id: int) -> str:
    """How an order made outside is named among the account's others."""
    return f"external order {perm_id}"


async def lock_approved(session: AsyncSession, recommendation_id: UUID) -> AnyRow:
    """The recommendation and its account, locked in that order.

    NOT_APPROVED unless an approval is being carried out and was not withdrawn.
    """
    statement: Rowed = (
        select(
            Recommendation.state,
            Recommendation.withdrawn_at,
            Recommendation.broker_account_id,
            Recommendation.instrument_id,
            Recommendation.strategy_instance_id,
            BrokerAccount.gateway_id,
            BrokerAccount.portfolio_id,
            Portfolio.client_id,
        )
        .join(BrokerAccount, BrokerAccount.id == Recommendation.broker_account_id)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .where(Recommendation.id == recommendation_id)
        .with_for_update(of=[Recommendation, BrokerAccount])
    )
    locked = (await session.execute(statement)).one_or_none()
    _require_approved(locked)
    assert locked is not None
    _require_not_withdrawn(locked)
    return locked


async def is_on_record(
    session: AsyncSession, context: TradeContext, locked: AnyRow, order_key: str
) -> bool:
    """Whether the order exists; if not, the locked account is held to what it was judged on.

    Two approvals judged at the same moment would each overlook the other's cash; the second to
    get here is judged again. Raises GreenlightError ACCOUNT_STALE then.
    """
    account_id = locked.broker_account_id
    ours = select(array_agg(OrderRow.order_key)).where(
        _under_way_of(account_id),
        OrderRow.recommendation_id != context.trade.recommendation_id,
    )
    outside = select(array_agg(ExternalOrder.perm_id)).where(
        ExternalOrder.broker_account_id == account_id, ExternalOrder.ended_at.is_(None)
    )
    statement: Rowed = select(
        select(OrderRow.id).where(OrderRow.order_key == order_key).exists().label("is_known"),
        ours.scalar_subquery().label("ours"),
        outside.scalar_subquery().label("outside"),
        executions_on_record(account_id).label("executions"),
    )
    now = (await session.execute(statement)).one()
    if now.is_known:
        return True
    under_way = [*(now.ours or ()), *map(external_key, now.outside or ())]
    if (
        tuple(sorted(under_way)) != context.orders_under_way
        or now.executions != context.executions_on_record
    ):
        raise GreenlightError(
            ErrorCode.ACCOUNT_STALE, "an order or a fill of this account came in between"
        )
    if await newest_refs(session, _bound(locked)) != frozenset(context.limits.versions):
        raise GreenlightError(ErrorCode.ACCOUNT_STALE, "the limits were changed in between")
    return False

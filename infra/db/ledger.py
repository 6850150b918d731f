"""The order ledger: the desk's own record of what it means to send, sends, and has sent.

Each method is one transaction. The order's row is locked first, so that the approval's workflow,
the listener and the reconciliation take turns; the broker is never asked under a lock.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crash_points import crash_point
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.order_evidence import SEND_WITHIN, Claimed, OrderEvidence
from domain.orders import OrderIntent, OrderState
from domain.ports import BrokerBooks, Judgement, OrderRecord, TradeContext
from domain.recommendations import RecommendationAction
from domain.risk.limits import TradingState
from infra.db.audit import audit
from infra.db.broker_record import BrokerRecord
from infra.db.clock import account_clock, database_now, host_now
from infra.db.lease import Lease, is_held
from infra.db.models import Decision as DecisionRow
from infra.db.models import Gateway, Recommendation
from infra.db.models import Order as OrderRow
from infra.db.order_rows import LEDGER, fold, lock_order, record_of
from infra.db.position_evidence import position_of
from infra.db.session import Sessions
from infra.db.trade_context import lock_approved, lock_unchanged_account, read_trade_context
from infra.db.trading_state import effective_trading_state


class LeaseHolder:
    """The lease this process holds, if any; set by the broker worker as it gains and loses it."""

    def __init__(self) -> None:
        self.lease: Lease | None = None

    def require(self) -> Lease:
        if self.lease is None:
            raise GreenlightError(ErrorCode.LEASE_LOST, "this worker holds no lease on the gateway")
        return self.lease


class PostgresLedger:
    """``domain.ports.OrderLedger`` over Postgres."""

    def __init__(self, sessions: Sessions, lease: LeaseHolder) -> None:
        self._sessions = sessions
        self._lease = lease
        self._broker_record = BrokerRecord(sessions)

    async def trade_context(self, recommendation_id: UUID, decision_id: UUID) -> TradeContext:
        async with self._sessions.begin() as session:
            return await read_trade_context(session, recommendation_id, decision_id)

    async def now(self) -> datetime:
        """Postgres's time, by which claims are dated."""
        async with self._sessions() as session:
            return await database_now(session)

    async def find(self, order_key: str) -> OrderRecord | None:
        async with self._sessions() as session:
            row = await session.scalar(select(OrderRow).where(OrderRow.order_key == order_key))
            return None if row is None else await record_of(session, row)

    async def make_ready(
        self,
        context: TradeContext,
        intent: OrderIntent,
        attempt: int,
        judgement: Judgement,
    ) -> OrderRecord:
        trade = context.trade
        async with self._sessions.begin() as session:
            recommendation = await lock_approved(session, trade.recommendation_id)
            known = await session.scalar(
                select(OrderRow).where(OrderRow.order_key == intent.order_key)
            )
            if known is not None:
                return await record_of(session, known)
            gateway_id = await lock_unchanged_account(session, context, recommendation)
            row = OrderRow(
                order_key=intent.order_key,
                recommendation_id=trade.recommendation_id,
                decision_id=trade.decision_id,
                attempt=attempt,
                broker_account_id=recommendation.broker_account_id,
                gateway_id=gateway_id,
                instrument_id=recommendation.instrument_id,
                side=intent.side,
                quantity=Decimal(intent.quantity),
                limit_price=intent.limit_price,
                tif=intent.tif,
                intent=intent.model_dump(mode="json"),
                notional=judgement.notional,
                **_judged_by(context, judgement),
            )
            session.add(row)
            _show_on_card(recommendation, context, judgement)
            audit(
                session,
                LEDGER,
                "order.readied",
                "order",
                intent.order_key,
                after={"recommendation": str(trade.recommendation_id), "attempt": attempt},
            )
            await session.flush()
            return await record_of(session, row)

    async def record_denial(self, context: TradeContext, judgement: Judgement) -> None:
        async with self._sessions.begin() as session:
            recommendation = await lock_approved(session, context.trade.recommendation_id)
            _show_on_card(recommendation, context, judgement)
            audit(
                session,
                LEDGER,
                "trade.denied",
                "recommendation",
                recommendation.id,
                after={"failed": [str(rule.code) for rule in judgement.rules if not rule.passed]},
            )

    async def claim(self, order_key: str, broker_order_id: int, client_id: int) -> bool:
        lease = self._lease.require()
        async with self._sessions.begin() as session:
            row = await lock_order(session, order_key)
            if row.state is not OrderState.READY:
                return False
            held = await session.scalar(is_held(lease).with_for_update(read=True))
            if held is None or held != row.gateway_id:
                raise GreenlightError(
                    ErrorCode.LEASE_LOST, f"the lease on {lease.gateway} is no longer held"
                )
            await _require_trading(session, row)
            await _require_still_left(session, row)
            clock = await account_clock(session, row.broker_account_id)
            row.broker_order_id = broker_order_id
            row.client_number = client_id
            row.lease_epoch = lease.epoch
            row.sent_at = await database_now(session)
            row.sent_market_at = clock.now(host_now())
            row.position_before = await position_of(session, row)
            await fold(
                session,
                row,
                Claimed(broker_order_id=broker_order_id, client_id=client_id, epoch=lease.epoch),
            )
            audit(
                session,
                LEDGER,
                "order.claimed",
                "order",
                order_key,
                after={"broker_order_id": broker_order_id, "epoch": lease.epoch},
            )
            crash_point("claim.uncommitted")
        return True

    async def confirm_claim(self, order_key: str) -> None:
        lease = self._lease.require()
        async with self._sessions() as session:
            row = await session.scalar(select(OrderRow).where(OrderRow.order_key == order_key))
            assert row is not None
            if row.lease_epoch != lease.epoch or await session.scalar(is_held(lease)) is None:
                raise GreenlightError(
                    ErrorCode.LEASE_LOST, f"the lease on {lease.gateway} was lost after the claim"
                )
            if row.state is not OrderState.SENDING or row.sent_at is None:
                raise GreenlightError(
                    ErrorCode.ILLEGAL_TRANSITION, f"the order is {row.state} since its claim"
                )
            if await database_now(session) - row.sent_at >= SEND_WITHIN:
                raise BrokerUnavailable(f"not sent within {SEND_WITHIN.seconds} s of the claim")

    async def record(self, order_key: str, evidence: OrderEvidence) -> OrderRecord:
        async with self._sessions.begin() as session:
            row = await lock_order(session, order_key)
            await fold(session, row, evidence)
            return await record_of(session, row)

    async def record_books(self, gateway: str, books: BrokerBooks) -> list[str]:
        return await self._broker_record.books(gateway, books)

    async def in_doubt(self, gateway: str) -> list[str]:
        async with self._sessions() as session:
            keys = await session.scalars(
                select(OrderRow.order_key)
                .join(Gateway, Gateway.id == OrderRow.gateway_id)
                .where(
                    Gateway.slug == gateway,
                    OrderRow.state.in_([s for s in OrderState if s.may_be_at_broker]),
                )
                .order_by(OrderRow.id)
            )
            return list(keys)

    async def highest_order_id(self, gateway: str, client_id: int) -> int:
        """The highest order id that an order of this API client was ever claimed with, or 0."""
        async with self._sessions() as session:
            highest = await session.scalar(
                select(func.max(OrderRow.broker_order_id))
                .join(Gateway, Gateway.id == OrderRow.gateway_id)
                .where(Gateway.slug == gateway, OrderRow.client_number == client_id)
            )
        return highest or 0


async def _require_trading(session: AsyncSession, row: OrderRow) -> None:
    """Checked as an order is claimed: not withdrawn, and trading ACTIVE where it opens risk."""
    recommendation = await session.get(
        Recommendation, row.recommendation_id, with_for_update={"read": True}
    )
    assert recommendation is not None
    if recommendation.withdrawn_at is not None:
        raise GreenlightError(ErrorCode.ORDER_CANCELLED, "the approval was withdrawn")
    if recommendation.action is RecommendationAction.CLOSE:
        return
    state = await effective_trading_state(session, row.broker_account_id, lock=True)
    if state is not TradingState.ACTIVE:
        code = (
            ErrorCode.TRADING_HALTED if state is TradingState.HALTED else ErrorCode.TRADING_REDUCING
        )
        raise GreenlightError(code, f"trading is {state}")


async def _require_still_left(session: AsyncSession, row: OrderRow) -> None:
    """An earlier attempt may have filled after this one was made; together they stay approved."""
    offered, narrowed = (
        await session.execute(
            select(Recommendation.quantity, DecisionRow.quantity)
            .join(DecisionRow, DecisionRow.recommendation_id == Recommendation.id)
            .where(DecisionRow.id == row.decision_id)
        )
    ).one()
    executed = await session.scalar(
        select(func.coalesce(func.sum(OrderRow.traded_quantity), 0)).where(
            OrderRow.recommendation_id == row.recommendation_id, OrderRow.id != row.id
        )
    )
    executed = executed or Decimal(0)
    if executed + row.quantity > (narrowed or offered):
        raise GreenlightError(
            ErrorCode.SEND_ABANDONED, f"earlier attempts have filled {executed:f} in the meantime"
        )


def _judged_by(context: TradeContext, judgement: Judgement) -> dict[str, Any]:
    """The judgement in the columns that orders and recommendations share."""
    what_if, own = judgement.what_if, judgement.own_margin
    return {
        "controls": [rule.model_dump(mode="json") for rule in judgement.rules],
        "what_if": None if what_if is None else what_if.model_dump(mode="json"),
        "own_margin": None if own is None else own.model_dump(mode="json"),
        "limits": context.limits.model_dump(mode="json"),
    }


def _show_on_card(
    recommendation: Recommendation, context: TradeContext, judgement: Judgement
) -> None:
    """The card shows the latest attempt; every order keeps its own."""
    for column, value in _judged_by(context, judgement).items():
        setattr(recommendation, column, value)

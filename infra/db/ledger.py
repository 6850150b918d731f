"""The order ledger: the desk's own record of what it means to send, sends, and has sent.

Each method is one transaction. The order's row is locked first, so that the approval's workflow,
the listener and the reconciliation take turns; the broker is never asked under a lock.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Update, func, insert, null, select, update
from structlog.contextvars import bind_contextvars
from uuid_utils.compat import uuid7

from activities.crash_points import crash_point
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.order_evidence import SEND_WITHIN, Claimed, OrderEvidence
from domain.orders import OrderIntent, OrderState
from domain.ports import BrokerBooks, Judgement, OrderRecord, TradeContext
from domain.recommendations import DecisionAction
from domain.risk.trade_margin import TradeMargin
from infra.db.audit import audit, audit_entry
from infra.db.broker_record import BrokerRecord
from infra.db.claiming import (
    lock_governing,
    read_claim_facts,
    require_held,
    require_not_run_out,
    require_still_left,
    require_trading,
)
from infra.db.clock import database_now, host_now, require_clock
from infra.db.lease import Lease, is_held
from infra.db.models import Decision as DecisionRow
from infra.db.models import Gateway, Recommendation
from infra.db.models import Order as OrderRow
from infra.db.order_rows import LEDGER, fold, lock_order, order_from, order_ready, record_of
from infra.db.session import Sessions, reading, write_together
from infra.db.trade_context import is_on_record, lock_approved, read_trade_context


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
        self._reading = reading(sessions)
        self._lease = lease
        self._broker_record = BrokerRecord(sessions)

    async def trade_context(self, recommendation_id: UUID, decision_id: UUID) -> TradeContext:
        async with self._reading() as session:
            return await read_trade_context(session, recommendation_id, decision_id)

    async def now(self) -> datetime:
        """Postgres's time, by which claims are dated."""
        async with self._reading() as session:
            return await database_now(session)

    async def find(self, order_key: str) -> OrderRecord | None:
        async with self._sessions() as session:
            row = await session.scalar(select(OrderRow).where(OrderRow.order_key == order_key))
            return None if row is None else await record_of(session, row)

    async def note_read(self, decision_id: UUID) -> None:
        async with self._sessions.begin() as session:
            await session.execute(_noted(decision_id))

    async def make_ready(
        self,
        context: TradeContext,
        intent: OrderIntent,
        attempt: int,
        judgement: Judgement,
    ) -> OrderRecord:
        trade = context.trade
        async with self._sessions.begin() as session:
            locked = await lock_approved(session, trade.recommendation_id)
            if await is_on_record(session, context, locked, intent.order_key):
                known = await session.scalar(
                    select(OrderRow).where(OrderRow.order_key == intent.order_key)
                )
                assert known is not None
                return await record_of(session, known)
            judged_by = _judged_by(context, judgement)
            await write_together(
                session,
                insert(OrderRow).values(
                    id=uuid7(),
                    order_key=intent.order_key,
                    recommendation_id=trade.recommendation_id,
                    decision_id=trade.decision_id,
                    decision_action=DecisionAction.APPROVE,
                    attempt=attempt,
                    broker_account_id=locked.broker_account_id,
                    gateway_id=locked.gateway_id,
                    instrument_id=locked.instrument_id,
                    side=intent.side,
                    quantity=Decimal(intent.quantity),
                    limit_price=intent.limit_price,
                    tif=intent.tif,
                    state=OrderState.READY,
                    reason="",
                    intent=intent.model_dump(mode="json"),
                    notional=judgement.notional,
                    cancel_requested=False,
                    absent_looks=0,
                    filled_quantity=Decimal(0),
                    **judged_by,
                ),
                _shown_on_card(trade.recommendation_id, judged_by),
                _noted(trade.decision_id),
                audit_entry(
                    LEDGER,
                    "order.readied",
                    "order",
                    intent.order_key,
                    after={"recommendation": str(trade.recommendation_id), "attempt": attempt},
                ),
            )
        bind_contextvars(account=intent.account_code, order_key=intent.order_key)
        return OrderRecord(
            order=order_ready(intent),
            intent=intent,
            recommendation_id=trade.recommendation_id,
            decision_id=trade.decision_id,
            attempt=attempt,
            gateway=context.gateway,
        )

    async def keep_own_margin(self, order_key: str, own_margin: TradeMargin) -> None:
        estimate = own_margin.model_dump(mode="json")
        of_order = select(OrderRow.recommendation_id).where(OrderRow.order_key == order_key)
        async with self._sessions.begin() as session:
            await write_together(
                session,
                update(OrderRow).where(OrderRow.order_key == order_key).values(own_margin=estimate),
                update(Recommendation)
                .where(Recommendation.id == of_order.scalar_subquery())
                .values(own_margin=estimate),
            )

    async def record_denial(self, context: TradeContext, judgement: Judgement) -> None:
        recommendation_id = context.trade.recommendation_id
        async with self._sessions.begin() as session:
            await lock_approved(session, recommendation_id)
            refused = [str(rule.code) for rule in judgement.rules if not rule.passed]
            shown = _judged_by(context, judgement)
            if judgement.own_margin is not None:
                shown["own_margin"] = judgement.own_margin.model_dump(mode="json")
            await write_together(
                session,
                _shown_on_card(recommendation_id, shown),
                _noted(context.trade.decision_id),
                audit_entry(
                    LEDGER,
                    "trade.denied",
                    "recommendation",
                    recommendation_id,
                    after={"failed": refused},
                ),
            )

    async def claim(self, order_key: str, broker_order_id: int, client_id: int) -> bool:
        lease = self._lease.require()
        async with self._sessions.begin() as session:
            row = await lock_order(session, order_key)
            if row.state is not OrderState.READY:
                return False
            governed = await lock_governing(session, row)
            require_held(lease, governed)
            await require_trading(session, row, governed)
            facts = await read_claim_facts(session, row)
            require_not_run_out(lease, governed, facts)
            require_still_left(row, governed, facts)
            clock = require_clock(governed)
            # Flushed together with the move to SENDING, not before each of the next statements.
            with session.no_autoflush:
                row.broker_order_id = broker_order_id
                row.client_number = client_id
                row.lease_epoch = lease.epoch
                row.sent_at = facts.now
                row.sent_market_at = clock.now(host_now())
                row.position_before = facts.position
                audit(
                    session,
                    LEDGER,
                    "order.claimed",
                    "order",
                    order_key,
                    after={"broker_order_id": broker_order_id, "epoch": lease.epoch},
                )
                claimed = Claimed(
                    broker_order_id=broker_order_id, client_id=client_id, epoch=lease.epoch
                )
                before = None if facts.has_executions else order_from(row, ())
                await fold(session, row, claimed, before=before, at=facts.now)
            crash_point("claim.uncommitted")
        return True

    async def confirm_claim(self, order_key: str) -> None:
        lease = self._lease.require()
        claim = select(
            OrderRow.lease_epoch,
            OrderRow.state,
            OrderRow.sent_at,
            is_held(lease).scalar_subquery().label("held"),
            func.clock_timestamp().label("now"),
        ).where(OrderRow.order_key == order_key)
        async with self._reading() as session:
            found = (await session.execute(claim)).one()
        if found.lease_epoch != lease.epoch or found.held is None:
            raise GreenlightError(
                ErrorCode.LEASE_LOST, f"the lease on {lease.gateway} was lost after the claim"
            )
        if found.state is not OrderState.SENDING or found.sent_at is None:
            raise GreenlightError(
                ErrorCode.ILLEGAL_TRANSITION, f"the order is {found.state} since its claim"
            )
        if found.now - found.sent_at >= SEND_WITHIN:
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


def _judged_by(context: TradeContext, judgement: Judgement) -> dict[str, Any]:
    """The judgement in the columns that orders and recommendations share."""
    what_if = judgement.what_if
    return {
        "controls": [rule.model_dump(mode="json") for rule in judgement.rules],
        "what_if": None if what_if is None else what_if.model_dump(mode="json"),
        "limits": context.limits.model_dump(mode="json"),
    }


def _shown_on_card(recommendation_id: UUID, judged_by: dict[str, Any]) -> Update:
    """The card shows the latest attempt; every order keeps its own."""
    changed = {"own_margin": null(), **judged_by}
    return update(Recommendation).where(Recommendation.id == recommendation_id).values(**changed)


def _noted(decision_id: UUID) -> Update:
    """That the decision was read; the first time is kept."""
    unread = (DecisionRow.id == decision_id, DecisionRow.delivered_at.is_(None))
    return update(DecisionRow).where(*unread).values(delivered_at=host_now())

"""Writing down what the broker says: executions, commissions, statuses, errors, whole books.

Everything the broker sends is stored before anything is concluded from it, and storing it twice
changes nothing. What belongs to no order of ours is kept too, and reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crash_points import crash_point
from domain.errors import ErrorCode
from domain.ids import is_order_key
from domain.order_evidence import (
    SEND_WITHIN,
    BooksSearched,
    BrokerStatus,
    Rejected,
    StatusSeen,
    Unproven,
)
from domain.orders import OrderState
from domain.ports import BrokerBooks, BrokerExecution, BrokerOrder
from infra.calendars import exchange_date
from infra.db.alerts import raise_alert
from infra.db.execution_rows import own_order, record_execution
from infra.db.models import Execution, Gateway, OrderEvent, Severity
from infra.db.models import Order as OrderRow
from infra.db.order_rows import fold, lock_order
from infra.db.session import Sessions

# Looks closer together than this say nothing new about an order that is not found.
ABSENCE_SPACING = timedelta(seconds=20)


class BrokerRecord:
    """The broker's side of the story, transaction by transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def execution(self, gateway: str, seen: BrokerExecution) -> str | None:
        """Store one execution; the key of our order if it belongs to one that changed."""
        async with self._sessions.begin() as session:
            gateway_id = await _gateway_id(session, gateway)
            key = await record_execution(session, gateway_id, seen)
            crash_point("execution.uncommitted")
            return key

    async def commission(
        self,
        gateway: str,
        exec_id: str,
        amount: Decimal,
        currency: str,
        realized_pnl: Decimal | None,
    ) -> str | None:
        """Store a commission report; it may precede its execution. The order's key, if known."""
        async with self._sessions.begin() as session:
            gateway_id = await _gateway_id(session, gateway)
            # The order before its execution, as everywhere: two transactions that lock them in
            # opposite order wait for each other.
            await session.execute(
                select(OrderRow.id)
                .join(Execution, Execution.order_id == OrderRow.id)
                .where(Execution.exec_id == exec_id)
                .with_for_update(of=OrderRow)
            )
            execution = await session.scalar(
                update(Execution)
                .where(Execution.exec_id == exec_id)
                .values(commission=amount, commission_currency=currency, realized_pnl=realized_pnl)
                .returning(Execution)
            )
            session.add(
                OrderEvent(
                    gateway_id=gateway_id,
                    order_id=None if execution is None else execution.order_id,
                    kind="commission",
                    exec_id=exec_id,
                    payload={
                        "commission": str(amount),
                        "currency": currency,
                        "realized_pnl": None if realized_pnl is None else str(realized_pnl),
                    },
                )
            )
            if execution is None or execution.order_id is None:
                return None
            return await session.scalar(
                select(OrderRow.order_key).where(OrderRow.id == execution.order_id)
            )

    async def status(self, gateway: str, seen: BrokerOrder) -> str | None:
        """Fold a live status line; the key of our order if it changed."""
        if not is_order_key(seen.order_ref):
            return None
        async with self._sessions.begin() as session:
            row = await own_order(session, seen.order_ref)
            if row is None:
                await _report_stranger(session, seen)
                return None
            changed = await fold(
                session,
                row,
                StatusSeen(status=seen.status, perm_id=seen.perm_id, message=seen.message),
                payload=seen.model_dump(mode="json"),
            )
            return row.order_key if changed else None

    async def error(
        self, gateway: str, broker_order_id: int, client_id: int, code: int, message: str,
        *, is_rejection: bool,
    ) -> str | None:  # fmt: skip
        """Store an error line about an order; a rejection is folded. The key if it changed.

        Order ids are reused across sessions, so the newest order with the id is meant.
        """
        async with self._sessions.begin() as session:
            gateway_id = await _gateway_id(session, gateway)
            key = await session.scalar(
                select(OrderRow.order_key)
                .where(
                    OrderRow.gateway_id == gateway_id,
                    OrderRow.client_number == client_id,
                    OrderRow.broker_order_id == broker_order_id,
                )
                .order_by(OrderRow.id.desc())
                .limit(1)
            )
            payload = {"code": code, "message": message, "broker_order_id": broker_order_id}
            if key is not None and is_rejection:
                row = await lock_order(session, key)
                changed = await fold(
                    session, row, Rejected(broker_code=code, message=message), payload=payload
                )
                return key if changed else None
            row = None if key is None else await lock_order(session, key)
            session.add(
                OrderEvent(
                    gateway_id=gateway_id,
                    order_id=None if row is None else row.id,
                    order_ref=key,
                    kind="error",
                    payload=payload,
                )
            )
            return None

    async def refused(self, gateway: str, message: str, error: str) -> None:
        """Set aside, as text, a message that could not be stored, and call for a person."""
        async with self._sessions.begin() as session:
            session.add(
                OrderEvent(
                    gateway_id=await _gateway_id(session, gateway),
                    kind="refused_message",
                    payload={"message": message, "error": error},
                )
            )
            await raise_alert(
                session,
                "BROKER_MESSAGE_REFUSED",
                gateway,
                Severity.CRITICAL,
                "A message from the broker could not be recorded",
                detail=error[:500],
                context={"message": message[:2000]},
            )

    async def books(self, gateway: str, books: BrokerBooks) -> list[str]:
        """Fold the broker's books into every order in doubt. The keys of those that changed.

        Executions first, each in its own transaction; then every order that may be at the
        broker is compared with what the books say of its key.
        """
        changed: list[str] = []
        for execution in await self._not_on_record(books.executions):
            key = await self.execution(gateway, execution)
            if key is not None:
                changed.append(key)
        by_key = _by_key(books.orders)
        for key in await self._to_compare(gateway, by_key):
            async with self._sessions.begin() as session:
                row = await lock_order(session, key)
                if await _compare(session, row, by_key.get(key, []), books):
                    changed.append(key)
        await self._report_strangers(by_key)
        return list(dict.fromkeys(changed))

    async def _not_on_record(
        self, executions: Sequence[BrokerExecution]
    ) -> Sequence[BrokerExecution]:
        """Those that are missing, or lack a commission: the books repeat the whole day's."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(Execution.exec_id, Execution.commission).where(
                    Execution.exec_id.in_([each.fill.exec_id for each in executions])
                )
            )
            known = dict(rows.all())
        return [
            each
            for each in executions
            if each.fill.exec_id not in known
            or (known[each.fill.exec_id] is None and each.commission is not None)
        ]

    async def _report_strangers(self, by_key: dict[str, list[BrokerOrder]]) -> None:
        async with self._sessions.begin() as session:
            own = set(
                await session.scalars(
                    select(OrderRow.order_key).where(OrderRow.order_key.in_(list(by_key)))
                )
            )
            for key in by_key.keys() - own:
                await _report_stranger(session, by_key[key][0])

    async def _to_compare(self, gateway: str, by_key: dict[str, list[BrokerOrder]]) -> list[str]:
        async with self._sessions() as session:
            in_doubt = [state for state in OrderState if state.may_be_at_broker]
            keys = await session.scalars(
                select(OrderRow.order_key)
                .join(Gateway, Gateway.id == OrderRow.gateway_id)
                .where(
                    Gateway.slug == gateway,
                    OrderRow.state.in_(in_doubt) | OrderRow.order_key.in_(list(by_key)),
                )
                .order_by(OrderRow.id)
            )
            return list(keys)


async def _gateway_id(session: AsyncSession, slug: str) -> UUID:
    gateway_id = await session.scalar(select(Gateway.id).where(Gateway.slug == slug))
    assert gateway_id is not None, f"no gateway {slug}"
    return gateway_id


async def _compare(
    session: AsyncSession, row: OrderRow, found: list[BrokerOrder], books: BrokerBooks
) -> bool:
    """Fold what the books say of one order: its status under every permId, or its absence."""
    if not found:
        return await _absent(session, row, books)
    changed = False
    for order in found:
        evidence = BooksSearched(
            status=order.status,
            perm_id=order.perm_id,
            message=order.message,
            day_over=_day_over(row, books),
        )
        payload = order.model_dump(mode="json")
        changed = await fold(session, row, evidence, payload=payload) or changed
    return changed


async def _absent(session: AsyncSession, row: OrderRow, books: BrokerBooks) -> bool:
    """Count an absence only where it means something.

    The books must have been opened when no send could follow any more, on the exchange date of
    the claim (executions and completed orders are kept for one day), and well after the last
    look. Books of a later day can find an order no more.
    """
    if row.sent_at is None or row.sent_market_at is None:
        return False
    if books.began_at <= _send_is_over(row, row.sent_at):
        return False
    if exchange_date(books.read_at) != exchange_date(row.sent_market_at):
        return await fold(session, row, _after_its_day(row))
    if row.last_absent_at and books.read_at - row.last_absent_at < ABSENCE_SPACING:
        return False
    changed = await fold(session, row, BooksSearched(status=None))
    if changed:
        row.last_absent_at = books.read_at
    return changed


def _after_its_day(row: OrderRow) -> BooksSearched | Unproven:
    """A day order is not in the books of a later day; its end is proven if the broker told it."""
    if row.broker_status == BrokerStatus.CANCELLED:
        return BooksSearched(status=BrokerStatus.CANCELLED, day_over=True)
    return Unproven(reason="the broker's books no longer cover the day it was sent")


def _send_is_over(row: OrderRow, claimed_at: datetime) -> datetime:
    """Until when an order may be on its way: an answer of the broker ends that.

    Books opened between the claim and the answer may have been read before the order arrived.
    """
    if row.acknowledged_at is not None:
        return row.acknowledged_at
    refused = row.reason_code is ErrorCode.BROKER_REJECTED
    return claimed_at if refused else claimed_at + SEND_WITHIN


def _day_over(row: OrderRow, books: BrokerBooks) -> bool:
    if not books.session_open:
        return True
    sent = row.sent_market_at
    return sent is not None and exchange_date(books.read_at) > exchange_date(sent)


def _by_key(orders: tuple[BrokerOrder, ...]) -> dict[str, list[BrokerOrder]]:
    """The orders that bear one of our keys, by key; more than one per key is a contradiction.

    An order that is both open and completed (it ended while the books were read) counts once,
    by its last word.
    """
    by_key: dict[str, dict[int, BrokerOrder]] = {}
    for order in orders:
        if is_order_key(order.order_ref):
            by_key.setdefault(order.order_ref, {})[order.perm_id] = order
    return {key: list(of_key.values()) for key, of_key in by_key.items()}


async def _report_stranger(session: AsyncSession, seen: BrokerOrder) -> None:
    """An order with a key of this desk's making that this database has never heard of."""
    await raise_alert(
        session,
        "ORPHAN_ORDER",
        seen.order_ref,
        Severity.CRITICAL,
        "The broker has an order of this desk that is not on record here",
        detail=f"{seen.side} {seen.quantity:f} conId {seen.con_id}: {seen.status}",
        context=seen.model_dump(mode="json"),
    )

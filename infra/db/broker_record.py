"""Writing down what the broker says: executions, commissions, statuses, errors, whole books.

Everything the broker sends is stored before anything is concluded from it, and storing it twice
changes nothing. What belongs to no order of ours is kept too, and reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crash_points import crash_point
from domain.ids import is_order_key
from domain.order_evidence import Rejected, StatusSeen
from domain.orders import OrderState
from domain.ports import BrokerBooks, BrokerExecution, BrokerOrder, RefusedMessage
from infra.db.alerts import raise_alert
from infra.db.book_comparison import (
    ComparedBefore,
    check_terms,
    compare_with_books,
    orders_by_key,
)
from infra.db.execution_rows import own_order, record_execution, reported_commission
from infra.db.models import Execution, Gateway, OrderEvent, Severity
from infra.db.models import Order as OrderRow
from infra.db.order_rows import fold, lock_order
from infra.db.session import Sessions, may_pass


class BrokerRecord:
    """The broker's side of the story, transaction by transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._compared = ComparedBefore()

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
        """Store a commission report; it may precede its execution. The order's key, if known.

        The broker repeats the day's reports whenever its books are read: one that tells nothing
        new leaves no trace, and changes no order.
        """
        payload = {
            "commission": str(amount),
            "currency": currency,
            "realized_pnl": None if realized_pnl is None else str(realized_pnl),
        }
        async with self._sessions.begin() as session:
            if payload == await reported_commission(session, exec_id):
                return None
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
                    payload=payload,
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
            altered = await check_terms(session, row, seen)
            changed = await fold(
                session,
                row,
                StatusSeen(status=seen.status, perm_id=seen.perm_id, message=seen.message),
                payload=seen.model_dump(mode="json"),
            )
            return row.order_key if changed or altered else None

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

    async def refused(self, gateway: str, message: RefusedMessage) -> None:
        """Set aside, as text, a message that could not be stored, and call for a person.

        Books are read again and again; the same text of the same subject is kept once.
        """
        # What cannot be stored may be the very text of an id.
        subject = {
            column: ascii(value)[1:-1]
            for column, value in (("exec_id", message.exec_id), ("order_ref", message.order_ref))
            if value
        }
        async with self._sessions.begin() as session:
            known = bool(subject) and await session.scalar(
                select(OrderEvent.id).filter_by(kind="refused_message", **subject).limit(1)
            )
            if not known:
                session.add(
                    OrderEvent(
                        gateway_id=await _gateway_id(session, gateway),
                        kind="refused_message",
                        **subject,
                        payload={"message": message.text, "error": message.error},
                    )
                )
            await raise_alert(
                session,
                "BROKER_MESSAGE_REFUSED",
                gateway,
                Severity.CRITICAL,
                "A message from the broker could not be recorded",
                detail=message.error[:500],
                context={"message": message.text[:2000]},
            )

    async def books(self, gateway: str, books: BrokerBooks) -> list[str]:
        """Fold the broker's books into every order in doubt. The keys of those that changed.

        Executions first, each in its own transaction; then every order that may be at the
        broker is compared with what the books say of its key. What cannot be stored is set
        aside with an alert, and nothing is concluded about the order it speaks of; the rest
        proceeds.
        """
        changed: list[str] = []
        aside = [*books.refused]
        for execution in await self._not_on_record(gateway, books.executions):
            try:
                key = await self.execution(gateway, execution)
            except Exception as error:
                aside.append(refusal_of(execution, error, exec_id=execution.fill.exec_id))
            else:
                changed += [] if key is None else [key]
        by_key = orders_by_key(books.orders)
        self._compared.keep_only(by_key)
        for key, changed_at in await self._to_compare(gateway, by_key):
            found = by_key.get(key, [])
            if not self._compared.needs(key, changed_at, found, books):
                continue
            try:
                async with self._sessions.begin() as session:
                    row = await lock_order(session, key)
                    if any(each.speaks_of(row.order_key, row.perm_id) for each in aside):
                        continue
                    if await compare_with_books(session, row, found, books):
                        changed.append(key)
                    else:
                        self._compared.note(row, found, books)
            except Exception as error:
                aside.append(refusal_of(by_key.get(key), error, order_ref=key))
        await self._report_strangers(by_key)
        for each in aside:
            await self.refused(gateway, each)
        return list(dict.fromkeys(changed))

    async def _not_on_record(
        self, gateway: str, executions: Sequence[BrokerExecution]
    ) -> Sequence[BrokerExecution]:
        """Those that are missing, or lack a commission: the books repeat the whole day's."""
        try:
            async with self._sessions() as session:
                rows = await session.execute(
                    select(Execution.exec_id, Execution.commission)
                    .join(Gateway, Gateway.id == Execution.gateway_id)
                    .where(
                        Gateway.slug == gateway,
                        Execution.exec_id.in_([each.fill.exec_id for each in executions]),
                    )
                )
                known = dict(rows.all())
        except Exception as error:
            if may_pass(error):
                raise
            return executions  # one of them has an id that cannot be; each is judged alone
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

    async def _to_compare(
        self, gateway: str, by_key: dict[str, list[BrokerOrder]]
    ) -> list[tuple[str, datetime]]:
        """Keys of the orders that the books may speak of, and when each was last changed."""
        in_doubt = [state for state in OrderState if state.may_be_at_broker]
        async with self._sessions() as session:
            rows = await session.execute(
                select(OrderRow.order_key, OrderRow.updated_at)
                .join(Gateway, Gateway.id == OrderRow.gateway_id)
                .where(
                    Gateway.slug == gateway,
                    OrderRow.state.in_([*in_doubt, OrderState.QUARANTINE])
                    | OrderRow.order_key.in_(list(by_key)),
                )
                .order_by(OrderRow.id)
            )
            return [(key, changed_at) for key, changed_at in rows]


def refusal_of(
    said: object, error: Exception, *, order_ref: str = "", exec_id: str = ""
) -> RefusedMessage:
    """What is set aside of a message that could not be stored; what may pass is raised again."""
    if may_pass(error):
        raise error
    perm_id = 0
    if isinstance(said, BrokerExecution):
        order_ref, perm_id = said.order_ref, said.perm_id
    return RefusedMessage(
        text=repr(said), error=repr(error), order_ref=order_ref, exec_id=exec_id, perm_id=perm_id
    )


async def _gateway_id(session: AsyncSession, slug: str) -> UUID:
    gateway_id = await session.scalar(select(Gateway.id).where(Gateway.slug == slug))
    assert gateway_id is not None, f"no gateway {slug}"
    return gateway_id


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

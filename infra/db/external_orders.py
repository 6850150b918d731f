"""Orders made outside the desk, adopted so that its controls count them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import is_order_key
from domain.ports import BrokerBooks, BrokerOrder
from domain.reconciliation import WORKING
from infra.db.instruments import instruments_of
from infra.db.models import BrokerAccount, ExternalOrder, Instrument, Order

_TOLD = ("quantity", "limit_price", "status", "seen_at", "ended_at", "instrument_id")


async def adopt_external_orders(
    session: AsyncSession, account: BrokerAccount, books: BrokerBooks
) -> None:
    """Make the account's external orders what ``books`` say of them.

    One that is on record and in no book any more has ended: completed orders are told for a day.
    """
    seen = {order.perm_id: order for order in books.orders if _is_foreign(order, account.code)}
    ours = set(
        await session.scalars(
            select(Order.perm_id).where(
                Order.gateway_id == account.gateway_id, Order.perm_id.in_(list(seen))
            )
        )
    )
    on_record = set(
        await session.scalars(
            select(ExternalOrder.perm_id).where(ExternalOrder.broker_account_id == account.id)
        )
    )
    wanted = [
        order
        for perm_id, order in seen.items()
        if perm_id not in ours and (order.status in WORKING or perm_id in on_record)
    ]
    if wanted:
        await _keep(session, account, wanted, books)
    await session.execute(
        update(ExternalOrder)
        .where(
            ExternalOrder.broker_account_id == account.id,
            ExternalOrder.ended_at.is_(None),
            ExternalOrder.perm_id.not_in(list(seen)),
        )
        .values(ended_at=books.read_at)
    )


def _is_foreign(order: BrokerOrder, account_code: str) -> bool:
    return order.account_code == account_code and not is_order_key(order.order_ref)


async def _keep(
    session: AsyncSession,
    account: BrokerAccount,
    orders: Sequence[BrokerOrder],
    books: BrokerBooks,
) -> None:
    instruments = await instruments_of(session, {order.con_id for order in orders})
    statement = insert(ExternalOrder).values(
        [
            {
                "gateway_id": account.gateway_id,
                "broker_account_id": account.id,
                "instrument_id": instruments.get(order.con_id),
                "con_id": order.con_id,
                "perm_id": order.perm_id,
                "client_number": order.client_id,
                "order_ref": order.order_ref,
                "side": order.side,
                "quantity": order.quantity,
                "limit_price": order.limit_price,
                "status": order.status,
                "seen_at": books.read_at,
                "ended_at": None if order.status in WORKING else books.read_at,
            }
            for order in orders
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["gateway_id", "perm_id"],
            set_={name: statement.excluded[name] for name in _TOLD} | {"updated_at": func.now()},
        )
    )


async def working_external_orders(
    session: AsyncSession, broker_account_id: UUID
) -> list[tuple[ExternalOrder, Instrument | None]]:
    """The account's orders from outside that may still trade, with what they are in."""
    rows = await session.execute(
        select(ExternalOrder, Instrument)
        .outerjoin(Instrument, Instrument.id == ExternalOrder.instrument_id)
        .where(
            ExternalOrder.broker_account_id == broker_account_id,
            ExternalOrder.ended_at.is_(None),
        )
        .order_by(ExternalOrder.perm_id)
    )
    return [(order, instrument) for order, instrument in rows]

"""What the broker's books, read whole, say of one order of ours: found, absent, or altered."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode
from domain.ids import is_order_key
from domain.instruments import Frozen
from domain.order_evidence import SEND_WITHIN, BooksSearched, BrokerStatus, Unproven
from domain.order_terms import terms_evidence
from domain.orders import OrderIntent, OrderState
from domain.ports import BrokerBooks, BrokerOrder
from infra.calendars import exchange_date
from infra.db.alerts import raise_alert
from infra.db.models import Order as OrderRow
from infra.db.models import Severity
from infra.db.order_rows import fold, tell_uneven_package

# Looks closer together than this say nothing new about an order that is not proven.
ABSENCE_SPACING = timedelta(seconds=20)
# Further looks of the same kind are not worth an event each.
COUNTED_LOOKS = 20
_IN_DOUBT = (OrderState.UNKNOWN, OrderState.QUARANTINE)


_SETTLED = frozenset(
    {OrderState.WORKING, OrderState.PARTIAL, *(s for s in OrderState if s.is_terminal)}
) - {*_IN_DOUBT}


class LastLook(Frozen):
    """The latest complete look at the books that left an order in doubt, and how many there were.

    ``status`` is None where the books did not have the order.
    """

    read_at: AwareDatetime
    status: BrokerStatus | None
    same_day: bool
    looks: int


class ComparedBefore:
    """The comparisons that need not be made again.

    The books repeat every order of the day at every look. One that a comparison left as it was,
    and that neither side has changed since, would be left as it is again. Orders in doubt, absent
    or on their way are compared every time: there the number of looks counts.
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[object, ...]] = {}

    def needs(
        self, key: str, changed_at: datetime, found: list[BrokerOrder], books: BrokerBooks
    ) -> bool:
        return self._made.get(key) != _facts(changed_at, found, books)

    def note(self, row: OrderRow, found: list[BrokerOrder], books: BrokerBooks) -> None:
        """A comparison that changed nothing, with ``row`` locked."""
        # Of a package, executions may still arrive one by one.
        is_package = len(row.intent["legs"]) > 1
        if found and row.state in _SETTLED and not is_package:
            self._made[row.order_key] = _facts(row.updated_at, found, books)

    def keep_only(self, keys: Container[str]) -> None:
        """Forget orders that the books no longer have."""
        self._made = {key: facts for key, facts in self._made.items() if key in keys}


def _facts(
    changed_at: datetime, found: list[BrokerOrder], books: BrokerBooks
) -> tuple[object, ...]:
    """All that a comparison of a settled order depends on."""
    return changed_at, tuple(found), books.session_open, exchange_date(books.read_at)


async def compare_with_books(
    session: AsyncSession, row: OrderRow, found: list[BrokerOrder], books: BrokerBooks
) -> bool:
    """Fold what the books say of one order: its status under every permId, or its absence."""
    if not found:
        changed = await _absent(session, row, books)
        _note_look(row, books, None)
        return changed
    changed = False
    for order in found:
        changed = await check_terms(session, row, order) or changed
        evidence = BooksSearched(
            status=order.status,
            perm_id=order.perm_id,
            message=order.message,
            day_over=_day_over(row, books),
        )
        payload = order.model_dump(mode="json")
        changed = await fold(session, row, evidence, payload=payload) or changed
        _note_look(row, books, order.status)
    await tell_uneven_package(session, row)
    return changed


async def check_terms(session: AsyncSession, row: OrderRow, seen: BrokerOrder) -> bool:
    """Compare the broker's order with the one that was sent. Whether that changed ours."""
    if seen.client_id and row.client_number and seen.client_id != row.client_number:
        await raise_alert(
            session,
            "ORDER_OF_ANOTHER_CLIENT",
            row.order_key,
            Severity.WARNING,
            "An order of this desk belongs to another API client",
            detail=f"sent as client {row.client_number}, at the broker it is client "
            f"{seen.client_id}'s: only that client can cancel it",
            account_id=row.broker_account_id,
            context={"order_id": str(row.id)},
        )
    evidence = terms_evidence(OrderIntent.model_validate(row.intent), seen)
    if evidence is None:
        return False
    return await fold(session, row, evidence, payload=seen.model_dump(mode="json"))


def _note_look(row: OrderRow, books: BrokerBooks, status: BrokerStatus | None) -> None:
    """Remember what an order in doubt looked like, for the person who may have to settle it."""
    if row.state not in _IN_DOUBT or not _can_tell(row, books):
        return
    before = None if row.last_look is None else LastLook.model_validate(row.last_look)
    if before is not None and books.read_at - before.read_at < ABSENCE_SPACING:
        return
    sent = row.sent_market_at
    row.last_look = LastLook(
        read_at=books.read_at,
        status=status,
        same_day=sent is None or exchange_date(books.read_at) == exchange_date(sent),
        looks=1 if before is None else before.looks + 1,
    ).model_dump(mode="json")


def _can_tell(row: OrderRow, books: BrokerBooks) -> bool:
    """Whether the books were opened when no send of the order could follow any more."""
    return row.sent_at is None or books.began_at > _send_is_over(row, row.sent_at)


async def _absent(session: AsyncSession, row: OrderRow, books: BrokerBooks) -> bool:
    """Count an absence only where it means something.

    The books must have been opened when no send could follow any more, on the exchange date of
    the claim (executions and completed orders are kept for one day), and well after the last
    look. Books of a later day can find an order no more.
    """
    if row.sent_at is None or row.sent_market_at is None or not _can_tell(row, books):
        return False
    if exchange_date(books.read_at) != exchange_date(row.sent_market_at):
        return await fold(session, row, _after_its_day(row))
    if row.last_absent_at and books.read_at - row.last_absent_at < ABSENCE_SPACING:
        return False
    if row.absent_looks >= COUNTED_LOOKS and row.state is OrderState.UNKNOWN:
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


def orders_by_key(orders: tuple[BrokerOrder, ...]) -> dict[str, list[BrokerOrder]]:
    """The orders that bear one of our keys, by key; more than one per key is a contradiction.

    An order that is both open and completed (it ended while the books were read) counts once,
    by its last word.
    """
    by_key: dict[str, dict[int, BrokerOrder]] = {}
    for order in orders:
        if is_order_key(order.order_ref):
            by_key.setdefault(order.order_ref, {})[order.perm_id] = order
    return {key: list(of_key.values()) for key, of_key in by_key.items()}

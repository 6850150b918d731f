"""Putting orders on one gateway's wire: each at most once, in the order of their ids."""

from __future__ import annotations

import asyncio
from time import monotonic

from temporalio import activity

from activities.crash_points import crash_point
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.order_evidence import SEND_WITHIN, Denied, Unproven
from domain.orders import OrderState
from domain.ports import Broker, BrokerBooks, OrderLedger, OrderRecord

# Refusals at the claim that no repetition would change.
_FINAL_REFUSALS = frozenset(
    {
        ErrorCode.TRADING_HALTED,
        ErrorCode.TRADING_REDUCING,
        ErrorCode.ORDER_CANCELLED,
        ErrorCode.SEND_ABANDONED,
    }
)

AT_ONCE = 4
"""Orders between claim and wire. Should the line drop, every one of them is in doubt."""


class OrderSender:
    """Claims, searches, sends.

    The gateway refuses (103) an order whose id is below one that it has seen, so claims, which
    reserve the ids, take turns, and orders reach the wire in the order of their claims. Between
    the two every order is searched for in the broker's books; orders claimed together share one
    reading, or a queue of readings would outlast a send's permission.
    """

    def __init__(self, broker: Broker, ledger: OrderLedger) -> None:
        self._broker = broker
        self._ledger = ledger
        self._under_way = asyncio.Semaphore(AT_ONCE)
        self._claiming = asyncio.Lock()
        self._queue = _Queue()

    async def send(self, key: str) -> OrderRecord | None:
        """None once it is sent; else the order that was not, or about which that is not proven."""
        async with self._under_way:
            return await self._send(key)

    async def _send(self, key: str) -> OrderRecord | None:
        async with self._claiming:
            record = await required(self._ledger, key)
            if record.order.state is not OrderState.READY:
                return record
            broker_order_id = self._broker.reserve_order_id()
            send_before = monotonic() + SEND_WITHIN.total_seconds()
            crash_point("place_order.claiming")
            refused = await self._claim(key, broker_order_id)
            if refused is not None:
                return refused
            crash_point("place_order.claimed")
            place = self._queue.join()
        try:
            return await self._search_and_send(record, broker_order_id, send_before, place)
        finally:
            self._queue.leave(place)

    async def _claim(self, key: str, broker_order_id: int) -> OrderRecord | None:
        """None once the order is ours to send; else the order that is not."""
        try:
            claimed = await self._ledger.claim(key, broker_order_id, self._broker.client_id)
        except GreenlightError as error:
            if error.code not in _FINAL_REFUSALS:
                raise
            refusal = Denied(code=error.code, message=error.detail)
            return await self._ledger.record(key, refusal)
        return None if claimed else await required(self._ledger, key)

    async def _search_and_send(
        self, record: OrderRecord, broker_order_id: int, send_before: float, place: asyncio.Event
    ) -> OrderRecord | None:
        """None once it is sent."""
        key = record.order.order_key
        try:
            books = await self._broker.read_books()
            if _mentions(books, key):
                await self._ledger.record_books(record.gateway, books)
                return await required(self._ledger, key)
            await place.wait()
            await self._ledger.confirm_claim(key)
            crash_point("place_order.searched")
            _require_in_time(send_before)
            await self._broker.send(record.intent, broker_order_id)
            crash_point("place_order.sent")
        except Exception as error:
            activity.logger.exception("send of %s not proven", key)
            unproven = Unproven(reason=f"sending ended in {type(error).__name__}: {error}")
            return await self._ledger.record(key, unproven)
        return None


class _Queue:
    """Those who may still send, first come first; the first one's place is set."""

    def __init__(self) -> None:
        self._places: list[asyncio.Event] = []

    def join(self) -> asyncio.Event:
        place = asyncio.Event()
        self._places.append(place)
        self._call_first()
        return place

    def leave(self, place: asyncio.Event) -> None:
        self._places.remove(place)
        self._call_first()

    def _call_first(self) -> None:
        if self._places:
            self._places[0].set()


async def required(ledger: OrderLedger, key: str) -> OrderRecord:
    """The order on record. GreenlightError NOT_FOUND."""
    record = await ledger.find(key)
    if record is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, f"no order {key}", order_key=key)
    return record


def _require_in_time(send_before: float) -> None:
    """A sender that was slow, stopped or presumed dead: its order may be judged absent by now."""
    if monotonic() >= send_before:
        raise BrokerUnavailable(f"not sent within {SEND_WITHIN.seconds} s of the claim")


def _mentions(books: BrokerBooks, key: str) -> bool:
    return any(order.order_ref == key for order in books.orders) or any(
        execution.order_ref == key for execution in books.executions
    )

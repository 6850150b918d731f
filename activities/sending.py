"""Putting orders on one gateway's wire: each at most once, in the order of their ids."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import NamedTuple

from temporalio import activity

from activities.crash_points import crash_point
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.order_evidence import SEND_WITHIN, Denied, Unproven
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

SEARCH_HOLDS_SECONDS = 10.0
"""How old a search of the books may be when its order is claimed."""
SEARCH_AGAIN_SECONDS = 5.0
"""How old one made while the trade was judged may be when the order asks for its turn."""


class Search(NamedTuple):
    """The books of the broker, and when, by `time.monotonic`, they had been read."""

    books: BrokerBooks
    at: float

    def age(self) -> float:
        return monotonic() - self.at


class OrderSender:
    """Searches, claims, sends.

    The broker's books are searched for the order first: whoever waits shares one reading, and
    while it is read nothing is claimed, so that a slow or dying line leaves no order in doubt.
    Then claim and send follow each other at once and one order at a time: the gateway refuses
    (103) an order whose id, reserved for the claim, is below one that it has seen.
    """

    def __init__(self, broker: Broker, ledger: OrderLedger) -> None:
        self._broker = broker
        self._ledger = ledger
        self._turn = asyncio.Lock()

    async def search(self) -> Search:
        """Read the broker's books, in which any order may then be looked for."""
        books = await self._broker.read_books()
        return Search(books, monotonic())

    async def send(self, record: OrderRecord, search: Search | None = None) -> OrderRecord | None:
        """Send an order that was READY when it was read; whether it still is, the claim decides.

        ``search`` is one made already; an old one is made again. None once it is sent; else the
        order that was not, or about which that is not proven. Raises BrokerUnavailable while
        nothing is claimed: the order is READY as before.
        """
        if search is None or search.age() > SEARCH_AGAIN_SECONDS:
            search = await self.search()
        crash_point("place_order.searched")
        async with self._turn:
            if search.age() > SEARCH_HOLDS_SECONDS:
                raise BrokerUnavailable("the order's turn came too late after the books were read")
            return await self._claim_and_send(record, search.books)

    async def _claim_and_send(self, record: OrderRecord, books: BrokerBooks) -> OrderRecord | None:
        """None once it is sent."""
        key = record.order.order_key
        broker_order_id = self._broker.reserve_order_id()
        send_before = monotonic() + SEND_WITHIN.total_seconds()
        crash_point("place_order.claiming")
        refused = await self._claim(key, broker_order_id)
        if refused is not None:
            return refused
        crash_point("place_order.claimed")
        try:
            if _mentions(books, key):
                await self._ledger.record_books(record.gateway, books)
                return await required(self._ledger, key)
            await self._ledger.confirm_claim(key)
            _require_in_time(send_before)
            await self._broker.send(record.intent, broker_order_id)
            crash_point("place_order.sent")
        except Exception as error:
            activity.logger.exception("send of %s not proven", key)
            unproven = Unproven(reason=f"sending ended in {type(error).__name__}: {error}")
            return await self._ledger.record(key, unproven)
        return None

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

"""From broker message to row to signal, in that order, one message at a time.

A message is off the queue only when its rows are committed; while Postgres is away it waits and
is tried again. One that can never be stored is set aside with an alert. The signal that follows
is a hint: a workflow that misses it reads the row on its own timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential

from activities.crash_points import crash_point
from domain.ids import is_order_key
from domain.order_evidence import BrokerStatus
from domain.orders import OrderState
from domain.ports import BrokerOrder, OrderLedger, OrderRecord
from infra.db.broker_record import BrokerRecord
from infra.db.session import may_pass
from infra.ibkr.client import IbkrClient
from infra.ibkr.mapping import (
    REJECTION_CODES,
    broker_execution,
    broker_order,
    broker_status,
    optional_amount,
    refused_message,
)
from infra.ibkr.recorder import (
    BrokerMessage,
    CommissionSeen,
    ErrorSeen,
    ExecutionSeen,
    OrderSeen,
    StatusLine,
)
from infra.metrics import BROKER_MESSAGES

log = structlog.get_logger(__name__)
_ENDED = (BrokerStatus.CANCELLED, BrokerStatus.REJECTED, BrokerStatus.FILLED)
_KINDS = {
    OrderSeen: "order",
    StatusLine: "status",
    ExecutionSeen: "execution",
    CommissionSeen: "commission",
    ErrorSeen: "error",
}
OnChange = Callable[[str], Awaitable[None]]


def _log_failure(state: RetryCallState) -> None:
    error = None if state.outcome is None else state.outcome.exception()
    log.warning("broker_message.not_stored", attempt=state.attempt_number, exc_info=error)


class OrderChanges:
    """Wakes whoever in this process waits for an order's row to change."""

    def __init__(self, ledger: OrderLedger) -> None:
        self._ledger = ledger
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def announce(self, order_key: str) -> None:
        for event in self._waiting.get(order_key, ()):
            event.set()

    async def until_state_leaves(
        self, order_key: str, state: OrderState, timeout_seconds: float
    ) -> OrderRecord:
        """``domain.ports.OrderWatch``: the record once it left ``state``, or at the time-out."""
        return await self._until(
            order_key, lambda record: record.order.state is not state, timeout_seconds
        )

    async def until_broker_ends(self, order_key: str, timeout_seconds: float) -> OrderRecord:
        """``domain.ports.OrderWatch``: the record once the broker reported its end or a fill."""
        return await self._until(
            order_key,
            lambda record: record.order.broker_status in _ENDED or record.order.state.is_terminal,
            timeout_seconds,
        )

    async def _until(
        self, order_key: str, is_reached: Callable[[OrderRecord], bool], timeout_seconds: float
    ) -> OrderRecord:
        changed = asyncio.Event()
        self._waiting.setdefault(order_key, set()).add(changed)
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        try:
            while True:
                changed.clear()
                record = await self._ledger.find(order_key)
                assert record is not None, f"no order {order_key}"
                left = deadline - asyncio.get_running_loop().time()
                if is_reached(record) or left <= 0:
                    return record
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await changed.wait()
        finally:
            self._waiting[order_key].discard(changed)
            if not self._waiting[order_key]:
                del self._waiting[order_key]


class Listener:
    """Writes what one gateway says about orders; ``on_change`` hears of orders that changed."""

    def __init__(
        self, gateway: str, client: IbkrClient, record: BrokerRecord, on_change: OnChange
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._record = record
        self._on_change = on_change
        self._queue: asyncio.Queue[BrokerMessage] = asyncio.Queue()
        # A status line names its order only by ids; the last openOrder told what they stand for.
        self._orders: dict[tuple[int, int], BrokerOrder] = {}
        client.wrapper.sinks.append(self._note)

    def _note(self, message: BrokerMessage) -> None:
        """Queue what concerns orders. Answers to execution requests are read as books instead."""
        if (
            isinstance(message, ExecutionSeen)
            and message.request_id in self._client.wrapper._futures
        ):
            return
        if isinstance(message, OrderSeen) and message.completed:
            return
        if isinstance(message, ErrorSeen) and message.request_id < 0:
            return
        BROKER_MESSAGES.labels(self._gateway, _KINDS[type(message)]).inc()
        self._queue.put_nowait(message)

    async def run(self) -> None:
        """Store messages until cancelled; a message that cannot be stored yet is not skipped."""
        while True:
            message = await self._queue.get()
            crash_point(f"listener.received.{_KINDS[type(message)]}")
            changed = await self._stored(message)
            crash_point(f"listener.stored.{_KINDS[type(message)]}")
            self._queue.task_done()
            if changed is not None:
                log.info("order.changed", order_key=changed, by=_KINDS[type(message)])
                await self._on_change(changed)

    async def _stored(self, message: BrokerMessage) -> str | None:
        """Store one message, waiting for Postgres as long as it takes.

        One that Postgres is there for and still refuses must not hold up those behind it: it is
        kept as text with a critical alert, and the books are read for what it said.
        """
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(may_pass),
                wait=wait_exponential(multiplier=0.2, max=5),
                before_sleep=_log_failure,
                reraise=True,
            ):
                with attempt:
                    return await self._store(message)
        except Exception as error:
            # No traceback: it is laid out while the lease waits to be renewed.
            log.error("broker_message.refused", broker_message=repr(message), error=repr(error))  # noqa: TRY400
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(may_pass), wait=wait_exponential(multiplier=0.2, max=5)
            ):
                with attempt:
                    refused = refused_message(message, error)
                    await self._record.refused(self._gateway, refused)
        return None

    async def drained(self) -> None:
        """Return when every message so far is stored."""
        await self._queue.join()

    async def _store(self, message: BrokerMessage) -> str | None:
        match message:
            case OrderSeen():
                return await self._order(message)
            case StatusLine():
                return await self._status(message)
            case ExecutionSeen():
                seen = broker_execution(message.contract, message.execution)
                return await self._record.execution(self._gateway, seen)
            case CommissionSeen(report=report):
                return await self._record.commission(
                    self._gateway,
                    report.execId,
                    optional_amount(report.commission) or Decimal(0),
                    report.currency,
                    optional_amount(report.realizedPNL),
                )
            case ErrorSeen():
                return await self._record.error(
                    self._gateway,
                    message.request_id,
                    self._client.address.client_id,
                    message.code,
                    message.message,
                    is_rejection=message.code in REJECTION_CODES,
                )

    async def _order(self, message: OrderSeen) -> str | None:
        order, status = message.order, broker_status(message.state.status)
        if status is None or not order.permId or not is_order_key(order.orderRef):
            return None
        seen = broker_order(message.contract, order, status, message.state.warningText)
        self._orders[order.clientId, order.orderId] = seen
        return await self._record.status(self._gateway, seen)

    async def _status(self, message: StatusLine) -> str | None:
        known = self._orders.get((message.client_id, message.order_id))
        status = broker_status(message.status, message.why_held)
        # Ids alone may stand for an order of another session; the permId tells.
        if known is None or status is None or message.perm_id != known.perm_id:
            return None
        return await self._record.status(self._gateway, known.model_copy(update={"status": status}))

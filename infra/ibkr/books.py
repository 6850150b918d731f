"""Reading the broker's books whole: open orders, completed orders, executions, in that order.

The answers are taken from the raw messages, not from ib_async's trades, whose status its error
handling may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal

from ib_async import CommissionReport

from domain.order_evidence import BrokerStatus
from domain.ports import BrokerBooks, BrokerExecution, BrokerOrder, RefusedMessage
from infra.calendars import trading_calendar
from infra.ibkr.client import IbkrClient
from infra.ibkr.mapping import (
    broker_execution,
    broker_order,
    broker_status,
    optional_amount,
    refused_message,
)
from infra.ibkr.recorder import (
    BrokerMessage,
    CommissionSeen,
    ExecutionSeen,
    OrderSeen,
    StatusLine,
)
from infra.ibkr.sharing import SharedReading

Clock = Callable[[], Awaitable[datetime]]


class BookReader:
    """One reading at a time, shared by all who wait: a queue would outlast a send's permission.

    ``now`` is the clock by which claims are dated too, so that books and claims can be compared;
    ``market_now`` the gateway's, also during the sync.
    """

    def __init__(self, client: IbkrClient, now: Clock, market_now: Clock) -> None:
        self._client = client
        self._now = now
        self._market_now = market_now
        self._turn = asyncio.Lock()
        self._shared = SharedReading(lambda: self._read(synced=True), "books", self._turn)

    async def read(self) -> BrokerBooks:
        """Begun after the call. Raises BrokerUnavailable."""
        return await self._shared.get()

    async def read_while_syncing(self) -> BrokerBooks:
        """The same during the sync itself, before the session is declared ready."""
        async with self._turn:
            return await self._read(synced=False)

    async def _read(self, *, synced: bool) -> BrokerBooks:
        seen: list[BrokerMessage] = []
        # Judged in turn: a wait may outlast the connection, and the next one's sync asks for
        # the same books by the same names.
        ib = self._client.require_ready() if synced else self._client.ib
        began_at = await self._now()
        with self._client.unbroken(), self._client.collecting(seen.append):
            await self._client.ask(ib.reqAllOpenOrdersAsync())
            await self._client.ask(ib.reqCompletedOrdersAsync(False))
            await self._client.ask(ib.reqExecutionsAsync())
        read_at = await self._market_now()
        return books_of(began_at, seen, read_at, trading_calendar().is_open(read_at))


def books_of(
    began_at: datetime, seen: list[BrokerMessage], read_at: datetime, session_open: bool
) -> BrokerBooks:
    """The books that ``seen`` amounts to. Later words on an order replace earlier ones."""
    commissions = {
        message.report.execId: message.report
        for message in seen
        if isinstance(message, CommissionSeen)
    }
    orders: dict[int, BrokerOrder] = {}
    executions: dict[str, BrokerExecution] = {}
    refused: list[RefusedMessage] = []
    for message in seen:
        try:
            _enter(message, orders, executions, commissions)
        except Exception as error:  # whatever is wrong with one must not hide the others
            refused.append(refused_message(message, error))
    return BrokerBooks(
        began_at=began_at,
        read_at=read_at,
        session_open=session_open,
        orders=tuple(orders.values()),
        executions=tuple(executions.values()),
        refused=tuple(refused),
    )


def _enter(
    message: BrokerMessage,
    orders: dict[int, BrokerOrder],
    executions: dict[str, BrokerExecution],
    commissions: dict[str, CommissionReport],
) -> None:
    """Enter one message in the books it belongs to."""
    match message:
        case OrderSeen():
            order = _order(message)
            if order is not None:
                orders[order.perm_id] = order
        case StatusLine():
            known = orders.get(message.perm_id)
            status = broker_status(message.status, message.why_held)
            if known is not None and status is not None:
                orders[message.perm_id] = known.model_copy(update={"status": status})
        case ExecutionSeen():
            report = commissions.get(message.execution.execId)
            amount = None if report is None else optional_amount(report.commission)
            pnl = None if report is None else optional_amount(report.realizedPNL)
            executions[message.execution.execId] = broker_execution(
                message.contract,
                message.execution,
                amount,
                None if report is None else report.currency,
                pnl,
            )
        case _:
            pass


def _order(seen: OrderSeen) -> BrokerOrder | None:
    status = broker_status(seen.state.status)
    if status is None or not seen.order.permId:
        return None
    message = seen.state.completedStatus or seen.state.warningText
    if seen.completed and status is BrokerStatus.FILLED and _is_partial(seen):
        # A completed order that did not fill whole was ended, whatever its status says.
        status = BrokerStatus.CANCELLED
    return broker_order(seen.contract, seen.order, status, message)


def _is_partial(seen: OrderSeen) -> bool:
    filled = optional_amount(seen.order.filledQuantity)
    total = Decimal(str(seen.order.totalQuantity or 0))
    return filled is not None and 0 < filled < total

"""Orders that the exchange accepts and then cancels by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from infra.simulator.events import ExchangeEvent, OrderChanged
from infra.simulator.exchange import Exchange


class AcceptedCancels:
    """Cancels the next ``times`` orders once everybody has been told that they are accepted."""

    def __init__(self, exchange: Exchange, note: Callable[[str, str, int | None], None]) -> None:
        self._exchange = exchange
        self._note = note
        self.times = 0

    def on_event(self, event: ExchangeEvent) -> None:
        if not self.times or not isinstance(event, OrderChanged):
            return
        if event.order.status.is_working:
            self.times -= 1
            asyncio.get_running_loop().call_soon(self._cancel, event.order.perm_id)

    def _cancel(self, perm_id: int) -> None:
        order = self._exchange.ledger.order(perm_id)
        if order is not None and order.status.is_working:
            self._note("cancel_accepted", order.order_ref, order.client_id)
            self._exchange.cancel_order(perm_id, "Cancelled by the exchange")

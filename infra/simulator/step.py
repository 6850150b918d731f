"""One happening at the exchange: everything it changes, made durable together, then told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from infra.simulator.accounts import Account
from infra.simulator.events import ExchangeEvent, OrderChanged
from infra.simulator.families import Consequence, Ending
from infra.simulator.ledger import Ledger
from infra.simulator.records import (
    ExecutionRecord,
    LifecycleEvent,
    OrderRecord,
    OrderStatus,
)


@dataclass
class Step:
    """Collects changes at one market time; nothing is changed before :meth:`save`."""

    at: datetime
    orders: dict[int, OrderRecord] = field(default_factory=dict)
    """The latest state of every order the step changes, by permId."""
    accounts: list[Account] = field(default_factory=list)
    executions: list[ExecutionRecord] = field(default_factory=list)
    news: list[ExchangeEvent] = field(default_factory=list)
    lifecycle: list[LifecycleEvent] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    """What the ledger shall remember of the step, so that it is never taken twice."""
    _history: list[tuple[OrderRecord, str, str]] = field(default_factory=list)

    def record(self, order: OrderRecord, kind: str, detail: str = "") -> None:
        """Change an order without telling anybody."""
        self.orders[order.perm_id] = order
        self._history.append((order, kind, detail))

    def change(
        self, order: OrderRecord, kind: str, error: tuple[int, str] | None = None, detail: str = ""
    ) -> None:
        """Change an order and tell its clients, with an error message if there is one."""
        self.record(order, kind, detail)
        self.news.append(OrderChanged(order, error))

    def end(
        self, order: OrderRecord, status: OrderStatus, reason: str, error: tuple[int, str]
    ) -> None:
        """Bring an order to its end."""
        changes = {"status": status, "completed_at": self.at, "completed_reason": reason}
        self.change(order.model_copy(update=changes), "status", error, reason)

    def cancel(self, order: OrderRecord, reason: str) -> None:
        error = (202, f"Order Canceled - reason:{reason}")
        self.end(order, OrderStatus.CANCELLED, reason or "Cancelled by Trader", error)

    def follow(self, consequences: list[Consequence]) -> list[int]:
        """Carry out what the step means for other orders; returns the permIds it released."""
        released = []
        for consequence in consequences:
            order = consequence.order
            if isinstance(consequence, Ending):
                self.cancel(order, consequence.reason)
                continue
            self.change(order, "released" if consequence.released else "reduced")
            if consequence.released:
                released.append(order.perm_id)
        return released

    def save(self, ledger: Ledger) -> None:
        """Make everything durable in one transaction."""
        with ledger.transaction():
            for execution in self.executions:
                ledger.append_execution(execution)
            for account in self.accounts:
                ledger.save_account(account.record())
            for order, kind, detail in self._history:
                ledger.save_order(order, kind, self.at, detail)
            for event in self.lifecycle:
                ledger.append_lifecycle(event)
            for key, value in self.notes.items():
                ledger.put(key, value)
            ledger.put("clock", self.at.isoformat())

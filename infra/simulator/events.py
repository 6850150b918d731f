"""What happens at the exchange, as told to whoever speaks to clients. Facts, already durable."""

from __future__ import annotations

from dataclasses import dataclass

from infra.simulator.records import ExecutionRecord, OrderRecord


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order was accepted, modified, activated, cancelled or rejected."""

    order: OrderRecord
    error: tuple[int, str] | None = None
    """A code and message that go with the change (202 with a cancel, 201 with a rejection)."""


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """Part or all of an order traded; for a combo the package comes first, then its legs."""

    order: OrderRecord
    executions: tuple[ExecutionRecord, ...]


@dataclass(frozen=True, slots=True)
class ExecutionCorrected:
    """An execution was replaced by a later revision, or busted (quantity 0)."""

    order: OrderRecord
    execution: ExecutionRecord


@dataclass(frozen=True, slots=True)
class PositionsChanged:
    """Holdings of an account changed, by a trade or at expiry."""

    account: str
    con_ids: tuple[int, ...]


ExchangeEvent = OrderChanged | OrderFilled | ExecutionCorrected | PositionsChanged

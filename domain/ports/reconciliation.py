"""The ports of reconciliation: one look at the broker, and the keeping of what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from pydantic import Field

from domain.instruments import Frozen
from domain.ports.broker import BrokerBooks, BrokerContract, BrokerPosition


class DescribedContract(Frozen):
    """A contract with the one it is written on, if it is an option."""

    contract: BrokerContract
    underlying: BrokerContract | None = None


class UnsupportedPosition(Frozen):
    """A position in a kind of instrument that the desk does not know."""

    account_code: str
    con_id: int
    description: str
    quantity: Decimal


class BrokerLook(Frozen):
    """Orders, executions, positions and cash of a gateway's accounts, read together.

    ``is_steady``: positions were the same before and after the executions were read, so that no
    fill lies between the two.
    """

    books: BrokerBooks
    positions: tuple[BrokerPosition, ...]
    cash: dict[str, Decimal] = Field(
        description="by account code; missing where the broker did not tell"
    )
    account_codes: tuple[str, ...] = Field(description="every account the gateway serves")
    unsupported: tuple[UnsupportedPosition, ...] = ()
    is_steady: bool


class ReconciliationReport(Frozen):
    """What one look came to. ``unconfirmed`` discrepancies ask for another look soon."""

    accounts: tuple[str, ...]
    raised: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    open: int = Field(default=0, description="confirmed discrepancies that are not cleared")
    events: tuple[str, ...] = Field(default=(), description="recognised, e.g. an assignment")
    changed_orders: tuple[str, ...] = Field(default=(), description="order keys")
    is_steady: bool = True


class OrderAnnouncer(Protocol):
    """Tells whoever waits for an order that its row has changed."""

    async def __call__(self, order_key: str) -> None: ...


class BrokerLooks(Protocol):
    """The reading side of reconciliation. BrokerUnavailable while not fully synced."""

    async def read_books(self) -> BrokerBooks: ...
    async def look(self, account_codes: Sequence[str]) -> BrokerLook: ...
    async def describe(self, con_id: int) -> DescribedContract:
        """Raises GreenlightError INSTRUMENT_UNKNOWN, e.g. for an expired option."""
        ...


class ReconciliationStore(Protocol):
    async def account_codes(self, gateway: str) -> list[str]: ...
    async def is_due(self, gateway: str) -> bool:
        """Whether the gateway is connected and its market's hours ask for a look now."""
        ...

    async def record_books(self, gateway: str, books: BrokerBooks) -> list[str]:
        """Record orders and executions without comparing anything; keys of changed orders."""
        ...

    async def unknown_contracts(self, look: BrokerLook) -> list[int]:
        """conIds of orders and executions that no instrument on record has."""
        ...

    async def reconcile(
        self, gateway: str, look: BrokerLook, described: Sequence[DescribedContract]
    ) -> ReconciliationReport:
        """Record the books, compare every account, keep what was found; one transaction each."""
        ...

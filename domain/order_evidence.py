"""What can be learnt about an order: the broker's words, our own moves, a person's declaration.

Evidence is folded into an order (``domain.orders.Order.apply``) and never edited. Only
executions say how much was traded; their lineages tell a correction from a further fill.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode
from domain.instruments import Frozen, Side


class BrokerStatus(StrEnum):
    """What a broker status line amounts to, free of any API's spelling."""

    PENDING = "PENDING"
    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCEL_PENDING = "CANCEL_PENDING"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


class Fill(Frozen):
    """One broker execution. A correction carries the same prefix and a higher revision.

    The broker's ``execId`` ends in a two-digit revision: ``….01`` is replaced by ``….02``. Of a
    package's order the broker reports the package as one execution at the net price
    (``is_package``), and each leg as another; all bear the order's permId.
    """

    exec_id: str = Field(min_length=1)
    side: Side
    quantity: Decimal = Field(ge=0)
    price: Decimal = Field(description="per share")
    executed_at: AwareDatetime
    con_id: int = Field(default=0, description="IBKR's contract id, 0 where it was not told")
    is_package: bool = False

    @property
    def lineage(self) -> str:
        """What a fill shares with its corrections."""
        return execution_lineage(self.exec_id)

    @property
    def revision(self) -> int:
        tail = self.exec_id.rpartition(".")[2]
        return int(tail) if tail.isdigit() else 0


def execution_lineage(exec_id: str) -> str:
    """The part of an execId that its corrections share; the whole id where it has no revision."""
    head, _, tail = exec_id.rpartition(".")
    return head if head and tail.isdigit() else exec_id


def effective_fills(fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
    """The fills that count: of each lineage the highest revision, in order of first sight."""
    latest: dict[str, Fill] = {}
    for fill in fills:
        known = latest.get(fill.lineage)
        if known is None or fill.revision >= known.revision:
            latest[fill.lineage] = fill
    return tuple(latest.values())


def largest_fills(fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
    """Of each lineage the revision of the largest quantity: what was believed executed at most."""
    largest: dict[str, Fill] = {}
    for fill in fills:
        known = largest.get(fill.lineage)
        if known is None or fill.quantity > known.quantity:
            largest[fill.lineage] = fill
    return tuple(largest.values())


SEND_WITHIN = timedelta(seconds=10)
"""A send follows its claim within this time or not at all; until then absence means nothing."""


class Claimed(Frozen):
    """The one permission to send was taken; a send may follow for as long as ``SEND_WITHIN``."""

    kind: Literal["claimed"] = "claimed"
    broker_order_id: int
    client_id: int
    epoch: int


class StatusSeen(Frozen):
    """A status line from the broker, live or from its books."""

    kind: Literal["status"] = "status"
    status: BrokerStatus
    perm_id: int
    message: str = ""


class FillSeen(Frozen):
    kind: Literal["fill"] = "fill"
    fill: Fill
    perm_id: int


class BooksSearched(Frozen):
    """The broker's open orders, completed orders and executions were all read after one sync.

    Fills found there were folded before this. ``status`` is the broker's word on the order, or
    None where none of the three books knows its key. ``day_over`` says the session in which the
    order could work has ended.
    """

    kind: Literal["books"] = "books"
    status: BrokerStatus | None
    perm_id: int = 0
    message: str = ""
    day_over: bool = False


class TermsDiffer(Frozen):
    """The broker has the order on other terms than were sent: somebody altered it there."""

    kind: Literal["terms_differ"] = "terms_differ"
    perm_id: int
    differences: str = Field(min_length=1)
    is_live: bool


class Unproven(Frozen):
    """A send or a cancel ended in silence, an exception or a crash."""

    kind: Literal["unproven"] = "unproven"
    reason: str


class Rejected(Frozen):
    """The broker refused the order, with its own code and words."""

    kind: Literal["rejected"] = "rejected"
    broker_code: int
    message: str


class Denied(Frozen):
    """Our own controls refused before anything was sent."""

    kind: Literal["denied"] = "denied"
    code: ErrorCode
    message: str


class CancelRequested(Frozen):
    kind: Literal["cancel_requested"] = "cancel_requested"


class DeclaredNotSent(Frozen):
    """A person, looking at the evidence, declares that the order never reached the broker."""

    kind: Literal["not_sent"] = "not_sent"
    user_id: UUID


class DeclaredEnded(Frozen):
    """A person, looking at the evidence, declares an order over and how much of it was traded.

    ``executed`` may exceed the executions on record, where the broker's were lost; it never
    becomes an execution.
    """

    kind: Literal["declared_ended"] = "declared_ended"
    user_id: UUID
    executed: Decimal = Field(ge=0)


OrderEvidence = (
    Claimed
    | StatusSeen
    | FillSeen
    | BooksSearched
    | Unproven
    | Rejected
    | Denied
    | CancelRequested
    | DeclaredNotSent
    | DeclaredEnded
    | TermsDiffer
)

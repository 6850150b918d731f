"""One attempt at the broker: its states, the evidence about it, and the only way it changes.

An order is never assigned a state. Evidence (``OrderEvidence``) is folded into it, and every
move must be in ``ORDER_TRANSITIONS``. Quantity comes from executions alone; a status line from
the broker may repeat, arrive late or contradict, so it can open questions but never invent a
fill.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode, IllegalTransition
from domain.instruments import Frozen, OptionContract, Side


class OrderState(StrEnum):
    READY = "READY"
    DENIED = "DENIED"
    SENDING = "SENDING"
    WORKING = "WORKING"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCEL_PENDING = "CANCEL_PENDING"
    CANCELLED = "CANCELLED"
    LAPSED = "LAPSED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    NOT_SENT = "NOT_SENT"
    QUARANTINE = "QUARANTINE"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL_STATES

    @property
    def may_be_at_broker(self) -> bool:
        return self in (
            OrderState.SENDING,
            OrderState.WORKING,
            OrderState.PARTIAL,
            OrderState.CANCEL_PENDING,
            OrderState.UNKNOWN,
        )


S = OrderState
TERMINAL_STATES = frozenset(
    {S.DENIED, S.FILLED, S.CANCELLED, S.LAPSED, S.REJECTED, S.NOT_SENT, S.QUARANTINE}
)
_BROKER_PROVEN = {
    S.WORKING, S.PARTIAL, S.FILLED, S.CANCEL_PENDING, S.CANCELLED, S.LAPSED, S.REJECTED,
}  # fmt: skip

# A terminal order may only be moved by a late fill (re-folded, with an alert) or by a
# contradiction, which quarantines it.
ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.READY: frozenset({S.DENIED, S.SENDING}),
    S.SENDING: frozenset(_BROKER_PROVEN | {S.UNKNOWN, S.QUARANTINE}),
    S.UNKNOWN: frozenset(_BROKER_PROVEN | {S.NOT_SENT, S.QUARANTINE}),
    S.WORKING: frozenset(_BROKER_PROVEN - {S.WORKING} | {S.UNKNOWN, S.QUARANTINE}),
    S.PARTIAL: frozenset(_BROKER_PROVEN - {S.PARTIAL} | {S.UNKNOWN, S.QUARANTINE}),
    S.CANCEL_PENDING: frozenset(
        {S.WORKING, S.PARTIAL, S.FILLED, S.CANCELLED, S.LAPSED, S.REJECTED, S.UNKNOWN, S.QUARANTINE}
    ),
    S.CANCELLED: frozenset({S.FILLED, S.QUARANTINE}),
    S.LAPSED: frozenset({S.FILLED, S.QUARANTINE}),
    S.REJECTED: frozenset({S.PARTIAL, S.FILLED, S.QUARANTINE}),
    S.FILLED: frozenset({S.PARTIAL, S.QUARANTINE}),
    S.NOT_SENT: frozenset({S.QUARANTINE}),
    S.DENIED: frozenset({S.QUARANTINE}),
    S.QUARANTINE: frozenset(),
}


class OrderIntent(Frozen):
    """What is to be sent: one limit order in one option, already inside every bound."""

    order_key: str
    account_code: str
    contract: OptionContract
    side: Side
    quantity: int = Field(ge=1)
    limit_price: Decimal = Field(gt=0, description="per share")
    tif: Literal["DAY"] = "DAY"


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

    The broker's ``execId`` ends in a two-digit revision: ``….01`` is replaced by ``….02``.
    """

    exec_id: str = Field(min_length=1)
    side: Side
    quantity: Decimal = Field(ge=0)
    price: Decimal = Field(description="per share")
    executed_at: AwareDatetime

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


# --- evidence ------------------------------------------------------------------------------


class Claimed(Frozen):
    """The one permission to send was taken; a send may follow at any moment."""

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
)


class Order(Frozen):
    """One attempt, as far as the evidence goes. ``apply`` is the only way it changes."""

    order_key: str
    quantity: Decimal = Field(gt=0)
    side: Side
    state: OrderState = OrderState.READY
    perm_id: int = 0
    broker_status: BrokerStatus | None = None
    cancel_requested: bool = False
    fills: tuple[Fill, ...] = ()
    reason_code: ErrorCode | None = None
    reason: str = ""
    absent_looks: int = Field(default=0, description="complete looks that did not find the order")

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in effective_fills(self.fills)), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled, Decimal(0))

    @property
    def average_price(self) -> Decimal | None:
        """Quantity-weighted price per share, to 8 places, or None before the first fill."""
        if not self.filled:
            return None
        value = sum(
            (fill.quantity * fill.price for fill in effective_fills(self.fills)), Decimal(0)
        )
        return (value / self.filled).quantize(Decimal("1e-8"))

    def apply(self, evidence: OrderEvidence) -> Order:
        """The order after ``evidence``. Repeated or outdated evidence changes nothing.

        Raises IllegalTransition when our own side asks for a move the table does not allow
        (claiming twice, denying what was sent). The broker's evidence never raises: what
        contradicts the record quarantines the order.
        """
        match evidence:
            case Claimed():
                return self._to(S.SENDING)
            case Denied():
                return self._to(S.DENIED, reason_code=evidence.code, reason=evidence.message)
            case CancelRequested():
                return self._request_cancel()
            case DeclaredNotSent():
                return self._to(S.NOT_SENT, reason="declared not sent by a person")
            case Unproven():
                return self._unproven(evidence)
            case Rejected():
                return self._rejected(evidence)
            case StatusSeen():
                return self._see_perm_id(evidence.perm_id)._status(evidence.status)
            case FillSeen():
                return self._see_perm_id(evidence.perm_id)._fill(evidence.fill)
            case BooksSearched():
                return self._books(evidence)

    # Each rule below reads: given what we know, what does this piece of evidence change?

    def _to(self, state: OrderState, **changes: object) -> Order:
        if state is self.state:
            return self.model_copy(update=changes)
        if state not in ORDER_TRANSITIONS[self.state]:
            raise IllegalTransition(
                f"order {self.order_key} cannot go from {self.state} to {state}",
                order_key=self.order_key,
                current=self.state.value,
                wanted=state.value,
            )
        return self.model_copy(update={"state": state, **changes})

    def _quarantine(self, reason: str) -> Order:
        if self.state is S.QUARANTINE:
            return self
        return self._to(S.QUARANTINE, reason_code=ErrorCode.ORDER_QUARANTINED, reason=reason)

    def _see_perm_id(self, perm_id: int) -> Order:
        if perm_id in (0, self.perm_id):
            return self
        if self.perm_id:
            return self._quarantine(f"two permIds for one key: {self.perm_id} and {perm_id}")
        return self.model_copy(update={"perm_id": perm_id})

    def _fill(self, fill: Fill) -> Order:
        if fill in self.fills:
            return self
        if fill.side is not self.side:
            return self._quarantine(f"execution {fill.exec_id} is on the other side")
        order = self.model_copy(update={"fills": (*self.fills, fill)})
        if order.state is S.QUARANTINE:
            return order
        if order.state in (S.READY, S.DENIED, S.NOT_SENT):
            return order._quarantine(f"execution {fill.exec_id} for an order that was not sent")
        if order.filled > order.quantity:
            return order._quarantine(f"overfilled: {order.filled} of {order.quantity}")
        return order._settle_quantity()

    def _settle_quantity(self) -> Order:
        """The state that the executed quantity alone implies."""
        if self.filled == self.quantity:
            return self._to(S.FILLED, reason_code=None, reason="")
        if self.filled and self.state in (S.SENDING, S.UNKNOWN, S.WORKING, S.FILLED, S.REJECTED):
            return self._to(S.PARTIAL)
        return self

    def _status(self, status: BrokerStatus) -> Order:
        if self.state in (S.READY, S.DENIED, S.NOT_SENT):
            return self._quarantine(f"broker reports {status} for an order that was not sent")
        if self.state.is_terminal:
            return self
        order = self.model_copy(update={"broker_status": status})
        match status:
            case BrokerStatus.PENDING | BrokerStatus.WORKING:
                if order.state in (S.SENDING, S.UNKNOWN):
                    return order._to(S.PARTIAL if order.filled else S.WORKING)
            case BrokerStatus.CANCEL_PENDING | BrokerStatus.CANCELLED | BrokerStatus.REJECTED:
                # The word of a live status is not proof that no fill is under way: the books are.
                if order.state is not S.CANCEL_PENDING:
                    return order._to(S.CANCEL_PENDING)
            case BrokerStatus.FILLED:
                # The executions decide; until they arrive the order is simply known to be there.
                if order.state in (S.SENDING, S.UNKNOWN):
                    return order._to(S.PARTIAL if order.filled else S.WORKING)
        return order

    def _books(self, evidence: BooksSearched) -> Order:
        order = self._see_perm_id(evidence.perm_id)
        if evidence.status is None:
            return order._absent(evidence)
        if order.state in (S.READY, S.DENIED, S.NOT_SENT):
            return order._quarantine(f"found at the broker ({evidence.status}) though not sent")
        if order.state.is_terminal:
            return order
        order = order.model_copy(update={"broker_status": evidence.status, "absent_looks": 0})
        match evidence.status:
            case BrokerStatus.CANCELLED:
                return order._proven_cancelled(evidence)
            case BrokerStatus.REJECTED:
                return order._to(
                    S.REJECTED,
                    reason_code=ErrorCode.BROKER_REJECTED,
                    reason=evidence.message or order.reason or "rejected by the broker",
                )
            case BrokerStatus.FILLED if order.filled != order.quantity:
                return (
                    order._to(
                        S.UNKNOWN,
                        reason_code=ErrorCode.ORDER_UNPROVEN,
                        reason=f"broker says filled, executions show {order.filled}",
                    )
                    if order.state is not S.UNKNOWN
                    else order
                )
            case BrokerStatus.CANCEL_PENDING:
                return order._to(S.CANCEL_PENDING)
            case _:
                if order.cancel_requested and order.state is S.CANCEL_PENDING:
                    return order
                return order._to(S.PARTIAL if order.filled else S.WORKING)

    def _proven_cancelled(self, evidence: BooksSearched) -> Order:
        if self.reason_code is ErrorCode.BROKER_REJECTED:
            # 201 may be reported as Cancelled; the earlier error says which it was.
            return self._to(S.REJECTED)
        if self.cancel_requested:
            return self._to(S.CANCELLED, reason_code=ErrorCode.ORDER_CANCELLED, reason="")
        return self._to(
            S.LAPSED if evidence.day_over else S.CANCELLED,
            reason_code=ErrorCode.ORDER_LAPSED if evidence.day_over else ErrorCode.ORDER_CANCELLED,
            reason=evidence.message or ("" if evidence.day_over else "cancelled at the broker"),
        )

    def _absent(self, evidence: BooksSearched) -> Order:
        """Absence alone proves nothing; it is counted, for a person to weigh."""
        if not self.state.may_be_at_broker:
            return self
        order = self.model_copy(update={"absent_looks": self.absent_looks + 1})
        if order.reason_code is ErrorCode.BROKER_REJECTED and not order.filled:
            # Refused at the door by name, and in none of the books: it never became an order.
            return order._to(S.REJECTED)
        if order.state is S.UNKNOWN:
            return order
        return order._to(
            S.UNKNOWN,
            reason_code=ErrorCode.ORDER_UNPROVEN,
            reason="not in the broker's open orders, completed orders or executions",
        )

    def _unproven(self, evidence: Unproven) -> Order:
        if not self.state.may_be_at_broker or self.state is S.UNKNOWN:
            return self
        return self._to(S.UNKNOWN, reason_code=ErrorCode.ORDER_UNPROVEN, reason=evidence.reason)

    def _rejected(self, evidence: Rejected) -> Order:
        """An error line names the refusal; the books confirm it, because errors are no proof."""
        if self.state.is_terminal or self.state is S.READY:
            return self
        order = self.model_copy(
            update={
                "reason_code": ErrorCode.BROKER_REJECTED,
                "reason": f"{evidence.message} (broker code {evidence.broker_code})",
            }
        )
        return order if order.state is S.CANCEL_PENDING else order._to(S.CANCEL_PENDING)

    def _request_cancel(self) -> Order:
        order = self.model_copy(update={"cancel_requested": True})
        if order.state is S.CANCEL_PENDING:
            return order
        return order._to(S.CANCEL_PENDING)

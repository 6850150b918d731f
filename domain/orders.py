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

from pydantic import Field

from domain.errors import ErrorCode, IllegalTransition
from domain.instruments import Frozen, OptionContract, Side
from domain.order_evidence import (
    BooksSearched,
    BrokerStatus,
    CancelRequested,
    Claimed,
    DeclaredNotSent,
    Denied,
    Fill,
    FillSeen,
    OrderEvidence,
    Rejected,
    StatusSeen,
    Unproven,
    effective_fills,
)


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

# A terminal order may only be moved by a late fill or correction (re-folded, with an alert) or
# by a contradiction, which quarantines it. Only a correction that explains an overfill away
# leads out of quarantine.
ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.READY: frozenset({S.DENIED, S.SENDING, S.QUARANTINE}),
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
    S.FILLED: frozenset({S.UNKNOWN, S.QUARANTINE}),
    S.NOT_SENT: frozenset({S.QUARANTINE}),
    S.DENIED: frozenset({S.QUARANTINE}),
    S.QUARANTINE: frozenset({S.FILLED, S.UNKNOWN}),
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


class Order(Frozen):
    """One attempt, as far as the evidence goes. ``apply`` is the only way it changes.

    Quarantine has two degrees. A contradiction (two permIds, an execution on the other side,
    life in an order that was never sent) is for good: ORDER_QUARANTINED. An overfill is
    quarantined just as instantly, because the correction that might explain it may never come;
    but executions and corrections may arrive in any order, so it is held as ORDER_OVERFILLED and
    a correction that takes the excess back lifts it. Whatever the order of arrival, the same
    executions therefore end in the same quantity and the same final state. Lifting it resumes
    nothing: a halt that followed from the quarantine is a person's to end.
    """

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
    def executed(self) -> tuple[Fill, ...]:
        """The fills that count: last revisions, on the order's own side."""
        return tuple(fill for fill in effective_fills(self.fills) if fill.side is self.side)

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.executed), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled, Decimal(0))

    @property
    def average_price(self) -> Decimal | None:
        """Quantity-weighted price per share, to 8 places, or None before the first fill."""
        if not self.filled:
            return None
        value = sum((fill.quantity * fill.price for fill in self.executed), Decimal(0))
        return (value / self.filled).quantize(Decimal("1e-8"))

    def apply(self, evidence: OrderEvidence) -> Order:
        """The order after ``evidence``. Repeated or outdated evidence changes nothing.

        Raises IllegalTransition when our own side asks for a move the table does not allow
        (claiming twice, denying what was sent). The broker's evidence never raises: what
        contradicts the record quarantines the order.
        """
        match evidence:
            case Claimed():
                return self._own_move(S.SENDING)
            case Denied():
                return self._own_move(S.DENIED, reason_code=evidence.code, reason=evidence.message)
            case CancelRequested():
                return self._request_cancel()
            case DeclaredNotSent():
                return self._not_sent()
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

    def _own_move(self, state: OrderState, **changes: object) -> Order:
        """A move that may be made once only: repeating it is as illegal as any other."""
        if state is self.state:
            raise self._illegal(state)
        return self._to(state, **changes)

    def _not_sent(self) -> Order:
        if self.fills:
            raise self._illegal(S.NOT_SENT)
        return self._own_move(S.NOT_SENT, reason="declared not sent by a person")

    def _to(self, state: OrderState, **changes: object) -> Order:
        if state is self.state:
            return self.model_copy(update=changes)
        if state not in ORDER_TRANSITIONS[self.state]:
            raise self._illegal(state)
        return self.model_copy(update={"state": state, **changes})

    def _illegal(self, wanted: OrderState) -> IllegalTransition:
        return IllegalTransition(
            f"order {self.order_key} cannot go from {self.state} to {wanted}",
            order_key=self.order_key,
            current=self.state.value,
            wanted=wanted.value,
        )

    def _found_alive(self) -> Order:
        """At the broker and not finished: earlier doubts and refusals are disproved."""
        return self._to(
            S.PARTIAL if self.filled else S.WORKING, reason_code=None, reason="", absent_looks=0
        )

    @property
    def _is_contradicted(self) -> bool:
        """Quarantined for good; an overfill alone is not."""
        return self.state is S.QUARANTINE and self.reason_code is ErrorCode.ORDER_QUARANTINED

    def _quarantine(self, reason: str) -> Order:
        if self._is_contradicted:
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
        order = self.model_copy(update={"fills": (*self.fills, fill)})
        if fill.side is not self.side:
            return order._quarantine(f"execution {fill.exec_id} is on the other side")
        if order.state in (S.READY, S.DENIED, S.NOT_SENT):
            return order._quarantine(f"execution {fill.exec_id} for an order that was not sent")
        if order._is_contradicted or order.filled == self.filled:
            return order
        return order._settle_quantity()

    def _settle_quantity(self) -> Order:
        """The state that the executed quantity alone implies."""
        if self.filled > self.quantity:
            return self._to(
                S.QUARANTINE,
                reason_code=ErrorCode.ORDER_OVERFILLED,
                reason=f"overfilled: {self.filled} of {self.quantity}",
            )
        if self.filled == self.quantity:
            return self._to(S.FILLED, reason_code=None, reason="")
        if self.state in (S.FILLED, S.QUARANTINE):
            # A correction took executed quantity back; only the books know what is left of it.
            return self._to(
                S.UNKNOWN,
                reason_code=ErrorCode.ORDER_UNPROVEN,
                reason=f"a correction left {self.filled} of {self.quantity} filled",
            )
        if self.filled and self.state in (S.SENDING, S.UNKNOWN, S.WORKING, S.REJECTED):
            return self._found_alive()
        if not self.filled and self.state is S.PARTIAL:
            return self._to(S.WORKING)
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
                    return order._found_alive()
            case BrokerStatus.CANCEL_PENDING | BrokerStatus.CANCELLED | BrokerStatus.REJECTED:
                # The word of a live status is not proof that no fill is under way: the books are.
                if order.state is not S.CANCEL_PENDING:
                    return order._to(S.CANCEL_PENDING)
            case BrokerStatus.FILLED:
                # The executions decide; until they arrive the order is simply known to be there.
                if order.state in (S.SENDING, S.UNKNOWN):
                    return order._found_alive()
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
                return order._found_alive()

    def _proven_cancelled(self, evidence: BooksSearched) -> Order:
        if self.reason_code is ErrorCode.BROKER_REJECTED and not self.filled:
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

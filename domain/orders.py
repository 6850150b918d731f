"""One attempt at the broker: its states, the evidence about it, and the only way it changes.

An order is never assigned a state. Evidence (``OrderEvidence``) is folded into it, and every
move must be in ``ORDER_TRANSITIONS``. Quantity comes from executions alone; a status line from
the broker may repeat, arrive late or contradict, so it can open questions but never invent a
fill.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from domain.errors import ErrorCode, IllegalTransition
from domain.instruments import Frozen, Leg, Side
from domain.order_evidence import (
    BooksSearched,
    BrokerStatus,
    CancelRequested,
    Claimed,
    DeclaredEnded,
    DeclaredNotSent,
    Denied,
    Fill,
    FillSeen,
    OrderEvidence,
    Rejected,
    StatusSeen,
    TermsDiffer,
    Unproven,
    largest_fills,
)
from domain.order_intent import OrderIntent
from domain.order_states import ORDER_TRANSITIONS, TERMINAL_STATES, OrderState
from domain.package_fills import Executed, executed_option, executed_package, stray_fill

__all__ = ["ORDER_TRANSITIONS", "TERMINAL_STATES", "Order", "OrderIntent", "OrderState"]

S = OrderState
_CONTRADICTIONS = (ErrorCode.ORDER_QUARANTINED, ErrorCode.ORDER_ALTERED)
_LIVE = (BrokerStatus.PENDING, BrokerStatus.WORKING, BrokerStatus.CANCEL_PENDING)


class Order(Frozen):
    """One attempt, as far as the evidence goes. ``apply`` is the only way it changes.

    Quarantine has two degrees. A contradiction (two permIds, an execution on the other side,
    life in an order that was never sent: ORDER_QUARANTINED; other terms at the broker than were
    sent: ORDER_ALTERED) is for good, until a person declares the order over. An overfill is
    quarantined just as instantly, because the correction that might explain it may never come;
    but executions and corrections may arrive in any order, so it is held as ORDER_OVERFILLED and
    a correction that takes the excess back lifts it. Whatever the order of arrival, the same
    executions therefore end in the same quantity and the same final state. Lifting it resumes
    nothing: a halt that followed from the quarantine is a person's to end.
    """

    order_key: str
    quantity: Decimal = Field(gt=0)
    side: Side
    legs: tuple[Leg, ...] = Field(default=(), description="of a package; empty of one option")
    state: OrderState = OrderState.READY
    perm_id: int = 0
    broker_status: BrokerStatus | None = None
    cancel_requested: bool = False
    fills: tuple[Fill, ...] = ()
    reason_code: ErrorCode | None = None
    reason: str = ""
    absent_looks: int = Field(default=0, description="complete looks that did not find the order")
    declared: Decimal | None = Field(
        default=None, description="what a person declared to have been executed in all"
    )

    @property
    def executed(self) -> Executed:
        """What the executions amount to, in the order's own units."""
        return self._amount_of(self.fills)

    def _amount_of(self, fills: tuple[Fill, ...]) -> Executed:
        if self.legs:
            return executed_package(self.legs, fills)
        return executed_option(self.side, fills)

    @property
    def filled(self) -> Decimal:
        """Units of which any execution speaks; see ``Executed.begun``."""
        return self.executed.begun

    @property
    def traded(self) -> Decimal:
        """What counts against the approval: executions, or more where a person declared more."""
        return max(self.filled, self.declared or Decimal(0))

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.traded, Decimal(0))

    @property
    def average_price(self) -> Decimal | None:
        """Quantity-weighted price per share, to 8 places, or None before the first fill."""
        return self.executed.average_price

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
            case DeclaredEnded():
                return self._ended(evidence)
            case TermsDiffer():
                return self._see_perm_id(evidence.perm_id)._altered(evidence)
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

    def _ended(self, evidence: DeclaredEnded) -> Order:
        if evidence.executed < self.filled:
            raise self._illegal(S.ENDED)
        return self._own_move(
            S.ENDED,
            declared=evidence.executed,
            reason_code=ErrorCode.ORDER_DECLARED_ENDED,
            reason=f"declared over by a person, {evidence.executed:f} of {self.quantity:f} traded",
        )

    def _altered(self, evidence: TermsDiffer) -> Order:
        if self.state is S.ENDED and not evidence.is_live:
            return self  # known to the person who declared it over
        return self._quarantine(
            f"altered at the broker: {evidence.differences}", ErrorCode.ORDER_ALTERED
        )

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
        return self.state is S.QUARANTINE and self.reason_code in _CONTRADICTIONS

    def _quarantine(self, reason: str, code: ErrorCode = ErrorCode.ORDER_QUARANTINED) -> Order:
        if self._is_contradicted:
            return self
        return self._to(S.QUARANTINE, reason_code=code, reason=reason)

    def _see_perm_id(self, perm_id: int) -> Order:
        if perm_id in (0, self.perm_id):
            return self
        if self.state is S.ENDED:
            return self  # what it may have contradicted is settled; executions still count
        if self.perm_id:
            return self._quarantine(f"two permIds for one key: {self.perm_id} and {perm_id}")
        return self.model_copy(update={"perm_id": perm_id})

    def _fill(self, fill: Fill) -> Order:
        if fill in self.fills:
            return self
        order = self.model_copy(update={"fills": (*self.fills, fill)})
        stray = stray_fill(self.legs, fill) if self.legs else fill.side is not self.side
        if stray:
            what = "is of no leg of the order" if self.legs else "is on the other side"
            return order._quarantine(f"execution {fill.exec_id} {what}")
        if order.state in (S.READY, S.DENIED, S.NOT_SENT):
            return order._quarantine(f"execution {fill.exec_id} for an order that was not sent")
        if order._is_contradicted or order.executed == self.executed:
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
        if self._is_filled:
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

    @property
    def _is_filled(self) -> bool:
        """Whole, and of a package in every leg."""
        return self.executed.complete == self.quantity

    @property
    def _was_whole(self) -> bool:
        """Whether corrections took back what had made the order whole.

        Such an order had ended at the broker: a live status is a repeated or late one, and would
        only make the doubt come and go. The books may still find it.
        """
        return (
            self.state is S.UNKNOWN
            and self._amount_of(largest_fills(self.fills)).complete >= self.quantity
        )

    def _status(self, status: BrokerStatus) -> Order:
        if self.state in (S.READY, S.DENIED, S.NOT_SENT):
            return self._quarantine(f"broker reports {status} for an order that was not sent")
        if self.state.is_terminal or self._was_whole:
            return self
        order = self.model_copy(update={"broker_status": status})
        if order.state is S.QUARANTINE:
            return order
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
        if order.state is S.ENDED and evidence.status in _LIVE:
            return order._quarantine(f"declared over, but at the broker it is {evidence.status}")
        if order.state.is_terminal:
            return order
        order = order.model_copy(update={"broker_status": evidence.status, "absent_looks": 0})
        if order.state is S.QUARANTINE:
            return order
        match evidence.status:
            case _ if order._lacks_executions(evidence.status):
                return order._unproven(
                    Unproven(
                        reason=f"broker says {evidence.status}, executions show "
                        f"{order.executed.describe()}"
                    )
                )
            case BrokerStatus.CANCELLED:
                return order._proven_cancelled(evidence)
            case BrokerStatus.REJECTED:
                return order._to(
                    S.REJECTED,
                    reason_code=ErrorCode.BROKER_REJECTED,
                    reason=evidence.message or order.reason or "rejected by the broker",
                )
            case BrokerStatus.CANCEL_PENDING:
                return order._to(S.CANCEL_PENDING)
            case _:
                if order.cancel_requested and order.state is S.CANCEL_PENDING:
                    return order
                return order._found_alive()

    def _lacks_executions(self, status: BrokerStatus | None) -> bool:
        """Whether the broker's books name an end that the executions read after it do not bear.

        A package's legs trade together: one without the other has yet to be told, and until then
        nobody may conclude how much is left to trade.
        """
        if status is BrokerStatus.FILLED:
            return not self._is_filled
        ended = status in (BrokerStatus.CANCELLED, BrokerStatus.REJECTED)
        return ended and self.executed.begun != self.executed.complete

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
        if not self.state.may_be_at_broker and self.state is not S.QUARANTINE:
            return self
        order = self.model_copy(update={"absent_looks": self.absent_looks + 1})
        if order.state is S.QUARANTINE:
            return order
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
        if self.state.is_terminal or self.state in (S.READY, S.QUARANTINE):
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
        if order.state in (S.CANCEL_PENDING, S.QUARANTINE):
            return order  # a quarantined order may still work at the broker; cancelling it is safe
        return order._to(S.CANCEL_PENDING)

"""Orders and cancels refused on demand, whatever is right with them.

TWS refuses in several shapes, and a client must survive each: an error alone, with no order on
record; an order that turns up ``Inactive``, or ``Cancelled``, beside its error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from infra.simulator.records import OrderStatus, OrderTerms
from infra.simulator.validation import OrderRejectedError

DEFAULT_WORDS = {
    103: "Duplicate order id",
    110: "The price does not conform to the minimum price variation for this contract.",
    161: "Cancel attempted when order is not in a cancellable state.",
    201: "Order rejected - reason:The exchange is not accepting orders.",
    321: "Error validating request.-'bN' : cause - The order is not valid.",
    10147: "OrderId that needs to be cancelled is not found.",
    10148: "OrderId that needs to be cancelled can not be cancelled, state: Filled.",
}


class RefusalShape(StrEnum):
    ERROR = "error"
    """The error alone; the order never existed."""
    INACTIVE = "inactive"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """How the exchange turns an order down that it puts on record."""

    status: OrderStatus
    code: int
    message: str


@dataclass
class RefusalRule:
    """Refuse the next ``times`` orders (after letting ``skip`` pass), or those of one orderRef."""

    code: int
    message: str = ""
    shape: RefusalShape = RefusalShape.ERROR
    times: int = 1
    skip: int = 0
    order_ref: str | None = None

    @property
    def words(self) -> str:
        return self.message or DEFAULT_WORDS.get(self.code, "Order rejected")

    def strikes(self, order_ref: str) -> bool:
        if self.times <= 0 or self.order_ref not in {None, order_ref}:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Refusals:
    """The refusals in force. ``note`` records each that struck: kind and detail."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note
        self.orders: list[RefusalRule] = []
        self.cancels: list[RefusalRule] = []

    def check_order(self, terms: OrderTerms) -> None:
        """Raises OrderRejectedError for an order that is to be refused by an error alone."""
        rule = self._striking(self.orders, terms.order_ref, on_record=False)
        if rule is not None:
            self._note("reject_order", f"{rule.code} for {terms.order_ref}")
            raise OrderRejectedError(rule.code, rule.words)

    def refuse(self, terms: OrderTerms) -> Refusal | None:
        """How the exchange is to turn this order down; None: judge it on its merits."""
        rule = self._striking(self.orders, terms.order_ref, on_record=True)
        if rule is None:
            return None
        inactive = rule.shape is RefusalShape.INACTIVE
        status = OrderStatus.INACTIVE if inactive else OrderStatus.CANCELLED
        self._note("reject_order", f"{rule.code} as {status} for {terms.order_ref}")
        return Refusal(status, rule.code, rule.words)

    def check_cancel(self, order_ref: str) -> None:
        """Raises OrderRejectedError for a cancel that is to be refused; the order goes on."""
        rule = self._striking(self.cancels, order_ref, on_record=False)
        if rule is not None:
            self._note("reject_cancel", f"{rule.code} for {order_ref}")
            raise OrderRejectedError(rule.code, rule.words)

    def _striking(
        self, rules: list[RefusalRule], order_ref: str, *, on_record: bool
    ) -> RefusalRule | None:
        concerned = [r for r in rules if (r.shape is not RefusalShape.ERROR) is on_record]
        return next((rule for rule in concerned if rule.strikes(order_ref)), None)

"""What becomes of a working order when its client, or a person in TWS, sends new terms for it."""

from __future__ import annotations

from infra.simulator.records import OrderRecord, OrderStatus, OrderTerms
from infra.simulator.validation import OrderRejectedError


def revised(order: OrderRecord, terms: OrderTerms, same_legs: bool) -> OrderRecord:
    """The order under new terms: price, quantity, type and time in force may change.

    Raises OrderRejectedError: 105 for another contract, side, account or parent, 104 for a
    quantity that is filled already, 10326 for another group.
    """
    old = order.terms
    if not same_legs or (terms.side, terms.account, terms.parent_id) != (
        old.side,
        old.account,
        old.parent_id,
    ):
        raise OrderRejectedError(105, "Order being modified does not match original order")
    if terms.quantity <= order.filled:
        raise OrderRejectedError(104, "Cannot modify a filled order.")
    if (terms.oca_group, terms.oca_type) != (old.oca_group, old.oca_type):
        raise OrderRejectedError(10326, "OCA group revision is not allowed.")
    same_stop = (terms.order_type, terms.stop_price) == (old.order_type, old.stop_price)
    same_wait = (terms.good_after, terms.conditions) == (old.good_after, old.conditions)
    revision = order.model_copy(
        update={
            "terms": terms,
            "transmitted": order.transmitted or terms.transmit,
            "triggered": order.triggered and same_stop,
            "activated": (order.activated and same_wait)
            or not (terms.good_after or terms.conditions),
        }
    )
    if revision.is_live:
        return revision
    return revision.model_copy(update={"status": OrderStatus.PRE_SUBMITTED})

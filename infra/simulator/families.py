"""What the fate of one order means for its group and its children. Pure: records in, records out.

One-cancels-all groups: any fill of a type 1 order cancels the others; a fill of a type 2 or 3
order reduces them in the same proportion, rounded down, and cancels what is left with nothing.
All of it is one step of the exchange, and nothing may join a group that has traded, so no group
ever trades more than one of its orders asked for. The types differ in nothing else here, for no
two members are ever matched at once.

Children wait for their parent, and for all of it to fill. They end when it ends otherwise. The
children of one parent that name no group of their own form one of type 3, as in TWS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from infra.simulator.records import OrderRecord, OrderStatus, OrderTerms

CANCEL_ALL, REDUCE = 1, 3


@dataclass(frozen=True, slots=True)
class Ending:
    """An order that ends because another one did or traded."""

    order: OrderRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Revision:
    """An order that changes because another one did or traded; ``released``: it may now work."""

    order: OrderRecord
    released: bool = False


Consequence = Ending | Revision


def grouped_with_siblings(terms: OrderTerms, parent: OrderRecord) -> OrderTerms:
    """The terms of a child, in the group of its parent's children unless it names another."""
    if terms.oca_group:
        return terms
    return terms.model_copy(update={"oca_group": str(parent.perm_id), "oca_type": REDUCE})


def after_fill(
    before: OrderRecord, after: OrderRecord, others: Iterable[OrderRecord]
) -> list[Consequence]:
    """What a fill does to the other working orders."""
    found: list[Consequence] = []
    others = list(others)
    if after.oca_key is not None:
        kept = after.remaining / before.remaining
        for other in others:
            if other.oca_key == after.oca_key and other.perm_id != after.perm_id:
                found += _shrunk(other, kept, after.terms.oca_type, others)
    if after.status is OrderStatus.FILLED:
        for child in others:
            if child.parent_perm_id == after.perm_id:
                found.append(Revision(child.model_copy(update={"released": True}), released=True))
    return found


def after_end(ended: OrderRecord, others: Iterable[OrderRecord]) -> list[Consequence]:
    """What the end of an order that did not fill entirely does to the others."""
    others = list(others)
    found: list[Consequence] = []
    for child in others:
        if child.parent_perm_id == ended.perm_id and not child.released:
            found += [Ending(child, "The parent order has ended"), *after_end(child, others)]
    return found


def is_spent_by(order: OrderRecord) -> bool:
    """Whether this order has begun to use up its group: nothing else may join it."""
    return order.filled > 0


def _shrunk(
    other: OrderRecord, kept: Decimal, oca_type: int, others: Iterable[OrderRecord]
) -> list[Consequence]:
    left = Decimal(0)
    if oca_type != CANCEL_ALL:
        left = (other.remaining * kept).to_integral_value(ROUND_FLOOR)
    if not left:
        return [
            Ending(other, "Another order of its OCA group has traded"),
            *after_end(other, others),
        ]
    terms = other.terms.model_copy(update={"quantity": other.filled + left})
    return [Revision(other.model_copy(update={"terms": terms}))]

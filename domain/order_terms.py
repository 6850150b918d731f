"""Whether the broker's order is still the one that was sent: anybody with TWS can alter it."""

from __future__ import annotations

from collections.abc import Iterator

from domain.order_evidence import BrokerStatus, TermsDiffer
from domain.orders import OrderIntent
from domain.ports.broker import BrokerOrder

Difference = tuple[str, object, object]
"""What differs, as the broker has it, as it was sent."""

_ENDED = (BrokerStatus.FILLED, BrokerStatus.CANCELLED, BrokerStatus.REJECTED)


def terms_evidence(intent: OrderIntent, seen: BrokerOrder) -> TermsDiffer | None:
    """Evidence of every difference between what was sent and what the broker has, or None.

    Of an order that has ended, IBKR tells less: blanks there are no difference, and the quantity
    may be what was filled, so that only a greater one tells of an alteration.
    """
    differences = "; ".join(
        f"{name} {theirs}, sent {ours}" for name, theirs, ours in _differences(intent, seen)
    )
    if not differences:
        return None
    return TermsDiffer(
        perm_id=seen.perm_id, differences=differences, is_live=seen.status not in _ENDED
    )


def _differences(intent: OrderIntent, seen: BrokerOrder) -> Iterator[Difference]:
    is_live = seen.status not in _ENDED
    yield from _other_contracts(intent, seen)
    if seen.side is not intent.side:
        yield "side", seen.side, intent.side
    if seen.quantity != intent.quantity and (is_live or seen.quantity > intent.quantity):
        yield "quantity", f"{seen.quantity:f}", intent.quantity
    if seen.limit_price != intent.limit_price and (is_live or seen.limit_price):
        price = "none" if seen.limit_price is None else f"{seen.limit_price:f}"
        yield "limit price", price, f"{intent.limit_price:f}"
    if seen.account_code and seen.account_code != intent.account_code:
        yield "account", seen.account_code, intent.account_code
    if seen.tif and seen.tif != intent.tif:
        yield "time in force", seen.tif, intent.tif
    if seen.order_type and seen.order_type != "LMT":
        yield "order type", seen.order_type, "LMT"


def _other_contracts(intent: OrderIntent, seen: BrokerOrder) -> Iterator[Difference]:
    """A package is told by its legs; where IBKR names none of an ended order, nothing differs."""
    sent = intent.legs
    if not intent.is_package and not seen.legs:
        if seen.con_id and seen.con_id != sent[0].contract.con_id:
            yield "contract", seen.con_id, sent[0].contract.con_id
        return
    ours = sorted((leg.contract.con_id, leg.side.value, leg.ratio) for leg in sent)
    theirs = sorted((leg.con_id, leg.side.value, leg.ratio) for leg in seen.legs)
    if theirs and theirs != ours:
        yield "legs", theirs, ours

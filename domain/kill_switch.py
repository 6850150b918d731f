"""The kill switch: what pressing it withdraws, and when that is proven at the broker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from domain.orders import OrderState


class Withdrawal(StrEnum):
    """How far one approved trade has come since its withdrawal."""

    CANCELLING = "CANCELLING"
    """Something of it may still work at the broker."""
    IN_DOUBT = "IN_DOUBT"
    """An order of it is UNKNOWN or quarantined: a person must look."""
    CANCELLED = "CANCELLED"
    """The broker's books show it ended; what had filled before then stays."""
    FILLED = "FILLED"
    """It was filled in full before the cancel could reach it."""
    NOTHING_SENT = "NOTHING_SENT"
    """No order of it ever left the desk, and none will."""

    @property
    def is_confirmed(self) -> bool:
        return self not in (Withdrawal.CANCELLING, Withdrawal.IN_DOUBT)


_NEVER_SENT = frozenset({OrderState.READY, OrderState.DENIED, OrderState.NOT_SENT})
_DOUBTFUL = frozenset({OrderState.UNKNOWN, OrderState.QUARANTINE})


def withdrawal_of(attempts: Sequence[OrderState]) -> Withdrawal:
    """What became of a withdrawn trade, by the states of its orders, first attempt first.

    A READY order counts as never sent: no order of a withdrawn approval can be claimed.
    """
    if any(state in _DOUBTFUL for state in attempts):
        return Withdrawal.IN_DOUBT
    if any(state.may_be_at_broker for state in attempts):
        return Withdrawal.CANCELLING
    sent = [state for state in attempts if state not in _NEVER_SENT]
    if not sent:
        return Withdrawal.NOTHING_SENT
    return Withdrawal.FILLED if sent[-1] is OrderState.FILLED else Withdrawal.CANCELLED


def preview_digest(account_id: UUID | None, recommendation_ids: Iterable[UUID]) -> str:
    """What a person saw before pressing: the scope and the trades under way in it.

    Not their orders: a new attempt at the next price is still the trade that was seen.
    """
    scope = "desk" if account_id is None else str(account_id)
    trades = ",".join(sorted(map(str, recommendation_ids)))
    return hashlib.sha256(f"{scope}|{trades}".encode()).hexdigest()

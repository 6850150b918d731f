"""The states of one attempt at the broker, and the moves between them."""

from __future__ import annotations

from enum import StrEnum


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
    ENDED = "ENDED"
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
    {S.DENIED, S.FILLED, S.CANCELLED, S.LAPSED, S.REJECTED, S.NOT_SENT, S.ENDED}
)
_BROKER_PROVEN = {
    S.WORKING, S.PARTIAL, S.FILLED, S.CANCEL_PENDING, S.CANCELLED, S.LAPSED, S.REJECTED,
}  # fmt: skip

# A terminal order may only be moved by a late fill or correction (re-folded, with an alert) or
# by a contradiction, which quarantines it. Quarantine is no end: a correction that explains an
# overfill away leads out of it, or a person who declares the order over.
ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.READY: frozenset({S.DENIED, S.SENDING, S.QUARANTINE}),
    S.SENDING: frozenset(_BROKER_PROVEN | {S.UNKNOWN, S.QUARANTINE}),
    S.UNKNOWN: frozenset(_BROKER_PROVEN | {S.NOT_SENT, S.ENDED, S.QUARANTINE}),
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
    S.ENDED: frozenset({S.FILLED, S.QUARANTINE}),
    S.DENIED: frozenset({S.QUARANTINE}),
    S.QUARANTINE: frozenset({S.FILLED, S.UNKNOWN, S.ENDED}),
}

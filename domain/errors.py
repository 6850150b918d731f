"""Every coded error of the desk, in one place.

A code is stable: the API maps it to problem details, the UI to plain words, and no code path
ever branches on message text. A new one is added to ``domain.error_codes``, and what to tell people
of it to ``domain.guidance``.
"""

from __future__ import annotations

from domain.error_codes import TRANSIENT, ErrorCode
from domain.guidance import GUIDANCE, Guidance

__all__ = [
    "GUIDANCE",
    "TRANSIENT",
    "BrokerUnavailable",
    "ErrorCode",
    "GreenlightError",
    "Guidance",
    "IllegalTransition",
    "plain_message",
]


class GreenlightError(Exception):
    """An error with a stable code and the facts behind it.

    ``context`` holds plain values (limit, actual, field, row) for people and for the log.
    """

    def __init__(self, code: ErrorCode, detail: str, **context: object) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.context = context

    @property
    def is_transient(self) -> bool:
        return self.code in TRANSIENT

    @property
    def guidance(self) -> Guidance:
        return GUIDANCE[self.code]


class IllegalTransition(GreenlightError):
    """A state was asked to move where the transition table does not lead."""

    def __init__(self, detail: str, **context: object) -> None:
        super().__init__(ErrorCode.ILLEGAL_TRANSITION, detail, **context)


class BrokerUnavailable(GreenlightError):
    """The broker cannot be asked or told anything right now; nothing was sent."""

    def __init__(self, detail: str, **context: object) -> None:
        super().__init__(ErrorCode.BROKER_UNAVAILABLE, detail, **context)


def plain_message(message: object) -> str:
    """A validator's own words, without the kind of error that pydantic puts before them."""
    return str(message).removeprefix("Value error, ")

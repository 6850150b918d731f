"""What every reader of recorded chains has in common: the numbers of a row, and how one is refused.

The canonical table is described in docs/history-data.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from infra.calendars import EXCHANGE_ZONE

NUMBERS = (
    "strike", "bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest",
    "underlying_price", "iv", "delta", "multiplier",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """Which sessions to read, both ends included; None is without end."""

    first: date | None = None
    last: date | None = None

    @property
    def begins(self) -> datetime | None:
        """The first moment in it, aware UTC."""
        return None if self.first is None else _midnight(self.first)

    @property
    def ends(self) -> datetime | None:
        """The first moment after it, aware UTC."""
        return None if self.last is None else _midnight(self.last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), EXCHANGE_ZONE).astimezone(UTC)


class HistoryError(ValueError):
    """A recording that cannot be used: names file, line, column and reason."""

    def __init__(self, file: Path, reason: str, line: int | None = None, column: str = "") -> None:
        place = f"{file}" + (f", line {line}" if line else "") + (f", {column}" if column else "")
        super().__init__(f"{place}: {reason}")

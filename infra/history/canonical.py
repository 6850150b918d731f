"""What every reader of recorded chains has in common: the numbers of a row, and how one is refused.

The canonical table is described in docs/history-data.md.
"""

from __future__ import annotations

from pathlib import Path

NUMBERS = (
    "strike", "bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest",
    "underlying_price", "iv", "delta", "multiplier",
)  # fmt: skip


class HistoryError(ValueError):
    """A recording that cannot be used: names file, line, column and reason."""

    def __init__(self, file: Path, reason: str, line: int | None = None, column: str = "") -> None:
        place = f"{file}" + (f", line {line}" if line else "") + (f", {column}" if column else "")
        super().__init__(f"{place}: {reason}")

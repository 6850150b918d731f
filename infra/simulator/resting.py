"""What becomes of orders that rest inside the spread."""

from __future__ import annotations

from enum import StrEnum


class Resting(StrEnum):
    """A limit inside the spread is hit at random in time, or waits for the market to reach it."""

    HIT = "hit"
    WAIT = "wait"

"""How many messages a second a client may send before it is warned (error 100)."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf


class MessageAllowance:
    """``limit`` messages a second, as many at once.

    What the gateway takes late, being busy, is not held against a client that keeps to the rate.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counted_at = monotonic()
        self._left = inf
        self._is_too_fast = False

    def exceeded(self, limit: int) -> bool:
        """Take one message; True for the first of those beyond ``limit`` (0: there is none)."""
        now = self._monotonic()
        left = min(self._left + (now - self._counted_at) * limit, limit)
        self._counted_at = now
        beyond = limit > 0 and left < 1
        is_first = beyond and not self._is_too_fast
        self._left, self._is_too_fast = left if beyond else left - 1, beyond
        return is_first

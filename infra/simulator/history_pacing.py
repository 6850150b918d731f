"""How often IBKR answers historical data requests: beyond it they fail with error 162."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from enum import StrEnum

SMALL_BAR_SECONDS = 30
_WINDOW_SECONDS, _WINDOW_REQUESTS = 600.0, 60
_BURST_SECONDS, _BURST_REQUESTS = 2.0, 6
_REPEAT_SECONDS = 15.0


class PacingScope(StrEnum):
    """Which requests are paced. IBKR lifted the hard limits for bars above 30 seconds."""

    ALL = "all"
    SMALL = "small"
    OFF = "off"


class HistoryPacing:
    """The requests of one login: 60 in 10 minutes, 6 per contract in 2 s, none twice in 15 s.

    Times are the host's seconds, as at IBKR: a market that runs faster grants no more requests.
    """

    def __init__(self, scope: PacingScope, monotonic: Callable[[], float]) -> None:
        self._scope = scope
        self._monotonic = monotonic
        self._recent: deque[tuple[float, Hashable, Hashable, int]] = deque()

    def admits(
        self, request: Hashable, contract: Hashable, *, weight: int = 1, bar_seconds: float = 60
    ) -> bool:
        """Whether a request may be made now; if so it counts, ``weight`` times (2 for BID_ASK)."""
        small = bar_seconds <= SMALL_BAR_SECONDS
        if self._scope is PacingScope.OFF or (self._scope is PacingScope.SMALL and not small):
            return True
        now = self._monotonic()
        while self._recent and now - self._recent[0][0] > _WINDOW_SECONDS:
            self._recent.popleft()
        used = burst = 0
        for at, earlier, about, counts in self._recent:
            used += counts
            if now - at < _REPEAT_SECONDS and earlier == request:
                return False
            if now - at < _BURST_SECONDS and about == contract:
                burst += counts
        if used + weight > _WINDOW_REQUESTS or burst + weight > _BURST_REQUESTS:
            return False
        self._recent.append((now, request, contract, weight))
        return True

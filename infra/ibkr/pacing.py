"""Keeping under what TWS allows, and telling how long that held anybody up."""

from __future__ import annotations

from time import monotonic

from aiolimiter import AsyncLimiter

from infra.metrics import PACING_WAIT_SECONDS


class MeasuredLimiter(AsyncLimiter):
    """Lets at most ``max_rate`` requests pass in ``time_period`` seconds; ``kind`` names them."""

    def __init__(self, kind: str, max_rate: float, time_period: float) -> None:
        super().__init__(max_rate, time_period)
        self._waited = PACING_WAIT_SECONDS.labels(kind)

    async def acquire(self, amount: float = 1) -> None:
        began = monotonic()
        await super().acquire(amount)
        self._waited.observe(monotonic() - began)

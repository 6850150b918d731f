"""Loading a worker's numeric library before the first computation asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import structlog

log = structlog.get_logger(__name__)

WARM_AFTER_SECONDS = 5.0
"""What waited for this worker goes first: loading takes the interpreter for a second or two."""


@contextmanager
def warming_up(after_seconds: float = WARM_AFTER_SECONDS) -> Iterator[None]:
    """Load the pricing library on a thread of its own, soon after the block is entered.

    Neither readiness nor the end of the process waits for it.
    """
    thread = Thread(target=_warm, name="warming up", daemon=True)
    start = asyncio.get_running_loop().call_later(after_seconds, thread.start)
    try:
        yield
    finally:
        start.cancel()


def _warm() -> None:
    from domain.warming import warm  # noqa: PLC0415  # compiled code: not before it is wanted

    try:
        warm()
    except Exception:
        # Whoever computes first meets the same error, where it can be told.
        log.exception("worker.not_warmed_up")
        return
    log.info("worker.warmed_up")

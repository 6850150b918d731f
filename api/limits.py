"""Counting sign-ins, requests and commands, in this process's memory."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from api.errors import ThrottledError

# Per person and address, so that an attacker elsewhere cannot lock the person out.
SIGN_IN_ATTEMPTS = parse("5 per 5 minutes")
# Per address over all e-mails, against one password tried on everybody.
ADDRESS_ATTEMPTS = parse("50 per 10 minutes")
# Per person over all addresses but the browsers on which they have signed in before: guesses from
# a thousand addresses are stopped, and the person is not (OWASP's "device cookies").
STRANGERS_ATTEMPTS = parse("30 per hour")
# Guesses at six digits by somebody who knows the password; recovery codes still sign in.
CODE_ATTEMPTS = parse("10 per hour")
# Far above what a hand can do; a runaway script is stopped before it decides anything more.
COMMANDS = parse("60 per minute")
# A desk open in several tabs asks for a handful of lists with each change it is told of.
USER_REQUESTS = parse("2400 per minute")
# An office behind one address.
ADDRESS_REQUESTS = parse("12000 per minute")
# What keeps workers, the market or a core busy for seconds.
COSTLY_REQUESTS = parse("30 per minute")
# By the names of their operations.
COSTLY = frozenset(
    {
        "backtest_report",
        "compare_backtests",
        "dry_run_strategy",
        "run_strategy_now",
        "start_backtest",
        "start_sweep",
    }
)


class _Storage(MemoryStorage):
    """Empties a window and leaves it there: the library's sweep may be looking at it just now."""

    async def clear(self, key: str) -> None:
        self.storage.pop(key, None)
        self.expirations.pop(key, None)
        if key in self.events:
            self.events[key] = []


class Throttle:
    """Windows over attempts and requests. Raises ThrottledError when one is full."""

    def __init__(self) -> None:
        storage = _Storage()
        self._windows = MovingWindowRateLimiter(storage)
        # Cheaper, and good enough where thousands are allowed.
        self._counts = FixedWindowRateLimiter(storage)

    async def proof(self, email: str, address: str, device: str | None) -> None:
        """Count an attempt before it is judged, so that parallel guesses count as well.

        ``device`` marks a browser on which this person has signed in before; it has a window of
        its own, which nobody else can fill.
        """
        detail = "too many failed sign-ins from this address"
        if device is not None:
            await self._hit(SIGN_IN_ATTEMPTS, detail, "device", device)
            return
        await self._hit(SIGN_IN_ATTEMPTS, detail, "sign-in", email, address)
        await self._hit(ADDRESS_ATTEMPTS, detail, "sign-in", address)
        strangers = "too many failed sign-ins from browsers this person has not used before"
        await self._hit(STRANGERS_ATTEMPTS, strangers, "strangers", email)

    async def address_attempt(self, address: str) -> None:
        """Count an attempt that names nobody yet."""
        await self._hit(ADDRESS_ATTEMPTS, "too many sign-ins from this address", "sign-in", address)

    async def proven(self, email: str, address: str, device: str | None) -> None:
        """A success wipes the slate of this person at this address or browser."""
        if device is not None:
            await self._windows.clear(SIGN_IN_ATTEMPTS, "device", device)
        await self._windows.clear(SIGN_IN_ATTEMPTS, "sign-in", email, address)

    async def code(self, user_id: str) -> None:
        await self._hit(CODE_ATTEMPTS, "too many codes were tried", "code", user_id)

    async def code_accepted(self, user_id: str) -> None:
        await self._windows.clear(CODE_ATTEMPTS, "code", user_id)

    async def command(self, user_id: str) -> None:
        await self._hit(COMMANDS, "too many commands in a minute", "command", user_id)

    async def request(self, user_id: str, operation: str) -> None:
        """Count what somebody signed in asks for; what is costly counts by itself as well."""
        await self._count(USER_REQUESTS, "too many requests in a minute", "requests", user_id)
        if operation in COSTLY:
            detail = "too many of these requests in a minute"
            await self._hit(COSTLY_REQUESTS, detail, "costly", user_id, operation)

    async def address(self, address: str) -> None:
        """Count what an address asks for, before anybody knows who it is."""
        detail = "too many requests from this address in a minute"
        await self._count(ADDRESS_REQUESTS, detail, "address", address)

    async def _count(self, limit: RateLimitItem, detail: str, *key: str) -> None:
        if await self._counts.hit(limit, *key):
            return
        window = await self._counts.get_window_stats(limit, *key)
        raise _full(detail, window.reset_time)

    async def _hit(self, limit: RateLimitItem, detail: str, *key: str) -> None:
        if await self._windows.hit(limit, *key):
            return
        window = await self._windows.get_window_stats(limit, *key)
        raise _full(detail, window.reset_time)


def _full(detail: str, reset_time: float) -> ThrottledError:
    return ThrottledError(detail, max(1, math.ceil(reset_time - time.time())))

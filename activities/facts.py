"""Bringing what is known of underlyings up to date: past closes, volatility, dividends, VIX."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from domain.errors import BrokerUnavailable, GreenlightError
from domain.market_facts import DailyHistory, HistoryKind
from domain.ports import Broker, BrokerContract, FactsDue, FactsReading, FactsStore

BROAD_MARKET, VIX = "SPX", "VIX"
PRICES_ONLY = frozenset({BROAD_MARKET, VIX})
"""What betas and gates are measured against; nothing is ranked by its own volatility."""


class FactsReader:
    """Reads what is due of a few underlyings, each for itself; one without data stops no other."""

    def __init__(self, broker: Broker, store: FactsStore) -> None:
        self._broker = broker
        self._store = store
        # Two runs that begin together want the same facts: the second finds them read.
        self._one_at_a_time = asyncio.Lock()

    async def read(self, symbols: Sequence[str], *, patiently: bool) -> tuple[str, ...]:
        """Bring ``symbols`` up to date; what could not be read, and why.

        What is not read stays unknown to whoever asks for it, and is no error of theirs.
        Unless ``patiently``, underlyings beyond what IBKR's pacing of historical requests lets
        through at once wait for a later reading: a strategy run must not wait for them.
        Raises BrokerUnavailable.
        """
        async with self._one_at_a_time:
            errors = [*await self._read_vix()]
            # Again where a split made a whole history due.
            for _ in range(2):
                again, found = await self._read_due(symbols, patiently=patiently)
                errors += found
                if not again:
                    break
                symbols = again
            return tuple(errors)

    async def _read_due(
        self, symbols: Sequence[str], *, patiently: bool
    ) -> tuple[list[str], list[str]]:
        """The symbols whose history proved to be of before a split, and what went wrong."""
        due = await self._store.facts_due(
            tuple(dict.fromkeys((BROAD_MARKET, VIX, *symbols))),
            PRICES_ONLY - set(symbols),
            await self._broker.market_time(),
        )
        if not patiently:
            due = self._at_once(due)
        results = await asyncio.gather(*(self._read_one(each) for each in due))
        again = [
            each.symbol for each, (is_kept, _) in zip(due, results, strict=True) if not is_kept
        ]
        return again, [error for _, errors in results for error in errors]

    def _at_once(self, due: Sequence[FactsDue]) -> list[FactsDue]:
        admitted: list[FactsDue] = []
        requests = 0
        for each in due:
            requests += each.history_requests
            if not self._broker.may_ask_history(requests):
                break
            admitted.append(each)
        return admitted

    async def _read_one(self, due: FactsDue) -> tuple[bool, list[str]]:
        """Whether what was read fits what is on record, and what went wrong."""
        errors: list[str] = []
        try:
            underlying = await self._broker.underlying(due.symbol)
        except BrokerUnavailable:
            raise
        except GreenlightError as error:
            return True, [f"{due.symbol}: {error.detail}"]
        prices = await self._history(underlying, HistoryKind.PRICE, due.price_sessions, errors)
        volatilities = await self._history(
            underlying, HistoryKind.IMPLIED_VOLATILITY, due.volatility_sessions, errors
        )
        reading = FactsReading(
            underlying=underlying,
            prices=prices,
            volatilities=volatilities,
            dividends=await self._broker.dividend_outlook(underlying),
            is_complete=not errors,
        )
        return await self._store.save_facts(reading, await self._broker.market_time()), errors

    async def _history(
        self, underlying: BrokerContract, kind: HistoryKind, sessions: int, errors: list[str]
    ) -> DailyHistory | None:
        if not sessions:
            return None
        try:
            return await self._broker.daily_history(underlying, kind, sessions)
        except BrokerUnavailable:
            raise
        except GreenlightError as error:
            errors.append(error.detail)
            return None

    async def _read_vix(self) -> list[str]:
        """The VIX as of now: a gate on it wants today's level, not yesterday's close."""
        try:
            await self._store.save_level(await self._broker.index_level(VIX))
        except BrokerUnavailable:
            raise
        except GreenlightError as error:
            return [f"{VIX}: {error.detail}"]
        return []

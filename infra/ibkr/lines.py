"""Market-data lines: a few to share, each taken for one look and given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from ib_async import Contract, Ticker

from domain.errors import ErrorCode, GreenlightError
from infra.ibkr.client import IbkrClient
from infra.ibkr.recorder import BrokerMessage, ErrorSeen
from infra.metrics import LINE_WAIT_SECONDS, LINES_IN_USE

MARKET_DATA_LINES = 100
"""TWS grants 100 at least, to all readers of one session together."""
QUOTE_SECONDS = 4.0
UNTOLD = 0
"""The market data type until the broker says which: what was asked for is no evidence."""

# Refusals of a subscription: there is nothing to wait for any more. IBKR's message codes.
REFUSALS = {
    101: ErrorCode.MARKET_DATA_LINES,
    200: ErrorCode.INSTRUMENT_UNKNOWN,
    321: ErrorCode.QUOTE_MISSING,
    354: ErrorCode.MARKET_DATA_NOT_SUBSCRIBED,
    10089: ErrorCode.MARKET_DATA_NOT_SUBSCRIBED,
    10167: ErrorCode.MARKET_DATA_NOT_SUBSCRIBED,
    10168: ErrorCode.MARKET_DATA_NOT_SUBSCRIBED,
    10197: ErrorCode.COMPETING_SESSION,
}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a contract gave, and the broker's refusal if there was one."""

    ticker: Ticker
    refusal: GreenlightError | None

    def require(self) -> Ticker:
        if self.refusal is not None:
            raise self.refusal
        return self.ticker


class MarketDataLines:
    """Subscribes, waits until the picture is complete or refused, and unsubscribes."""

    def __init__(self, client: IbkrClient) -> None:
        self._client = client
        self._free = asyncio.Semaphore(MARKET_DATA_LINES)
        self._looking: dict[int, asyncio.Lock] = {}

    async def look(
        self, contract: Contract, generic: str, is_complete: Callable[[Ticker], bool]
    ) -> Look:
        """A fresh look. What has not arrived at the time-out stays nan, for the reader to judge."""
        lock = self._looking.setdefault(contract.conId, asyncio.Lock())
        began = monotonic()
        async with lock, self._free:
            LINE_WAIT_SECONDS.observe(monotonic() - began)
            with LINES_IN_USE.track_inprogress():
                return await self._look(contract, generic, is_complete)

    async def _look(
        self, contract: Contract, generic: str, is_complete: Callable[[Ticker], bool]
    ) -> Look:
        ib = self._client.require_ready()
        done = asyncio.Event()
        refusals: list[GreenlightError] = []

        def on_update(updated: Ticker) -> None:
            if updated.marketDataType != UNTOLD and is_complete(updated):
                done.set()

        def on_message(message: BrokerMessage) -> None:
            if isinstance(message, ErrorSeen) and message.request_id == request_id:
                refusal = _refusal(message, contract)
                if refusal is not None:
                    refusals.append(refusal)
                    done.set()

        # ib_async keeps a contract's old ticker; its prices would pass for new ones.
        ib.wrapper.tickers.pop(hash(contract), None)
        ticker = ib.reqMktData(contract, generic, snapshot=False)
        ticker.marketDataType = UNTOLD
        request_id = ib.wrapper.ticker2ReqId["mktData"][ticker]
        ticker.updateEvent += on_update
        try:
            with self._client.collecting(on_message), suppress(TimeoutError):
                async with asyncio.timeout(QUOTE_SECONDS):
                    await done.wait()
        finally:
            ticker.updateEvent -= on_update
            if ib.isConnected():
                ib.cancelMktData(contract)
        return Look(ticker, refusals[0] if refusals else None)


def _refusal(message: ErrorSeen, contract: Contract) -> GreenlightError | None:
    code = REFUSALS.get(message.code)
    if code is None:
        return None
    return GreenlightError(
        code,
        f"{message.message} ({message.code})",
        symbol=contract.symbol,
        con_id=contract.conId,
        broker_code=message.code,
    )

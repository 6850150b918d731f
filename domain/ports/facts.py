"""The port to slow facts about underlyings: what has to be read of the broker, and what is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import Field

from domain.instruments import Frozen
from domain.market_facts import DailyHistory, DividendOutlook
from domain.ports.broker import BrokerContract, IndexLevel


class FactsDue(Frozen):
    """What has to be read of one underlying. Zero sessions: that series is up to date."""

    symbol: str
    price_sessions: int = Field(ge=0)
    volatility_sessions: int = Field(ge=0)

    @property
    def history_requests(self) -> int:
        return (self.price_sessions > 0) + (self.volatility_sessions > 0)


class FactsReading(Frozen):
    """What a reading brought; what is None was not asked for, or not answered."""

    underlying: BrokerContract
    prices: DailyHistory | None = None
    volatilities: DailyHistory | None = None
    dividends: DividendOutlook | None = None
    is_complete: bool = Field(default=True, description="false where the broker refused a part")


class FactsStore(Protocol):
    async def facts_due(
        self, symbols: Sequence[str], prices_only: Collection[str], market_at: datetime
    ) -> list[FactsDue]:
        """The ``symbols`` whose facts are older than the last completed session, in their order.

        One tried in vain is due again after an hour of market time.
        """
        ...

    async def save_facts(self, reading: FactsReading, market_at: datetime) -> bool:
        """Keep a reading. False where its prices show that those on record are from before a
        split: these are dropped then, and the whole history is due."""
        ...

    async def save_level(self, level: IndexLevel) -> None:
        """Keep the level of an index as its quote."""
        ...

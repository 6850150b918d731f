"""The port to what is read from the broker and kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import Field

from domain.corporate_actions import AnnouncedDividend
from domain.instruments import Frozen, OptionContract
from domain.portfolio import AccountValues
from domain.ports.broker import BrokerPosition, ChainReading
from domain.strategies.base import ChainWindow


class SyncCounts(Frozen):
    """What an ingestion changed. A repeated run on an unchanged account reports zeros."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    unmatched: tuple[str, ...] = Field(default=(), description="rows refused, with the reason")


class PlannedChain(Frozen):
    symbol: str
    window: ChainWindow


class MarketPlan(Frozen):
    """What to read of the market: chains by symbol, and options held wherever they lie."""

    chains: tuple[PlannedChain, ...] = ()
    options: tuple[OptionContract, ...] = ()


class IngestionStore(Protocol):
    async def is_positions_reading_due(self, gateway: str) -> bool:
        """Whether the gateway is connected and its market's hours ask for a reading now."""
        ...

    async def market_plan(self, gateway: str) -> MarketPlan:
        """Empty while the market is closed or the gateway not connected."""
        ...

    async def unquoted_options(self, gateway: str, account_code: str) -> list[OptionContract]:
        """Options the account holds whose market was never looked at, a readable few at most."""
        ...

    async def save_market(self, reading: ChainReading) -> int:
        """Keep a chain's instruments and quotes; how many contracts it has."""
        ...

    async def save_dividend(self, dividend: AnnouncedDividend, as_of: datetime) -> None: ...
    async def account_codes(self, gateway: str) -> list[str]: ...
    async def save_positions(
        self, gateway: str, account_code: str, rows: Sequence[BrokerPosition], as_of: datetime
    ) -> SyncCounts: ...
    async def save_account_snapshot(
        self, gateway: str, account_code: str, values: AccountValues
    ) -> SyncCounts: ...
    async def save_chain(self, gateway: str, reading: ChainReading) -> UUID:
        """Keep a chain and its instruments; the id of the stored chain."""
        ...

"""The port to what is read from the broker and kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import Field

from domain.instruments import Frozen
from domain.portfolio import AccountValues
from domain.ports.broker import BrokerPosition, ChainReading


class SyncCounts(Frozen):
    """What an ingestion changed. A repeated run on an unchanged account reports zeros."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    unmatched: tuple[str, ...] = Field(default=(), description="rows refused, with the reason")


class IngestionStore(Protocol):
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

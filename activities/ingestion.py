"""Reading accounts and markets through one gateway into our own records."""

from __future__ import annotations

from uuid import UUID

from temporalio import activity

from activities.heartbeat import heartbeating
from domain.errors import GreenlightError
from domain.instruments import Frozen
from domain.ports import Broker, IngestionStore, RunPlan, SyncCounts


class SyncRequest(Frozen):
    gateway: str


class SyncReport(Frozen):
    """Counts by account code."""

    accounts: dict[str, SyncCounts]


class CapturedMarket(Frozen):
    """The chains stored for a run, and the symbols that gave none, with the reason."""

    chain_ids: tuple[UUID, ...]
    errors: tuple[str, ...] = ()


class IngestionActivities:
    def __init__(self, broker: Broker, store: IngestionStore) -> None:
        self._broker = broker
        self._store = store

    @activity.defn
    async def sync_ibkr_positions(self, request: SyncRequest) -> SyncReport:
        """Make the stored positions of every account equal to the broker's."""
        async with heartbeating():
            counts: dict[str, SyncCounts] = {}
            for code in await self._store.account_codes(request.gateway):
                rows = await self._broker.positions(code)
                as_of = await self._broker.market_time()
                counts[code] = await self._store.save_positions(request.gateway, code, rows, as_of)
            return SyncReport(accounts=counts)

    @activity.defn
    async def sync_ibkr_account_snapshot(self, request: SyncRequest) -> SyncReport:
        """Keep the account values of every account, where they changed."""
        async with heartbeating():
            counts: dict[str, SyncCounts] = {}
            for code in await self._store.account_codes(request.gateway):
                values = await self._broker.account_values(code)
                counts[code] = await self._store.save_account_snapshot(
                    request.gateway, code, values
                )
            return SyncReport(accounts=counts)

    @activity.defn
    async def capture_market(self, plan: RunPlan) -> CapturedMarket:
        """Read and store the option chain of every underlying a run looks at.

        One symbol without data does not stop the others; it is named in the errors.
        """
        async with heartbeating():
            chain_ids: list[UUID] = []
            errors: list[str] = []
            for symbol in plan.universe:
                try:
                    reading = await self._broker.chain(symbol, plan.window)
                    chain_ids.append(await self._store.save_chain(plan.gateway, reading))
                except GreenlightError as error:
                    if error.is_transient:
                        raise
                    errors.append(f"{symbol}: {error.detail}")
            return CapturedMarket(chain_ids=tuple(chain_ids), errors=tuple(errors))

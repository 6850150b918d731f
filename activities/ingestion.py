"""Reading accounts and markets through one gateway into our own records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from temporalio import activity

from activities.facts import FactsReader
from activities.heartbeat import heartbeating
from domain.errors import BrokerUnavailable, GreenlightError
from domain.instruments import Frozen, OptionContract
from domain.ports import Broker, IngestionStore, MarketPlan, RunPlan, SyncCounts


class SyncRequest(Frozen):
    gateway: str


class MarketRequest(Frozen):
    gateway: str
    plan: MarketPlan


class SyncReport(Frozen):
    """Counts by account code; an account that could not be read is named in the errors."""

    accounts: dict[str, SyncCounts]
    errors: tuple[str, ...] = ()


class MarketReport(Frozen):
    """What a reading of the market brought, and what gave nothing, with the reason."""

    contracts: int = 0
    dividends: int = 0
    errors: tuple[str, ...] = ()


class CapturedMarket(Frozen):
    """The chains stored for a run, and the symbols that gave none, with the reason."""

    chain_ids: tuple[UUID, ...]
    errors: tuple[str, ...] = ()


class IngestionPlanner:
    """What is due, by our own records."""

    def __init__(self, store: IngestionStore) -> None:
        self._store = store

    @activity.defn
    async def is_ingestion_due(self, request: SyncRequest) -> bool:
        """Whether the gateway is connected and its market's hours ask for a reading."""
        return await self._store.is_positions_reading_due(request.gateway)

    @activity.defn
    async def plan_market_reading(self, request: SyncRequest) -> MarketPlan:
        """The universes of the enabled strategies and the options held; nothing while closed."""
        return await self._store.market_plan(request.gateway)


class IngestionActivities:
    def __init__(self, broker: Broker, store: IngestionStore, facts: FactsReader) -> None:
        self._broker = broker
        self._store = store
        self._facts = facts

    @activity.defn
    async def sync_ibkr_positions(self, request: SyncRequest) -> SyncReport:
        """Make the stored positions of every account equal to the broker's, and look at the market
        of options that are new among them."""

        async def positions(code: str) -> SyncCounts:
            rows = await self._broker.positions(code)
            pnl = await self._broker.daily_pnl(code, [row.contract.con_id for row in rows])
            rows = [
                row.model_copy(update={"daily_pnl": pnl.get(row.contract.con_id)}) for row in rows
            ]
            as_of = await self._broker.market_time()
            counts = await self._store.save_positions(request.gateway, code, rows, as_of)
            await self._look_at_new_options(request.gateway, code)
            return counts

        return await self._each_account(request, positions)

    async def _look_at_new_options(self, gateway: str, code: str) -> None:
        """What delta and vega an account has hangs on every option it holds: one that came in just
        now cannot wait for the next reading of the whole market."""

        async def look(option: OptionContract) -> None:
            try:
                await self._store.save_market(await self._broker.chain_of([option]))
            except BrokerUnavailable:
                raise
            except GreenlightError as error:
                activity.logger.info("%s not quoted: %s", option.describe(), error.detail)

        new = await self._store.unquoted_options(gateway, code)
        await asyncio.gather(*map(look, new))

    @activity.defn
    async def sync_ibkr_account_snapshot(self, request: SyncRequest) -> SyncReport:
        """Keep the account values of every account, where they changed."""

        async def values(code: str) -> SyncCounts:
            told = await self._broker.account_values(code)
            return await self._store.save_account_snapshot(request.gateway, code, told)

        return await self._each_account(request, values)

    async def _each_account(
        self, request: SyncRequest, read: Callable[[str], Awaitable[SyncCounts]]
    ) -> SyncReport:
        """``read`` for every account, a transaction each; what fails of one stops no other."""
        async with heartbeating():
            counts: dict[str, SyncCounts] = {}
            errors: list[str] = []
            for code in await self._store.account_codes(request.gateway):
                try:
                    counts[code] = await read(code)
                except BrokerUnavailable:
                    raise
                except GreenlightError as error:
                    errors.append(f"{code}: {error.detail}")
            return SyncReport(accounts=counts, errors=tuple(errors))

    @activity.defn
    async def sync_ibkr_market(self, request: MarketRequest) -> MarketReport:
        """Bring facts, contracts, quotes and dividends of the plan up to date, symbol by symbol.

        Each symbol is a transaction of its own; one without data is named and stops no other.
        """
        async with heartbeating():
            contracts = dividends = 0
            symbols = [planned.symbol for planned in request.plan.chains]
            errors = [*await self._facts.read(symbols, patiently=True)]
            for planned in request.plan.chains:
                try:
                    reading = await self._broker.chain(planned.symbol, planned.window)
                    contracts += await self._store.save_market(reading)
                    dividends += await self._keep_dividend(planned.symbol)
                except BrokerUnavailable:
                    raise
                except GreenlightError as error:
                    errors.append(f"{planned.symbol}: {error.detail}")
            for option in request.plan.options:
                try:
                    reading = await self._broker.chain_of([option])
                    contracts += await self._store.save_market(reading)
                except BrokerUnavailable:
                    raise
                except GreenlightError as error:
                    errors.append(f"{option.describe()}: {error.detail}")
            # A symbol without data has neither facts nor a chain: told once.
            told = tuple(dict.fromkeys(errors))
            return MarketReport(contracts=contracts, dividends=dividends, errors=told)

    async def _keep_dividend(self, symbol: str) -> int:
        announced = await self._broker.dividend(symbol)
        if announced is None:
            return 0
        await self._store.save_dividend(announced, await self._broker.market_time())
        return 1

    @activity.defn
    async def capture_market(self, plan: RunPlan) -> CapturedMarket:
        """Read and store the option chain of every underlying a run looks at, and what is known
        of it where that has grown old.

        One symbol without data does not stop the others; it is named in the errors.
        """
        async with heartbeating():
            chain_ids: list[UUID] = []
            errors: list[str] = []
            for unread in await self._facts.read(plan.universe, patiently=False):
                activity.logger.info("fact not read: %s", unread)
            for symbol in plan.universe:
                held = [option for option in plan.held if option.symbol == symbol]
                try:
                    reading = await self._broker.chain(symbol, plan.window_on(symbol), held)
                    chain_ids.append(await self._store.save_chain(plan.gateway, reading))
                except GreenlightError as error:
                    if error.is_transient:
                        raise
                    errors.append(f"{symbol}: {error.detail}")
            return CapturedMarket(chain_ids=tuple(chain_ids), errors=tuple(errors))

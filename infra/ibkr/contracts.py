"""Finding IBKR's contracts: underlyings, option expiries and strikes, and their price steps.

Descriptions do not change within a day, so each is asked once per connection and day.
"""

from __future__ import annotations

import asyncio
from datetime import date

from ib_async import Contract, ContractDetails, Index, Option, Stock

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import PriceIncrements, SecType
from domain.market import decimal_of
from domain.ports import BrokerContract
from infra.ibkr.client import IbkrClient
from infra.ibkr.mapping import broker_contract, increments_of, parse_date

INDEX_EXCHANGES = {"RUT": "RUSSELL", "NDX": "NASDAQ"}
"""Where IBKR lists the indexes that are not Cboe's own."""


class ContractBook:
    """What the gateway has told about contracts so far today."""

    def __init__(self, client: IbkrClient) -> None:
        self._client = client
        self._day: date | None = None
        self._underlyings: dict[str, BrokerContract] = {}
        self._by_con_id: dict[int, BrokerContract] = {}
        self._series: dict[tuple[str, str, date, str], tuple[BrokerContract, ...]] = {}
        self._rules: dict[int, PriceIncrements] = {}
        self._rule_lock = asyncio.Lock()

    def start_day(self, today: date) -> None:
        """Forget yesterday's descriptions: expiries roll off and contracts are adjusted."""
        if self._day != today:
            self._day = today
            for known in (self._underlyings, self._by_con_id, self._series):
                known.clear()

    async def underlying(self, symbol: str) -> BrokerContract:
        """The stock, or failing that the index, of that symbol.

        Raises GreenlightError INSTRUMENT_AMBIGUOUS where several match, and INSTRUMENT_UNKNOWN
        where none does: a guess could trade the wrong thing.
        """
        if symbol not in self._underlyings:
            details = await self._details(Stock(symbol, "SMART", "USD"))
            if not details:
                details = await self._details(
                    Index(symbol, INDEX_EXCHANGES.get(symbol, "CBOE"), "USD")
                )
            self._underlyings[symbol] = await self._describe(_only(symbol, details))
        return self._underlyings[symbol]

    async def by_con_id(self, contract: Contract) -> BrokerContract:
        """The full description of a contract seen in positions or orders."""
        if contract.conId not in self._by_con_id:
            details = await self._details(Contract(conId=contract.conId, exchange="SMART"))
            if not details:
                details = await self._details(Contract(conId=contract.conId))
            label = contract.localSymbol or str(contract.conId)
            self._by_con_id[contract.conId] = await self._describe(_only(label, details))
        return self._by_con_id[contract.conId]

    async def underlying_of(self, contract: BrokerContract) -> BrokerContract | None:
        """What an option is written on, by the conId it names; None for anything else."""
        if contract.option is None:
            return None
        return await self.by_con_id(Contract(conId=contract.under_con_id))

    async def expiries(self, underlying: BrokerContract) -> list[tuple[str, date]]:
        """(trading class, expiry) of every listed series routed by SMART.

        Adjusted classes (``2AAPL``) deliver something else than 100 shares and are left out.
        """
        ib = self._client.require_ready()
        async with self._client.pacer:
            chains = await self._client.ask(
                ib.reqSecDefOptParamsAsync(
                    underlying.symbol, "", underlying.sec_type.value, underlying.con_id
                )
            )
        found = {
            (chain.tradingClass, parse_date(expiration))
            for chain in chains
            if chain.exchange == "SMART" and not chain.tradingClass[:1].isdigit()
            for expiration in chain.expirations
        }
        return sorted(found, key=lambda series: (series[1], series[0]))

    async def series(
        self, symbol: str, trading_class: str, expiry: date, right: str
    ) -> tuple[BrokerContract, ...]:
        """Every listed strike of one expiry and right."""
        key = (symbol, trading_class, expiry, right)
        if key not in self._series:
            details = await self._details(
                Option(
                    symbol,
                    f"{expiry:%Y%m%d}",
                    right=right,
                    exchange="SMART",
                    currency="USD",
                    tradingClass=trading_class,
                )
            )
            self._series[key] = tuple([await self._describe(each) for each in details])
        return self._series[key]

    async def _details(self, contract: Contract) -> list[ContractDetails]:
        ib = self._client.require_ready()
        async with self._client.pacer:
            return await self._client.ask(ib.reqContractDetailsAsync(contract), 30.0)

    async def _describe(self, details: ContractDetails) -> BrokerContract:
        described = broker_contract(details, await self._increments(details))
        self._by_con_id[described.con_id] = described
        return described

    async def _increments(self, details: ContractDetails) -> PriceIncrements:
        """The market rule of SMART routing; the minimum tick where no rule is given."""
        exchanges = details.validExchanges.split(",")
        rules = [int(rule) for rule in details.marketRuleIds.split(",") if rule]
        if "SMART" not in exchanges or exchanges.index("SMART") >= len(rules):
            return PriceIncrements.flat(decimal_of(details.minTick))
        rule_id = rules[exchanges.index("SMART")]
        async with self._rule_lock:
            if rule_id not in self._rules:
                ib = self._client.require_ready()
                async with self._client.pacer:
                    bands = await self._client.ask(ib.reqMarketRuleAsync(rule_id))
                if not bands:
                    raise GreenlightError(
                        ErrorCode.DATA_INVALID, f"the gateway does not know market rule {rule_id}"
                    )
                self._rules[rule_id] = increments_of(bands)
        return self._rules[rule_id]


def _only(label: str, details: list[ContractDetails]) -> ContractDetails:
    if not details:
        raise GreenlightError(
            ErrorCode.INSTRUMENT_UNKNOWN, f"the gateway knows no {label}", symbol=label
        )
    if len(details) > 1:
        raise GreenlightError(
            ErrorCode.INSTRUMENT_AMBIGUOUS,
            f"{label} matches {len(details)} contracts",
            symbol=label,
            con_ids=[each.contract.conId for each in details if each.contract],
        )
    return details[0]


def is_index(contract: BrokerContract) -> bool:
    return contract.sec_type is SecType.INDEX

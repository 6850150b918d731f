"""``domain.ports.Broker`` over one IBKR session."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import structlog
from ib_async import AccountValue, Contract, PortfolioItem
from ib_async import Position as IbPosition

from domain.corporate_actions import AnnouncedDividend
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.instruments import OptionContract
from domain.market import MarketClock, Quote, decimal_of
from domain.market_facts import DailyHistory, DividendOutlook, HistoryKind
from domain.orders import OrderIntent
from domain.portfolio import AccountValues
from domain.ports import (
    BrokerBooks,
    BrokerContract,
    BrokerPosition,
    ChainReading,
    IndexLevel,
    WhatIf,
)
from domain.ports.reconciliation import BrokerLook, DescribedContract, UnsupportedPosition
from domain.strategies.base import ChainWindow
from infra.calendars import exchange_date, trading_calendar
from infra.db.clock import host_now
from infra.ibkr.books import BookReader, Clock
from infra.ibkr.client import IbkrClient
from infra.ibkr.contracts import ContractBook
from infra.ibkr.daily_pnl import daily_pnl
from infra.ibkr.history import PastBars
from infra.ibkr.look import look
from infra.ibkr.mapping import (
    ib_option,
    ib_order_contract,
    is_supported,
    limit_order,
    optional_amount,
    undescribed_contract,
    what_if,
)
from infra.ibkr.market_data import MarketData, ib_underlying
from infra.ibkr.recorder import BrokerMessage, ErrorSeen
from infra.ibkr.sharing import SharedReading

log = structlog.get_logger(__name__)

SUMMARY_TAGS = {
    "net_liquidation": "NetLiquidation",
    "cash": "TotalCashValue",
    "equity_with_loan": "EquityWithLoanValue",
    "buying_power": "BuyingPower",
    "available_funds": "AvailableFunds",
    "excess_liquidity": "ExcessLiquidity",
    "init_margin": "FullInitMarginReq",
    "maint_margin": "FullMaintMarginReq",
    "gross_position_value": "GrossPositionValue",
}


class IbkrBroker:
    """Asks and tells one gateway; keeps no opinion of its own about any order."""

    def __init__(self, client: IbkrClient, record_now: Clock) -> None:
        """``record_now`` is the clock of the desk's own record, Postgres's."""
        self._client = client
        self._contracts = ContractBook(client)
        self._market_data = MarketData(client, self._contracts)
        self._past = PastBars(client)
        self._books = BookReader(client, record_now, self.read_time)
        self._summary = SharedReading(self._read_summary, "account summary")
        self._held = SharedReading(self._read_held, "positions")
        self._portfolio_lock = asyncio.Lock()
        self._pnl_lock = asyncio.Lock()
        self._unthrottled = asyncio.Event()
        self._unthrottled.set()
        client.ib.client.throttleStart += self._unthrottled.clear
        client.ib.client.throttleEnd += self._unthrottled.set

    @property
    def client_id(self) -> int:
        return self._client.address.client_id

    # --- time ------------------------------------------------------------------------------

    async def market_time(self) -> datetime:
        self._client.require_ready()
        return await self.read_time()

    async def read_time(self) -> datetime:
        """The gateway's clock; also during the sync, before the session is ready."""
        return (await self._client.server_time()).astimezone(UTC)

    async def is_session_open(self) -> bool:
        return trading_calendar().is_open(await self.market_time())

    def exchange_date(self, market_at: datetime) -> date:
        return exchange_date(market_at)

    def session_close(self, market_at: datetime) -> datetime | None:
        running = trading_calendar().session_at(market_at)
        return None if running is None else running.close_at

    # --- accounts --------------------------------------------------------------------------

    async def account_values(self, account_code: str) -> AccountValues:
        """A fresh account summary; ACCOUNT_STALE names a tag the gateway left out."""
        told, as_of = await self._summary.get()
        rows = {row.tag: row for row in told if row.account == account_code}
        amounts: dict[str, Decimal] = {}
        for field, tag in SUMMARY_TAGS.items():
            amount = optional_amount(rows[tag].value) if tag in rows else None
            if amount is None:
                raise GreenlightError(
                    ErrorCode.ACCOUNT_STALE,
                    f"the gateway gives no {tag} for account {account_code}",
                    account=account_code,
                    field=tag,
                )
            amounts[field] = amount
        return AccountValues(
            account_code=account_code,
            currency=rows["NetLiquidation"].currency or "USD",
            as_of=as_of,
            **amounts,
        )

    async def _read_summary(self) -> tuple[list[AccountValue], datetime]:
        """Of every account, and the market time at its end."""
        ib = self._client.require_ready()
        request_id = ib.client.getReqId()
        answered = ib.wrapper.startReq(request_id)
        ib.wrapper.acctSummary.clear()
        ib.client.reqAccountSummary(request_id, "All", ",".join(SUMMARY_TAGS.values()))
        try:
            await self._client.ask(answered)
        finally:
            # TWS allows two open summaries; this one has served, or is given up.
            if ib.isConnected():
                ib.client.cancelAccountSummary(request_id)
        return list(ib.wrapper.acctSummary.values()), await self.market_time()

    def accounts(self) -> tuple[str, ...]:
        """Every account the gateway's login reaches."""
        return tuple(filter(None, self._client.require_ready().managedAccounts()))

    async def held_quantities(self) -> dict[tuple[str, int], Decimal]:
        """Signed quantities of every account by (account code, conId), zeros left out."""
        return {
            (each.account, each.contract.conId): decimal_of(each.position)
            for each in await self._held.get()
            if each.position and is_supported(each.contract)
        }

    async def unsupported_positions(self) -> tuple[UnsupportedPosition, ...]:
        """What is held in kinds of instruments that the desk does not know, e.g. futures."""
        return tuple(
            UnsupportedPosition(
                account_code=each.account,
                con_id=each.contract.conId,
                description=f"{each.contract.secType} {each.contract.localSymbol}",
                quantity=decimal_of(each.position),
            )
            for each in await self._held.get()
            if each.position and not is_supported(each.contract)
        )

    async def positions(self, account_code: str) -> Sequence[BrokerPosition]:
        held, market_now, portfolio = await asyncio.gather(
            self._held.get(), self.market_time(), self._portfolio(account_code)
        )
        self._contracts.start_day(exchange_date(market_now))
        valued = {item.contract.conId: item for item in portfolio}
        rows: list[BrokerPosition] = []
        for position in held:
            if position.account != account_code or not position.position:
                continue
            if not is_supported(position.contract):
                continue
            item = valued.get(position.contract.conId)
            contract, underlying = await self._described(position.contract)
            rows.append(
                BrokerPosition(
                    account_code=account_code,
                    contract=contract,
                    underlying=underlying,
                    quantity=decimal_of(position.position),
                    average_cost=Decimal(str(position.avgCost)),
                    market_price=None if item is None else optional_amount(item.marketPrice),
                    market_value=None if item is None else optional_amount(item.marketValue),
                    unrealized_pnl=None if item is None else optional_amount(item.unrealizedPNL),
                    realized_pnl=None if item is None else optional_amount(item.realizedPNL),
                )
            )
        return rows

    async def daily_pnl(self, account_code: str, con_ids: Collection[int]) -> dict[int, Decimal]:
        ib = self._client.require_ready()
        if account_code not in self.accounts():
            return {}
        async with self._pnl_lock:
            return await daily_pnl(ib, account_code, con_ids)

    async def _portfolio(self, account_code: str) -> list[PortfolioItem]:
        """What the account's positions are worth, by the broker.

        TWS values the positions of one account at a time, the last one asked for. Behind a login
        with a single account ib_async has asked at the connect; behind others nobody has.
        """
        ib = self._client.require_ready()
        told = self.accounts()
        if account_code not in told:
            # TWS refuses to be asked, and nothing would end the wait.
            return []
        if told != (account_code,):
            async with self._portfolio_lock:
                await self._client.ask(ib.reqAccountUpdatesAsync(account_code))
        return ib.portfolio(account_code)

    async def _read_held(self) -> list[IbPosition]:
        answer = await self._client.ask(self._client.require_ready().reqPositionsAsync())
        # A fill during the answer tells its position twice: the later word counts.
        return list({(each.account, each.contract.conId): each for each in answer}.values())

    async def _described(self, contract: Contract) -> tuple[BrokerContract, BrokerContract | None]:
        """A contract held, and what it is written on.

        The gateway describes no contract that has expired; what the position itself tells has to
        do, and is matched only to a contract on record.
        """
        try:
            described = await self._contracts.by_con_id(contract)
            return described, await self._contracts.underlying_of(described)
        except BrokerUnavailable:
            raise
        except GreenlightError:
            return undescribed_contract(contract), None

    async def describe(self, con_id: int) -> DescribedContract:
        """Any contract by its conId. GreenlightError INSTRUMENT_UNKNOWN where it has expired."""
        contract = await self._contracts.by_con_id(Contract(conId=con_id))
        return DescribedContract(
            contract=contract, underlying=await self._contracts.underlying_of(contract)
        )

    async def listed(self, contract: OptionContract) -> BrokerContract | None:
        """Asked once a day for each contract, and known already where its chain was read."""
        self._contracts.start_day(exchange_date(await self.market_time()))
        try:
            return await self._contracts.by_con_id(ib_option(contract))
        except BrokerUnavailable:
            raise
        except GreenlightError:
            return None

    async def look(self, account_codes: Sequence[str]) -> BrokerLook:
        """Everything reconciliation compares, read together; see ``infra.ibkr.look``."""
        return await look(self, account_codes)

    # --- market ----------------------------------------------------------------------------

    async def quote(self, contract: OptionContract) -> Quote:
        return await self._market_data.quote(contract, await self.market_time())

    async def chain(
        self, symbol: str, window: ChainWindow, held: Sequence[OptionContract] = ()
    ) -> ChainReading:
        as_of = await self.market_time()
        return await self._market_data.chain(symbol, window, as_of, exchange_date(as_of), held)

    async def underlying(self, symbol: str) -> BrokerContract:
        self._contracts.start_day(exchange_date(await self.market_time()))
        return await self._contracts.underlying(symbol)

    async def index_level(self, symbol: str) -> IndexLevel:
        return await self._market_data.index_level(
            await self.underlying(symbol), await self.market_time()
        )

    async def daily_history(
        self, underlying: BrokerContract, kind: HistoryKind, sessions: int
    ) -> DailyHistory:
        return await self._past.daily(
            ib_underlying(underlying), kind, sessions, await self.market_time()
        )

    def may_ask_history(self, requests: int) -> bool:
        return self._past.has_room(requests)

    async def dividend_outlook(self, underlying: BrokerContract) -> DividendOutlook | None:
        today = exchange_date(await self.market_time())
        return await self._market_data.dividend_outlook(underlying, today)

    async def dividend(self, symbol: str) -> AnnouncedDividend | None:
        outlook = await self.dividend_outlook(await self.underlying(symbol))
        return None if outlook is None else outlook.announced

    async def chain_of(self, contracts: Sequence[OptionContract]) -> ChainReading:
        return await self._market_data.chain_of(contracts, await self.market_time())

    # --- orders ----------------------------------------------------------------------------

    def reserve_order_id(self) -> int:
        return self._client.reserve_order_id()

    async def what_if(self, intent: OrderIntent) -> WhatIf:
        """The broker's margin preview. GreenlightError WHAT_IF_FAILED carries its refusal."""
        ib = self._client.require_ready()
        refusals: list[ErrorSeen] = []

        def note(message: BrokerMessage) -> None:
            if isinstance(message, ErrorSeen) and message.request_id == request_id:
                refusals.append(message)

        order = limit_order(intent)
        order.whatIf = True
        request_id = ib.client.getReqId()
        with self._client.collecting(note):
            request = ib.wrapper.startReq(request_id)
            ib.client.placeOrder(request_id, ib_order_contract(intent), order)
            try:
                state = await self._client.ask(request)
                # An empty list is how ib_async answers a request that the gateway refused.
                return what_if(state) if state else _refused(refusals)
            except (BrokerUnavailable, ValueError) as error:
                if isinstance(error.__cause__, ConnectionError):
                    # The line dropped, which says nothing about the order: asked again.
                    raise
                raise GreenlightError(ErrorCode.WHAT_IF_FAILED, str(error)) from error

    async def send(self, intent: OrderIntent, broker_order_id: int) -> None:
        ib = self._client.require_ready()
        order = limit_order(intent)
        order.orderId = broker_order_id
        ib.placeOrder(ib_order_contract(intent), order)
        log.info("order.sent", order_key=intent.order_key, broker_order_id=broker_order_id)
        # Past 45 messages a second ib_async queues in memory; the order may be in that queue.
        await self._client.ask(self._unthrottled.wait())

    async def send_cancel(self, broker_order_id: int) -> None:
        ib = self._client.require_ready()
        ib.client.cancelOrder(broker_order_id, "")
        log.info("order.cancel_sent", broker_order_id=broker_order_id)
        await self._client.ask(self._unthrottled.wait())

    async def read_books(self) -> BrokerBooks:
        return await self._books.read()

    async def read_books_while_syncing(self) -> BrokerBooks:
        """For the sync itself: the books are compared before the session counts as ready."""
        return await self._books.read_while_syncing()


def _refused(refusals: list[ErrorSeen]) -> WhatIf:
    words = "; ".join(f"{each.message} ({each.code})" for each in refusals)
    raise GreenlightError(ErrorCode.WHAT_IF_FAILED, words or "the gateway gave no preview")


async def read_clock(broker: IbkrBroker, previous: MarketClock | None) -> MarketClock:
    """Market time now, and how fast it runs against the host since the previous reading."""
    market_at = await broker.read_time()
    observed_at = host_now()
    rate = 1.0 if previous is None else _rate(previous, market_at, observed_at)
    return MarketClock(market_at=market_at, observed_at=observed_at, rate=rate)


def _rate(previous: MarketClock, market_at: datetime, observed_at: datetime) -> float:
    """Market seconds per host second between two readings.

    The gateway tells whole seconds, so small deviations from 1 are rounding; a jump over closed
    hours is no rate and leaves the previous one standing.
    """
    host = (observed_at - previous.observed_at).total_seconds()
    market = (market_at - previous.market_at).total_seconds()
    if host < 1 or market <= 0:
        return previous.rate
    rate = market / host
    if abs(market - host) <= 1.5:
        return 1.0
    return previous.rate if market > 3600 and rate > 10 * previous.rate else rate

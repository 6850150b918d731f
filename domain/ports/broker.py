"""The port to one gateway, and what the broker says through it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from pydantic import AwareDatetime, Field

from domain.corporate_actions import AnnouncedDividend
from domain.instruments import Frozen, OptionContract, PriceIncrements, SecType, Side
from domain.market import OptionChain, Quote, QuoteQuality
from domain.market_facts import DailyHistory, DividendOutlook, HistoryKind
from domain.order_evidence import BrokerStatus, Fill
from domain.orders import OrderIntent
from domain.portfolio import AccountValues
from domain.strategies.base import ChainWindow


class WhatIf(Frozen):
    """The broker's own margin preview of one order, in the account's currency."""

    init_margin_before: Decimal
    init_margin_after: Decimal
    maint_margin_before: Decimal
    maint_margin_after: Decimal
    equity_with_loan_before: Decimal
    equity_with_loan_after: Decimal
    commission: Decimal | None = None
    max_commission: Decimal | None = None
    currency: str = "USD"
    warning: str = ""


class BrokerLeg(Frozen):
    """One leg of a package in the broker's books."""

    con_id: int
    side: Side
    ratio: int


class BrokerOrder(Frozen):
    """One order in the broker's books, open or completed today.

    A package has the broker's one contract id for all packages, or none; its ``legs`` say what it
    is. Its price is net, negative for a credit to the buyer.
    """

    order_ref: str
    perm_id: int
    broker_order_id: int = 0
    client_id: int = 0
    account_code: str
    con_id: int
    legs: tuple[BrokerLeg, ...] = ()
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    order_type: str = Field(default="", description="in TWS's words; empty where it is not told")
    tif: str = ""
    status: BrokerStatus
    message: str = ""

    @property
    def con_ids(self) -> tuple[int, ...]:
        """The contracts it trades: a package's id is no contract's."""
        return tuple(leg.con_id for leg in self.legs) or (self.con_id,)


class BrokerExecution(Frozen):
    """One execution in the broker's books."""

    fill: Fill
    order_ref: str
    perm_id: int
    broker_order_id: int = 0
    client_id: int = 0
    account_code: str
    con_id: int
    commission: Decimal | None = None
    commission_currency: str | None = None
    realized_pnl: Decimal | None = None


class RefusedMessage(Frozen):
    """A message of the broker that could not be read or stored, as text, and whom it speaks of."""

    text: str
    error: str
    order_ref: str = ""
    exec_id: str = ""
    perm_id: int = 0

    def speaks_of(self, order_key: str, perm_id: int | None) -> bool:
        return self.order_ref == order_key or bool(perm_id and self.perm_id == perm_id)


class BrokerBooks(Frozen):
    """Open orders, completed orders and executions, read in that order after one full sync.

    Executions are read last, so a fill that ends an order while the books are being read is in
    them. Executions cover the broker's current day only.
    """

    began_at: AwareDatetime = Field(description="Postgres's time when the first request left")
    read_at: AwareDatetime = Field(description="market time when the reading ended")
    session_open: bool
    orders: tuple[BrokerOrder, ...]
    executions: tuple[BrokerExecution, ...]
    refused: tuple[RefusedMessage, ...] = Field(
        default=(), description="messages that cannot be right; nothing follows from them"
    )


class BrokerContract(Frozen):
    """IBKR's own description of an instrument."""

    con_id: int
    sec_type: SecType
    symbol: str
    local_symbol: str
    trading_class: str
    exchange: str
    primary_exchange: str
    currency: str
    multiplier: Decimal
    min_tick: Decimal
    increments: PriceIncrements
    valid_exchanges: tuple[str, ...] = ()
    market_rule_ids: tuple[int, ...] = ()
    long_name: str = ""
    industry: str = Field(default="", description="IBKR's own classification, as are the next two")
    category: str = ""
    stock_type: str = Field(default="", description="COMMON, ADR, ETF, …; empty for no stock")
    time_zone: str = ""
    under_con_id: int = 0
    option: OptionContract | None = None
    is_described: bool = Field(
        default=True, description="false: expired, and told of by a position only"
    )


class BrokerPosition(Frozen):
    """One position as the broker reports it. ``average_cost`` is per unit incl. multiplier.

    An option comes with the contract it is written on.
    """

    account_code: str
    contract: BrokerContract
    underlying: BrokerContract | None = None
    quantity: Decimal
    average_cost: Decimal
    market_price: Decimal | None = None
    market_value: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None
    daily_pnl: Decimal | None = Field(
        default=None, description="since the session before; see Broker.daily_pnl"
    )


class ChainReading(Frozen):
    """A chain and the broker's contracts behind its rows."""

    underlying: BrokerContract
    chain: OptionChain
    contracts: tuple[BrokerContract, ...]


class IndexLevel(Frozen):
    """The level of an index as just quoted, in points."""

    index: BrokerContract
    level: Decimal = Field(gt=0)
    quality: QuoteQuality
    as_of: AwareDatetime


class Broker(Protocol):
    """One gateway. Every call raises BrokerUnavailable while the connection is not fully synced."""

    @property
    def client_id(self) -> int: ...
    async def market_time(self) -> datetime: ...
    async def is_session_open(self) -> bool: ...

    def exchange_date(self, market_at: datetime) -> date:
        """The exchange's own date at a moment of market time."""
        ...

    def session_close(self, market_at: datetime) -> datetime | None:
        """When the regular session running at that moment ends; None while none is."""
        ...

    async def listed(self, contract: OptionContract) -> BrokerContract | None:
        """The contract as the gateway describes it today; None where it describes none."""
        ...

    async def account_values(self, account_code: str) -> AccountValues: ...
    async def positions(self, account_code: str) -> Sequence[BrokerPosition]: ...
    async def daily_pnl(self, account_code: str, con_ids: Collection[int]) -> Mapping[int, Decimal]:
        """The day's profit and loss of positions, by conId, as far as the broker has told it.

        Of many positions it takes several calls until all are told.
        """
        ...

    async def quote(self, contract: OptionContract) -> Quote: ...
    async def chain(
        self, symbol: str, window: ChainWindow, held: Sequence[OptionContract] = ()
    ) -> ChainReading:
        """The part of a chain that ``window`` asks for, and the options ``held`` wherever they
        lie."""
        ...

    async def underlying(self, symbol: str) -> BrokerContract:
        """The stock, or failing that the index, of that symbol."""
        ...

    async def index_level(self, symbol: str) -> IndexLevel: ...

    async def daily_history(
        self, underlying: BrokerContract, kind: HistoryKind, sessions: int
    ) -> DailyHistory:
        """The last ``sessions`` completed sessions and perhaps some more, as fast as IBKR's
        pacing of historical requests allows. GreenlightError DATA_INVALID carries its refusal."""
        ...

    def may_ask_history(self, requests: int) -> bool:
        """Whether so many historical requests could be made at once, without waiting."""
        ...

    async def dividend_outlook(self, underlying: BrokerContract) -> DividendOutlook | None:
        """None for an index, and where the broker tells nothing."""
        ...

    async def dividend(self, symbol: str) -> AnnouncedDividend | None:
        """The next dividend of a stock, where the broker announces one."""
        ...

    async def chain_of(self, contracts: Sequence[OptionContract]) -> ChainReading:
        """A chain of these contracts of one underlying alone, one or more, read afresh."""
        ...

    async def what_if(self, intent: OrderIntent) -> WhatIf: ...
    async def read_books(self) -> BrokerBooks: ...

    def reserve_order_id(self) -> int:
        """The id the next send will use, never handed out before in this session."""
        ...

    async def send(self, intent: OrderIntent, broker_order_id: int) -> None:
        """Write one order to the wire, once, and return when it has left this process."""
        ...

    async def send_cancel(self, broker_order_id: int) -> None: ...

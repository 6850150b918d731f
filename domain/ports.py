"""What the verbs of the desk need from the world, as protocols. Adapters live in ``infra``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode
from domain.instruments import Frozen, OptionContract, PriceIncrements, SecType, Side
from domain.market import OptionChain, Quote
from domain.order_evidence import BrokerStatus, Fill, OrderEvidence
from domain.orders import Order, OrderIntent, OrderState
from domain.portfolio import AccountState, AccountValues
from domain.recommendations import (
    ApprovedTrade,
    DecisionAction,
    RecommendationState,
    RuleResult,
    Terms,
)
from domain.risk.limits import Limits, TradingState
from domain.strategies.base import ChainWindow, StrategyContext, StrategyResult

# --- the broker ----------------------------------------------------------------------------


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


class BrokerOrder(Frozen):
    """One order in the broker's books, open or completed today."""

    order_ref: str
    perm_id: int
    broker_order_id: int = 0
    client_id: int = 0
    account_code: str
    con_id: int
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    status: BrokerStatus
    message: str = ""


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


class BrokerBooks(Frozen):
    """Open orders, completed orders and executions, read in that order after one full sync.

    Executions are read last, so a fill that ends an order while the books are being read is in
    them. Executions cover the broker's current day only.
    """

    began_at: AwareDatetime = Field(description="host time when the first request left")
    read_at: AwareDatetime = Field(description="market time when the reading ended")
    session_open: bool
    orders: tuple[BrokerOrder, ...]
    executions: tuple[BrokerExecution, ...]


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
    time_zone: str = ""
    under_con_id: int = 0
    option: OptionContract | None = None


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


class ChainReading(Frozen):
    """A chain and the broker's contracts behind its rows."""

    underlying: BrokerContract
    chain: OptionChain
    contracts: tuple[BrokerContract, ...]


class Broker(Protocol):
    """One gateway. Every call raises BrokerUnavailable while the connection is not fully synced."""

    @property
    def client_id(self) -> int: ...
    async def market_time(self) -> datetime: ...
    async def is_session_open(self) -> bool: ...

    def exchange_date(self, market_at: datetime) -> date:
        """The exchange's own date at a moment of market time."""
        ...

    async def account_values(self, account_code: str) -> AccountValues: ...
    async def positions(self, account_code: str) -> Sequence[BrokerPosition]: ...
    async def quote(self, contract: OptionContract) -> Quote: ...
    async def chain(self, symbol: str, window: ChainWindow) -> ChainReading: ...
    async def single(self, contract: OptionContract) -> ChainReading:
        """A chain of this one contract, read afresh."""
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


# --- stores --------------------------------------------------------------------------------


class RecommendationBrief(Frozen):
    """What a recommendation's workflow needs to know of it."""

    id: UUID
    state: RecommendationState
    terms: Terms
    gateway: str
    strategy: str
    summary: str
    withdrawn: bool = Field(default=False, description="a person asked for no further attempt")


class DeadlineCheck(Frozen):
    """Whether a recommendation still waits, and for how many host seconds it may."""

    state: RecommendationState
    host_seconds_left: float = Field(ge=0)
    decision_id: UUID | None = Field(default=None, description="the approval, once there is one")


class RecommendationStore(Protocol):
    async def brief(self, recommendation_id: UUID) -> RecommendationBrief: ...

    async def take_up(self, recommendation_id: UUID) -> RecommendationBrief:
        """The brief, with a note that the recommendation's workflow has it."""
        ...

    async def check_deadline(self, recommendation_id: UUID) -> DeadlineCheck:
        """Expire a waiting recommendation whose deadline has passed in market time."""
        ...

    async def decision_action(
        self, recommendation_id: UUID, decision_id: UUID
    ) -> DecisionAction | None:
        """APPROVE or REJECT if that decision is on record for that recommendation."""
        ...

    async def conclude(
        self,
        recommendation_id: UUID,
        state: RecommendationState,
        code: ErrorCode | None,
        reason: str,
    ) -> None:
        """Move an approved recommendation to its final state; repeating it changes nothing."""
        ...


class OrderRecord(Frozen):
    """A stored order with what is needed to send, find and cancel it."""

    order: Order
    intent: OrderIntent
    recommendation_id: UUID
    decision_id: UUID
    attempt: int
    gateway: str
    broker_order_id: int | None = None
    client_id: int | None = None


class TradeContext(Frozen):
    """An approval, re-read, with all that our own records add to the judgement of it."""

    trade: ApprovedTrade
    gateway: str
    limits: Limits
    trading_state: TradingState
    already_filled: Decimal = Field(ge=0)
    attempts: int = Field(ge=0, description="orders made for this recommendation so far")
    open_attempt: str | None = Field(description="key of the one that is not finished, if any")
    open_order_keys: tuple[str, ...] = Field(description="other orders working on this contract")
    committed_assignment_cash: Decimal = Field(
        ge=0, description="what the other short-put orders under way would need"
    )
    orders_under_way: tuple[str, ...] = Field(description="all other orders of the account")
    executions_on_record: int = Field(
        ge=0, description="of the account: tells of an order that came and filled in between"
    )


class OrderLedger(Protocol):
    """The desk's own record of orders. Every method is one committed transaction."""

    async def trade_context(self, recommendation_id: UUID, decision_id: UUID) -> TradeContext:
        """Re-read an approval. Raises GreenlightError NOT_APPROVED, TERMS_CHANGED, …"""
        ...

    async def find(self, order_key: str) -> OrderRecord | None: ...

    async def make_ready(
        self,
        context: TradeContext,
        intent: OrderIntent,
        attempt: int,
        rules: Sequence[RuleResult],
        what_if: WhatIf,
    ) -> OrderRecord:
        """Record an attempt as READY; an attempt already recorded is returned as it is."""
        ...

    async def record_denial(
        self, context: TradeContext, rules: Sequence[RuleResult], what_if: WhatIf | None
    ) -> None:
        """Keep the controls that refused an approved trade, for the card and the audit."""
        ...

    async def claim(self, order_key: str, broker_order_id: int, client_id: int) -> bool:
        """Take the one permission to send: READY → SENDING under this worker's lease.

        False when the order is not READY any more. Raises GreenlightError LEASE_LOST,
        TRADING_HALTED, TRADING_REDUCING, ORDER_CANCELLED (withdrawn) or SEND_ABANDONED (an
        earlier attempt has filled after all); the order then stays READY.
        """
        ...

    async def record(self, order_key: str, evidence: OrderEvidence) -> OrderRecord: ...

    async def record_books(self, gateway: str, books: BrokerBooks) -> list[str]:
        """Fold the broker's books into every order of the gateway; keys of changed orders."""
        ...

    async def in_doubt(self, gateway: str) -> list[str]:
        """Keys of orders that may be at the broker and are not proven finished."""
        ...


class OrderWatch(Protocol):
    """Waiting for what the listener writes, without polling the broker."""

    async def until_state_leaves(
        self, order_key: str, state: OrderState, timeout_seconds: float
    ) -> OrderRecord:
        """The record once its state is no longer ``state``, or as it stands at the time-out."""
        ...

    async def until_broker_ends(self, order_key: str, timeout_seconds: float) -> OrderRecord:
        """The record once the broker reported an end or a fill of it, or at the time-out."""
        ...


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


class RunPlan(Frozen):
    """What one strategy run will look at."""

    run_id: UUID
    instance_id: UUID
    gateway: str
    account_code: str
    universe: tuple[str, ...]
    window: ChainWindow
    predecessor_id: UUID | None = Field(
        default=None, description="the denied recommendation this run seeks a successor to"
    )


class RunOutcome(Frozen):
    """What a strategy run left behind."""

    run_id: UUID
    proposed: tuple[UUID, ...] = ()
    summaries: tuple[str, ...] = Field(default=(), description="of ``proposed``, in its order")
    superseded: tuple[UUID, ...] = ()
    signals: int = 0
    opportunities: int = 0
    errors: tuple[str, ...] = ()

    def summary_of(self, number: int) -> str | None:
        """The summary of a proposed recommendation, by its place in ``proposed``."""
        return self.summaries[number] if number < len(self.summaries) else None


class StrategyStore(Protocol):
    async def runnable_instances(self) -> list[UUID]:
        """Enabled instances whose gateway is connected and whose market is open."""
        ...

    async def begin_run(self, instance_id: UUID, workflow_id: str) -> RunPlan:
        """Record that a run began; repeating it for one workflow gives the same run.

        Raises GreenlightError STRATEGY_UNRESOLVED or CONFIG_INVALID; the run is then on record
        as failed.
        """
        ...

    async def begin_successor_run(self, recommendation_id: UUID, workflow_id: str) -> RunPlan:
        """A run over the one contract of a denied recommendation."""
        ...

    async def strategy_context(
        self, plan: RunPlan, chain_ids: Sequence[UUID]
    ) -> tuple[str, StrategyContext, AccountState]:
        """``code_ref``, the strategy's instance with its market, and the account's state."""
        ...

    async def save_result(
        self, plan: RunPlan, result: StrategyResult, errors: Sequence[str]
    ) -> RunOutcome:
        """Keep all a run found; a recommendation it replaces is superseded. Idempotent."""
        ...

    async def fail_run(self, run_id: UUID, errors: Sequence[str]) -> None: ...


class UndeliveredDecision(Frozen):
    """A decision on record whose workflow has not read it."""

    recommendation_id: UUID
    decision_id: UUID
    action: DecisionAction


class RecommendationBacklog(Protocol):
    """What reconciliation finds left lying in our own records."""

    async def without_workflow(self) -> list[RecommendationBrief]: ...
    async def undelivered_decisions(self) -> list[UndeliveredDecision]: ...


class DecisionDelivery(Protocol):
    """Handing work to recommendation workflows. Every call may be repeated."""

    async def start(self, brief: RecommendationBrief) -> None: ...
    async def deliver(self, decision: UndeliveredDecision) -> None: ...

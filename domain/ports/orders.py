"""The ports to the desk's own record of orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol
from uuid import UUID

from pydantic import Field

from domain.gateways import GatewayKind
from domain.instruments import Frozen
from domain.order_evidence import OrderEvidence
from domain.orders import Order, OrderIntent, OrderState
from domain.ports.broker import BrokerBooks, WhatIf
from domain.recommendations import ApprovedTrade, RuleResult
from domain.risk.limits import LimitsInForce, TradingState
from domain.risk.pretrade_inputs import DayRecord, HeldGreeks
from domain.risk.trade_margin import TradeMargin


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
    gateway_kind: GatewayKind
    strategy: str = Field(description="slug of the strategy that offered the trade")
    approved_hash: str = Field(description="of the terms the decision was made on")
    limits: LimitsInForce
    record: DayRecord
    held_greeks: dict[str, HeldGreeks] | None = Field(
        default=None, description="by position key; None where the account was never read"
    )
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


class Judgement(Frozen):
    """What an order was judged by: the controls' answers, and the margin as two see it."""

    rules: tuple[RuleResult, ...] = ()
    notional: Decimal = Field(
        default=Decimal(0), description="of the opened legs; zero for a close that reduces risk"
    )
    what_if: WhatIf | None = Field(default=None, description="the broker's preview")
    own_margin: TradeMargin | None = Field(
        default=None, description="our estimate of the same; of an order it follows later"
    )


class OrderLedger(Protocol):
    """The desk's own record of orders. Every method is one committed transaction."""

    async def trade_context(self, recommendation_id: UUID, decision_id: UUID) -> TradeContext:
        """Re-read an approval. Raises GreenlightError NOT_APPROVED, TERMS_CHANGED, …"""
        ...

    async def note_read(self, decision_id: UUID) -> None:
        """A decision was read, so nobody need announce it again; ``make_ready`` and
        ``record_denial`` note it too."""
        ...

    async def find(self, order_key: str) -> OrderRecord | None: ...

    async def make_ready(
        self,
        context: TradeContext,
        intent: OrderIntent,
        attempt: int,
        judgement: Judgement,
    ) -> OrderRecord:
        """Record an attempt as READY; an attempt already recorded is returned as it is."""
        ...

    async def keep_own_margin(self, order_key: str, own_margin: TradeMargin) -> None:
        """Add our own estimate to an order and its card. It is written once."""
        ...

    async def record_denial(self, context: TradeContext, judgement: Judgement) -> None:
        """Keep the controls that refused an approved trade, for the card and the audit."""
        ...

    async def claim(self, order_key: str, broker_order_id: int, client_id: int) -> bool:
        """Take the one permission to send: READY → SENDING under this worker's lease.

        False when the order is not READY any more. Raises GreenlightError LEASE_LOST,
        TRADING_HALTED, TRADING_REDUCING, ORDER_CANCELLED (withdrawn) or SEND_ABANDONED (an
        earlier attempt has filled after all); the order then stays READY.
        """
        ...

    async def confirm_claim(self, order_key: str) -> None:
        """Check, just before the wire is touched, that a claim may still be acted upon.

        Raises GreenlightError LEASE_LOST, ILLEGAL_TRANSITION, or BrokerUnavailable when it has
        become too late by Postgres's clock.
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

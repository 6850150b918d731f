"""Orders, their executions and the events that moved them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import (
    AccountBrief,
    Answer,
    Ask,
    ContractBrief,
    Exact,
    InstrumentBrief,
    LegBrief,
    UtcTime,
)
from domain.errors import ErrorCode
from domain.instruments import Side
from domain.order_evidence import BrokerStatus
from domain.orders import OrderState
from domain.risk.trade_margin import TradeMargin


class ExecutionRow(Answer):
    """One broker fill. ``superseded`` rows were corrected by a later one and do not count."""

    id: UUID
    exec_id: str
    order_id: UUID | None
    recommendation_id: UUID | None
    side: Side
    quantity: Exact
    price: Exact
    commission: Exact | None
    commission_currency: str | None
    realized_pnl: Exact | None
    executed_at: UtcTime = Field(description="market time")
    superseded: bool
    contract: InstrumentBrief | None
    con_id: int
    is_package: bool = Field(description="of a package at its net price; its legs have their own")
    account: AccountBrief
    client_id: UUID
    external: bool = Field(description="traded outside the desk")


class OrderRow(Answer):
    """One attempt at the broker."""

    id: UUID
    order_key: str
    recommendation_id: UUID
    attempt: int
    state: OrderState
    side: Side
    quantity: Exact
    filled_quantity: Exact
    average_price: Exact | None
    limit_price: Exact
    tif: str
    contract: ContractBrief = Field(description="of a package, the leg it is filed under")
    legs: list[LegBrief]
    trade: str = Field(description="what is traded, in words")
    account: AccountBrief
    client_id: UUID
    broker_order_id: int | None
    perm_id: int | None
    broker_status: str | None
    reason_code: ErrorCode | None
    reason: str
    advice: str | None = Field(description="what to do about `reason_code`")
    absent_looks: int = Field(description="complete looks that did not find the order")
    may_cancel: bool
    may_declare_not_sent: bool
    may_declare_ended: bool
    declared_quantity: Exact | None = Field(
        description="executed in all, as a person declared it; null where nobody did"
    )
    commission_total: Exact | None
    sent_at: UtcTime | None
    acknowledged_at: UtcTime | None
    ended_at: UtcTime | None
    created_at: UtcTime
    workflow_url: str


class OrderWithExecutions(OrderRow):
    executions: list[ExecutionRow]


class OrderEventRow(Answer):
    id: UUID
    at: UtcTime
    kind: str
    state_before: OrderState | None
    state_after: OrderState | None
    perm_id: int | None
    exec_id: str | None
    payload: dict[str, Any]


class EndingEvidence(Answer):
    """What speaks for declaring an order over. Positions are null until read after the claim."""

    looks: int = Field(description="complete, spaced looks at the books that left it in doubt")
    looked_at: UtcTime | None = Field(description="market time of the latest")
    shown_as: BrokerStatus | None = Field(description="null where the books did not have it")
    position_before: Exact | None
    position_now: Exact | None
    missed: Exact | None = Field(
        description="change of the position that no execution on record explains, counted in the "
        "direction of the order"
    )


class OrderDetail(OrderWithExecutions):
    what_if: dict[str, Any] | None = Field(description="the broker's margin preview")
    own_margin: TradeMargin | None = Field(description="our estimate of the same margin")
    events: list[OrderEventRow]
    ending_evidence: EndingEvidence | None = Field(description="of an order in doubt")


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class DeclareNotSentAsk(Ask):
    reason: Reason


class DeclareEndedAsk(Ask):
    executed_quantity: Exact = Field(ge=0, description="contracts traded in all")
    reason: Reason

"""The frame around every screen: market, gateways, accounts and what needs attention."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import Answer, Exact, UtcTime
from domain.market import QuoteQuality
from domain.risk.limits import TradingState
from infra.db.models import ConnectionState, GatewayKind


class MarketAnswer(Answer):
    now: UtcTime | None = Field(description="market time; null until the broker's clock was read")
    rate: float = Field(description="market seconds per second")
    session_open: bool
    session_close_at: UtcTime | None
    time_zone: str = Field(description="IANA zone of the exchange")
    data_quality: QuoteQuality | None = Field(
        description="of the latest look at an underlying's market; null before the first"
    )
    data_as_of: UtcTime | None = Field(description="market time of that look")


class GatewayAnswer(Answer):
    slug: str
    name: str
    kind: GatewayKind
    connection: ConnectionState
    connection_detail: str
    connected_at: UtcTime | None
    clock_read_at: UtcTime | None


class DeskAccount(Answer):
    """An account with its latest snapshot; the values are null before the first one."""

    id: UUID
    client_id: UUID
    portfolio_id: UUID
    portfolio_name: str
    code: str
    alias: str
    label: str
    kind: GatewayKind
    currency: str
    trading_state: TradingState
    net_liquidation: Exact | None
    cash: Exact | None
    buying_power: Exact | None
    snapshot_as_of: UtcTime | None = Field(description="market time")
    positions_count: int


class DeskCounts(Answer):
    pending_recommendations: int
    working_orders: int
    unknown_orders: int
    open_alerts: int


class Desk(Answer):
    trading_state: TradingState
    autotrade_enabled: bool
    temporal_ui_url: str
    market: MarketAnswer
    gateways: list[GatewayAnswer]
    accounts: list[DeskAccount]
    counts: DeskCounts

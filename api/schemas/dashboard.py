"""The first look of the day: what there is, what is at stake, what is coming."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, Exact, UtcTime
from domain.gateways import GatewayKind
from domain.risk.limits import TradingState
from infra.db.models import RunStatus


class MarginGauge(Answer):
    """Maintenance margin over equity with loan value, and where it begins to matter."""

    usage: float | None = Field(description="fraction; null where equity is not positive")
    warning: float
    critical: float = Field(description="an alert is critical from here on")
    limit: float = Field(description="no order may take the account beyond")


class DashboardAccount(Answer):
    """One account as last ingested; every figure null before the first reading."""

    account: AccountBrief
    trading_state: TradingState
    currency: str
    as_of: UtcTime | None = Field(description="market time")
    net_liquidation: Exact | None = None
    cash: Exact | None = None
    buying_power: Exact | None = None
    excess_liquidity: Exact | None = None
    maint_margin: Exact | None = None
    day_pnl: Exact | None = Field(
        default=None,
        description="change of net liquidation value since the exchange day began",
    )
    margin: MarginGauge
    positions_count: int


class DashboardTotal(Answer):
    """The accounts of one kind of money and one currency together. ``day_pnl`` is null unless
    known of all."""

    kind: GatewayKind
    currency: str
    accounts: int
    net_liquidation: Exact
    cash: Exact
    buying_power: Exact
    maint_margin: Exact
    day_pnl: Exact | None
    day_pnl_fraction: float | None = Field(description="of the value the day began with")
    positions_count: int


class Exposure(Answer):
    """Gross at stake in one underlying; see ``AccountState.exposure_by_underlying``."""

    kind: GatewayKind
    symbol: str
    currency: str
    notional: Exact
    fraction: float | None = Field(
        description="of net liquidation value in that kind of money and currency"
    )


class Expiry(Answer):
    """All options that expire on one day, in accounts of one kind of money."""

    kind: GatewayKind

    expiry: date
    dte: int
    symbols: list[str]
    long_contracts: Exact
    short_contracts: Exact
    short_notional: Exact
    short_in_the_money: Exact
    short_unknown: Exact = Field(description="contracts of which nobody can tell")


class StrategyAtWork(Answer):
    id: UUID
    name: str
    strategy: str
    account: AccountBrief
    last_run_at: UtcTime | None
    last_run_status: RunStatus | None
    last_run_errors: int


class Dashboard(Answer):
    accounts: list[DashboardAccount]
    totals: list[DashboardTotal] = Field(description="real money first, then the largest")
    exposures: list[Exposure] = Field(description="real money first, then the largest")
    expiries: list[Expiry] = Field(description="within seven days, the next first")
    strategies: list[StrategyAtWork] = Field(description="enabled ones, by name")


class ValuePoint(Answer):
    at: UtcTime = Field(description="market time")
    net_liquidation: Exact
    maint_margin: Exact
    excess_liquidity: Exact
    margin_usage: float | None


class ValueHistory(Answer):
    """Values of the accounts of one kind of money and one currency together, oldest first."""

    kind: GatewayKind | None = Field(description="real money before paper before simulated")
    currency: str | None = Field(description="null where no account was ever read")
    left_out: list[AccountBrief] = Field(
        description="of another kind of money or currency, or never read"
    )
    points: list[ValuePoint]

"""Positions and risk over all accounts a person looks at."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, Exact, UtcTime
from api.schemas.dashboard import Expiry, MarginGauge
from domain.gateways import GatewayKind
from domain.instruments import Right, SecType
from domain.market import QuoteQuality
from domain.risk.combined import CombinedStress
from domain.risk.exposures import Greeks


class Assignment(Answer):
    """A short option in the money, and what its assignment would mean."""

    in_the_money: float = Field(description="per share")
    extrinsic: float | None = Field(description="per share: what early exercise gives up")
    probability: float | None = Field(description="|delta|: about the chance to end in the money")
    shares: Exact = Field(description="change of the shares held")
    cash: Exact = Field(description="change of cash")


class ExDividend(Answer):
    """The next dividend before a short call expires."""

    ex_date: date
    dividend: Exact = Field(description="per share")
    is_estimate: bool
    is_likely: bool = Field(description="early exercise pays for whoever holds the call")
    cost: Exact = Field(description="owed on all of it if assigned uncovered")


class PositionRow(Answer):
    """One holding with our own greeks; null where they are not known."""

    id: str
    account: AccountBrief
    symbol: str
    description: str
    sec_type: SecType
    expiry: date | None
    strike: Exact | None
    right: Right | None
    multiplier: Exact
    currency: str
    quantity: Exact = Field(description="signed: negative is short")
    average_cost: Exact = Field(description="per unit including the multiplier, as IBKR tells it")
    market_price: Exact | None = Field(description="per share")
    market_value: Exact | None
    unrealized_pnl: Exact | None
    daily_pnl: Exact | None
    dte: int | None = Field(description="calendar days to expiry")
    underlying_price: Exact | None
    moneyness: float | None = Field(
        description="how far in the money, of the underlying's price; negative is outside"
    )
    iv: float | None = Field(description="annualised, decimal")
    delta: float | None = Field(description="of one long unit, per share")
    delta_shares: float | None = Field(description="of the position, in shares")
    gamma_shares: float | None = Field(description="change of delta_shares per 1.00 of price")
    vega_point: float | None = Field(description="of the position, per volatility point")
    theta_per_day: float | None = Field(description="of the position, per calendar day")
    assignment: Assignment | None
    ex_dividend: ExDividend | None
    next_earnings: date | None
    earnings_known_to: date | None
    spread_fraction: float | None = Field(description="spread over mid")
    quality: QuoteQuality | None
    quoted_at: UtcTime | None = Field(description="market time")


class UnderlyingRow(Answer):
    """One underlying over all accounts. Greeks are in currency, see ``Greeks``."""

    symbol: str
    price: float | None
    sector: str | None
    beta: float | None
    notional: Exact = Field(description="gross at stake")
    fraction: float | None = Field(description="of net liquidation value")
    unrealized_pnl: Exact | None
    daily_pnl: Exact | None
    delta_shares: float
    greeks: Greeks
    positions: int
    next_earnings: date | None
    next_ex_date: date | None
    worst_stress: float | None = Field(description="its worst cell, others standing still")


class PortfolioGreeksAnswer(Answer):
    total: Greeks
    beta_weighted_delta: float = Field(description="in currency, like delta")
    beta_weighted_units: float | None = Field(description="in shares of the benchmark")
    benchmark: str | None
    unknown_beta: list[str]
    unpriced: list[str] = Field(description="positions that are in no sum")


class AccountMargin(Answer):
    """The broker's margin of one account beside our own estimates."""

    account: AccountBrief
    as_of: UtcTime
    net_liquidation: Exact
    excess_liquidity: Exact
    init_margin: Exact
    maint_margin: Exact
    gauge: MarginGauge
    estimated_portfolio_margin: float
    estimated_reg_t_margin: float
    post_expiry_margin: float | None = Field(
        description="our Reg-T estimate after this week's expiries; null where there are none"
    )
    assignment_cash: Exact = Field(description="cash needed if every short put is assigned")
    cash: Exact


class PortfolioRisk(Answer):
    """Everything held in the accounts of one kind of money and one currency, and what it risks
    together."""

    kind: GatewayKind | None = Field(description="real money before paper before simulated")
    currency: str | None = Field(description="null where no account was ever read")
    left_out: list[AccountBrief] = Field(
        description="of another kind of money or currency, or never read"
    )
    equity: Exact
    accounts: list[AccountMargin]
    positions: list[PositionRow] = Field(description="by underlying, expiry, strike")
    underlyings: list[UnderlyingRow] = Field(description="most at stake first")
    greeks: PortfolioGreeksAnswer | None
    stress: CombinedStress | None
    expiries: list[Expiry] = Field(description="the next first")


NOTHING_HELD = PortfolioRisk(
    kind=None,
    currency=None,
    left_out=[],
    equity=Decimal(0),
    accounts=[],
    positions=[],
    underlyings=[],
    greeks=None,
    stress=None,
    expiries=[],
)

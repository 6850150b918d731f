"""How much of an account is at risk, and in what."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, SecType
from domain.portfolio import ZERO, AccountState
from domain.risk.expiries import (
    AssignmentExposure,
    ExDividendExposure,
    ExpiryGroup,
    assignment_exposure,
    ex_dividend_exposure,
    expiry_groups,
)
from domain.risk.exposures import (
    PortfolioGreeks,
    PositionLiquidity,
    SectorConcentration,
    UnderlyingRisk,
    liquidity,
    portfolio_greeks,
    sector_concentration,
    underlying_risks,
)
from domain.risk.margin_estimate import GroupMargin, estimate_portfolio_margin
from domain.risk.margin_inputs import margin_legs
from domain.risk.margin_regt import regt_margin
from domain.risk.post_expiry import PostExpiryMargin, post_expiry_margin
from domain.risk.ratios import ratio
from domain.risk.scenarios import StressView, stress
from domain.risk.usage import MarginUsage, margin_usage
from domain.risk.valuation import STANDARD, Book, PricingAssumptions, value_book


class NameConcentration(Frozen):
    """What depends on one underlying."""

    symbol: str
    notional: Decimal = Field(description="gross, see AccountState.exposure_by_underlying")
    fraction: Decimal | None = Field(
        description="of net liquidation value; None when that is not positive"
    )


class MarginEstimates(Frozen):
    """Our own estimates, to set beside the broker's figures; the broker's govern.

    In the account's currency. Positions named in ``left_out`` have no price and are in no figure,
    which then says too little.
    """

    reg_t_initial: float
    reg_t_maintenance: float
    portfolio_initial: float
    portfolio_maintenance: float
    portfolio_usage: float | None = Field(
        description="estimated portfolio margin over equity with loan value"
    )
    groups: tuple[GroupMargin, ...] = Field(description="portfolio margin, largest first")
    left_out: tuple[str, ...]


class RiskState(MarginUsage):
    """The risk figures of one account. Ratios are decimal fractions to six places."""

    currency: str
    cash: Decimal
    equity: Decimal = Field(description="net liquidation value")
    equity_with_loan: Decimal
    buying_power: Decimal
    available_funds: Decimal
    excess_liquidity: Decimal
    init_margin: Decimal = Field(description="the broker's")
    maint_margin: Decimal = Field(description="the broker's")
    unrealized_pnl: Decimal | None = Field(description="None unless told of every position")
    assignment_cash: Decimal = Field(description="cash needed if every short put is assigned")
    cash_settled_put_notional: Decimal
    assignment_coverage: Decimal | None = Field(
        description="cash over assignment cash; None when no short put needs any"
    )
    concentration: tuple[NameConcentration, ...] = Field(description="largest first")
    positions_count: int = Field(ge=0)
    options_count: int = Field(ge=0)
    short_put_contracts: Decimal
    short_call_contracts: Decimal
    unpriced_positions: tuple[str, ...] = Field(
        description="keys of positions without a market value or without greeks"
    )
    margin: MarginEstimates
    sectors: tuple[SectorConcentration, ...] = Field(description="largest first")
    greeks: PortfolioGreeks
    underlyings: tuple[UnderlyingRisk, ...] = Field(description="most at stake first")
    liquidity: tuple[PositionLiquidity, ...] = Field(description="every option held")
    expiries: tuple[ExpiryGroup, ...] = Field(description="the next first")
    assignment: tuple[AssignmentExposure, ...] = Field(description="short options in the money")
    ex_dividend: tuple[ExDividendExposure, ...]
    post_expiry: PostExpiryMargin | None = Field(description="None where nothing expires this week")
    stress: StressView

    @property
    def largest_name(self) -> NameConcentration | None:
        return self.concentration[0] if self.concentration else None

    @property
    def cash_shortfall(self) -> Decimal:
        """Assignment cash beyond the cash held, as a positive amount; zero when covered."""
        if self.assignment_coverage is None or self.assignment_coverage >= 1:
            return ZERO
        return self.assignment_cash * (1 - self.assignment_coverage)


def compute_risk_state(
    account_state: AccountState, assumptions: PricingAssumptions = STANDARD
) -> RiskState:
    """The risk of any account, the empty and the broke one included; never raises.

    The same account gives the same state: nothing here reads a clock or draws a number.
    """
    values = account_state.values
    positions = account_state.positions
    needed = account_state.assignment_cash
    with np.errstate(all="ignore"):
        book = value_book(account_state, assumptions)
        valueless = {p.key for p in positions if p.market_value is None} | set(book.unpriced)
        return RiskState(
            **dict(margin_usage(account_state)),
            currency=values.currency,
            cash=values.cash,
            equity=values.net_liquidation,
            equity_with_loan=values.equity_with_loan,
            buying_power=values.buying_power,
            available_funds=values.available_funds,
            excess_liquidity=values.excess_liquidity,
            init_margin=values.init_margin,
            maint_margin=values.maint_margin,
            unrealized_pnl=_unrealized(account_state),
            assignment_cash=needed,
            cash_settled_put_notional=account_state.cash_settled_put_notional,
            assignment_coverage=ratio(values.cash, needed),
            concentration=_concentration(account_state),
            positions_count=len(positions),
            options_count=sum(position.sec_type is SecType.OPTION for position in positions),
            short_put_contracts=sum((abs(p.quantity) for p in account_state.short_puts), ZERO),
            short_call_contracts=sum((abs(p.quantity) for p in positions if p.is_short_call), ZERO),
            unpriced_positions=tuple(p.key for p in positions if p.key in valueless),
            margin=_margin(account_state, book),
            sectors=sector_concentration(account_state),
            greeks=portfolio_greeks(account_state, book),
            underlyings=underlying_risks(account_state, book),
            liquidity=liquidity(account_state),
            expiries=expiry_groups(account_state, book),
            assignment=assignment_exposure(account_state, book),
            ex_dividend=ex_dividend_exposure(account_state, book),
            post_expiry=post_expiry_margin(account_state, book, assumptions),
            stress=stress(book),
        )


def _concentration(account: AccountState) -> tuple[NameConcentration, ...]:
    return tuple(
        NameConcentration(
            symbol=symbol,
            notional=notional,
            fraction=ratio(notional, account.values.net_liquidation),
        )
        for symbol, notional in account.exposure_by_underlying.items()
    )


def _margin(account: AccountState, book: Book) -> MarginEstimates:
    by_rule = regt_margin(margin_legs(book))
    by_portfolio = estimate_portfolio_margin(book)
    equity = float(account.values.equity_with_loan)
    missing = {book.positions[index].key for index in by_rule.unmargined}
    missing.update(by_portfolio.unmargined)
    return MarginEstimates(
        reg_t_initial=by_rule.initial,
        reg_t_maintenance=by_rule.maintenance,
        portfolio_initial=by_portfolio.initial,
        portfolio_maintenance=by_portfolio.maintenance,
        portfolio_usage=by_portfolio.maintenance / equity if equity > 0 else None,
        groups=by_portfolio.groups,
        left_out=tuple(sorted(missing)),
    )


def _unrealized(account: AccountState) -> Decimal | None:
    told = [p.unrealized_pnl for p in account.positions if p.unrealized_pnl is not None]
    return sum(told, ZERO) if len(told) == len(account.positions) else None

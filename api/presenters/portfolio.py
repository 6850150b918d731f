"""Positions and risk, as the API words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from api.presenters.common import account_brief
from api.presenters.dashboard import expiry
from api.schemas.common import AccountBrief
from api.schemas.dashboard import MarginGauge
from api.schemas.portfolio import (
    AccountMargin,
    Assignment,
    ExDividend,
    PortfolioGreeksAnswer,
    PortfolioRisk,
    PositionRow,
    UnderlyingRow,
)
from domain.instruments import Right
from domain.portfolio import AccountState, PositionState
from domain.risk.combined import CombinedUnderlying, combine
from domain.risk.state import RiskState
from domain.risk.valuation import exchange_today
from domain.underlyings import UnderlyingFacts
from infra.db.queries.columns import AnyRow

Facts = Mapping[str, UnderlyingFacts]


@dataclass(frozen=True, slots=True)
class AccountAtRisk:
    """One account's row, its book and what that risks."""

    row: AnyRow
    book: AccountState
    risk: RiskState
    gauge: MarginGauge


def portfolio_risk(
    accounts: Sequence[AccountAtRisk], left_out: Sequence[AnyRow], facts: Facts
) -> PortfolioRisk:
    """``accounts`` are at least one, all of one kind of money and in one currency."""
    kind = accounts[0].row.account_kind
    combined = combine([each.risk for each in accounts])
    positions = [row for each in accounts for row in _positions(each, facts)]
    positions.sort(key=_by_underlying)
    worst = _worst_by_name(accounts)
    return PortfolioRisk(
        kind=kind,
        currency=accounts[0].risk.currency,
        left_out=[account_brief(row) for row in left_out],
        equity=combined.equity,
        accounts=[_account(each) for each in accounts],
        positions=positions,
        underlyings=[
            _underlying(each, facts, accounts, worst.get(each.risk.symbol))
            for each in combined.underlyings
        ],
        greeks=PortfolioGreeksAnswer.model_validate(combined.greeks.model_dump()),
        stress=combined.stress,
        expiries=[expiry(kind, group) for group in combined.expiries],
    )


def _by_underlying(row: PositionRow) -> tuple[str, date, Decimal, str, str]:
    return (
        row.symbol,
        row.expiry or date.min,
        row.strike or Decimal(0),
        row.right or "",
        row.account.code,
    )


def _positions(account: AccountAtRisk, facts: Facts) -> list[PositionRow]:
    brief = account_brief(account.row)
    assignments = {
        each.key: Assignment.model_validate(each.model_dump()) for each in account.risk.assignment
    }
    dividends: dict[str, ExDividend] = {}
    for each in account.risk.ex_dividend:
        # Sorted by date: the first is the next.
        dividends.setdefault(each.key, ExDividend.model_validate(each.model_dump()))
    today = exchange_today(account.book.as_of)
    return [
        _position(brief, position, account.book, facts.get(position.symbol), today).model_copy(
            update={
                "assignment": assignments.get(position.key),
                "ex_dividend": dividends.get(position.key),
            }
        )
        for position in account.book.positions
    ]


def _position(
    account: AccountBrief,
    position: PositionState,
    book: AccountState,
    fact: UnderlyingFacts | None,
    today: date,
) -> PositionRow:
    option, greeks, quote = position.option, position.greeks, position.quote
    units = float(position.quantity) * float(position.multiplier)
    spot = _spot(position, book)
    mid = None if quote is None else quote.mid
    spread = None if quote is None else quote.spread
    return PositionRow(
        id=f"{account.id}:{position.key}",
        account=account,
        symbol=position.symbol,
        description=option.describe() if option else f"{position.symbol} shares",
        sec_type=position.sec_type,
        expiry=option.expiry if option else None,
        strike=option.strike if option else None,
        right=option.right if option else None,
        multiplier=position.multiplier,
        currency=position.currency,
        quantity=position.quantity,
        average_cost=position.average_cost,
        market_price=position.market_price,
        market_value=position.market_value,
        unrealized_pnl=position.unrealized_pnl,
        daily_pnl=position.daily_pnl,
        dte=(option.expiry - today).days if option else None,
        underlying_price=spot,
        moneyness=_moneyness(position, spot),
        iv=greeks.iv if greeks else None,
        delta=greeks.delta if greeks else None,
        delta_shares=units * greeks.delta if greeks else None,
        gamma_shares=units * greeks.gamma if greeks else None,
        vega_point=units * greeks.vega / 100 if greeks else None,
        theta_per_day=units * greeks.theta_per_day if greeks else None,
        assignment=None,
        ex_dividend=None,
        next_earnings=fact.next_earnings if fact else None,
        earnings_known_to=fact.earnings_known_to if fact else None,
        spread_fraction=float(spread / mid) if mid and spread is not None else None,
        quality=quote.quality if quote else None,
        quoted_at=quote.as_of if quote else None,
    )


def _spot(position: PositionState, book: AccountState) -> Decimal | None:
    known = book.underlyings.get(position.symbol)
    if known is not None and known.price is not None:
        return known.price
    return None if position.quote is None else position.quote.underlying_price


def _moneyness(position: PositionState, spot: Decimal | None) -> float | None:
    if position.option is None or not spot:
        return None
    inside = (spot - position.option.strike) / spot
    return float(inside if position.option.right is Right.CALL else -inside)


def _account(account: AccountAtRisk) -> AccountMargin:
    risk = account.risk
    return AccountMargin(
        account=account_brief(account.row),
        as_of=risk.as_of,
        net_liquidation=risk.equity,
        excess_liquidity=risk.excess_liquidity,
        init_margin=risk.init_margin,
        maint_margin=risk.maint_margin,
        gauge=account.gauge,
        estimated_portfolio_margin=risk.margin.portfolio_maintenance,
        estimated_reg_t_margin=risk.margin.reg_t_maintenance,
        post_expiry_margin=None if risk.post_expiry is None else risk.post_expiry.reg_t_maintenance,
        assignment_cash=risk.assignment_cash,
        cash=risk.cash,
    )


def _worst_by_name(accounts: Sequence[AccountAtRisk]) -> dict[str, float]:
    """The worst cells of each account added up: never too little."""
    worst: dict[str, float] = {}
    for account in accounts:
        for name in account.risk.stress.by_name:
            worst[name.symbol] = worst.get(name.symbol, 0.0) + name.worst.pnl
    return worst


def _underlying(
    each: CombinedUnderlying, facts: Facts, accounts: Sequence[AccountAtRisk], worst: float | None
) -> UnderlyingRow:
    risk, fact = each.risk, facts.get(each.risk.symbol)
    coming = [
        dividend.ex_date
        for account in accounts
        if (known := account.book.underlyings.get(risk.symbol)) is not None
        for dividend in known.dividends
    ]
    return UnderlyingRow(
        symbol=risk.symbol,
        price=risk.price,
        sector=risk.sector,
        beta=risk.beta,
        notional=risk.notional,
        fraction=None if each.fraction is None else float(each.fraction),
        unrealized_pnl=risk.unrealized_pnl,
        daily_pnl=risk.daily_pnl,
        delta_shares=risk.delta_shares,
        greeks=risk.greeks,
        positions=risk.positions,
        next_earnings=fact.next_earnings if fact else None,
        next_ex_date=min(coming, default=None),
        worst_stress=worst,
    )

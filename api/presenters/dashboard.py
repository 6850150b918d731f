"""The dashboard, as the API words it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from api.presenters.common import account_brief
from api.schemas.dashboard import (
    DashboardAccount,
    DashboardTotal,
    Expiry,
    Exposure,
    MarginGauge,
    StrategyAtWork,
    ValuePoint,
)
from domain.gateways import BY_STAKE, GatewayKind
from domain.portfolio import AccountState
from domain.risk.alerts import AlertThresholds
from domain.risk.combined import combine_expiries
from domain.risk.expiries import ExpiryGroup, expiry_groups
from domain.risk.limits import Limits
from domain.risk.ratios import ratio
from domain.risk.usage import margin_usage
from domain.risk.valuation import value_book
from infra.db.queries import books
from infra.db.queries.columns import AnyRow

SOON_DAYS = 7


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """An account's row, its book (None before the first reading) and what binds it."""

    row: AnyRow
    book: AccountState | None
    limits: Limits
    thresholds: AlertThresholds
    equity_at_open: Decimal | None

    @property
    def kind(self) -> GatewayKind:
        return self.row.account_kind


def account(read: ReadAccount) -> DashboardAccount:
    row, book = read.row, read.book
    if book is None:
        return DashboardAccount(
            account=account_brief(row),
            trading_state=row.trading_state,
            currency=row.account_currency,
            as_of=None,
            margin=gauge(read),
            positions_count=0,
        )
    values, opened = book.values, read.equity_at_open
    return DashboardAccount(
        account=account_brief(row),
        trading_state=row.trading_state,
        currency=values.currency,
        as_of=values.as_of,
        net_liquidation=values.net_liquidation,
        cash=values.cash,
        buying_power=values.buying_power,
        excess_liquidity=values.excess_liquidity,
        maint_margin=values.maint_margin,
        day_pnl=None if opened is None else values.net_liquidation - opened,
        margin=gauge(read),
        positions_count=len(book.positions),
    )


def gauge(read: ReadAccount) -> MarginGauge:
    return MarginGauge(
        usage=None if read.book is None else _float(margin_usage(read.book).pm_usage),
        warning=read.thresholds.pm_usage.warning,
        critical=read.thresholds.pm_usage.critical,
        limit=float(read.limits.max_pm_usage),
    )


def totals(accounts: Sequence[DashboardAccount]) -> list[DashboardTotal]:
    alike: defaultdict[tuple[GatewayKind, str], list[DashboardAccount]] = defaultdict(list)
    for each in accounts:
        if each.net_liquidation is not None:
            alike[each.account.kind, each.currency].append(each)
    found = [_total(kind, currency, held) for (kind, currency), held in alike.items()]
    return sorted(found, key=lambda total: (BY_STAKE.index(total.kind), -total.net_liquidation))


def _total(
    kind: GatewayKind, currency: str, accounts: Sequence[DashboardAccount]
) -> DashboardTotal:
    equity = _sum(each.net_liquidation for each in accounts)
    profits = [each.day_pnl for each in accounts if each.day_pnl is not None]
    day = _sum(profits) if len(profits) == len(accounts) else None
    return DashboardTotal(
        kind=kind,
        currency=currency,
        accounts=len(accounts),
        net_liquidation=equity,
        cash=_sum(each.cash for each in accounts),
        buying_power=_sum(each.buying_power for each in accounts),
        maint_margin=_sum(each.maint_margin for each in accounts),
        day_pnl=day,
        day_pnl_fraction=None if day is None else _float(ratio(day, equity - day)),
        positions_count=sum(each.positions_count for each in accounts),
    )


def exposures(reads: Iterable[ReadAccount], sums: Sequence[DashboardTotal]) -> list[Exposure]:
    equity = {(total.kind, total.currency): total.net_liquidation for total in sums}
    at_stake: defaultdict[tuple[GatewayKind, str, str], Decimal] = defaultdict(Decimal)
    for read in reads:
        if read.book is not None:
            for symbol, notional in read.book.exposure_by_underlying.items():
                at_stake[read.kind, symbol, read.book.values.currency] += notional
    found = [
        Exposure(
            kind=kind,
            symbol=symbol,
            currency=currency,
            notional=notional,
            fraction=_float(ratio(notional, equity[kind, currency])),
        )
        for (kind, symbol, currency), notional in at_stake.items()
    ]
    return sorted(found, key=lambda each: (BY_STAKE.index(each.kind), -each.notional, each.symbol))


def expiries(reads: Iterable[ReadAccount]) -> list[Expiry]:
    """What expires within a week; prices every book, so beside the event loop."""
    groups: defaultdict[GatewayKind, list[ExpiryGroup]] = defaultdict(list)
    for read in reads:
        if read.book is not None:
            found = expiry_groups(read.book, value_book(read.book))
            groups[read.kind] += [group for group in found if group.dte <= SOON_DAYS]
    alike = [expiry(kind, group) for kind in BY_STAKE for group in combine_expiries(groups[kind])]
    return sorted(alike, key=lambda each: each.expiry)


def expiry(kind: GatewayKind, group: ExpiryGroup) -> Expiry:
    return Expiry.model_validate({"kind": kind, **group.model_dump()})


def strategy(row: AnyRow) -> StrategyAtWork:
    return StrategyAtWork(
        id=row.id,
        name=row.name,
        strategy=row.strategy_name,
        account=account_brief(row),
        last_run_at=row.last_run_at,
        last_run_status=row.last_run_status,
        last_run_errors=row.last_run_errors or 0,
    )


def value_point(point: books.ValuePoint) -> ValuePoint:
    return ValuePoint(
        at=point.at,
        net_liquidation=point.net_liquidation,
        maint_margin=point.maint_margin,
        excess_liquidity=point.excess_liquidity,
        margin_usage=_float(ratio(point.maint_margin, point.equity_with_loan)),
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)

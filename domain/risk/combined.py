"""Several accounts looked at together: sums of what adds up, and nothing made of what does not.

Deltas, stress cells and notionals in one currency add up; margin does not cross accounts, so that
usage is told of each account by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from domain.instruments import Frozen
from domain.portfolio import ZERO
from domain.risk.expiries import ExpiryGroup
from domain.risk.exposures import Greeks, PortfolioGreeks, UnderlyingRisk
from domain.risk.ratios import ratio
from domain.risk.scenarios import StressCell
from domain.risk.state import RiskState


class CombinedStress(Frozen):
    """The grids of all accounts added cell by cell; see ``StressView``."""

    spot_moves: tuple[float, ...]
    vol_shifts: tuple[float, ...]
    pnl: tuple[tuple[float, ...], ...]
    worst: StressCell


class CombinedUnderlying(Frozen):
    """One underlying over all accounts. ``fraction`` is of the net liquidation value of all."""

    risk: UnderlyingRisk
    fraction: Decimal | None


class CombinedRisk(Frozen):
    """Accounts of one currency, together."""

    equity: Decimal
    greeks: PortfolioGreeks
    underlyings: tuple[CombinedUnderlying, ...]
    stress: CombinedStress
    expiries: tuple[ExpiryGroup, ...]


def combine(risks: Sequence[RiskState]) -> CombinedRisk:
    """``risks`` of at least one account, all in one currency.

    A sum of profits is None as soon as one of them is not known: it would say too little.
    """
    equity = sum((risk.equity for risk in risks), ZERO)
    return CombinedRisk(
        equity=equity,
        greeks=_greeks([risk.greeks for risk in risks]),
        underlyings=_underlyings(risks, equity),
        stress=_stress(risks),
        expiries=combine_expiries([group for risk in risks for group in risk.expiries]),
    )


def combine_expiries(groups: Sequence[ExpiryGroup]) -> tuple[ExpiryGroup, ...]:
    """One group per day, the next first."""
    by_day: defaultdict[date, list[ExpiryGroup]] = defaultdict(list)
    for group in groups:
        by_day[group.expiry].append(group)
    return tuple(_expiry(by_day[day]) for day in sorted(by_day))


def _expiry(groups: Sequence[ExpiryGroup]) -> ExpiryGroup:
    return ExpiryGroup(
        expiry=groups[0].expiry,
        dte=min(group.dte for group in groups),
        long_contracts=sum((group.long_contracts for group in groups), ZERO),
        short_contracts=sum((group.short_contracts for group in groups), ZERO),
        short_notional=sum((group.short_notional for group in groups), ZERO),
        short_in_the_money=sum((group.short_in_the_money for group in groups), ZERO),
        short_out_of_the_money=sum((group.short_out_of_the_money for group in groups), ZERO),
        short_unknown=sum((group.short_unknown for group in groups), ZERO),
        symbols=tuple(sorted({symbol for group in groups for symbol in group.symbols})),
    )


def _sum_greeks(each: Sequence[Greeks]) -> Greeks:
    return Greeks(
        delta=sum(greeks.delta for greeks in each),
        gamma_1pct=sum(greeks.gamma_1pct for greeks in each),
        vega_point=sum(greeks.vega_point for greeks in each),
        theta_per_day=sum(greeks.theta_per_day for greeks in each),
    )


def _greeks(each: Sequence[PortfolioGreeks]) -> PortfolioGreeks:
    benchmarks = {greeks.benchmark for greeks in each}
    units = [greeks.beta_weighted_units for greeks in each]
    known = [unit for unit in units if unit is not None]
    comparable = len(benchmarks) == 1 and len(known) == len(units)
    return PortfolioGreeks(
        total=_sum_greeks([greeks.total for greeks in each]),
        beta_weighted_delta=sum(greeks.beta_weighted_delta for greeks in each),
        beta_weighted_units=sum(known) if comparable else None,
        benchmark=each[0].benchmark if comparable else None,
        unknown_beta=tuple(sorted({name for greeks in each for name in greeks.unknown_beta})),
        unpriced=tuple(key for greeks in each for key in greeks.unpriced),
    )


def _underlyings(risks: Sequence[RiskState], equity: Decimal) -> tuple[CombinedUnderlying, ...]:
    by_symbol: defaultdict[str, list[UnderlyingRisk]] = defaultdict(list)
    for risk in risks:
        for name in risk.underlyings:
            by_symbol[name.symbol].append(name)
    merged = [_underlying(names) for names in by_symbol.values()]
    merged.sort(key=lambda name: (-name.notional, name.symbol))
    return tuple(
        CombinedUnderlying(risk=name, fraction=ratio(name.notional, equity)) for name in merged
    )


def _underlying(names: Sequence[UnderlyingRisk]) -> UnderlyingRisk:
    return names[0].model_copy(
        update={
            "price": next((name.price for name in names if name.price is not None), None),
            "notional": sum((name.notional for name in names), ZERO),
            "unrealized_pnl": _known_sum([name.unrealized_pnl for name in names]),
            "daily_pnl": _known_sum([name.daily_pnl for name in names]),
            "delta_shares": sum(name.delta_shares for name in names),
            "greeks": _sum_greeks([name.greeks for name in names]),
            "positions": sum(name.positions for name in names),
        }
    )


def _known_sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if len(known) == len(amounts) else None


def _stress(risks: Sequence[RiskState]) -> CombinedStress:
    views = [risk.stress for risk in risks]
    grid = views[0]
    pnl = np.sum([np.asarray(view.pnl) for view in views], axis=0)
    row, column = np.unravel_index(int(pnl.argmin()), pnl.shape)
    return CombinedStress(
        spot_moves=grid.spot_moves,
        vol_shifts=grid.vol_shifts,
        pnl=tuple(tuple(line) for line in pnl.tolist()),
        worst=StressCell(
            spot_move=grid.spot_moves[int(row)],
            vol_shift=grid.vol_shifts[int(column)],
            pnl=float(pnl[row, column]),
        ),
    )

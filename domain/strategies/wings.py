"""Wings: the long puts that make spreads of short ones, found for a whole chain at once, and found
again beside the short puts that are held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from domain.instruments import Frozen, OptionContract, Right, plain
from domain.market import BoolArray, FloatArray, IntArray, OptionChain, decimal_of
from domain.portfolio import ZERO, PositionState
from domain.put_cover import Series, put_series
from domain.recommendations import RuleResult
from domain.strategies.base import OpportunityMetrics
from domain.strategies.screening import DAYS_PER_YEAR, ShortColumns

NO_WING = -1
NARROWEST = 0.5
"""Of the width asked for: where the chain has a hole, a much narrower spread is another trade."""


class WingRules(Frozen):
    """Which long put is bought under a short one: so far below it, or of so small a delta."""

    width: Decimal | None = Field(default=None, gt=0, description="points, at most")
    max_delta: float | None = Field(default=None, gt=0, lt=1, description="absolute")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.width is None) == (self.max_delta is None):
            raise ValueError("a wing is chosen by its width or by its delta")
        return self


def find_wings(chain: OptionChain, may_be_bought: BoolArray, rules: WingRules) -> IntArray:
    """For the put in each row the row of the put bought under it, ``NO_WING`` where there is none.

    A wing is of the same class, expiry and multiplier. By width it is the one furthest below, at
    most ``width`` and at least half of it; by delta the nearest below whose delta is small enough.
    """
    found = np.full(len(chain), NO_WING, dtype=np.int64)
    delta = np.abs(chain.delta)
    for rows in _series_of(chain):
        wings = rows[may_be_bought[rows]]
        if rules.max_delta is not None:
            wings = wings[delta[wings] <= rules.max_delta]
        if not len(wings):
            continue
        wings = wings[np.argsort(chain.strike[wings])]
        found[rows] = _under(chain.strike, rows, wings, rules)
    return found


def _under(strike: FloatArray, rows: IntArray, wings: IntArray, rules: WingRules) -> IntArray:
    """``wings`` ascend by strike."""
    below, high = strike[wings], strike[rows]
    if rules.width is None:
        place = np.searchsorted(below, high, side="left") - 1
        return np.where(place >= 0, wings[place], NO_WING)
    width = float(rules.width)
    place = np.minimum(np.searchsorted(below, high - width - 1e-9), len(wings) - 1)
    apart = high - below[place]
    fits = (apart <= width + 1e-9) & (apart >= NARROWEST * width - 1e-9)
    return np.where(fits, wings[place], NO_WING)


def _series_of(chain: OptionChain) -> list[IntArray]:
    """The rows of the puts that settle together, series by series."""
    puts = np.flatnonzero(~chain.is_call)
    if not len(puts):
        return []
    _, kind = np.unique(np.asarray(chain.trading_class)[puts], return_inverse=True)
    _, size = np.unique(chain.multiplier[puts], return_inverse=True)
    keys = np.stack([kind, size, chain.expiry[puts]])
    _, series = np.unique(keys, axis=1, return_inverse=True)
    series = series.ravel()
    order = np.argsort(series, kind="stable")
    cuts = np.flatnonzero(np.diff(series[order])) + 1
    return np.split(puts[order], cuts)


def with_wings(chain: OptionChain, columns: ShortColumns, wing: IntArray) -> ShortColumns:
    """What selling each row with its wing would mean; nan where it has none.

    A spread ties up its width. Its own spread is measured by the mid of the short put: a net
    price may be close to nothing, and no measure.
    """
    has = wing != NO_WING
    rows = np.where(has, wing, 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width = np.where(has, chain.strike - chain.strike[rows], np.nan)
        mid = columns.mid - chain.mid[rows]
        spread = chain.ask - chain.bid + chain.ask[rows] - chain.bid[rows]
        ror = mid / width
        return columns.replaced(
            bid=chain.bid - chain.ask[rows],
            mid=mid,
            spread_fraction=spread / columns.mid,
            collateral=width,
            ror=ror,
            ror_annualised=ror * DAYS_PER_YEAR / np.where(columns.dte > 0, columns.dte, np.nan),
        )


def wing_metrics(
    metrics: OpportunityMetrics, chain: OptionChain, row: int, wing: int
) -> OpportunityMetrics:
    """``metrics`` of the put in ``row`` as those of the spread with the wing in ``wing``."""
    contract, lower = chain.contract(row), decimal_of(chain.strike[wing])
    wing_bid, wing_ask = (_price(column, wing) for column in (chain.bid, chain.ask))
    width = contract.strike - lower
    bid, ask = metrics.bid - wing_ask, metrics.ask - wing_bid
    mid = (bid + ask) / 2
    ror = float(mid / width)
    return metrics.model_copy(
        update={
            "bid": bid,
            "ask": ask,
            "mid": mid,
            "ror": ror,
            "ror_annualised": ror * DAYS_PER_YEAR / max(metrics.dte, 1),
            "breakeven": contract.strike - mid,
            "max_loss": (width - mid) * contract.multiplier,
            "collateral": width * contract.multiplier,
            "spread_fraction": float((ask - bid) / metrics.mid),
            "wing_strike": lower,
        }
    )


def wing_rule(metrics: OpportunityMetrics, strike: Decimal, rules: WingRules) -> RuleResult:
    """The wing as the approver reads it; a candidate has one."""
    assert metrics.wing_strike is not None
    if rules.width is not None:
        threshold = f"≤ {plain(rules.width)} points below"
    else:
        threshold = f"delta ≤ {rules.max_delta:.2f}"
    width = plain(strike - metrics.wing_strike)
    return RuleResult(
        rule="wing",
        value=f"the {plain(metrics.wing_strike)} put, {width} points below",
        threshold=threshold,
        passed=True,
    )


def _price(column: FloatArray, row: int) -> Decimal:
    """A wing that is held may have no bid: nobody pays for it."""
    price = float(column[row])
    return decimal_of(price) if np.isfinite(price) and price > 0 else ZERO


# --- what is held --------------------------------------------------------------------------


class HeldUnit(NamedTuple):
    """A short option, and the long put under it that is looked after with it."""

    short: PositionState
    wing: PositionState | None = None


def paired(positions: Sequence[PositionState]) -> list[HeldUnit]:
    """The short puts of ``positions`` with the long puts that settle with them.

    Each takes the nearest lower ones, the lowest short first, as many contracts as there are;
    what is left over of it stands alone.
    """
    series = defaultdict[Series, list[PositionState]](list)
    for position in positions:
        if position.option is not None and position.option.right is Right.PUT:
            series[put_series(position.option)].append(position)
    return [unit for puts in series.values() for unit in _paired(puts)]


def _paired(puts: Sequence[PositionState]) -> list[HeldUnit]:
    left = {each.key: each.quantity for each in puts if each.quantity > 0}
    longs = sorted((each for each in puts if each.quantity > 0), key=_strike, reverse=True)
    units: list[HeldUnit] = []
    for short in sorted((each for each in puts if each.is_short), key=_strike):
        alone = -short.quantity
        for wing in longs:
            count = min(alone, left[wing.key]) if _strike(wing) < _strike(short) else ZERO
            if count > 0:
                left[wing.key] -= count
                alone -= count
                units.append(HeldUnit(_part(short, -count), _part(wing, count)))
        if alone > 0:
            units.append(HeldUnit(_part(short, -alone)))
    return units


def _strike(position: PositionState) -> Decimal:
    option: OptionContract | None = position.option
    assert option is not None
    return option.strike


def _part(position: PositionState, quantity: Decimal) -> PositionState:
    """``average_cost`` is by unit; amounts of the whole position are left out of a part."""
    if quantity == position.quantity:
        return position
    return position.model_copy(
        update={
            "quantity": quantity,
            "market_value": None,
            "unrealized_pnl": None,
            "daily_pnl": None,
        }
    )

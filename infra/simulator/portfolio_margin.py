"""Portfolio margin in the manner of TIMS: an estimate, not IBKR's own figure.

Each product group is revalued after ten equally spaced moves of its underlyings, volatilities
unchanged: −8 % to +6 % for high-capitalisation broad indexes, ±10 % for other broad indexes, ±15 %
for equities and their funds. The requirement of a group is its largest loss, at least 37.50 USD
per short or long option contract (0.375 per share of its multiplier); gains of one group do not
offset losses of another. Funds on an index belong to the group of the index. The initial
requirement is 110 % of maintenance. IBKR's house add-ons (concentration, exposure fee, liquidity)
are not estimated. Ranges: Cboe, "Portfolio margining: customer portfolio margin rules", and
IBKR's portfolio margin page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from domain.pricing import european
from infra.simulator.margin import MarkedPosition, Requirement
from infra.simulator.reference import RISK_FREE_RATE

MOVES = 10
INITIAL_OVER_MAINTENANCE = 1.10
MINIMUM_PER_SHARE = 0.375
HIGH_CAP_RANGE, BROAD_RANGE, EQUITY_RANGE = (-0.08, 0.06), (-0.10, 0.10), (-0.15, 0.15)

_GROUPS = {
    "SPX": "S&P 500",
    "XSP": "S&P 500",
    "SPY": "S&P 500",
    "QQQ": "Nasdaq 100",
    "IWM": "Russell 2000",
}
_RANGES = {"S&P 500": HIGH_CAP_RANGE, "Nasdaq 100": HIGH_CAP_RANGE, "Russell 2000": BROAD_RANGE}
_VOL_WITHOUT_QUOTE = 0.5

FloatArray = npt.NDArray[np.float64]


def portfolio_requirement(positions: Sequence[MarkedPosition]) -> Requirement:
    """The margin of one account's whole book, USD."""
    groups: dict[str, list[MarkedPosition]] = defaultdict(list)
    for position in positions:
        symbol = position.security.symbol
        groups[_GROUPS.get(symbol, symbol)].append(position)
    maintenance = sum(_group_requirement(name, held) for name, held in groups.items())
    return Requirement(INITIAL_OVER_MAINTENANCE * maintenance, maintenance)


def scenario_profits(positions: Sequence[MarkedPosition], moves: FloatArray) -> FloatArray:
    """USD gained by the positions together after each relative move: shape of ``moves``."""
    profits = np.zeros_like(moves)
    for position in positions:
        units = position.quantity * position.security.multiplier
        spots = position.spot * (1 + moves)
        if not position.security.is_option:
            profits += units * (spots - position.spot)
            continue
        values = _option_values(position, np.append(spots, position.spot))
        profits += units * (values[:-1] - values[-1])
    return profits


def _group_requirement(name: str, positions: Sequence[MarkedPosition]) -> float:
    down, up = _RANGES.get(name, EQUITY_RANGE)
    worst = float(scenario_profits(positions, np.linspace(down, up, MOVES)).min())
    least = sum(
        abs(p.quantity) * p.security.multiplier * MINIMUM_PER_SHARE
        for p in positions
        if p.security.is_option
    )
    return max(-worst, least)


def _option_values(position: MarkedPosition, spots: FloatArray) -> FloatArray:
    security = position.security
    strike = float(security.strike or 0)
    sign = 1.0 if security.is_call else -1.0
    intrinsic = np.maximum(sign * (spots - strike), 0.0)
    if position.years <= 0:
        return intrinsic
    vol = position.iv if np.isfinite(position.iv) and position.iv > 0 else _VOL_WITHOUT_QUOTE
    values = european.price(
        spots,
        strike,
        position.years,
        RISK_FREE_RATE,
        security.underlying.dividend_yield,
        vol,
        security.is_call,
    )
    american = security.option_class is not None and not security.option_class.cash_settled
    return np.maximum(values, intrinsic) if american else values

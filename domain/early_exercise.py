"""When the holder of an American option gives up its time value: early assignment, as a rule.

Shared by the simulated gateway and backtests. The rules are Greenlight's own, on the evening of a
session:

- a call in the money is exercised before an ex-date when its time value is under the dividend;
- a put whose time value is under the interest on its strike until the next session is exercised
  with a chance of one in four, drawn from a seed: not every holder acts on it.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from domain.instruments import Right

PUT_ASSIGNMENT_CHANCE = 0.25


class Evening(NamedTuple):
    """One American option as a session ends. Prices per share."""

    right: Right
    strike: float
    spot: float
    mark: float
    dividends: float
    """Per share, with an ex-date before the next session opens."""
    nights: int
    """Calendar days to the next session."""
    risk_free: float
    """Annual, decimal."""


class Draw(NamedTuple):
    """What chance is drawn from: the same on every run."""

    seed: int
    con_id: int
    day: date


def is_assigned_early(option: Evening, draw: Draw) -> bool:
    """Whether a short position in the option is assigned tonight."""
    sign = 1 if option.right is Right.CALL else -1
    intrinsic = sign * (option.spot - option.strike)
    if intrinsic <= 0:
        return False
    time_value = option.mark - intrinsic
    if option.right is Right.CALL:
        return time_value < option.dividends
    interest = option.strike * option.risk_free * option.nights / 365
    if time_value >= interest:
        return False
    rng = np.random.default_rng([draw.seed, draw.con_id, draw.day.toordinal()])
    return bool(rng.random() < PUT_ASSIGNMENT_CHANCE)

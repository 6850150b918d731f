"""What a short option may be rolled into, and for how much."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, Right, Settlement
from domain.market import BoolArray, OptionChain
from domain.packages import combo_increments
from domain.strategies.holdings import HeldShort
from domain.strategies.screening import Screen, ShortColumns, screen_chain_data, screen_soundness
from domain.strategies.wheel_cycle import WheelCycle
from domain.strategies.wings import NO_WING, WingRules, find_wings, with_wings


class RollRules(Frozen):
    """When an option is rolled, and to what. Credits are net, per share."""

    trigger_dte: int = Field(ge=0, description="roll by this many days to expiry, if tested")
    min_credit: Decimal = Field(description="below zero, a debit is acceptable")
    max_width: Decimal = Field(description="furthest new strike, as a fraction of the old one")
    max_dte: int = Field(ge=1)
    max_delta: float
    max_spread_fraction: float
    max_give_back: Decimal = Field(
        description="part of the cycle's highest premium that rolls may pay back in all"
    )
    close_if_unable: bool = True
    wing: WingRules | None = Field(default=None, description="of the new option of a spread")


def least_credit(
    rules: RollRules, held: HeldShort, cycle: WheelCycle | None, settlement: Settlement
) -> Decimal:
    """The least net credit per share, rounded to what a package can trade at.

    Over a whole cycle rolls may give back ``max_give_back`` of the highest premium it has had:
    a debit that would take more is too much, whatever a single roll may cost.
    """
    least = rules.min_credit
    if cycle is not None and cycle.premium_high > 0:
        shares = held.contracts * held.option.multiplier
        floor = cycle.premium_high * (1 - rules.max_give_back)
        least = max(least, (floor - cycle.premium) / shares)
    return combo_increments(settlement).up(least)


def roll_targets(
    chain: OptionChain, columns: ShortColumns, held: HeldShort, rules: RollRules, least: Decimal
) -> Screen:
    """What the option may be rolled into: later, no nearer to the money, for enough credit."""
    option, is_put = held.option, held.option.right is Right.PUT
    strike, old = chain.strike, float(held.option.strike)
    screen = Screen.of(chain)
    screen.require("is_put" if is_put else "is_call", chain.is_call != is_put)
    screen_chain_data(screen, chain, columns.dte)
    screen_soundness(screen, chain)
    same_class = [name == option.trading_class for name in chain.trading_class]
    screen.require("same_class", np.asarray(same_class, dtype=np.bool_))
    screen.require("same_multiplier", chain.multiplier == float(option.multiplier))
    screen.require("later", columns.dte > held.dte)
    screen.require("dte", columns.dte <= rules.max_dte)
    screen.require("no_nearer", strike <= old if is_put else strike >= old)
    screen.require("width", np.abs(strike - old) <= float(rules.max_width) * old)
    screen.require("delta", np.abs(chain.delta) <= rules.max_delta)
    screen.require("spread", columns.spread_fraction <= rules.max_spread_fraction)
    mid = columns.mid
    if held.wing is not None and rules.wing is not None:
        wing = find_wings(chain, _may_be_bought(chain, columns), rules.wing)
        screen.require("wing", wing != NO_WING)
        mid = with_wings(chain, columns, wing).mid
    # At mid; the offer itself never goes below the least credit.
    screen.require("credit", mid - float(held.mid) >= float(least) - 1e-9)
    return screen


def _may_be_bought(chain: OptionChain, columns: ShortColumns) -> BoolArray:
    """A wing of a new spread is bought on as good data as its short option is sold on."""
    screen = Screen.of(chain)
    screen_chain_data(screen, chain, columns.dte)
    screen_soundness(screen, chain)
    return screen.alive


def best_target(
    chain: OptionChain, columns: ShortColumns, held: HeldShort, screen: Screen
) -> int | None:
    """The strike furthest out, the soonest expiry that still pays for it, then the best credit."""
    rows = screen.rows
    if not len(rows):
        return None
    sign = 1.0 if held.option.right is Right.PUT else -1.0
    order = np.lexsort(
        (chain.con_id[rows], -columns.mid[rows], columns.dte[rows], sign * chain.strike[rows])
    )
    return int(rows[order[0]])


def wing_of_target(
    chain: OptionChain, columns: ShortColumns, held: HeldShort, rules: RollRules, target: int
) -> int | None:
    """The row of the put bought with the option in row ``target``; None where none is wanted."""
    if held.wing is None or rules.wing is None:
        return None
    return int(find_wings(chain, _may_be_bought(chain, columns), rules.wing)[target])

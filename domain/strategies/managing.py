"""What to do about a short option that is held: keep it, buy it in, or roll it.

One core for every strategy. A strategy hands in its policy and the market; out comes a verdict
with every rule it rests on. Targets are measured at mid, against what the option was sold for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, OptionContract, Right, Settlement, Side, plain, price_text
from domain.market import BoolArray, IntArray, OptionChain, decimal_of
from domain.packages import combo_increments
from domain.portfolio import ZERO, PositionState
from domain.recommendations import RuleResult
from domain.strategies.filters import EPOCH
from domain.strategies.screening import Screen, ShortColumns, screen_chain_data, screen_soundness
from domain.strategies.wheel_cycle import WheelCycle
from domain.strategies.wings import NO_WING, HeldUnit, WingRules, find_wings, with_wings


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


class ManagePolicy(Frozen):
    """When a short option is bought in or rolled. What is None is not asked for."""

    take_profit: Decimal | None = Field(description="part of the credit that is enough, 0..1")
    stop_multiple: Decimal | None = Field(description="of the credit, at which the loss is cut")
    exit_dte: int | None = Field(description="no option is held this near to expiry")
    roll: RollRules | None = None


class Action(StrEnum):
    HOLD = "HOLD"
    CLOSE = "CLOSE"
    ROLL = "ROLL"


class Trigger(StrEnum):
    """Why something is done about a position."""

    NONE = "NONE"
    PROFIT = "PROFIT"
    STOP = "STOP"
    TESTED = "TESTED"
    TIME = "TIME"


@dataclass(frozen=True, slots=True)
class HeldWing:
    """The long put of a spread that is held. ``bid`` is None where nobody pays anything for it."""

    position: PositionState
    row: int
    bid: Decimal | None
    ask: Decimal


@dataclass(frozen=True, slots=True)
class HeldShort:
    """A short option held and its place in the chain. ``credit`` is per share, as it was sold.

    With a wing, ``credit``, ``bid`` and ``ask`` are net: those of the spread.
    """

    position: PositionState
    option: OptionContract
    row: int
    credit: Decimal
    bid: Decimal
    ask: Decimal
    dte: int
    is_tested: bool
    """The underlying has reached the strike."""
    wing: HeldWing | None = None

    @property
    def closing_rows(self) -> tuple[tuple[int, Side], ...]:
        """What is traded to close it. A wing that nobody bids for is left to expire."""
        if self.wing is None or self.wing.bid is None:
            return ((self.row, Side.BUY),)
        return (self.row, Side.BUY), (self.wing.row, Side.SELL)

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def contracts(self) -> int:
        return int(abs(self.position.quantity))

    @property
    def captured(self) -> Decimal:
        """The part of the credit earned so far; negative for a loss."""
        return 1 - self.mid / self.credit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done and why. ``target`` is the chain's row to roll into."""

    action: Action
    trigger: Trigger
    reason: str
    held: HeldShort
    policy: ManagePolicy
    target: int | None = None
    max_price: Decimal | None = None
    """The most a close may cost per share: a profit must remain the profit that was aimed at."""
    least_credit: Decimal = ZERO
    targets_removed: dict[str, IntArray] | None = None
    """Contracts looked at for a roll, by the rule that removed them."""

    @property
    def rules(self) -> tuple[RuleResult, ...]:
        """All that were looked at; those that passed are what moves the position."""
        reached = _reached(self.held, self.policy)
        return tuple(
            RuleResult(rule=rule, value=value, threshold=threshold, passed=reached[rule])
            for rule, value, threshold in _told(self.held, self.policy)
        )


def find_held(
    chain: OptionChain, units: Sequence[HeldUnit], today: date, *, fresh: bool
) -> list[HeldShort | str]:
    """Each short option, with its wing if it has one, and its market; or in words why it cannot be
    judged.

    Data faults are those of anything that is traded; a fault never moves a position. Only the rows
    that are held are looked at.
    """
    rows = [_row_of(chain, unit.short) for unit in units]
    # Of two units with wings apart, one row.
    part = chain.part(np.array(sorted({row for row in rows if row is not None}), dtype=np.int64))
    screen = Screen.of(part)
    screen.require("quote_fresh", fresh)
    if len(part):
        screen_chain_data(screen, part, part.dte(today))
    return [
        _held_in(chain, unit, row, screen, today) for unit, row in zip(units, rows, strict=True)
    ]


def _row_of(chain: OptionChain, position: PositionState) -> int | None:
    if position.option is None or not position.is_short:
        return None
    found = (chain.con_id == position.option.con_id).nonzero()[0]
    return int(found[0]) if found.size == 1 else None


def _held_in(
    chain: OptionChain, unit: HeldUnit, row: int | None, screen: Screen, today: date
) -> HeldShort | str:
    position, option = unit.short, unit.short.option
    if option is None or not position.is_short:
        return f"{position.description or position.key} is no short option."
    if row is None:
        return f"{option.describe()} cannot be judged: the chain does not have it."
    for rule, con_ids in screen.removed.items():
        if option.con_id in con_ids:
            return f"{option.describe()} cannot be judged: its market fails {rule}."
    credit = position.average_cost / position.multiplier
    bid, ask = decimal_of(float(chain.bid[row])), decimal_of(float(chain.ask[row]))
    wing = None if unit.wing is None else _find_wing(chain, unit.wing)
    if isinstance(wing, str):
        return f"{option.describe()} cannot be judged: {wing}"
    if wing is not None:
        credit -= wing.position.average_cost / wing.position.multiplier
        if wing.bid is not None:
            bid, ask = bid - wing.ask, ask - wing.bid
    if credit <= 0:
        return f"{option.describe()} cannot be judged: what it was sold for is not known."
    spot, strike = chain.underlying_price, float(option.strike)
    return HeldShort(
        position=position,
        option=option,
        row=row,
        credit=credit,
        bid=bid,
        ask=ask,
        dte=int(chain.expiry[row]) - (today - EPOCH).days,
        is_tested=spot <= strike if option.right is Right.PUT else spot >= strike,
        wing=wing,
    )


def _find_wing(chain: OptionChain, position: PositionState) -> HeldWing | str:
    """The long put of a spread in the chain, or what is wrong with it.

    Far out of the money nobody may bid for it, which is no fault: it is worth nothing then.
    """
    assert position.option is not None
    found = np.flatnonzero(chain.con_id == position.option.con_id)
    if found.size != 1:
        return f"the chain does not have its wing, the {position.option.describe()}."
    row = int(found[0])
    bid, ask = float(chain.bid[row]), float(chain.ask[row])
    if not bid > 0:
        return HeldWing(position, row, None, ZERO)
    if not bid <= ask < chain.strike[row]:
        return f"the market of its wing, the {position.option.describe()}, is faulty."
    return HeldWing(position, row, decimal_of(bid), decimal_of(ask))


def judge(
    held: HeldShort,
    policy: ManagePolicy,
    chain: OptionChain,
    columns: ShortColumns,
    cycle: WheelCycle | None = None,
) -> Verdict:
    """The first that applies: profit, stop, tested near expiry, time.

    A stop closes at once. What is tested or out of time is rolled where the policy rolls and a
    target exists; where none does it is bought in, or kept if the policy says so.
    """
    reached = _reached(held, policy)
    if reached.get("take_profit"):
        assert policy.take_profit is not None
        most = held.credit * (1 - policy.take_profit)
        reason = f"{held.captured:.0%} of the credit is earned; {policy.take_profit:.0%} is enough."
        return Verdict(Action.CLOSE, Trigger.PROFIT, reason, held, policy, max_price=most)
    if reached.get("loss_stop"):
        reason = (
            f"It costs {price_text(held.mid)} to buy in, {held.mid / held.credit:.1f} times the "
            f"{price_text(_cents(held.credit))} it was sold for."
        )
        return Verdict(Action.CLOSE, Trigger.STOP, reason, held, policy)
    if reached.get("tested"):
        reason = (
            f"{chain.symbol} at {chain.underlying_price:.2f} has reached the strike with "
            f"{held.dte} days left."
        )
        return _roll_or_close(Trigger.TESTED, reason, held, policy, chain, columns, cycle)
    if reached.get("time_exit"):
        reason = f"{held.dte} days are left; it is not held beyond {policy.exit_dte}."
        return _roll_or_close(Trigger.TIME, reason, held, policy, chain, columns, cycle)
    so_far = f"{held.captured:.0%} of the credit is earned so far."
    return Verdict(Action.HOLD, Trigger.NONE, so_far, held, policy)


def _reached(held: HeldShort, policy: ManagePolicy) -> dict[str, bool]:
    """What would move the position, and whether it has come to that."""
    reached: dict[str, bool] = {}
    if policy.take_profit is not None:
        reached["take_profit"] = held.captured >= policy.take_profit
    if policy.stop_multiple is not None:
        reached["loss_stop"] = held.mid >= held.credit * policy.stop_multiple
    if policy.roll is not None:
        reached["tested"] = held.is_tested and held.dte <= policy.roll.trigger_dte
    if policy.exit_dte is not None:
        reached["time_exit"] = held.dte <= policy.exit_dte
    return reached


def _told(held: HeldShort, policy: ManagePolicy) -> Iterator[tuple[str, str, str]]:
    """The same as a person reads it: rule, value, threshold."""
    if policy.take_profit is not None:
        enough = f"≥ {policy.take_profit:.0%} of the credit"
        yield "take_profit", f"{held.captured:.1%}", enough
    if policy.stop_multiple is not None:
        stop = price_text(_cents(held.credit * policy.stop_multiple))
        bound = f"≥ {stop}, {plain(policy.stop_multiple)} × the credit"
        yield "loss_stop", price_text(held.mid), bound
    if policy.roll is not None:
        tested = "tested" if held.is_tested else "not tested"
        from_day = f"tested at {policy.roll.trigger_dte} days or fewer"
        yield "tested", f"{tested}, {held.dte} days left", from_day
    if policy.exit_dte is not None:
        yield "time_exit", str(held.dte), f"≤ {policy.exit_dte} days"


def _roll_or_close(
    trigger: Trigger,
    reason: str,
    held: HeldShort,
    policy: ManagePolicy,
    chain: OptionChain,
    columns: ShortColumns,
    cycle: WheelCycle | None,
) -> Verdict:
    if policy.roll is None:
        return Verdict(Action.CLOSE, trigger, reason, held, policy)
    least = least_credit(policy.roll, held, cycle, chain.settlement)
    screen = roll_targets(chain, columns, held, policy.roll, least)
    target = _best_target(chain, columns, held, screen)
    if target is not None:
        return Verdict(
            Action.ROLL, trigger, reason, held, policy, target=target, least_credit=least,
            targets_removed=screen.removed,
        )  # fmt: skip
    counted = {rule: len(ids) for rule, ids in screen.removed.items()}
    main = max(counted, key=lambda rule: counted[rule], default="")
    unable = f"No option to roll into: most fail {main}." if main else "Nothing to roll into."
    closes = policy.roll.close_if_unable
    return Verdict(
        Action.CLOSE if closes else Action.HOLD,
        trigger,
        f"{reason} {unable}",
        held,
        policy,
        targets_removed=screen.removed,
    )


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


def _best_target(
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


def _cents(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"))

"""What to do about a short option that is held: keep it, buy it in, or roll it.

One core for every strategy. A strategy hands in its policy and the market; out comes a verdict
with every rule it rests on. Targets are measured at mid, against what the option was sold for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from domain.instruments import Frozen, plain, price_text
from domain.market import IntArray, OptionChain
from domain.portfolio import ZERO
from domain.recommendations import RuleResult
from domain.strategies.holdings import HeldShort
from domain.strategies.roll_targets import RollRules, best_target, least_credit, roll_targets
from domain.strategies.screening import ShortColumns
from domain.strategies.wheel_cycle import WheelCycle


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

    @property
    def movers(self) -> tuple[RuleResult, ...]:
        """The rules that move the position, by name alone: for who reads no words."""
        return tuple(
            RuleResult.of_checked(rule=rule, value="", threshold="", passed=True, code=None)
            for rule, is_reached in _reached(self.held, self.policy).items()
            if is_reached
        )


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
    earned = "earned" if held.captured >= 0 else "lost"
    so_far = f"{abs(held.captured):.0%} of the credit is {earned} so far."
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
    target = best_target(chain, columns, held, screen)
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


def _cents(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"))

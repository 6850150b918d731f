"""When two different people must approve."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from domain.instruments import Frozen
from domain.packages import exercise_notional
from domain.recommendations import RecommendationAction, Terms


class ApprovalPolicy(Frozen):
    """What a client asks of an approval. None asks nothing."""

    two_above_notional: Decimal | None = Field(
        default=None, ge=0, description="strike × multiplier × contracts of what is opened"
    )
    two_above_max_loss: Decimal | None = Field(
        default=None, ge=0, description="what the trade can lose, in the contract's currency"
    )


def opened_notional(terms: Terms, quantity: int) -> Decimal:
    """What exercise of what is opened would move, as the controls count it."""
    return exercise_notional(terms.opening_legs or terms.legs) * quantity


def needs_two(
    policy: ApprovalPolicy, terms: Terms, quantity: int, max_loss_each: Decimal | None
) -> bool:
    """Whether approving ``quantity`` takes two people.

    ``max_loss_each`` is per contract or unit; unknown counts as too much. A close takes one: what
    reduces risk must not wait for somebody.
    """
    if terms.action is RecommendationAction.CLOSE:
        return False
    above_notional = (
        policy.two_above_notional is not None
        and opened_notional(terms, quantity) > policy.two_above_notional
    )
    above_loss = policy.two_above_max_loss is not None and (
        max_loss_each is None or max_loss_each * quantity > policy.two_above_max_loss
    )
    return above_notional or above_loss

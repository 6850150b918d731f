"""When two people must approve."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.four_eyes import ApprovalPolicy, needs_two, opened_notional
from domain.recommendations import RecommendationAction
from tests.unit.trade_factories import terms


def test_the_notional_is_what_exercise_of_the_opened_legs_would_move():
    offered = terms()
    leg = offered.legs[0]
    assert opened_notional(offered, 3) == leg.contract.strike * leg.contract.multiplier * 3


@pytest.mark.parametrize(
    ("policy", "quantity", "max_loss", "two"),
    [
        (ApprovalPolicy(), 1_000, None, False),
        (ApprovalPolicy(two_above_max_loss=Decimal(500)), 1, Decimal(500), False),
        (ApprovalPolicy(two_above_max_loss=Decimal(500)), 2, Decimal(500), True),
        (ApprovalPolicy(two_above_max_loss=Decimal(500)), 1, None, True),
        (ApprovalPolicy(two_above_notional=Decimal(0)), 1, Decimal(0), True),
        (ApprovalPolicy(two_above_notional=Decimal(10**9)), 1, None, False),
    ],
)
def test_a_limit_is_passed_by_more_than_it_or_by_what_is_not_known(
    policy: ApprovalPolicy, quantity: int, max_loss: Decimal | None, two: bool
):
    assert needs_two(policy, terms(), quantity, max_loss) is two


def test_a_close_never_waits_for_a_second_person():
    strict = ApprovalPolicy(two_above_notional=Decimal(0), two_above_max_loss=Decimal(0))
    closing = terms().model_copy(update={"action": RecommendationAction.CLOSE})
    assert not needs_two(strict, closing, 10, None)

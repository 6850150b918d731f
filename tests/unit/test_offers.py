"""Which offers are made and which they replace, whoever made what stands already."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.instruments import Right, Side
from domain.offers import Choice, Standing, choose, contests
from domain.recommendations import RecommendationAction, RecommendationState, Terms
from domain.strategies.base import Proposal
from tests.unit.trade_factories import NOW, TARGET, contract, roll, terms

OURS, THEIRS = UUID(int=1), UUID(int=2)
OTHER_PUT = contract(con_id=1003, strike=Decimal(630))
CALL = contract(con_id=1004, strike=Decimal(680), right=Right.CALL)


def stands(
    offered: Terms,
    instance: UUID = OURS,
    state: RecommendationState = RecommendationState.PROPOSED,
) -> Standing[UUID]:
    return Standing(
        key=uuid4(),
        terms=offered,
        instance_id=instance,
        instance_name="Another wheel" if instance is THEIRS else "This wheel",
        is_waiting=state is RecommendationState.PROPOSED,
    )


def decide(*before: Standing[UUID], new: Terms | tuple[Terms, ...]) -> Choice[UUID]:
    offered = new if isinstance(new, tuple) else (new,)
    proposals = [
        Proposal(
            opportunity_rank=number,
            terms=each,
            rationale=("why",),
            confidence=0.5,
            rule_trace=(),
        )
        for number, each in enumerate(offered, start=1)
    ]
    return choose(proposals, before, OURS)


def close(**changes: Any) -> Terms:
    return terms(action=RecommendationAction.CLOSE, side=Side.BUY, **changes)


def test_an_offer_that_says_nearly_the_same_is_kept_and_not_made_again():
    old = stands(terms())
    choice = decide(old, new=terms(limit_price=Decimal("4.20")))
    assert (choice.made, choice.kept) == ([], {0: old.key})


@pytest.mark.parametrize(
    "changes",
    [
        {"limit_price": Decimal("4.40")},
        {"quantity": 1},
        {"contract": OTHER_PUT},
        {"quoted_at": NOW + timedelta(minutes=20), "deadline": NOW + timedelta(minutes=50)},
    ],
    ids=["another price", "another size", "another contract", "the old one near its end"],
)
def test_another_offer_on_the_same_name_takes_the_older_ones_place(changes: dict[str, Any]):
    old = stands(terms())
    choice = decide(old, new=terms(**changes))
    assert (choice.made, choice.replaced) == ([0], {0: [old.key]})


@pytest.mark.parametrize(("old", "new"), [(close(), roll()), (roll(), close())])
def test_to_close_and_to_roll_one_position_replace_each_other(old: Terms, new: Terms):
    before = stands(old)
    assert decide(before, new=new).replaced == {0: [before.key]}


def test_a_call_and_a_put_and_another_position_do_not_compete():
    choice = decide(
        stands(terms(contract=CALL)), stands(close(contract=OTHER_PUT)), new=(terms(), close())
    )
    assert choice.made == [0, 1]
    assert choice.replaced == {0: [], 1: []}


def test_offers_of_one_run_never_replace_each_other():
    old = stands(terms())
    choice = decide(old, new=(terms(contract=OTHER_PUT), terms(contract=TARGET)))
    assert choice.made == [0, 1]
    assert choice.replaced == {0: [old.key], 1: []}


def test_a_rung_that_is_kept_is_not_replaced_by_a_new_one_beside_it():
    kept, gone = stands(terms()), stands(terms(contract=TARGET))
    choice = decide(kept, gone, new=(terms(), terms(contract=OTHER_PUT)))
    assert choice.kept == {0: kept.key}
    assert choice.replaced == {1: [gone.key]}


@pytest.mark.parametrize(("old", "new"), [(terms(), terms(contract=OTHER_PUT)), (close(), roll())])
def test_what_another_instance_offered_first_wins_and_the_loser_says_so(old: Terms, new: Terms):
    choice = decide(stands(old, THEIRS), new=new)
    assert (choice.made, choice.replaced) == ([], {})
    assert choice.refused[0].startswith("Another wheel has it on offer already: ")


@pytest.mark.parametrize("instance", [OURS, THEIRS])
def test_nothing_is_offered_on_what_is_being_carried_out(instance: UUID):
    approved = stands(close(), instance, RecommendationState.APPROVED)
    assert "has it under way already" in decide(approved, new=close()).refused[0]


def test_a_roll_competes_for_what_it_buys_in_only():
    assert contests(roll()) == contests(close())
    assert not contests(roll()) & contests(close(contract=TARGET))

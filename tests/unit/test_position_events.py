"""Positions that changed without a trade: what is recognised, and what is left a question."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.instruments import OptionContract, Right, SecType, Settlement
from domain.position_events import (
    HeldContract,
    HeldQuantity,
    PositionEventKind,
    Recognised,
    recognise,
)

STOCK, PUT, OTHER_PUT, CALL, INDEX, INDEX_PUT, ADJUSTED = range(1, 8)
EXPIRY = date(2026, 12, 18)


def option(
    con_id: int, strike: int, right: Right, *, trading_class: str = "SPY", multiplier: int = 100
) -> OptionContract:
    return OptionContract(
        symbol="SPY",
        trading_class=trading_class,
        expiry=EXPIRY,
        strike=Decimal(strike),
        right=right,
        multiplier=Decimal(multiplier),
        con_id=con_id,
    )


def contracts(*, expired: bool = False) -> dict[int, HeldContract]:
    def held(each: OptionContract, settlement: Settlement = Settlement.PHYSICAL) -> HeldContract:
        return HeldContract(
            con_id=each.con_id,
            description=each.describe(),
            sec_type=SecType.OPTION,
            underlying_con_id=STOCK if settlement is Settlement.PHYSICAL else INDEX,
            option=each,
            settlement=settlement,
            is_expired=expired,
            multiplier=each.multiplier,
        )

    stock = HeldContract(
        con_id=STOCK, description="SPY", sec_type=SecType.STOCK, underlying_con_id=STOCK
    )
    options = (
        held(option(PUT, 640, Right.PUT)),
        held(option(OTHER_PUT, 630, Right.PUT)),
        held(option(CALL, 700, Right.CALL)),
        held(option(INDEX_PUT, 600, Right.PUT), Settlement.CASH),
        held(option(ADJUSTED, 320, Right.PUT, trading_class="SPY1")),
    )
    return {STOCK: stock} | {each.con_id: each for each in options}


def held(**quantities: int) -> dict[int, HeldQuantity]:
    numbers = {"stock": STOCK, "put": PUT, "other": OTHER_PUT, "call": CALL, "index": INDEX_PUT,
               "adjusted": ADJUSTED}  # fmt: skip
    return {numbers[k]: HeldQuantity(quantity=Decimal(v)) for k, v in quantities.items()}


def kinds(found: Recognised) -> list[tuple[str, int | None, int]]:
    return [(event.kind.value, event.con_id, int(event.quantity)) for event in found.events]


def test_an_expired_option_that_is_gone_without_shares_has_lapsed():
    found = recognise(contracts(expired=True), held(put=-2), held())
    assert kinds(found) == [("EXPIRY", PUT, 2)]
    assert found.unexplained == ()


def test_a_short_put_gone_and_its_shares_at_the_strike_is_an_assignment():
    found = recognise(contracts(), held(put=-2, stock=50), held(stock=250))
    assert kinds(found) == [("ASSIGNMENT", PUT, 2), ("ASSIGNMENT", STOCK, 200)]
    shares = found.events[1]
    assert shares.cash == Decimal(-128_000)
    assert shares.price == Decimal(640)
    assert shares.cause_con_id == PUT
    assert found.unexplained == ()


def test_a_short_call_assigned_takes_the_shares_away_and_pays_the_strike():
    found = recognise(contracts(), held(call=-1, stock=100), held())
    assert kinds(found) == [("ASSIGNMENT", CALL, 1), ("ASSIGNMENT", STOCK, -100)]
    assert found.events[1].cash == Decimal(70_000)


def test_a_long_put_exercised_sells_the_shares():
    found = recognise(contracts(expired=True), held(put=1, stock=100), held())
    assert kinds(found) == [("EXERCISE", PUT, -1), ("EXERCISE", STOCK, -100)]


def test_part_of_a_short_position_may_be_assigned_before_expiry():
    found = recognise(contracts(), held(put=-3), held(put=-1, stock=200))
    assert kinds(found) == [("ASSIGNMENT", PUT, 2), ("ASSIGNMENT", STOCK, 200)]


def test_of_two_expired_puts_the_one_in_the_money_is_assigned():
    found = recognise(contracts(expired=True), held(put=-1, other=-1), held(stock=100))
    assert kinds(found) == [
        ("ASSIGNMENT", PUT, 1),
        ("ASSIGNMENT", STOCK, 100),
        ("EXPIRY", OTHER_PUT, 1),
    ]


def test_part_of_an_expired_short_position_may_be_assigned_and_the_rest_lapse():
    found = recognise(contracts(expired=True), held(put=-3), held(stock=100))
    assert kinds(found) == [
        ("EXPIRY", PUT, 2),
        ("ASSIGNMENT", PUT, 1),
        ("ASSIGNMENT", STOCK, 100),
    ]


def test_an_option_gone_before_its_expiry_without_shares_is_a_question():
    found = recognise(contracts(), held(put=-2), held())
    assert found.events == ()
    assert found.unexplained == (PUT,)


def test_shares_that_fit_no_delivery_are_a_question_and_the_expiry_is_none():
    found = recognise(contracts(expired=True), held(put=-2), held(stock=150))
    assert kinds(found) == [("EXPIRY", PUT, 2)]
    assert found.unexplained == (STOCK,)


def test_an_option_that_grew_is_a_question():
    assert recognise(contracts(), held(put=-1), held(put=-2)).unexplained == (PUT,)


def test_a_cash_settled_option_leaves_no_shares_and_an_amount_the_broker_knows():
    found = recognise(contracts(expired=True), held(index=-1), held())
    assert kinds(found) == [("SETTLEMENT", INDEX_PUT, 1)]
    assert found.events[0].cash is None


def test_a_cash_settled_option_gone_before_expiry_is_a_question():
    assert recognise(contracts(), held(index=-1), held()).unexplained == (INDEX_PUT,)


def test_a_contract_nobody_described_is_a_question():
    strange = {99: HeldQuantity(quantity=Decimal(1))}
    assert recognise(contracts(), {}, strange).unexplained == (99,)


@pytest.mark.parametrize(("after", "cost", "words"), [(200, 50, "2-for-1"), (50, 200, "1-for-2")])
def test_shares_that_multiply_at_the_same_cost_have_split(after: int, cost: int, words: str):
    before = {STOCK: HeldQuantity(quantity=Decimal(100), average_cost=Decimal(100))}
    now = {STOCK: HeldQuantity(quantity=Decimal(after), average_cost=Decimal(cost))}
    found = recognise(contracts(), before, now)
    assert [event.kind for event in found.events] == [PositionEventKind.SPLIT]
    assert words in found.events[0].detail


def test_shares_bought_at_any_cost_are_no_split():
    before = {STOCK: HeldQuantity(quantity=Decimal(100), average_cost=Decimal(100))}
    now = {STOCK: HeldQuantity(quantity=Decimal(200), average_cost=Decimal(100))}
    assert recognise(contracts(), before, now).unexplained == (STOCK,)


def test_an_option_replaced_by_its_adjusted_contract_at_the_same_cost_is_an_adjustment():
    before = {PUT: HeldQuantity(quantity=Decimal(-1), average_cost=Decimal(400))}
    now = {ADJUSTED: HeldQuantity(quantity=Decimal(-2), average_cost=Decimal(200))}
    found = recognise(contracts(), before, now)
    assert kinds(found) == [("ADJUSTMENT", PUT, 1), ("ADJUSTMENT", ADJUSTED, -2)]
    assert found.unexplained == ()


def test_an_option_replaced_at_another_cost_was_traded():
    before = {PUT: HeldQuantity(quantity=Decimal(-1), average_cost=Decimal(400))}
    now = {ADJUSTED: HeldQuantity(quantity=Decimal(-2), average_cost=Decimal(260))}
    assert recognise(contracts(), before, now).unexplained == (PUT, ADJUSTED)

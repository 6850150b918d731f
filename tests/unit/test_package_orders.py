"""Orders for packages: what single executions of the whole and of its legs amount to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ErrorCode
from domain.instruments import Leg, Side
from domain.order_evidence import (
    BooksSearched,
    BrokerStatus,
    CancelRequested,
    Claimed,
    Fill,
    FillSeen,
    OrderEvidence,
    Rejected,
    StatusSeen,
)
from domain.orders import Order, OrderState
from tests.unit.trade_factories import TARGET, contract

BOUGHT = Leg(contract=contract(), side=Side.BUY)
SOLD = Leg(contract=TARGET, side=Side.SELL)
BAG = 28812380
PERM = 77
CLAIMED = Claimed(broker_order_id=1, client_id=11, epoch=1)


def seen(exec_id: str, quantity: int, price: str, **changes: Any) -> FillSeen:
    fields: dict[str, Any] = {
        "exec_id": exec_id,
        "side": Side.BUY,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "executed_at": datetime(2026, 11, 20, 15, 0, tzinfo=UTC),
    }
    return FillSeen(fill=Fill(**fields | changes), perm_id=PERM)


def package(quantity: int = 1, price: str = "-1.20", exec_id: str = "p.01") -> FillSeen:
    return seen(exec_id, quantity, price, con_id=BAG, is_package=True)


def bought(quantity: int = 1, price: str = "4.15", exec_id: str = "b.01") -> FillSeen:
    return seen(exec_id, quantity, price, con_id=BOUGHT.contract.con_id)


def sold(quantity: int = 1, price: str = "5.35", exec_id: str = "s.01") -> FillSeen:
    return seen(exec_id, quantity, price, con_id=SOLD.contract.con_id, side=Side.SELL)


def order(*evidence: OrderEvidence, quantity: int = 2, legs: tuple[Leg, ...] = ()) -> Order:
    """A working order to roll 2, after ``evidence``."""
    current = Order(
        order_key="GL-1", quantity=Decimal(quantity), side=Side.BUY, legs=legs or (BOUGHT, SOLD)
    )
    working = (CLAIMED, StatusSeen(status=BrokerStatus.WORKING, perm_id=PERM))
    for piece in (*working, *evidence):
        current = current.apply(piece)
    return current


def books(status: BrokerStatus, **changes: Any) -> BooksSearched:
    return BooksSearched(status=status, perm_id=PERM, **changes)


def test_a_package_is_filled_when_every_leg_is_and_counted_once():
    whole = order(package(2), bought(2), sold(2))
    assert (whole.state, whole.filled, whole.average_price) == (
        OrderState.FILLED,
        2,
        Decimal("-1.20"),
    )


def test_a_fill_of_part_is_a_part_in_units_of_the_package():
    part = order(package(), bought(), sold())
    assert (part.state, part.filled, part.remaining) == (OrderState.PARTIAL, 1, 1)


@pytest.mark.parametrize("arrivals", list(permutations((package(2), bought(2), sold(2)))))
def test_the_order_of_arrival_changes_nothing(arrivals: tuple[FillSeen, ...]):
    assert order(*arrivals).state is OrderState.FILLED
    assert order(*arrivals).average_price == Decimal("-1.20")


def test_the_legs_alone_prove_a_fill():
    alone = order(bought(2), sold(2))
    assert (alone.state, alone.average_price) == (OrderState.FILLED, Decimal("-1.20"))
    assert alone.executed.package is None
    assert alone.executed.agrees


def test_the_package_alone_is_no_proof_and_yet_counts_against_what_is_left():
    alone = order(package(2))
    assert (alone.state, alone.remaining) == (OrderState.PARTIAL, 0)
    told = alone.apply(books(BrokerStatus.FILLED))
    assert told.state is OrderState.UNKNOWN
    assert "in every leg 0" in told.reason
    assert told.apply(bought(2)).apply(sold(2)).state is OrderState.FILLED


def test_one_leg_without_the_other_is_never_a_proven_cancel():
    torn = order(bought(), CancelRequested())
    assert torn.remaining == 1
    told = torn.apply(books(BrokerStatus.CANCELLED))
    assert (told.state, told.reason_code) == (OrderState.UNKNOWN, ErrorCode.ORDER_UNPROVEN)
    mended = told.apply(sold()).apply(books(BrokerStatus.CANCELLED))
    assert (mended.state, mended.filled) == (OrderState.CANCELLED, 1)


def test_a_rejection_does_not_hide_a_leg_that_traded():
    torn = order(bought(), Rejected(broker_code=201, message="margin"))
    assert torn.apply(books(BrokerStatus.REJECTED)).state is OrderState.UNKNOWN


def test_a_lost_line_of_the_package_holds_up_nothing_and_does_not_agree():
    whole = order(package(), bought(2), sold(2))
    assert whole.state is OrderState.FILLED
    assert not whole.executed.agrees


def test_executions_repeated_are_counted_once():
    again = order(package(), package(), bought(), bought(), sold(), sold())
    assert (again.filled, again.state) == (1, OrderState.PARTIAL)


def test_a_corrected_price_of_a_leg_corrects_the_net_price():
    whole = order(package(2), bought(2), sold(2), sold(2, "5.25", "s.02"))
    assert (whole.state, whole.average_price) == (OrderState.FILLED, Decimal("-1.10"))


def test_a_leg_taken_back_reopens_the_order():
    reopened = order(package(2), bought(2), sold(2), sold(1, "5.35", "s.02"))
    assert (reopened.state, reopened.filled) == (OrderState.UNKNOWN, 2)
    assert not reopened.executed.agrees


@pytest.mark.parametrize("excess", [package(3), bought(3), sold(3)])
def test_more_than_ordered_in_any_part_is_an_overfill(excess: FillSeen):
    over = order(excess)
    assert (over.state, over.reason_code) == (OrderState.QUARANTINE, ErrorCode.ORDER_OVERFILLED)


@pytest.mark.parametrize(
    "stray",
    [
        seen("x.01", 1, "4.15", con_id=999),
        seen("x.01", 1, "4.15", con_id=BOUGHT.contract.con_id, side=Side.SELL),
        seen("x.01", 1, "1.20", con_id=BAG, is_package=True, side=Side.SELL),
    ],
)
def test_an_execution_that_is_of_no_leg_contradicts(stray: FillSeen):
    torn = order(stray)
    assert (torn.state, torn.reason_code) == (OrderState.QUARANTINE, ErrorCode.ORDER_QUARANTINED)


def test_a_ratio_counts_contracts_into_units():
    twice = SOLD.model_copy(update={"ratio": 2})
    legs = (BOUGHT, twice)
    half = order(bought(), sold(1), legs=legs)
    assert (half.filled, half.executed.complete) == (1, 0)
    whole = order(package(2, "-6.55"), bought(2), sold(4), legs=legs)
    assert (whole.state, whole.average_price) == (OrderState.FILLED, Decimal("-6.55"))


@given(
    st.lists(
        st.sampled_from(
            [
                *(package(1, "-1.2", f"p{n}.01") for n in range(3)),
                *(bought(1, "4.15", f"b{n}.01") for n in range(3)),
                *(sold(1, "5.35", f"s{n}.01") for n in range(3)),
                package(0, "0", "p0.02"),
                bought(0, "0", "b0.02"),
                sold(0, "0", "s0.02"),
            ]
        ),
        max_size=14,
    )
)
def test_whatever_arrives_what_is_left_never_exceeds_what_no_execution_speaks_of(
    arrivals: list[FillSeen],
):
    current = order(quantity=3)
    for arrival in arrivals:
        current = current.apply(arrival)
        executed = current.executed
        assert executed.complete <= executed.begun
        assert current.remaining == 3 - executed.begun
        assert (current.state is OrderState.FILLED) == (executed.complete == 3)

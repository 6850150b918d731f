"""Overfills, corrections and contradictions: what quarantines an order, and what lifts it."""

from __future__ import annotations

import pytest

from domain.errors import ErrorCode
from domain.instruments import Side
from domain.order_evidence import (
    BrokerStatus,
    CancelRequested,
    OrderEvidence,
)
from domain.orders import Order, OrderState
from tests.unit.test_orders import (
    CLAIMED,
    UNPROVEN,
    WORKING,
    books,
    filled,
    order,
    status,
)


def test_an_overfill_is_quarantined_at_once_and_counted():
    over = order(*WORKING, filled("a.01", 10), filled("b.01", 1))
    assert (over.state, over.filled, over.remaining) == (OrderState.QUARANTINE, 11, 0)
    assert over.reason_code is ErrorCode.ORDER_OVERFILLED
    assert over.reason == "overfilled: 11 of 10"


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        (order(*WORKING, CancelRequested(), books(BrokerStatus.CANCELLED)), OrderState.CANCELLED),
        (order(*WORKING, books(BrokerStatus.REJECTED)), OrderState.REJECTED),
        (order(*WORKING, books(BrokerStatus.CANCELLED, day_over=True)), OrderState.LAPSED),
    ],
    ids=lambda value: value.value if isinstance(value, OrderState) else "",
)
def test_an_overfill_of_an_ended_order_is_quarantined(ended: Order, state: OrderState):
    assert ended.state is state
    assert ended.apply(filled("a.01", 11)).state is OrderState.QUARANTINE


def test_no_word_of_the_broker_but_a_correction_lifts_an_overfill():
    over = order(*WORKING, filled("a.01", 6), filled("b.01", 6))
    for which in BrokerStatus:
        assert over.apply(status(which)).state is OrderState.QUARANTINE
        assert over.apply(books(which)).state is OrderState.QUARANTINE
    assert over.apply(books(None)).state is OrderState.QUARANTINE
    assert over.apply(UNPROVEN).state is OrderState.QUARANTINE
    assert over.apply(filled("c.01", 1)).state is OrderState.QUARANTINE
    assert over.apply(filled("a.02", 5)).state is OrderState.QUARANTINE


def test_a_correction_that_explains_an_overfill_makes_the_order_filled():
    explained = order(*WORKING, filled("a.01", 6), filled("b.01", 6), filled("a.02", 4))
    assert (explained.state, explained.filled) == (OrderState.FILLED, 10)
    assert (explained.reason_code, explained.reason) == (None, "")


def test_a_correction_below_the_ordered_quantity_leaves_the_books_to_decide():
    lifted = order(*WORKING, filled("a.01", 6), filled("b.01", 6), filled("a.02", 3))
    assert (lifted.state, lifted.reason_code) == (OrderState.UNKNOWN, ErrorCode.ORDER_UNPROVEN)
    alive = lifted.apply(books(BrokerStatus.WORKING))
    assert (alive.state, alive.filled, alive.reason_code) == (OrderState.PARTIAL, 9, None)


@pytest.mark.parametrize(
    "contradiction",
    [status(BrokerStatus.WORKING, 78), filled("c.01", 1, side=Side.BUY)],
    ids=["two permIds", "other side"],
)
def test_a_contradiction_is_for_good_whatever_explains_the_overfill(contradiction: OrderEvidence):
    over = (filled("a.01", 6), filled("b.01", 6))
    for history in (
        (contradiction, *over, filled("a.02", 4)),
        (*over, contradiction, filled("a.02", 4)),
        (*over, filled("a.02", 4), contradiction),
    ):
        ended = order(*WORKING, *history)
        assert (ended.state, ended.filled) == (OrderState.QUARANTINE, 10), history
        assert ended.reason_code is ErrorCode.ORDER_QUARANTINED, history


def test_a_fill_on_the_other_side_is_quarantined_and_kept_but_not_counted():
    strange = order(*WORKING, filled("a.01", 4), filled("b.01", 1, side=Side.BUY))
    assert strange.state is OrderState.QUARANTINE
    assert (len(strange.fills), strange.filled) == (2, 4)


def test_a_correction_of_a_filled_order_leaves_the_books_to_decide():
    reduced = order(*WORKING, filled("a.01", 10), filled("a.02", 8))
    assert (reduced.state, reduced.filled) == (OrderState.UNKNOWN, 8)
    assert reduced.reason_code is ErrorCode.ORDER_UNPROVEN
    assert reduced.apply(books(BrokerStatus.WORKING)).state is OrderState.PARTIAL
    assert reduced.apply(books(BrokerStatus.CANCELLED)).state is OrderState.CANCELLED
    assert reduced.apply(filled("b.01", 2)).state is OrderState.FILLED


@pytest.mark.parametrize("which", BrokerStatus)
def test_a_late_status_does_not_revive_an_order_that_a_correction_put_in_doubt(which: BrokerStatus):
    """It had ended; doubts that come and go would be told, cleared and told again."""
    reduced = order(*WORKING, filled("a.01", 6), filled("b.01", 4), filled("b.02", 3))
    assert reduced.state is OrderState.UNKNOWN
    assert reduced.apply(status(which)).state is OrderState.UNKNOWN


def test_a_status_still_finds_an_order_whose_send_was_not_proven():
    partly = order(CLAIMED, filled("a.01", 6), filled("a.02", 5), UNPROVEN)
    assert (partly.state, partly.filled) == (OrderState.UNKNOWN, 5)
    assert partly.apply(status(BrokerStatus.WORKING)).state is OrderState.PARTIAL


def test_a_revision_already_replaced_settles_no_doubt():
    reduced = order(*WORKING, filled("a.02", 10), filled("a.03", 8))
    assert reduced.apply(filled("a.01", 9)).state is OrderState.UNKNOWN


def test_a_partial_fill_corrected_to_nothing_is_working():
    busted = order(*WORKING, filled("a.01", 4), filled("a.02", 0))
    assert (busted.state, busted.filled) == (OrderState.WORKING, 0)


def test_a_filled_order_corrected_to_nothing_is_in_doubt():
    busted = order(*WORKING, filled("a.01", 10), filled("a.02", 0))
    assert (busted.state, busted.filled) == (OrderState.UNKNOWN, 0)

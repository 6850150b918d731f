from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.errors import ErrorCode, IllegalTransition
from domain.instruments import Side
from domain.order_evidence import (
    BooksSearched,
    BrokerStatus,
    CancelRequested,
    Claimed,
    DeclaredEnded,
    DeclaredNotSent,
    Denied,
    Fill,
    FillSeen,
    OrderEvidence,
    Rejected,
    StatusSeen,
    TermsDiffer,
    Unproven,
    effective_fills,
)
from domain.orders import ORDER_TRANSITIONS, TERMINAL_STATES, Order, OrderState

CLAIMED = Claimed(broker_order_id=1, client_id=11, epoch=1)
UNPROVEN = Unproven(reason="the connection broke")
DENIED = Denied(code=ErrorCode.QUOTE_STALE, message="quote is 40 s old")
REJECTED = Rejected(broker_code=201, message="margin")
NOT_SENT = DeclaredNotSent(user_id=UUID(int=1))
ALTERED = TermsDiffer(perm_id=77, differences="limit price 4.00, sent 4.15", is_live=True)
PERM = 77


def fill(exec_id: str, quantity: int, price: str = "4.15", **changes: Any) -> Fill:
    fields: dict[str, Any] = {
        "exec_id": exec_id,
        "side": Side.SELL,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "executed_at": datetime(2026, 11, 20, 15, 0, tzinfo=UTC),
    }
    return Fill(**fields | changes)


def filled(exec_id: str, quantity: int, perm_id: int = PERM, **changes: Any) -> FillSeen:
    return FillSeen(fill=fill(exec_id, quantity, **changes), perm_id=perm_id)


def status(which: BrokerStatus, perm_id: int = PERM) -> StatusSeen:
    return StatusSeen(status=which, perm_id=perm_id)


def books(which: BrokerStatus | None, **changes: Any) -> BooksSearched:
    return BooksSearched(status=which, **{"perm_id": PERM if which else 0} | changes)


def ended(executed: int) -> DeclaredEnded:
    return DeclaredEnded(user_id=UUID(int=1), executed=Decimal(executed))


def order(*evidence: OrderEvidence) -> Order:
    """An order to sell 10, after ``evidence``."""
    current = Order(order_key="GL-1", quantity=Decimal(10), side=Side.SELL)
    for piece in evidence:
        current = current.apply(piece)
    return current


WORKING = (CLAIMED, status(BrokerStatus.WORKING))


def test_an_order_starts_ready_and_is_claimed_once():
    assert order().state is OrderState.READY
    assert order(CLAIMED).state is OrderState.SENDING


def test_silence_after_a_send_is_unknown_and_never_ready_again():
    doubtful = order(CLAIMED, UNPROVEN)
    assert doubtful.state is OrderState.UNKNOWN
    assert doubtful.reason_code is ErrorCode.ORDER_UNPROVEN
    with pytest.raises(IllegalTransition):
        doubtful.apply(CLAIMED)


def test_our_controls_deny_only_what_was_not_sent():
    assert order(DENIED).state is OrderState.DENIED
    with pytest.raises(IllegalTransition):
        order(CLAIMED, DENIED)


@pytest.mark.parametrize("own_move", [CLAIMED, DENIED, CancelRequested(), NOT_SENT])
@pytest.mark.parametrize(
    "ended",
    [
        order(*WORKING, filled("a.01", 10)),
        order(*WORKING, CancelRequested(), books(BrokerStatus.CANCELLED)),
        order(*WORKING, books(BrokerStatus.REJECTED)),
        order(CLAIMED, UNPROVEN, NOT_SENT),
    ],
    ids=lambda ended: ended.state.value,
)
def test_our_side_cannot_move_an_order_that_has_ended(ended: Order, own_move: OrderEvidence):
    with pytest.raises(IllegalTransition) as caught:
        ended.apply(own_move)
    assert caught.value.context["order_key"] == "GL-1"


def test_absence_from_the_books_is_counted_and_sends_nothing_again():
    looked = order(CLAIMED, UNPROVEN, books(None), books(None))
    assert (looked.state, looked.absent_looks) == (OrderState.UNKNOWN, 2)


def test_finding_the_order_clears_the_count_of_absent_looks():
    found = order(CLAIMED, UNPROVEN, books(None), books(BrokerStatus.WORKING))
    assert (found.state, found.absent_looks) == (OrderState.WORKING, 0)


def test_only_a_person_ends_an_unknown_order_as_not_sent():
    assert order(CLAIMED, UNPROVEN, books(None), NOT_SENT).state is OrderState.NOT_SENT
    with pytest.raises(IllegalTransition):
        order(*WORKING, NOT_SENT)


def test_an_order_declared_not_sent_that_turns_up_is_quarantined():
    lost = (CLAIMED, UNPROVEN, NOT_SENT)
    assert order(*lost, status(BrokerStatus.WORKING)).state is OrderState.QUARANTINE
    assert order(*lost, books(BrokerStatus.WORKING)).state is OrderState.QUARANTINE
    assert order(*lost, filled("a.01", 1)).state is OrderState.QUARANTINE


def test_executions_and_not_status_lines_make_the_filled_quantity():
    claimed_filled = order(*WORKING, status(BrokerStatus.FILLED))
    assert claimed_filled.state is OrderState.WORKING
    assert claimed_filled.filled == 0
    half = claimed_filled.apply(filled("a.01", 4))
    assert (half.state, half.filled, half.remaining) == (OrderState.PARTIAL, 4, 6)
    assert half.apply(filled("b.01", 6)).state is OrderState.FILLED


def test_a_fill_before_any_status_proves_the_order():
    assert order(CLAIMED, filled("a.01", 10)).state is OrderState.FILLED
    assert order(CLAIMED, UNPROVEN, filled("a.01", 3)).state is OrderState.PARTIAL


def test_the_same_execution_twice_counts_once():
    assert order(*WORKING, filled("a.01", 4), filled("a.01", 4)).filled == 4


def test_a_correction_replaces_the_execution_it_corrects():
    corrected = order(*WORKING, filled("a.01", 9), filled("a.02", 8, price="4.20"))
    assert (corrected.filled, corrected.state) == (8, OrderState.PARTIAL)
    assert corrected.average_price == Decimal("4.20")


def test_a_correction_that_arrives_first_still_wins():
    assert order(*WORKING, filled("a.02", 8), filled("a.01", 10)).filled == 8


def test_execution_ids_without_a_revision_stand_for_themselves():
    fills = (fill("aaa", 1), fill("bbb", 2))
    assert effective_fills(fills) == fills


def test_the_average_price_is_weighted_by_quantity():
    mixed = order(*WORKING, filled("a.01", 4, price="4.20"), filled("b.01", 1, price="4.10"))
    assert mixed.average_price == Decimal("4.18")
    assert order(*WORKING).average_price is None


def test_a_regressing_status_does_not_reopen_a_filled_order():
    done = order(*WORKING, filled("a.01", 10))
    for late in BrokerStatus:
        assert done.apply(status(late)).state is OrderState.FILLED
        assert done.apply(books(late)).state is OrderState.FILLED


def test_a_cancel_is_proven_by_the_books_and_not_by_a_status_line():
    asked = order(*WORKING, CancelRequested())
    said = asked.apply(status(BrokerStatus.CANCELLED))
    assert (asked.state, said.state) == (OrderState.CANCEL_PENDING, OrderState.CANCEL_PENDING)
    assert said.apply(books(BrokerStatus.CANCELLED)).state is OrderState.CANCELLED


def test_a_fill_during_a_cancel_is_kept():
    raced = order(*WORKING, CancelRequested(), filled("a.01", 3))
    assert (raced.state, raced.filled) == (OrderState.CANCEL_PENDING, 3)
    assert raced.apply(books(BrokerStatus.CANCELLED)).filled == 3


def test_a_late_fill_on_a_cancelled_order_is_recorded():
    gone = order(*WORKING, CancelRequested(), books(BrokerStatus.CANCELLED))
    assert gone.apply(filled("a.01", 4)).filled == 4
    assert gone.apply(filled("a.01", 10)).state is OrderState.FILLED


def test_an_order_that_dies_with_the_day_has_lapsed():
    lapsed = order(*WORKING, books(BrokerStatus.CANCELLED, day_over=True))
    assert (lapsed.state, lapsed.reason_code) == (OrderState.LAPSED, ErrorCode.ORDER_LAPSED)


def test_a_rejection_shown_as_cancelled_is_still_a_rejection():
    refused = order(CLAIMED, REJECTED, books(BrokerStatus.CANCELLED))
    assert refused.state is OrderState.REJECTED
    assert refused.reason_code is ErrorCode.BROKER_REJECTED
    assert "margin" in refused.reason


def test_a_broker_that_says_filled_without_executions_leaves_the_order_in_doubt():
    assert order(*WORKING, books(BrokerStatus.FILLED)).state is OrderState.UNKNOWN


def test_two_perm_ids_for_one_key_are_quarantined():
    assert order(*WORKING, status(BrokerStatus.WORKING, 78)).state is OrderState.QUARANTINE
    assert order(*WORKING, filled("a.01", 1, perm_id=78)).state is OrderState.QUARANTINE
    assert order(*WORKING, books(BrokerStatus.WORKING, perm_id=78)).state is OrderState.QUARANTINE


def test_nothing_reopens_an_ended_order_but_an_execution_or_a_correction():
    reopening = {
        OrderState.REJECTED: {OrderState.PARTIAL, OrderState.FILLED},
        OrderState.CANCELLED: {OrderState.FILLED},
        OrderState.LAPSED: {OrderState.FILLED},
        OrderState.FILLED: {OrderState.UNKNOWN},
        OrderState.NOT_SENT: set[OrderState](),
        OrderState.DENIED: set[OrderState](),
        OrderState.ENDED: {OrderState.FILLED},
    }
    for state in TERMINAL_STATES:
        assert ORDER_TRANSITIONS[state] == reopening[state] | {OrderState.QUARANTINE}


def test_quarantine_ends_by_a_correction_or_by_a_person():
    ways_out = {OrderState.FILLED, OrderState.UNKNOWN, OrderState.ENDED}
    assert ORDER_TRANSITIONS[OrderState.QUARANTINE] == ways_out


def test_an_order_altered_at_the_broker_is_quarantined_under_its_own_code():
    altered = order(*WORKING, ALTERED)
    assert altered.state is OrderState.QUARANTINE
    assert altered.reason_code is ErrorCode.ORDER_ALTERED
    assert order(*WORKING, filled("a.01", 10), ALTERED).state is OrderState.QUARANTINE


def test_an_acknowledged_order_that_vanished_is_ended_by_a_person_with_what_was_traded():
    over = order(*WORKING, filled("a.01", 2), books(None), ended(6))
    assert over.state is OrderState.ENDED
    assert (over.filled, over.traded, over.remaining) == (2, 6, 4)


def test_nobody_declares_less_traded_than_was_executed():
    with pytest.raises(IllegalTransition):
        order(*WORKING, filled("a.01", 2), UNPROVEN, ended(1))


@pytest.mark.parametrize("live", [(), WORKING, (*WORKING, filled("a.01", 10))])
def test_only_an_order_in_doubt_can_be_declared_over(live: tuple[OrderEvidence, ...]):
    with pytest.raises(IllegalTransition):
        order(*live, ended(10))


def test_executions_that_turn_up_after_the_declaration_still_count():
    over = order(*WORKING, UNPROVEN, ended(4))
    assert over.apply(filled("a.01", 4)).state is OrderState.ENDED
    assert over.apply(filled("a.01", 10)).state is OrderState.FILLED
    assert over.apply(filled("a.01", 11)).state is OrderState.QUARANTINE


def test_an_order_declared_over_that_is_alive_at_the_broker_is_quarantined():
    over = order(*WORKING, UNPROVEN, ended(0))
    assert over.apply(books(BrokerStatus.WORKING)).state is OrderState.QUARANTINE
    assert over.apply(books(BrokerStatus.CANCELLED)).state is OrderState.ENDED


def test_what_a_person_settled_does_not_contradict_again():
    over = order(*WORKING, ALTERED, status(BrokerStatus.WORKING, perm_id=78), ended(0))
    finished = ALTERED.model_copy(update={"is_live": False})
    assert over.apply(finished) is over
    assert over.apply(books(BrokerStatus.CANCELLED, perm_id=78)).state is OrderState.ENDED


def test_a_quarantined_order_can_still_be_cancelled_and_stays_quarantined():
    held = order(*WORKING, ALTERED, CancelRequested())
    assert (held.state, held.cancel_requested) == (OrderState.QUARANTINE, True)


def test_every_state_has_a_row_in_the_table():
    assert set(ORDER_TRANSITIONS) == set(OrderState)


def test_no_state_but_ready_leads_to_sending():
    leading = [s for s, targets in ORDER_TRANSITIONS.items() if OrderState.SENDING in targets]
    assert leading == [OrderState.READY]


def test_an_order_is_claimed_only_once_even_while_sending():
    with pytest.raises(IllegalTransition):
        order(CLAIMED, CLAIMED)


@pytest.mark.parametrize(
    "evidence",
    [
        status(BrokerStatus.WORKING),
        books(BrokerStatus.WORKING),
        filled("a.01", 1),
    ],
    ids=["status", "books", "fill"],
)
def test_an_order_not_yet_sent_that_is_at_the_broker_is_quarantined(evidence: OrderEvidence):
    assert order(evidence).state is OrderState.QUARANTINE


def test_an_order_with_executions_cannot_be_declared_not_sent():
    with pytest.raises(IllegalTransition):
        order(CLAIMED, filled("a.01", 1), UNPROVEN, NOT_SENT)


def test_a_rejection_the_books_disprove_does_not_colour_a_later_cancel():
    alive = order(CLAIMED, REJECTED, books(BrokerStatus.WORKING))
    assert alive.state is OrderState.WORKING
    ended = alive.apply(CancelRequested()).apply(books(BrokerStatus.CANCELLED))
    assert ended.state is OrderState.CANCELLED


def test_an_order_found_working_is_no_longer_called_unproven():
    found = order(CLAIMED, UNPROVEN, books(BrokerStatus.WORKING))
    assert found.reason_code is None


def test_an_order_found_by_a_status_line_is_no_longer_called_unproven():
    found = order(CLAIMED, UNPROVEN, status(BrokerStatus.WORKING))
    assert (found.state, found.reason_code, found.reason) == (OrderState.WORKING, None, "")


def test_an_order_found_by_an_execution_is_no_longer_called_unproven_or_rejected():
    found = order(CLAIMED, UNPROVEN, filled("a.01", 3))
    assert (found.state, found.reason_code) == (OrderState.PARTIAL, None)
    disproved = order(*WORKING, REJECTED, books(BrokerStatus.REJECTED), filled("a.01", 3))
    assert (disproved.state, disproved.reason_code) == (OrderState.PARTIAL, None)
    ended = disproved.apply(books(BrokerStatus.CANCELLED))
    assert ended.state is OrderState.CANCELLED


@pytest.mark.parametrize(
    "doubtful",
    [order(CLAIMED), order(*WORKING), order(*WORKING, filled("a.01", 3), UNPROVEN)],
    ids=["sending", "working", "unknown with a fill"],
)
def test_an_order_with_executions_or_a_live_one_is_never_declared_not_sent(doubtful: Order):
    with pytest.raises(IllegalTransition):
        doubtful.apply(NOT_SENT)


def test_nobody_declares_an_order_not_sent_twice():
    with pytest.raises(IllegalTransition):
        order(CLAIMED, UNPROVEN, NOT_SENT, NOT_SENT)


def test_our_controls_deny_an_order_once_only():
    with pytest.raises(IllegalTransition):
        order(DENIED, DENIED)

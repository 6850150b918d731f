"""When a withdrawn trade is proven over, and what a digest of the preview stands for."""

from __future__ import annotations

from uuid import uuid4

import pytest

from domain.kill_switch import Withdrawal, preview_digest, withdrawal_of
from domain.orders import OrderState

S = OrderState


@pytest.mark.parametrize(
    ("attempts", "outcome"),
    [
        ((), Withdrawal.NOTHING_SENT),
        ((S.READY,), Withdrawal.NOTHING_SENT),
        ((S.DENIED,), Withdrawal.NOTHING_SENT),
        ((S.SENDING,), Withdrawal.CANCELLING),
        ((S.CANCELLED, S.PARTIAL), Withdrawal.CANCELLING),
        ((S.CANCEL_PENDING,), Withdrawal.CANCELLING),
        ((S.UNKNOWN,), Withdrawal.IN_DOUBT),
        ((S.QUARANTINE, S.WORKING), Withdrawal.IN_DOUBT),
        ((S.CANCELLED, S.READY), Withdrawal.CANCELLED),
        ((S.REJECTED,), Withdrawal.CANCELLED),
        ((S.CANCELLED, S.FILLED), Withdrawal.FILLED),
        ((S.ENDED,), Withdrawal.CANCELLED),
    ],
)
def test_a_withdrawn_trade_is_over_once_no_order_of_it_can_trade(
    attempts: tuple[OrderState, ...], outcome: Withdrawal
):
    assert withdrawal_of(attempts) is outcome


@pytest.mark.parametrize("state", list(OrderState))
def test_nothing_that_may_be_at_the_broker_or_is_in_doubt_counts_as_confirmed(state: OrderState):
    doubtful = state.may_be_at_broker or state is OrderState.QUARANTINE
    assert withdrawal_of([state]).is_confirmed is not doubtful


def test_the_digest_stands_for_the_scope_and_the_trades_in_any_order():
    account, one, two = uuid4(), uuid4(), uuid4()
    assert preview_digest(account, [one, two]) == preview_digest(account, [two, one])
    others = [(account, [one]), (None, [one, two]), (uuid4(), [one, two])]
    assert preview_digest(account, [one, two]) not in [preview_digest(*each) for each in others]

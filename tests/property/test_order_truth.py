"""A broker that knows the truth tells it badly: late, twice, out of order. The fold ends at it.

The oracle is the invented broker's own life of the order, which shares no code with the fold.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.errors import IllegalTransition
from domain.instruments import Side
from domain.order_evidence import (
    BooksSearched,
    BrokerStatus,
    CancelRequested,
    Claimed,
    Fill,
    FillSeen,
    OrderEvidence,
    StatusSeen,
    Unproven,
)
from domain.orders import Order, OrderState

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
PERM = 77


@dataclass
class TrueLife:
    """What really happened to one order at the broker, and every word said about it."""

    quantity: int
    executed: int = 0
    fate: BrokerStatus = BrokerStatus.WORKING
    told: list[OrderEvidence] = field(default_factory=list)


def live(rng: random.Random) -> TrueLife:
    """A life: fills up to the quantity, some first told wrong and corrected or busted."""
    life = TrueLife(quantity=rng.randint(1, 12))
    for number in range(rng.randint(0, 5)):
        left = life.quantity - life.executed
        final = rng.randint(0, left)
        revisions = rng.randint(1, 3)
        for revision in range(1, revisions + 1):
            # Wrong revisions may add up to far more than was ordered.
            size = final if revision == revisions else rng.randint(0, life.quantity)
            life.told.append(_fill(f"{number}.{revision:02d}", size))
        life.executed += final
    if life.executed == life.quantity:
        life.fate = BrokerStatus.FILLED
    elif rng.random() < 0.5:
        life.fate = BrokerStatus.CANCELLED
    statuses = [BrokerStatus.PENDING, BrokerStatus.WORKING, BrokerStatus.CANCEL_PENDING, life.fate]
    life.told += [
        StatusSeen(status=rng.choice(statuses), perm_id=PERM) for _ in range(rng.randint(0, 4))
    ]
    return life


def _fill(exec_id: str, quantity: int) -> FillSeen:
    fill = Fill(
        exec_id=exec_id,
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal("4.15"),
        executed_at=NOON,
    )
    return FillSeen(fill=fill, perm_id=PERM)


def told_badly(life: TrueLife, rng: random.Random) -> list[OrderEvidence]:
    """Every word at least once, many twice, in any order, between silences and cancels of ours."""
    words = [*life.told, *rng.choices(life.told, k=len(life.told))] if life.told else []
    words += [Unproven(reason="silence")] * rng.randint(0, 2)
    words += [BooksSearched(status=None)] * rng.randint(0, 2)
    words += [CancelRequested()] * rng.randint(0, 1)
    rng.shuffle(words)
    return words


def folded(life: TrueLife, words: list[OrderEvidence]) -> Order:
    order = Order(order_key="GL-1", quantity=Decimal(life.quantity), side=Side.SELL)
    order = order.apply(Claimed(broker_order_id=1, client_id=1, epoch=1))
    for word in words:
        try:
            order = order.apply(word)
        except IllegalTransition:
            assert isinstance(word, CancelRequested), "only a move of ours can be illegal"
    return order.apply(BooksSearched(status=life.fate, perm_id=PERM))


def expected_states(life: TrueLife) -> set[OrderState]:
    if life.executed == life.quantity:
        return {OrderState.FILLED}
    if life.fate is BrokerStatus.CANCELLED:
        return {OrderState.CANCELLED}
    return {OrderState.PARTIAL if life.executed else OrderState.WORKING, OrderState.CANCEL_PENDING}


def check(seed: int) -> None:
    rng = random.Random(seed)
    life = live(rng)
    order = folded(life, told_badly(life, rng))
    assert order.filled == life.executed, seed
    assert order.remaining == life.quantity - life.executed, seed
    assert order.state in expected_states(life), seed
    if order.state is OrderState.CANCEL_PENDING:
        assert order.cancel_requested, seed


@pytest.mark.parametrize("block", range(3))
def test_however_badly_it_is_told_the_fold_ends_at_the_truth(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        check(seed)


@pytest.mark.faults
def test_ten_thousand_sequences_end_at_the_truth() -> None:
    for seed in range(10_000):
        check(seed)

"""Whatever the broker says, in whatever order: the fold keeps its promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.errors import ErrorCode, IllegalTransition
from domain.instruments import Side
from domain.orders import (
    ORDER_TRANSITIONS,
    BooksSearched,
    BrokerStatus,
    CancelRequested,
    Claimed,
    DeclaredNotSent,
    Denied,
    Fill,
    FillSeen,
    Order,
    OrderEvidence,
    OrderState,
    Rejected,
    StatusSeen,
    Unproven,
)

QUANTITY = 10
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

statuses = st.sampled_from(list(BrokerStatus))
perm_ids = st.sampled_from([0, 77, 77, 77, 78])


@st.composite
def any_fill(draw: st.DrawFn) -> Fill:
    """Few lineages and revisions, so that duplicates and corrections are common.

    One execId always carries the same quantity: the broker does not contradict itself there.
    """
    lineage = draw(st.sampled_from("abcd"))
    revision = draw(st.integers(1, 3))
    quantity = (ord(lineage) * 7 + revision * 3) % 6
    return Fill(
        exec_id=f"{lineage}.{revision:02d}",
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal("4.15"),
        executed_at=NOON,
    )


def executed(fills: Sequence[Fill]) -> Decimal:
    """The executed quantity worked out apart from the fold: of each execution its last revision."""
    last: dict[str, tuple[int, Decimal]] = {}
    for fill in fills:
        lineage, revision = fill.exec_id.split(".")
        if lineage not in last or int(revision) > last[lineage][0]:
            last[lineage] = (int(revision), fill.quantity)
    return sum((quantity for _, quantity in last.values()), Decimal(0))


def fresh() -> Order:
    return Order(order_key="GL-1", quantity=Decimal(QUANTITY), side=Side.SELL)


def claimed() -> Order:
    return fresh().apply(Claimed(broker_order_id=1, client_id=11, epoch=1))


BROKER_EVIDENCE = st.one_of(
    st.builds(StatusSeen, status=statuses, perm_id=perm_ids),
    st.builds(FillSeen, fill=any_fill(), perm_id=perm_ids),
    st.builds(BooksSearched, status=st.none() | statuses, perm_id=perm_ids, day_over=st.booleans()),
    st.builds(Rejected, broker_code=st.just(201), message=st.just("margin")),
    st.builds(Unproven, reason=st.just("silence")),
)
FILLS = st.lists(any_fill(), max_size=12)


class AnOrderUnderEvidence(RuleBasedStateMachine):
    """Our own moves and the broker's evidence in every order the machine can think of."""

    def __init__(self) -> None:
        super().__init__()
        self.order = fresh()
        self.before = self.order
        self.seen: list[Fill] = []
        self.perm_ids: set[int] = set()
        self.sent = False

    def _apply(self, evidence: OrderEvidence) -> None:
        self.before = self.order
        self.order = self.order.apply(evidence)

    def _try_own_move(self, evidence: OrderEvidence, target: OrderState) -> None:
        """Ours either follows the table or raises and changes nothing."""
        allowed = target in ORDER_TRANSITIONS[self.order.state] or target is self.order.state
        untouched = self.order
        try:
            self._apply(evidence)
        except IllegalTransition:
            assert not allowed
            assert self.order is untouched
        else:
            assert allowed
            assert self.order.state is target

    @rule()
    def claim(self) -> None:
        if self.order.state is OrderState.SENDING:
            return
        self._try_own_move(Claimed(broker_order_id=1, client_id=1, epoch=1), OrderState.SENDING)
        self.sent = self.sent or self.order.state is OrderState.SENDING

    @rule()
    def deny(self) -> None:
        if self.order.state is not OrderState.DENIED:
            self._try_own_move(Denied(code=ErrorCode.QUOTE_STALE, message="old"), OrderState.DENIED)

    @rule()
    def request_cancel(self) -> None:
        self._try_own_move(CancelRequested(), OrderState.CANCEL_PENDING)

    @rule()
    def declare_not_sent(self) -> None:
        if not self.seen:
            self._try_own_move(DeclaredNotSent(user_id=UUID(int=1)), OrderState.NOT_SENT)

    @rule(evidence=BROKER_EVIDENCE)
    def the_broker_speaks(self, evidence: OrderEvidence) -> None:
        if not self.sent:
            return
        self._apply(evidence)
        if isinstance(evidence, FillSeen):
            self.seen.append(evidence.fill)
        if isinstance(evidence, StatusSeen | FillSeen | BooksSearched) and evidence.perm_id:
            self.perm_ids.add(evidence.perm_id)

    @invariant()
    def filled_is_the_sum_of_effective_executions(self) -> None:
        assert self.order.filled == executed(self.seen)
        assert self.order.remaining == max(QUANTITY - self.order.filled, 0)

    @invariant()
    def every_move_is_in_the_table(self) -> None:
        if self.order.state is not self.before.state:
            assert self.order.state in ORDER_TRANSITIONS[self.before.state]

    @invariant()
    def two_perm_ids_are_quarantined(self) -> None:
        if len(self.perm_ids) > 1:
            assert self.order.state is OrderState.QUARANTINE

    @invariant()
    def an_overfill_is_quarantined(self) -> None:
        if self.order.filled > QUANTITY:
            assert self.order.state is OrderState.QUARANTINE

    @invariant()
    def a_full_fill_is_filled_or_in_question(self) -> None:
        if self.order.filled == QUANTITY:
            assert self.order.state in (OrderState.FILLED, OrderState.QUARANTINE)


TestAnOrderUnderEvidence = AnOrderUnderEvidence.TestCase


def folded(order: Order, evidence: Sequence[OrderEvidence]) -> Order:
    for piece in evidence:
        order = order.apply(piece)
    return order


def fills_seen(fills: Sequence[Fill]) -> list[OrderEvidence]:
    return [FillSeen(fill=fill, perm_id=77) for fill in fills]


@given(FILLS, st.randoms(use_true_random=False))
def test_fills_in_any_order_and_any_number_give_the_same_quantity(fills: list[Fill], rng) -> None:
    shuffled = [*fills, *fills]
    rng.shuffle(shuffled)
    assert (
        folded(claimed(), fills_seen(shuffled)).filled
        == folded(claimed(), fills_seen(fills)).filled
        == executed(fills)
    )


@given(FILLS, st.lists(BROKER_EVIDENCE.filter(lambda e: not isinstance(e, FillSeen))))
def test_no_status_ever_changes_the_filled_quantity(
    fills: list[Fill], noise: list[OrderEvidence]
) -> None:
    assert folded(claimed(), [*fills_seen(fills), *noise]).filled == executed(fills)


@given(st.lists(BROKER_EVIDENCE), st.lists(statuses, min_size=1))
def test_no_status_line_reopens_an_order_that_has_ended(
    history: list[OrderEvidence], late: list[BrokerStatus]
) -> None:
    order = folded(claimed(), history)
    if not order.state.is_terminal:
        return
    lines = [StatusSeen(status=status, perm_id=order.perm_id) for status in late]
    books = [BooksSearched(status=status, perm_id=order.perm_id) for status in late]
    assert folded(order, [*lines, *books]).state is order.state


@given(st.lists(BROKER_EVIDENCE))
def test_evidence_repeated_at_once_changes_no_state(history: list[OrderEvidence]) -> None:
    order = claimed()
    for piece in history:
        order = order.apply(piece)
        again = order.apply(piece)
        assert (again.state, again.fills) == (order.state, order.fills)


@given(st.lists(BROKER_EVIDENCE))
def test_the_broker_alone_never_makes_an_order_ready_or_not_sent(
    history: list[OrderEvidence],
) -> None:
    state = folded(claimed(), history).state
    assert state not in (OrderState.READY, OrderState.DENIED, OrderState.NOT_SENT)

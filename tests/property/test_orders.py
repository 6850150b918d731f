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
)
from domain.orders import ORDER_TRANSITIONS, Order, OrderState

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
    st.builds(TermsDiffer, perm_id=perm_ids, differences=st.just("price"), is_live=st.booleans()),
)
_WITH_PERM_ID = (StatusSeen, FillSeen, BooksSearched, TermsDiffer)
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
        self.settled_by_a_person = False
        self.strangers = 0
        self.alterations = 0

    def _apply(self, evidence: OrderEvidence) -> None:
        self.before = self.order
        self.order = self.order.apply(evidence)

    def _try_own_move(self, evidence: OrderEvidence, target: OrderState, allowed: bool) -> None:
        """Ours is made where it is allowed; elsewhere it raises and changes nothing."""
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
        allowed = self.order.state is OrderState.READY
        self._try_own_move(
            Claimed(broker_order_id=1, client_id=1, epoch=1), OrderState.SENDING, allowed
        )
        self.sent = self.sent or allowed

    @rule()
    def deny(self) -> None:
        allowed = self.order.state is OrderState.READY
        denied = Denied(code=ErrorCode.QUOTE_STALE, message="old")
        self._try_own_move(denied, OrderState.DENIED, allowed)

    @rule()
    def request_cancel(self) -> None:
        target = OrderState.CANCEL_PENDING
        if self.order.state is OrderState.QUARANTINE:
            target = OrderState.QUARANTINE
        allowed = target is self.order.state or target in ORDER_TRANSITIONS[self.order.state]
        self._try_own_move(CancelRequested(), target, allowed)

    @rule()
    def declare_not_sent(self) -> None:
        allowed = self.order.state is OrderState.UNKNOWN and not self.seen
        self._try_own_move(DeclaredNotSent(user_id=UUID(int=1)), OrderState.NOT_SENT, allowed)

    @rule(executed_in_all=st.integers(0, QUANTITY + 2))
    def declare_ended(self, executed_in_all: int) -> None:
        doubtful = self.order.state in (OrderState.UNKNOWN, OrderState.QUARANTINE)
        allowed = doubtful and executed_in_all >= executed(self.seen)
        declared = DeclaredEnded(user_id=UUID(int=1), executed=Decimal(executed_in_all))
        self._try_own_move(declared, OrderState.ENDED, allowed)
        if allowed:  # a person has settled what contradicted so far
            self.strangers, self.perm_ids, self.alterations = 0, {self.order.perm_id} - {0}, 0
            self.settled_by_a_person = True

    @rule(evidence=BROKER_EVIDENCE)
    def the_broker_speaks(self, evidence: OrderEvidence) -> None:
        settled = self.order.state is OrderState.ENDED
        self._apply(evidence)
        if isinstance(evidence, FillSeen):
            self.seen.append(evidence.fill)
        if settled:
            return
        known = self.sent or self.settled_by_a_person
        if not known and isinstance(evidence, StatusSeen | FillSeen):
            self.strangers += 1
        self.alterations += isinstance(evidence, TermsDiffer)
        if isinstance(evidence, _WITH_PERM_ID) and evidence.perm_id:
            self.perm_ids.add(evidence.perm_id)

    @invariant()
    def filled_is_the_sum_of_effective_executions(self) -> None:
        assert self.order.filled == executed(self.seen)
        assert self.order.traded >= self.order.filled
        assert self.order.remaining == max(QUANTITY - self.order.traded, 0)

    @invariant()
    def every_move_is_in_the_table(self) -> None:
        if self.order.state is not self.before.state:
            assert self.order.state in ORDER_TRANSITIONS[self.before.state]

    @invariant()
    def life_in_an_order_never_sent_is_quarantined(self) -> None:
        if self.strangers:
            assert self.order.state is OrderState.QUARANTINE

    @invariant()
    def two_perm_ids_are_quarantined(self) -> None:
        if len(self.perm_ids) > 1:
            assert self.order.state is OrderState.QUARANTINE

    @invariant()
    def an_altered_order_is_quarantined(self) -> None:
        if self.alterations:
            assert self.order.state is OrderState.QUARANTINE

    @invariant()
    def an_overfill_is_quarantined_until_a_person_settles_it(self) -> None:
        if self.order.filled > QUANTITY:
            assert self.order.state in (OrderState.QUARANTINE, OrderState.ENDED)
            assert self.order.traded >= self.order.filled

    @invariant()
    def a_full_fill_is_filled_unless_something_else_contradicts(self) -> None:
        if self.order.filled == QUANTITY and self.order.state is not OrderState.FILLED:
            assert self.order.state in (OrderState.QUARANTINE, OrderState.ENDED)

    @invariant()
    def an_unfilled_order_is_not_called_filled(self) -> None:
        if self.order.state is OrderState.FILLED:
            assert self.order.filled == QUANTITY


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


def verdict_of(quantity: Decimal) -> OrderState | None:
    """The final state that executions alone can give a live order; None while it is not final."""
    if quantity > QUANTITY:
        return OrderState.QUARANTINE
    return OrderState.FILLED if quantity == QUANTITY else None


@st.composite
def corrected_fills(draw: st.DrawFn) -> tuple[list[Fill], list[Fill]]:
    """Executions and corrections in two orders of arrival, often overfilled on the way."""
    fills = draw(st.lists(any_fill(), min_size=1, max_size=9, unique_by=lambda fill: fill.exec_id))
    return fills, draw(st.permutations(fills))


WORKING = StatusSeen(status=BrokerStatus.WORKING, perm_id=77)
CANCEL_PROVEN = BooksSearched(status=BrokerStatus.CANCELLED, perm_id=77)
LIVE_HISTORIES = st.sampled_from(
    [[], [WORKING], [Unproven(reason="silence")], [WORKING, Unproven(reason="silence")]]
)


@given(corrected_fills(), LIVE_HISTORIES)
def test_the_same_executions_in_any_order_give_the_same_verdict(
    arrivals: tuple[list[Fill], list[Fill]], history: list[OrderEvidence]
) -> None:
    expected = executed(arrivals[0])
    for arrival in arrivals:
        order = folded(claimed(), [*history, *fills_seen(arrival)])
        assert order.filled == expected
        verdict = verdict_of(expected)
        assert order.state is verdict or (verdict is None and not order.state.is_terminal)


@given(corrected_fills(), LIVE_HISTORIES, statuses)
def test_after_the_books_the_order_of_arrival_leaves_no_trace(
    arrivals: tuple[list[Fill], list[Fill]], history: list[OrderEvidence], status: BrokerStatus
) -> None:
    books = BooksSearched(status=status, perm_id=77)
    one, other = (
        folded(claimed(), [*history, *fills_seen(arrival), books]) for arrival in arrivals
    )
    assert (one.state, one.filled) == (other.state, other.filled)


@given(corrected_fills())
def test_late_executions_of_a_cancelled_order_in_any_order_end_alike(
    arrivals: tuple[list[Fill], list[Fill]],
) -> None:
    late = ([CANCEL_PROVEN, *fills_seen(arrival), CANCEL_PROVEN] for arrival in arrivals)
    one, other = (folded(claimed(), evidence) for evidence in late)
    assert one.state is other.state
    assert one.state is (verdict_of(executed(arrivals[0])) or OrderState.CANCELLED)


@given(FILLS, st.integers(0, 12), st.integers(0, 12))
def test_a_contradiction_anywhere_among_executions_is_for_good(
    fills: list[Fill], at: int, again: int
) -> None:
    evidence = fills_seen(fills)
    evidence.insert(min(at, len(evidence)), WORKING)
    evidence.insert(min(again, len(evidence)), StatusSeen(status=BrokerStatus.WORKING, perm_id=78))
    assert folded(claimed(), evidence).state is OrderState.QUARANTINE


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

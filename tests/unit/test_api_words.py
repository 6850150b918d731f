"""The small rules behind the answers: cursors, permissions, amounts, timelines, changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import TypeAdapter, ValidationError

from api.presenters.orders import is_cancellable
from api.presenters.recommendations import assignment_cash, credit, metrics_fields
from api.presenters.timeline import timeline
from api.schemas.common import Answer, Day, Exact, Moment, UtcTime
from api.schemas.recommendations import ApproveAsk
from api.stream import Change, Subscription
from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Right, SecType, Side
from domain.orders import OrderIntent, OrderState
from domain.recommendations import (
    DecisionAction,
    RecommendationAction,
    RecommendationState,
    Terms,
)
from infra import security
from infra.db.models import Role
from infra.db.queries.paging import Rows, SortCursor, decode_cursor
from infra.db.queries.recommendations import QueueCursor
from infra.db.queries.viewer import Viewer
from tests.unit.trade_factories import contract, roll, terms

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
A, B = uuid4(), uuid4()


def viewer(roles: dict[UUID, Role] | None = None, *, is_admin: bool = False) -> Viewer:
    return Viewer(
        user_id=uuid4(),
        email="a@desk.test",
        name="A",
        is_admin=is_admin,
        session_id=uuid4(),
        authenticated_at=NOW,
        roles=roles or {},
    )


@pytest.mark.parametrize(
    ("role", "decides", "operates", "acknowledges"),
    [
        (Role.VIEWER, False, False, False),
        (Role.APPROVER, True, False, True),
        (Role.TRADER, True, False, True),
        (Role.OPERATOR, False, True, True),
        (Role.ADMIN, True, True, True),
    ],
)
def test_a_role_allows_what_it_is_for_and_only_for_its_client(
    role: Role, decides: bool, operates: bool, acknowledges: bool
) -> None:
    someone = viewer({A: role})
    may = (
        someone.may_decide_for(A),
        someone.may_operate_for(A),
        someone.may_acknowledge_for(A),
        someone.may_acknowledge_for(None),
    )
    assert may == (decides, operates, acknowledges, acknowledges)
    assert not someone.may_decide_for(B)
    assert not someone.may_operate_for(B)
    assert not someone.may_acknowledge_for(B)


def test_an_installation_admin_may_do_everything_for_everyone() -> None:
    admin = viewer(is_admin=True)
    assert admin.may_decide_for(A)
    assert admin.may_operate_for(B)
    assert admin.may_acknowledge_for(None)


def test_a_cursor_survives_its_way_through_an_address() -> None:
    cursor = SortCursor(sort="-executed_at", after=["2026-11-20T15:30:00.123456Z", str(A), None])
    assert decode_cursor(SortCursor, cursor.encode()) == cursor
    assert cursor.encode().isascii()
    assert "=" not in cursor.encode()


def test_the_cursor_of_another_list_is_refused() -> None:
    text = QueueCursor(part="others", id=A).encode()
    with pytest.raises(GreenlightError) as refused:
        decode_cursor(SortCursor, text)
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_a_page_ends_exactly_where_the_rows_do() -> None:
    ids = [uuid4() for _ in range(3)]
    assert Rows(ids, 3, lambda key: QueueCursor(part="others", id=key)).next_cursor is None
    page = Rows(ids, 2, lambda key: QueueCursor(part="others", id=key))
    assert page.items == ids[:2]
    assert decode_cursor(QueueCursor, page.next_cursor) == QueueCursor(part="others", id=ids[1])


class Sample(Answer):
    amount: Exact
    at: UtcTime
    ratio: float | None


def test_decimals_are_exact_text_times_utc_and_nan_null() -> None:
    elsewhere = NOW.astimezone(datetime.now().astimezone().tzinfo)
    sample = Sample(amount=Decimal("128000.1000"), at=elsewhere, ratio=float("nan"))
    assert sample.model_dump_json() == (
        '{"amount":"128000.1","at":"2026-11-20T15:00:00Z","ratio":null}'
    )


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1.0000001"])
def test_a_limit_that_is_no_price_is_refused(price: str) -> None:
    with pytest.raises(ValidationError):
        ApproveAsk.model_validate({"terms_hash": "h", "limit_price": price})


def trade(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "side": Side.SELL,
        "limit_price": Decimal("4.15"),
        "multiplier": Decimal(100),
        "quantity": 2,
    }
    return SimpleNamespace(**{**fields, **changes})


def test_a_sale_brings_credit_and_a_purchase_costs() -> None:
    assert credit(trade()) == Decimal(830)
    assert credit(trade(side=Side.BUY)) == Decimal(-830)


def test_a_package_bought_at_a_negative_price_brings_credit() -> None:
    assert credit(trade(side=Side.BUY, limit_price=Decimal("-1.20"))) == Decimal(240)


def test_only_a_put_sold_to_open_can_be_assigned() -> None:
    assert assignment_cash(terms()) == Decimal(128_000)
    assert assignment_cash(terms(contract=contract(right=Right.CALL))) is None
    assert assignment_cash(terms(side=Side.BUY, action=RecommendationAction.CLOSE)) is None


def test_a_roll_needs_only_the_cash_that_it_does_not_give_back() -> None:
    assert assignment_cash(roll(to=contract(strike=Decimal(650), con_id=1002))) == Decimal(2_000)
    assert assignment_cash(roll(to=contract(strike=Decimal(630), con_id=1002))) == 0


def test_metrics_that_are_no_finite_number_are_null() -> None:
    stored = {"ror": "0.01", "delta": None, "iv": "NaN", "pop": float("inf"), "x": 1}
    found = metrics_fields(stored)
    assert {name: value for name, value in found.items() if value is not None} == {"ror": 0.01}
    assert {"delta", "iv", "pop", "dte"} <= set(found)
    assert "x" not in found


def test_a_cancel_can_mean_something_until_the_order_has_ended() -> None:
    cancellable = {state for state in OrderState if is_cancellable(state)}
    assert cancellable == {
        OrderState.READY,
        OrderState.SENDING,
        OrderState.WORKING,
        OrderState.PARTIAL,
        OrderState.CANCEL_PENDING,
        OrderState.UNKNOWN,
        OrderState.QUARANTINE,
    }


def life(state: RecommendationState, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "state": state,
        "created_at": NOW,
        "summary": "Sell 2 SPY puts",
        "withdrawn_at": None,
        "concluded_at": NOW + timedelta(minutes=9),
        "reason_code": None,
        "reason": "",
    }
    return SimpleNamespace(**{**fields, **changes})


def test_a_denied_trade_ends_with_the_reason_and_what_to_do() -> None:
    denied = life(
        RecommendationState.DENIED, reason_code=ErrorCode.QUOTE_STALE, reason="quote 40 s old"
    )
    last = timeline(denied, None, [], [], [])[-1]
    assert last.kind == "recommendation.denied"
    assert "quote 40 s old" in last.detail
    assert "live quote" in last.detail


def ordered(offered: Terms, **changes: Any) -> Any:
    """The first attempt to trade ``offered``, as the order queries give it."""
    intent = OrderIntent(
        order_key="GL-1",
        account_code=offered.account_code,
        legs=offered.legs,
        quantity=offered.quantity,
        limit_price=offered.limit_price,
    )
    fields: dict[str, Any] = {
        "id": A,
        "attempt": 1,
        "created_at": NOW + timedelta(minutes=2),
        "side": intent.side,
        "quantity": Decimal(intent.quantity),
        "limit_price": intent.limit_price,
        "intent": intent.model_dump(mode="json"),
    }
    return SimpleNamespace(**{**fields, **changes})


def executed(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "order_id": A,
        "quantity": Decimal(2),
        "price": Decimal("4.15"),
        "is_package": False,
        "exec_id": "x.01",
        "superseded": False,
        "commission": Decimal("2.10"),
        "commission_currency": "USD",
        "instrument_currency": "USD",
        "created_at": NOW + timedelta(minutes=3),
    }
    return SimpleNamespace(**{**fields, **changes})


def test_a_package_is_told_as_a_whole_and_leg_by_leg() -> None:
    leg = {
        "sec_type": SecType.OPTION,
        "symbol": "SPY",
        "trading_class": "SPY",
        "expiry": date(2026, 12, 18),
        "strike": Decimal(640),
        "right": Right.PUT,
        "multiplier": Decimal(100),
        "contract_con_id": 1001,
    }
    steps: Any = timeline(
        life(RecommendationState.APPROVED),
        None,
        [ordered(roll())],
        [],
        [
            executed(is_package=True, price=Decimal("-1.20"), commission=None),
            executed(side=Side.BUY, price=Decimal("4.15"), **leg),
        ],
    )
    assert [(step.title, step.detail) for step in steps[1:]] == [
        ("Attempt 1: prepared", "Trade 2 for a credit of 1.20"),
        ("Executed 2 for a credit of 1.20", "x.01"),
        ("Leg bought: 2 SPY 18 Dec 2026 640 put at 4.15", "commission 2.10 USD"),
    ]


def test_steps_are_in_the_order_they_happened() -> None:
    decision = SimpleNamespace(
        action=DecisionAction.APPROVE,
        by="Ann",
        decided_at=NOW + timedelta(minutes=1),
        quantity=None,
        limit_price=None,
        reason=None,
    )
    event = SimpleNamespace(
        order_id=A,
        created_at=NOW + timedelta(minutes=4),
        state_before=OrderState.WORKING,
        state_after=OrderState.FILLED,
        payload={"message": "all of it"},
    )
    steps: Any = timeline(
        life(RecommendationState.COMPLETED), decision, [ordered(terms())], [event], [executed()]
    )
    assert [step.kind for step in steps] == [
        "proposed",
        "decision.approved",
        "order.ready",
        "execution",
        "order.filled",
        "recommendation.completed",
    ]
    assert steps[3].detail == "commission 2.10 USD"


def test_every_order_state_and_every_end_has_words() -> None:
    for state in OrderState:
        event = SimpleNamespace(
            order_id=A, created_at=NOW, state_before=None, state_after=state, payload={}
        )
        timeline(life(RecommendationState.APPROVED), None, [ordered(terms())], [event], [])  # type: ignore[list-item]
    for state in RecommendationState:
        told_elsewhere = state in (
            RecommendationState.PROPOSED,
            RecommendationState.APPROVED,
            RecommendationState.REJECTED,
        )
        steps = timeline(life(state), None, [], [], [])
        assert len(steps) == (1 if told_elsewhere else 2), state


def test_a_change_is_visible_to_those_who_see_its_account() -> None:
    change = Change(table="orders", account=A)
    assert change.is_visible(None)
    assert change.is_visible(frozenset({A}))
    assert not change.is_visible(frozenset({B}))
    assert Change(table="settings").is_visible(frozenset())


async def test_a_browser_that_falls_behind_is_told_to_ask_for_everything() -> None:
    subscription = Subscription()
    for number in range(600):
        subscription.put(number, Change(table="orders"))
    tables = []
    for _ in range(100):
        _, change = await subscription.next()
        tables.append(change.table)
    assert tables[0] == "*"
    assert set(tables[1:]) == {"orders"}


def test_a_password_is_known_again_and_no_other() -> None:
    stored = security.hash_password("correct")
    assert stored.startswith("$argon2id$")
    assert security.verify_password(stored, "correct")
    assert not security.verify_password(stored, "Correct")
    assert not security.verify_password("not a hash", "correct")
    assert not security.needs_rehash(stored)


def test_tokens_are_long_and_never_alike() -> None:
    tokens = {security.new_session_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 43 for token in tokens)
    assert len(security.hash_token("x")) == 32


@pytest.mark.parametrize("kind", [Day, Moment])
def test_a_number_is_no_day(kind: Any):
    assert TypeAdapter(Day).validate_python("2026-03-20") == date(2026, 3, 20)
    noon = TypeAdapter(Moment).validate_python("2026-03-20T12:00:00Z")
    assert noon == datetime(2026, 3, 20, 12, tzinfo=UTC)
    for wrong in ("0.0", "1774000000", 0, 1774000000.5, "", "20260320", "2026-03-201"):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(wrong)

"""The judge of the campaigns finds each kind of broken promise; a judge that cannot is no proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.instruments import Side
from infra.simulator.contracts import ContractSpec
from infra.simulator.ledger import Ledger
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderStatus, OrderTerms
from tests.faults.judge import Records, judge
from tests.faults.rounds import FORBIDDEN, Verdict

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TRADE, DECISION = uuid4(), uuid4()
KEY, SECOND_KEY = "GL-first", "GL-second"
LIMIT = Decimal("4.15")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    yield ledger
    ledger.close()


def accept(
    ledger: Ledger,
    key: str = KEY,
    perm_id: int = 1,
    status: OrderStatus = OrderStatus.FILLED,
    **terms: Any,
) -> None:
    """An order at the broker, at work and then in its last status."""
    fields: dict[str, Any] = {
        "account": "DU1",
        "contract": ContractSpec(symbol="SPY"),
        "side": Side.SELL,
        "quantity": Decimal(2),
        "order_type": "LMT",
        "limit_price": LIMIT,
        "order_ref": key,
    }
    order = OrderRecord(
        perm_id=perm_id,
        client_id=17,
        order_id=perm_id,
        terms=OrderTerms(**fields | terms),
        status=OrderStatus.SUBMITTED,
        created_at=AT,
    )
    with ledger.transaction():
        ledger.save_order(order, "accepted", AT)
        if status is not OrderStatus.SUBMITTED:
            ledger.save_order(order.model_copy(update={"status": status}), "status", AT)


def fill(ledger: Ledger, exec_id: str = "e1.01", quantity: int = 2, key: str = KEY) -> None:
    with ledger.transaction():
        ledger.append_execution(
            ExecutionRecord(
                exec_id=exec_id,
                perm_id=1,
                client_id=17,
                order_id=1,
                order_ref=key,
                account="DU1",
                con_id=1,
                symbol="SPY",
                sec_type="OPT",
                side=Side.SELL,
                quantity=Decimal(quantity),
                price=LIMIT,
                cumulative=Decimal(quantity),
                average_price=LIMIT,
                at=AT,
                exchange="SMART",
                commission=Decimal(1),
            )
        )


def order_row(key: str = KEY, **changes: Any) -> dict[str, Any]:
    return {
        "order_key": key,
        "recommendation_id": TRADE,
        "state": "FILLED",
        "limit_price": LIMIT,
        "filled_quantity": Decimal(2),
        "absent_looks": 0,
        "acknowledged_at": AT,
        "intent": {"account_code": "DU1"},
    } | changes


def execution_row(exec_id: str = "e1.01", quantity: int = 2, **changes: Any) -> dict[str, Any]:
    return {
        "exec_id": exec_id,
        "quantity": Decimal(quantity),
        "superseded": False,
        "commission": Decimal(1),
    } | changes


def records(*, state: str = "COMPLETED", **changes: Any) -> Records:
    """One approval of two contracts, filled by one order; ``changes`` replaces parts of it."""
    whole = Records(
        recommendations={
            TRADE: {
                "id": TRADE,
                "state": state,
                "quantity": 2,
                "side": "SELL",
                "floor_price": Decimal(4),
                "terms_hash": "h",
                "reason_code": None,
            }
        },
        decisions={TRADE: decision_row()},
        orders={TRADE: [order_row()]},
        executions={KEY: [execution_row()], SECOND_KEY: []},
        alerted=frozenset(),
    )
    return replace(whole, **changes)


def decision_row(**changes: Any) -> dict[str, Any]:
    return {
        "id": DECISION,
        "recommendation_id": TRADE,
        "action": "APPROVE",
        "quantity": None,
        "terms_hash": "h",
        "delivered_at": AT,
    } | changes


def verdict_on(ledger: Ledger, found: Records, receipts: dict[UUID, UUID] | None = None) -> Verdict:
    return judge(ledger, found, {TRADE: DECISION} if receipts is None else receipts)


def counts(verdict: Verdict) -> dict[str, int]:
    """The forbidden counts that are not zero."""
    return {name: getattr(verdict, name) for name in FORBIDDEN if getattr(verdict, name)}


def test_an_approval_filled_once_and_recorded_is_clean(ledger: Ledger):
    accept(ledger)
    fill(ledger)
    verdict = verdict_on(ledger, records())
    assert counts(verdict) == {}
    assert verdict.endings == {"COMPLETED": 1}


def test_one_key_twice_at_the_broker_is_a_duplicate(ledger: Ledger):
    accept(ledger)
    accept(ledger, perm_id=2)
    fill(ledger)
    assert counts(verdict_on(ledger, records()))["duplicates"] == 1


def test_two_attempts_at_work_at_once_are_a_duplicate(ledger: Ledger):
    accept(ledger, status=OrderStatus.SUBMITTED)
    accept(ledger, SECOND_KEY, perm_id=2)
    fill(ledger)
    orders = {TRADE: [order_row(), order_row(SECOND_KEY, filled_quantity=Decimal(0))]}
    assert counts(verdict_on(ledger, records(orders=orders)))["duplicates"] == 1


def test_more_traded_than_approved_is_over_executed(ledger: Ledger):
    accept(ledger)
    fill(ledger)
    fill(ledger, "e2.01", 1)
    found = {KEY: [execution_row(), execution_row("e2.01", 1)]}
    orders = {TRADE: [order_row(filled_quantity=Decimal(3))]}
    verdict = verdict_on(ledger, records(executions=found, orders=orders))
    assert counts(verdict) == {"over_executed": 1, "false_endings": 1}


@pytest.mark.parametrize(
    "known",
    [[], [execution_row(commission=None)]],
    ids=["execution missing", "commission missing"],
)
def test_what_the_broker_executed_and_we_do_not_know_is_lost(
    ledger: Ledger, known: list[dict[str, Any]]
):
    accept(ledger)
    fill(ledger)
    assert counts(verdict_on(ledger, records(executions={KEY: known})))["lost_executions"] == 1


def test_a_correction_counted_beside_what_it_corrects_is_miscounted(ledger: Ledger):
    accept(ledger)
    fill(ledger, "e1.01", 2)
    fill(ledger, "e1.02", 1)
    found = {KEY: [execution_row("e1.01", 2), execution_row("e1.02", 1)]}
    verdict = verdict_on(ledger, records(state="LAPSED", executions=found))
    assert counts(verdict) == {"miscounted": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"decisions": {}},
        {"decisions": {TRADE: decision_row(action="REJECT")}},
        {"decisions": {TRADE: decision_row(terms_hash="other terms")}},
        {"orders": {TRADE: []}},
    ],
    ids=["no decision", "rejected", "other terms", "an order nobody made"],
)
def test_an_order_without_its_approval_is_unapproved(ledger: Ledger, changes: dict[str, Any]):
    accept(ledger)
    assert counts(verdict_on(ledger, records(**changes), receipts={}))["unapproved"] == 1


@pytest.mark.parametrize(
    "terms",
    [{"quantity": Decimal(3)}, {"limit_price": Decimal(3)}, {"side": Side.BUY}, {"account": "DU2"}],
    ids=["more", "under the floor", "the other side", "another account"],
)
def test_an_order_beyond_its_approval_is_unapproved(ledger: Ledger, terms: dict[str, Any]):
    accept(ledger, **terms)
    fill(ledger)
    assert counts(verdict_on(ledger, records()))["unapproved"] == 1


@pytest.mark.parametrize(
    "decisions", [{}, {TRADE: decision_row(delivered_at=None)}], ids=["gone", "never taken up"]
)
def test_an_answered_approval_that_came_to_nothing_is_lost(
    ledger: Ledger, decisions: dict[UUID, Any]
):
    found = records(decisions=decisions, orders={TRADE: []}, executions={})
    assert counts(verdict_on(ledger, found))["lost_approvals"] == 1


def test_an_ending_with_an_order_still_at_work_is_false(ledger: Ledger):
    accept(ledger, status=OrderStatus.SUBMITTED)
    fill(ledger)
    assert counts(verdict_on(ledger, records())) == {"false_endings": 1}


def test_an_approval_neither_ended_nor_waiting_for_somebody_is_stuck(ledger: Ledger):
    unknown = {TRADE: [order_row(state="UNKNOWN", absent_looks=3, filled_quantity=Decimal(0))]}
    found = records(state="APPROVED", orders=unknown, executions={KEY: []})
    assert counts(verdict_on(ledger, found)) == {"stuck": 1}
    told = verdict_on(ledger, replace(found, alerted=frozenset({KEY})))
    assert counts(told) == {}
    assert told.unknown_with_alert == 1

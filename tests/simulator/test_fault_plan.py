"""Fault plans: read, refused with reasons, and carried out on a running gateway."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ib_async import LimitOrder

from infra.simulator.fault_plan import FaultPlan, FaultPlanError, load_fault_plan
from tests.simulator.conftest import Connect, place, spy_put, until


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_plan(plan: object) -> Path:
        path = tmp_path / "plan.json"
        path.write_text(plan if isinstance(plan, str) else json.dumps(plan))
        return path

    return write_plan


async def test_a_plan_strikes_at_its_moments(write: Any, start_gateway: Any, connect: Connect):
    path = write(
        {
            "faults": [
                {"fault": "overtake", "early": "commissionReport", "late": "execDetails"},
                {
                    "fault": "correct_execution",
                    "when": {"execution": 2},
                    "quantity": 1,
                    "price": "4.95",
                },
                {
                    "fault": "lose_connectivity",
                    "when": {"message": "placeOrder", "nth": 2},
                    "for_seconds": 0.05,
                    "data_kept": False,
                },
                {"fault": "drop_connection", "message": "reqIds", "moment": "after"},
                {"fault": "farm_notice", "code": 2105, "when": {"seconds": 0}, "for_seconds": 0},
            ]
        }
    )
    gateway = await start_gateway(faults=load_fault_plan(path), messages_per_second=0)
    ib: Any = await connect(gateway)
    put = await spy_put(ib)
    for number in range(2):
        await place(ib, put, LimitOrder("BUY", 2, 90, orderRef=f"GL-{number}"))
    await until(lambda: 1101 in ib.codes())
    (effective,) = gateway.ledger.effective_executions("GL-1")
    assert (effective.quantity, effective.price) == (1, Decimal("4.95"))
    ib.client.reqIds(1)
    await until(lambda: not ib.isConnected())
    assert [fault.kind for fault in gateway.ledger.faults()] == [
        "farm_notice", "farm_notice", "overtake", "overtake", "lose_connectivity",
        "correct_execution", "restore_connectivity", "drop_connection",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ('{"seed": 7,', "line 1, column 12"),
        ({"sead": 7}, "field sead"),
        ({"faults": [{"fault": "half_open"}, {"fault": "no"}]}, "entry 2 (no)"),
        ({"faults": ["half_open"]}, "entry 1: "),
        (
            {"faults": [{"fault": "half_open", "linger_seconds": -1}]},
            "entry 1 (half_open), field linger_seconds: Input should be greater than or equal to 0",
        ),
        (
            {"faults": [{"fault": "drop_connection", "message": "plceOrder"}]},
            "entry 1 (drop_connection), field message: 'plceOrder' is not one of",
        ),
        (
            {"faults": [{"fault": "delay", "seconds": 1, "messages": ["placeOrder"]}]},
            "field messages: 'placeOrder' is not one of commissionReport",
        ),
        (
            {"faults": [{"fault": "half_open", "when": {"seconds": 1, "execution": 2}}]},
            "field when: give exactly one of seconds, message and execution",
        ),
        ({"faults": [{"fault": "correct_execution"}]}, "give exec_id"),
        ({"random": {"hours": 1, "per_hour": {"sunspots": 1}}}, "sunspots"),
        ([], "the plan: "),
    ],
)
def test_a_bad_plan_is_refused_by_entry_field_and_reason(write: Any, plan: object, words: str):
    path = write(plan)
    with pytest.raises(FaultPlanError) as raised:
        load_fault_plan(path)
    assert words in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_everything_wrong_with_a_plan_is_said_at_once(write: Any):
    path = write({"seed": -1, "faults": [{"fault": "late"}, {"fault": "slow_accept"}]})
    with pytest.raises(FaultPlanError) as raised:
        load_fault_plan(path)
    assert len(str(raised.value).splitlines()) == 3


def test_a_random_plan_repeats_with_its_seed(write: Any):
    rates = {"half_open": 3, "lose_connectivity": 4, "cut_after_order": 10, "forget_day": 0}
    plan = FaultPlan.model_validate({"random": {"hours": 5, "per_hour": rates}})
    assert plan.random is not None
    first, again = plan.random.entries(1), plan.random.entries(1)
    assert first == again
    assert first != plan.random.entries(2)
    kinds = [entry.fault for entry in first]
    assert 25 <= kinds.count("drop_connection") <= 80
    assert "restart" not in kinds
    assert all(e.when is not None and (e.when.seconds or 0) < 5 * 3600 for e in first)

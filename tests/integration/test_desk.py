"""The desk as a whole: from the broker's books to a person's click and back to the broker's books.

Every process is real and none is told that it is under test. The gateway's own ledger says what
was traded, and is believed over everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowHandle

from domain.recommendations import Terms
from tests.approver import Approver
from tests.desk import Desk, Row, wait_until
from workflows.ids import recommendation_workflow_id
from workflows.messages import DecisionMessage
from workflows.recommendation import RecommendationWorkflow

pytestmark = [pytest.mark.integration, pytest.mark.desk]

APPROVED, FORGED, REJECTED, OUTAGE, EXPIRED = "NVDA", "AAPL", "AAPL", "MSFT", "IWM"
HALTED = "QQQ"
FILL_SECONDS = 250.0
"""Usually a few; but while the market runs away, only the walk of the price brings a fill."""


@pytest.fixture(scope="module")
def offers(desk: Desk) -> Iterator[dict[str, str]]:
    """A recommendation on each symbol; the one that is to expire has a minute left."""
    (config,) = desk.sql("SELECT config FROM strategy_instances WHERE enabled")
    offered = desk.propose(EXPIRED, decision_minutes=1)
    yield offered | desk.propose(APPROVED, FORGED, OUTAGE, HALTED)
    desk.configure_wheel(**config["config"])


@pytest.fixture(scope="module")
def approver(desk: Desk) -> Iterator[Approver]:
    with desk.login() as browser:
        yield Approver(browser)


@pytest.fixture(scope="module")
def approved(desk: Desk, offers: dict[str, str], approver: Approver) -> Row:
    """The offer that was approved right away, with its receipt and the key of the click."""
    recommendation_id = offers[APPROVED]
    key = uuid4().hex
    answer = approver.approve(recommendation_id, key=key)
    assert answer.status_code == 200, answer.text
    return {"id": recommendation_id, "key": key, "receipt": answer.json()}


def held(desk: Desk, recommendation_id: str) -> int:
    """Contracts of the recommendation's instrument that the account holds, as last ingested."""
    found = desk.sql(
        "SELECT p.quantity FROM positions p JOIN recommendations r"
        " ON r.instrument_id = p.instrument_id AND r.broker_account_id = p.broker_account_id"
        " WHERE r.id = %s",
        recommendation_id,
    )
    return int(found[0]["quantity"]) if found else 0


def ingested(desk: Desk) -> dict[str, Any]:
    """What ingestion keeps, without what the market moves from one second to the next."""
    return {
        "instruments": desk.sql("SELECT id, symbol FROM instruments ORDER BY id"),
        "contracts": desk.sql("SELECT id, con_id, instrument_id FROM ibkr_contracts ORDER BY id"),
        "positions": desk.sql(
            "SELECT id, instrument_id, quantity, average_cost FROM positions ORDER BY id"
        ),
    }


def at_broker(desk: Desk, recommendation_id: str) -> list[Any]:
    """The gateway's own record of every order sent for the recommendation."""
    keys = [order["order_key"] for order in desk.orders(recommendation_id)]
    with desk.ledger() as ledger:
        return [order for key in keys for order in ledger.orders(key)]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once the condition holds; TimeoutError when it does not within 15 s."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.1)


def nothing_was_sent(desk: Desk, recommendation_id: str) -> bool:
    """No order row, hence no orderRef that the gateway could have seen."""
    return desk.orders(recommendation_id) == []


async def handle_of(desk: Desk, recommendation_id: str) -> WorkflowHandle[Any, Any]:
    client = await desk.temporal()
    return client.get_workflow_handle_for(
        RecommendationWorkflow.run,
        recommendation_workflow_id(recommendation_id),  # type: ignore[arg-type]
    )


def test_ingestion_fills_the_records_and_a_second_run_finds_nothing_new(desk: Desk):
    desk.wait_until_trading()
    desk.ingest()
    before = ingested(desk)
    assert all(before.values()), before
    assert desk.sql("SELECT 1 FROM account_snapshots WHERE net_liquidation > 0")

    again = desk.cli("sync-ibkr-positions")

    assert (again.returncode, again.stderr) == (0, "")
    assert "0 new" in again.stdout
    assert "0 removed" in again.stdout
    assert ingested(desk) == before


def test_a_strategy_run_records_what_it_saw_found_and_offers(desk: Desk, offers: dict[str, str]):
    recommendation = desk.recommendation(offers[REJECTED])
    run = desk.one("SELECT * FROM strategy_runs WHERE id = %s", recommendation["strategy_run_id"])
    assert (run["mode"], run["status"], run["errors"]) == ("LIVE", "COMPLETED", [])
    assert desk.sql("SELECT 1 FROM signals WHERE strategy_run_id = %s", run["id"])
    (opportunity,) = desk.sql(
        "SELECT * FROM opportunities WHERE id = %s", recommendation["opportunity_id"]
    )
    assert (opportunity["recommended"], opportunity["strategy_run_id"]) == (True, run["id"])
    terms = Terms.model_validate(recommendation["terms"])
    assert terms.hash == recommendation["terms_hash"]
    assert terms.deadline == recommendation["deadline"]
    assert recommendation["rationale"]


def test_the_same_click_again_gets_the_same_receipt(desk: Desk, approver: Approver, approved: Row):
    again = approver.approve(approved["id"], key=approved["key"])
    assert again.status_code == 200
    kept = ("decision_id", "action", "decided_at")
    assert [again.json()[k] for k in kept] == [approved["receipt"][k] for k in kept]
    assert desk.one(
        "SELECT count(*) FROM decisions WHERE recommendation_id = %s", approved["id"]
    ) == {"count": 1}


def test_a_second_decision_on_the_same_offer_is_refused(approver: Approver, approved: Row):
    for answer in (approver.approve(approved["id"]), approver.reject(approved["id"], "too late")):
        assert (answer.status_code, answer.json()["code"]) == (409, "ALREADY_DECIDED")


def test_a_decision_on_other_terms_is_refused_and_nothing_is_written(
    desk: Desk, offers: dict[str, str], approver: Approver
):
    answer = approver.approve(offers[FORGED], terms_hash="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (409, "TERMS_CHANGED")
    assert desk.recommendation(offers[FORGED])["state"] == "PROPOSED"
    assert not desk.sql("SELECT 1 FROM decisions WHERE recommendation_id = %s", offers[FORGED])


async def test_a_waiting_offer_is_found_in_temporal_by_what_it_waits_on(
    desk: Desk, offers: dict[str, str]
):
    client = await desk.temporal()
    wanted = recommendation_workflow_id(offers[FORGED])  # type: ignore[arg-type]
    query = (
        "GreenlightState = 'PROPOSED' AND GreenlightWaitingOn = 'human'"
        f" AND GreenlightUnderlying = '{FORGED}' AND ExecutionStatus = 'Running'"
    )

    async def listed() -> bool:
        return wanted in [found.id async for found in client.list_workflows(query)]

    await eventually(listed)
    description = await client.get_workflow_handle(wanted).describe()
    assert description.status is not None


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
async def test_a_forged_approval_signal_places_nothing(
    desk: Desk, offers: dict[str, str], approved: Row, whose: str
):
    """Whoever reaches Temporal may signal; only a decision on record for this offer authorises."""
    handle = await handle_of(desk, offers[FORGED])
    decision = approved["receipt"]["decision_id"] if whose == "another's" else uuid4()
    before = await looked_up_decisions(handle)
    await handle.signal(RecommendationWorkflow.approve, DecisionMessage(decision_id=decision))

    async def looked_up() -> bool:
        return await looked_up_decisions(handle) > before

    async def waits_for_a_person() -> bool:
        status = await handle.query(RecommendationWorkflow.status)
        return (status.state, status.waiting_on) == ("PROPOSED", "human")

    await eventually(looked_up)
    await eventually(waits_for_a_person)
    assert desk.recommendation(offers[FORGED])["state"] == "PROPOSED"
    assert nothing_was_sent(desk, offers[FORGED])


async def looked_up_decisions(handle: WorkflowHandle[Any, Any]) -> int:
    """How often the workflow has read a decision: its only local activity."""
    events = (await handle.fetch_history()).events
    markers = [event.marker_recorded_event_attributes.marker_name for event in events]
    return markers.count("core_local_activity")


def test_halted_trading_refuses_the_click_and_denies_what_was_approved_before(
    desk: Desk, offers: dict[str, str], approver: Approver
):
    recommendation_id = offers[HALTED]
    try:
        desk.set_trading_state("HALTED")
        refused = approver.approve(recommendation_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "TRADING_HALTED")

        desk.set_trading_state("ACTIVE")
        with desk.frozen("broker worker"):
            assert approver.approve(recommendation_id).status_code == 200
            desk.set_trading_state("HALTED")
        concluded(desk, recommendation_id, "DENIED", timeout=30)
    finally:
        desk.set_trading_state("ACTIVE")
    assert desk.recommendation(recommendation_id)["reason_code"] == "TRADING_HALTED"
    assert at_broker(desk, recommendation_id) == []


def concluded(desk: Desk, recommendation_id: str, state: str, timeout: float) -> Row:
    """The recommendation once it has left APPROVED or PROPOSED, which must be for ``state``."""

    def ended() -> Row | None:
        row = desk.recommendation(recommendation_id)
        return None if row["state"] in ("PROPOSED", "APPROVED") else row

    row = wait_until(ended, timeout, f"{recommendation_id} ends")
    assert row["state"] == state, (row["state"], row["reason_code"], row["reason"])
    return row


def test_an_approval_made_while_temporal_hangs_is_kept_and_carried_out(
    desk: Desk, offers: dict[str, str], approver: Approver
):
    recommendation_id = offers[OUTAGE]
    with desk.frozen("temporal"):
        answer = approver.approve(recommendation_id)
        assert (answer.status_code, answer.json()["delivered"]) == (200, False)
        assert desk.orders(recommendation_id) == []
    wait_until(lambda: at_broker(desk, recommendation_id), 60, "the order reaches the gateway")


def test_a_rejected_offer_ends_without_an_order(
    desk: Desk, offers: dict[str, str], approver: Approver
):
    answer = approver.reject(offers[REJECTED], "earnings next week")
    assert (answer.status_code, answer.json()["state"]) == (200, "REJECTED")
    decision = desk.one("SELECT * FROM decisions WHERE recommendation_id = %s", offers[REJECTED])
    assert (decision["action"], decision["reason"]) == ("REJECT", "earnings next week")
    wait_until(lambda: asyncio.run(has_ended(desk, offers[REJECTED])), 15, "its workflow ends")
    assert nothing_was_sent(desk, offers[REJECTED])


async def has_ended(desk: Desk, recommendation_id: str) -> bool:
    described = await (await handle_of(desk, recommendation_id)).describe()
    return described.close_time is not None


def test_an_offer_nobody_decides_on_expires_in_market_time(
    desk: Desk, offers: dict[str, str], approver: Approver
):
    row = concluded(desk, offers[EXPIRED], "EXPIRED", timeout=90)
    market = desk.one("SELECT market_at FROM gateways")["market_at"]
    # The gateway's clock is read every second, and the desk carries it forward in between.
    assert market > row["deadline"] - timedelta(seconds=10)
    late = approver.approve(offers[EXPIRED])
    assert (late.status_code, late.json()["code"]) == (409, "RECOMMENDATION_EXPIRED")
    assert nothing_was_sent(desk, offers[EXPIRED])


@pytest.fixture(scope="module")
def completed(desk: Desk, offers: dict[str, str], approved: Row) -> str:
    """Whichever approved offer the market filled first; it owes nobody a fill."""
    candidates = (approved["id"], offers[OUTAGE])
    ended = wait_until(
        lambda: [each for each in candidates if desk.recommendation(each)["state"] == "COMPLETED"],
        FILL_SECONDS,
        "an approved offer completes",
    )
    return ended[0]


def test_an_approved_offer_is_filled_once_recorded_and_held(desk: Desk, completed: str):
    orders = desk.orders(completed)
    filled = [order for order in orders if order["state"] == "FILLED"]
    assert len(filled) == 1
    assert {order["state"] for order in orders} <= {"FILLED", "CANCELLED"}
    with desk.ledger() as ledger:
        (order,) = ledger.orders(filled[0]["order_key"])
        (execution,) = ledger.executions(filled[0]["order_key"])
    quantity = desk.recommendation(completed)["quantity"]
    assert (order.filled, order.status) == (quantity, "Filled")
    recorded = wait_until(
        lambda: desk.sql(
            "SELECT * FROM executions WHERE order_id = %s AND commission IS NOT NULL",
            filled[0]["id"],
        ),
        what="the execution is recorded with its commission",
    )
    assert [(row["exec_id"], row["quantity"], row["commission"]) for row in recorded] == [
        (execution.exec_id, execution.quantity, execution.commission)
    ]
    desk.ingest()
    assert held(desk, completed) == -quantity


def test_the_logs_lead_from_the_click_to_the_fill(desk: Desk, completed: str):
    decision = desk.one("SELECT id FROM decisions WHERE recommendation_id = %s", completed)["id"]
    clicks = desk.logged("api", "decision.recorded", recommendation_id=completed)
    assert {each["decision_id"] for each in clicks} == {str(decision)}
    assert all(each["request_id"] and each["user_id"] for each in clicks)
    sent = desk.logged("broker worker", "order.sent", decision_id=str(decision))
    keys = {each["order_key"] for each in desk.orders(completed)}
    assert {each["order_key"] for each in sent} == keys
    assert {each["workflow_id"] for each in sent} == {f"recommendation-{completed}"}
    (filled,) = [each["order_key"] for each in desk.orders(completed) if each["state"] == "FILLED"]
    assert "execution" in {
        each["by"] for each in desk.logged("broker worker", "order.changed", order_key=filled)
    }


def test_after_a_fill_the_record_agrees_with_the_brokers_books(desk: Desk, completed: str):
    agreed = desk.cli("reconcile")
    assert (agreed.returncode, agreed.stderr) == (0, ""), agreed.stdout
    assert "0 open discrepancies" in agreed.stdout
    assert desk.sql("SELECT 1 FROM broker_accounts WHERE reconciled_at IS NOT NULL")
    assert desk.sql("SELECT * FROM discrepancies WHERE raised_at IS NOT NULL") == []


async def test_what_the_desk_does_by_itself_is_named_in_temporal(desk: Desk):
    client = await desk.temporal()
    schedules = {each.id async for each in await client.list_schedules()}
    assert schedules >= {
        "ingestion-simulated", "reconciliation-simulated", "redelivery", "strategy-runs",
    }  # fmt: skip
    wait_until(
        lambda: desk.sql("SELECT 1 FROM broker_accounts WHERE reconciled_at IS NOT NULL"),
        what="a connected gateway is reconciled by itself",
    )


def test_an_order_passes_through_its_states_in_order(desk: Desk, completed: str):
    passed = desk.sql(
        "SELECT e.state_before, e.state_after FROM order_events e JOIN orders o"
        " ON o.id = e.order_id WHERE o.recommendation_id = %s AND o.attempt = 1"
        " AND e.state_before IS DISTINCT FROM e.state_after ORDER BY e.id",
        completed,
    )
    reached = [row["state_after"] for row in passed]
    assert reached[:2] == ["SENDING", "WORKING"], passed
    assert reached[-1] in ("FILLED", "CANCELLED")


def test_the_gateway_knows_no_order_that_nobody_approved(desk: Desk, approved: Row):
    with desk.ledger() as ledger:
        references = {order.order_ref for order in ledger.orders()}
    ours = {row["order_key"] for row in desk.sql("SELECT order_key FROM orders")}
    assert references <= ours

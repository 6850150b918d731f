"""Deciding over HTTP: what is written, what workflows are told, and what is refused."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from api.routers import orders
from domain.recommendations import DecisionAction, RecommendationState
from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.world import mark_unknown

pytestmark = pytest.mark.integration
KEY = {"Idempotency-Key": "first-click-0001"}


async def approve(
    browser: httpx.AsyncClient, row: m.Recommendation, **changes: Any
) -> httpx.Response:
    headers = changes.pop("headers", KEY)
    body = {"terms_hash": row.terms_hash, **changes}
    return await browser.post(f"/api/recommendations/{row.id}/approve/", json=body, headers=headers)


async def reject(
    browser: httpx.AsyncClient, row: m.Recommendation, reason: str | None
) -> httpx.Response:
    body = {"terms_hash": row.terms_hash} | ({} if reason is None else {"reason": reason})
    return await browser.post(f"/api/recommendations/{row.id}/reject/", json=body, headers=KEY)


async def written(api: ApiWorld) -> tuple[int, RecommendationState]:
    """How many decisions there are on the waiting recommendation, and its state."""
    waiting = api.world.a.waiting.id
    async with api.sessions() as session:
        made = m.Decision.recommendation_id == waiting
        count = await session.scalar(select(func.count()).select_from(m.Decision).where(made))
        state = await session.scalar(
            select(m.Recommendation.state).where(m.Recommendation.id == waiting)
        )
    assert count is not None
    assert state is not None
    return count, state


async def test_an_approval_is_on_record_before_the_workflow_hears_of_it(api: ApiWorld) -> None:
    waiting = api.world.a.waiting
    seen: list[tuple[int, RecommendationState]] = []
    tell = api.signals.decision

    async def look_then_tell(*told: Any) -> bool:
        # From another connection: only what is committed can be seen.
        seen.append(await written(api))
        return await tell(*told)

    api.signals.decision = look_then_tell
    async with api.signed_in("approver_a") as browser:
        response = await approve(browser, waiting)
    assert response.status_code == 200, response.text
    receipt = response.json()
    assert receipt["state"] == "APPROVED"
    assert receipt["delivered"] is True
    assert seen == [(1, RecommendationState.APPROVED)]
    (told,) = api.signals.decisions
    assert (str(told[0]), str(told[1])) == (str(waiting.id), receipt["decision_id"])
    assert told[2] is DecisionAction.APPROVE


async def test_fewer_contracts_at_a_better_limit_are_recorded_as_typed(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        response = await approve(browser, api.world.a.waiting, quantity=1, limit_price="4.25")
        assert response.status_code == 200, response.text
        card = (await browser.get(f"/api/recommendations/{api.world.a.waiting.id}/")).json()
    assert card["decision"]["quantity"] == 1
    assert card["decision"]["limit_price"] == "4.25"
    assert "quantity 1, limit 4.25" in [step["detail"] for step in card["timeline"]]


async def test_a_rejection_keeps_the_reason(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        response = await reject(browser, api.world.a.waiting, "  earnings tomorrow ")
        assert response.json()["state"] == "REJECTED"
        card = (await browser.get(f"/api/recommendations/{api.world.a.waiting.id}/")).json()
    assert card["decision"]["reason"] == "earnings tomorrow"
    assert card["may_decide_why_not"] == "It has been rejected."
    assert api.signals.decisions[0][2] is DecisionAction.REJECT


@pytest.mark.parametrize("reason", [None, "", "   ", "x" * 501])
async def test_a_rejection_without_a_usable_reason_is_refused(
    api: ApiWorld, reason: str | None
) -> None:
    async with api.signed_in("approver_a") as browser:
        body = await problem(
            await reject(browser, api.world.a.waiting, reason), 422, "INVALID_INPUT"
        )
    assert body["errors"][0]["field"] == "reason"
    assert await written(api) == (0, RecommendationState.PROPOSED)


async def test_other_terms_than_those_on_record_are_refused_and_nothing_is_written(
    api: ApiWorld,
) -> None:
    async with api.signed_in("approver_a") as browser:
        answer = await approve(browser, api.world.a.waiting, terms_hash="sha256:" + "0" * 64)
        body = await problem(answer, 409, "TERMS_CHANGED")
    assert body["advice"]
    assert body["context"]["current"] == api.world.a.waiting.terms_hash
    assert await written(api) == (0, RecommendationState.PROPOSED)
    assert api.signals.decisions == []


async def test_after_the_deadline_nothing_is_written(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        # The market ran ahead: the broker's clock was read an hour later.
        ahead = {"market_at": m.Gateway.market_at + timedelta(hours=1)}
        await session.execute(update(m.Gateway).values(**ahead))
    async with api.signed_in("approver_a") as browser:
        await problem(await approve(browser, api.world.a.waiting), 409, "RECOMMENDATION_EXPIRED")
    assert await written(api) == (0, RecommendationState.PROPOSED)


async def test_the_same_key_gives_the_same_receipt_and_one_decision(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        first = await approve(browser, api.world.a.waiting, quantity=1, limit_price="4.20")
        again = await approve(browser, api.world.a.waiting, quantity=1, limit_price="4.2")
    assert again.status_code == 200, again.text
    assert again.json() == first.json()
    assert await written(api) == (1, RecommendationState.APPROVED)


async def test_a_replay_of_a_decision_already_read_is_not_told_again(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        await approve(browser, api.world.a.waiting)
        async with api.sessions.begin() as session:
            await session.execute(update(m.Decision).values(delivered_at=api.clock.at))
        api.signals.broken = True
        again = await approve(browser, api.world.a.waiting)
    assert again.json()["delivered"] is True
    assert len(api.signals.decisions) == 1


async def test_the_same_key_for_another_request_is_refused(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        await approve(browser, api.world.a.waiting)
        answer = await approve(browser, api.world.a.waiting, quantity=1)
        await problem(answer, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_second_decision_is_refused(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        await approve(browser, api.world.a.waiting)
        answer = await approve(
            browser, api.world.a.waiting, headers={"Idempotency-Key": "second-click-2"}
        )
        await problem(answer, 409, "ALREADY_DECIDED")


async def test_a_decision_that_cannot_be_told_is_kept_and_says_so(api: ApiWorld) -> None:
    api.signals.broken = True
    async with api.signed_in("approver_a") as browser:
        response = await approve(browser, api.world.a.waiting)
    assert response.status_code == 200
    assert response.json()["delivered"] is False
    assert await written(api) == (1, RecommendationState.APPROVED)


@pytest.mark.parametrize("who", ["viewer_a", "operator_a"])
async def test_deciding_needs_a_deciding_role(api: ApiWorld, who: str) -> None:
    async with api.signed_in(who) as browser:
        await problem(await approve(browser, api.world.a.waiting), 403, "FORBIDDEN")
        await problem(await reject(browser, api.world.a.waiting, "no"), 403, "FORBIDDEN")
    assert await written(api) == (0, RecommendationState.PROPOSED)


async def test_while_trading_is_halted_an_opening_trade_cannot_be_approved(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        state = m.Setting.key == "trading_state"
        await session.execute(update(m.Setting).where(state).values(value="HALTED"))
    async with api.signed_in("approver_a") as browser:
        await problem(await approve(browser, api.world.a.waiting), 409, "TRADING_HALTED")
        assert (await reject(browser, api.world.a.waiting, "no")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"headers": {}}, 422, "Idempotency-Key"),
        ({"headers": {"Idempotency-Key": "short"}}, 422, "Idempotency-Key"),
        ({"quantity": 0}, 422, "quantity"),
        ({"quantity": 3}, 422, "quantity"),
        ({"limit_price": "NaN"}, 422, "limit_price"),
        ({"limit_price": "0"}, 422, "limit_price"),
        ({"limit_price": "-1"}, 422, "limit_price"),
        ({"limit_price": "1e400"}, 422, "limit_price"),
        ({"limit_price": "4.1500001"}, 422, "limit_price"),
        ({"limit_price": "4.10"}, 422, "limit_price"),
        ({"floor_price": "1"}, 422, "floor_price"),
    ],
)
async def test_bad_input_names_the_field_and_writes_nothing(
    api: ApiWorld, changes: dict[str, Any], status: int, field: str
) -> None:
    async with api.signed_in("approver_a") as browser:
        answer = await approve(browser, api.world.a.waiting, **changes)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await written(api) == (0, RecommendationState.PROPOSED)


async def withdrawn_at(api: ApiWorld) -> datetime | None:
    approved = m.Recommendation.id == api.world.a.approved.id
    async with api.sessions() as session:
        return await session.scalar(select(m.Recommendation.withdrawn_at).where(approved))


async def test_a_cancel_is_on_record_passed_to_the_workflow_and_audited(api: ApiWorld) -> None:
    order = api.world.a.order
    async with api.signed_in("approver_a") as browser:
        response = await browser.post(f"/api/orders/{order.id}/cancel/")
        card = (await browser.get(f"/api/recommendations/{order.recommendation_id}/")).json()
    assert "Cancel requested" in [step["title"] for step in card["timeline"]]
    assert await withdrawn_at(api) == api.clock.at
    assert response.status_code == 202
    assert response.json()["id"] == str(order.id)
    assert api.signals.withdrawals == [order.recommendation_id]
    async with api.sessions() as session:
        wanted = select(m.AuditEvent.actor).where(m.AuditEvent.action == "order.cancel_requested")
        assert await session.scalar(wanted) == "approver_a@desk.test"


async def test_a_cancel_that_did_not_get_through_is_accepted_and_stays_on_record(
    api: ApiWorld,
) -> None:
    api.signals.broken = True
    async with api.signed_in("approver_a") as browser:
        answer = await browser.post(f"/api/orders/{api.world.a.order.id}/cancel/")
    assert answer.status_code == 202
    assert await withdrawn_at(api) == api.clock.at


@pytest.mark.parametrize("state", ["FILLED", "CANCELLED", "ENDED", "NOT_SENT"])
async def test_a_finished_order_cannot_be_cancelled(api: ApiWorld, state: str) -> None:
    async with api.sessions.begin() as session:
        mine = m.Order.id == api.world.a.order.id
        await session.execute(update(m.Order).where(mine).values(state=state))
    async with api.signed_in("approver_a") as browser:
        answer = await browser.post(f"/api/orders/{api.world.a.order.id}/cancel/")
        await problem(answer, 409, "ILLEGAL_TRANSITION")
    assert api.signals.withdrawals == []


@pytest.mark.parametrize("who", ["viewer_a", "operator_a"])
async def test_cancelling_needs_a_deciding_role(api: ApiWorld, who: str) -> None:
    async with api.signed_in(who) as browser:
        answer = await browser.post(f"/api/orders/{api.world.a.order.id}/cancel/")
        await problem(answer, 403, "FORBIDDEN")
    assert await withdrawn_at(api) is None


@pytest.mark.parametrize("who", ["viewer_a", "approver_a"])
async def test_declaring_not_sent_needs_an_operator(api: ApiWorld, who: str) -> None:
    async with api.signed_in(who) as browser:
        answer = await browser.post(
            f"/api/orders/{api.world.a.order.id}/declare-not-sent/", json={"reason": "gone"}
        )
        await problem(answer, 403, "FORBIDDEN")


async def put_in_doubt(api: ApiWorld, looks: int) -> None:
    async with api.sessions.begin() as session:
        order = await session.get_one(m.Order, api.world.a.order.id)
        mark_unknown(order, looks)
        order.filled_quantity = Decimal(0)
        order.average_price = None
        mine = m.Execution.order_id == order.id
        await session.execute(delete(m.Execution).where(mine))


async def test_enough_looks_let_an_operator_declare_an_order_not_sent(api: ApiWorld) -> None:
    await put_in_doubt(api, looks=3)
    async with api.signed_in("operator_a") as browser:
        response = await browser.post(
            f"/api/orders/{api.world.a.order.id}/declare-not-sent/", json={"reason": "not there"}
        )
        assert response.status_code == 200, response.text
        assert response.json()["state"] == "NOT_SENT"
        assert response.json()["may_declare_not_sent"] is False
    assert api.signals.changed_orders == [api.world.a.order.order_key]


class Died(Exception):
    """In the place of SIGKILL."""


@pytest.mark.parametrize(
    ("label", "left"),
    [("declaration.uncommitted", "UNKNOWN"), ("declaration.committed", "NOT_SENT")],
)
async def test_an_api_that_dies_at_a_declaration_leaves_all_of_it_or_nothing(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, label: str, left: str
) -> None:
    def die(passed: str) -> None:
        if passed == label:
            raise Died

    await put_in_doubt(api, looks=3)
    address = f"/api/orders/{api.world.a.order.id}/"
    ask = {"reason": "not there"}
    async with api.signed_in("operator_a") as browser:
        monkeypatch.setattr(orders, "crash_point", die)
        with contextlib.suppress(Died):
            await browser.post(f"{address}declare-not-sent/", json=ask)
        monkeypatch.undo()
        assert (await browser.get(address)).json()["state"] == left
        # The person tries again: it is declared once, whatever was left.
        await browser.post(f"{address}declare-not-sent/", json=ask)
        assert (await browser.get(address)).json()["state"] == "NOT_SENT"
    async with api.sessions() as session:
        said = select(func.count()).where(m.AuditEvent.action == "order.declared_not_sent")
        assert await session.scalar(said) == 1


async def test_an_operator_declares_a_vanished_order_over(api: ApiWorld) -> None:
    await put_in_doubt(api, looks=3)
    look = {"read_at": "2026-11-23T15:00:00Z", "status": None, "same_day": True, "looks": 3}
    async with api.sessions.begin() as session:
        (await session.get_one(m.Order, api.world.a.order.id)).last_look = look
    address = f"/api/orders/{api.world.a.order.id}/"
    async with api.signed_in("operator_a") as browser:
        before = (await browser.get(address)).json()
        assert before["may_declare_ended"] is True
        assert before["ending_evidence"]["looks"] == 3
        ask = {"executed_quantity": "1", "reason": "statement shows one"}
        response = await browser.post(f"{address}declare-ended/", json=ask)
        assert response.status_code == 200, response.text
        assert response.json()["state"] == "ENDED"
        assert response.json()["declared_quantity"] == "1"
    assert api.signals.changed_orders == [api.world.a.order.order_key]


async def test_too_few_looks_are_not_evidence(api: ApiWorld) -> None:
    await put_in_doubt(api, looks=2)
    async with api.signed_in("operator_a") as browser:
        answer = await browser.post(
            f"/api/orders/{api.world.a.order.id}/declare-not-sent/", json={"reason": "not there"}
        )
        await problem(answer, 409, "EVIDENCE_INCOMPLETE")


async def test_a_runaway_client_is_stopped(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        for _ in range(60):
            await approve(browser, api.world.a.waiting, terms_hash="other")
        refused = await approve(browser, api.world.a.waiting)
        await problem(refused, 429, "TOO_MANY_REQUESTS")
        assert "retry-after" in refused.headers
    assert await written(api) == (0, RecommendationState.PROPOSED)

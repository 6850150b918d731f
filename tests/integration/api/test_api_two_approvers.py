"""Above a client's limits two different people approve; nothing is told to anybody before."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select, text, update

from domain.recommendations import DecisionAction
from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration


async def limit_and_second_approver(api: ApiWorld, notional: str = "0") -> None:
    """Client A asks for two above ``notional``, and has a second person who may decide."""
    async with api.sessions.begin() as session:
        client_id = api.world.a.client.id
        session.add(
            m.Membership(
                user_id=api.world.users["nobody"].id, client_id=client_id, role=m.Role.TRADER
            )
        )
    ask = {
        "step_up_minutes": None,
        "two_approvers_above_notional": notional,
        "two_approvers_above_max_loss": None,
    }
    async with api.signed_in("admin") as admin:
        answer = await admin.put(f"/api/clients/{client_id}/approval-rules/", json=ask)
        assert answer.status_code == 200, answer.text


async def approve(
    browser: httpx.AsyncClient, row: m.Recommendation, key: str, **changes: Any
) -> httpx.Response:
    return await browser.post(
        f"/api/recommendations/{row.id}/approve/",
        json={"terms_hash": row.terms_hash, **changes},
        headers={"Idempotency-Key": key * 8},
    )


async def decisions(api: ApiWorld) -> int:
    made = m.Decision.recommendation_id == api.world.a.waiting.id
    async with api.sessions() as session:
        return await session.scalar(select(func.count()).select_from(m.Decision).where(made)) or 0


async def test_the_first_approval_waits_and_the_second_completes_the_decision(
    api: ApiWorld,
) -> None:
    await limit_and_second_approver(api)
    waiting = api.world.a.waiting
    card = f"/api/recommendations/{waiting.id}/"
    async with api.signed_in("approver_a") as first, api.signed_in("nobody") as second:
        assert (await first.get(card)).json()["needs_two_approvers"] is True
        told = (await approve(first, waiting, "a")).json()
        assert (told["decision_id"], told["state"]) == (None, "PROPOSED")
        assert told["awaits_second_approver"] is True
        assert (await decisions(api), api.signals.decisions) == (0, [])

        again = (await approve(first, waiting, "a")).json()
        assert again == told
        await problem(await approve(first, waiting, "b"), 409, "SECOND_APPROVER_REQUIRED")
        seen = (await first.get(card)).json()
        assert [each["by"] for each in seen["approvals"]] == ["Approver A"]
        assert "another person" in seen["may_decide_why_not"]
        assert (await second.get(card)).json()["may_decide"] is True

        differs = await approve(second, waiting, "c", quantity=1)
        assert (await problem(differs, 409, "APPROVAL_DIFFERS"))["context"]["quantity"] is None
        done = (await approve(second, waiting, "d")).json()
        assert (done["state"], done["awaits_second_approver"]) == ("APPROVED", False)
        late = (await approve(first, waiting, "a")).json()
        assert (late["state"], late["decision_id"]) == ("APPROVED", None)
    assert await decisions(api) == 1
    assert [told[2] for told in api.signals.decisions] == [DecisionAction.APPROVE]


async def test_below_the_limit_one_person_suffices(api: ApiWorld) -> None:
    await limit_and_second_approver(api, notional="100000000")
    async with api.signed_in("approver_a") as first:
        assert (await approve(first, api.world.a.waiting, "a")).json()["state"] == "APPROVED"


async def test_a_rejection_by_either_ends_it(api: ApiWorld) -> None:
    await limit_and_second_approver(api)
    waiting = api.world.a.waiting
    async with api.signed_in("approver_a") as first, api.signed_in("nobody") as second:
        await approve(first, waiting, "a")
        answer = await first.post(
            f"/api/recommendations/{waiting.id}/reject/",
            json={"terms_hash": waiting.terms_hash, "reason": "thought again"},
            headers={"Idempotency-Key": "r" * 16},
        )
        assert answer.json()["state"] == "REJECTED"
        await problem(await approve(second, waiting, "b"), 409, "ALREADY_DECIDED")
    assert [told[2] for told in api.signals.decisions] == [DecisionAction.REJECT]


async def test_two_approvers_at_once_make_one_decision_and_one_person_twice_makes_none(
    api: ApiWorld,
) -> None:
    await limit_and_second_approver(api)
    waiting = api.world.a.waiting
    async with AsyncExitStack() as stack:
        same = [await stack.enter_async_context(api.signed_in("approver_a")) for _ in range(3)]
        other = await stack.enter_async_context(api.signed_in("nobody"))
        answers = await asyncio.gather(
            *(approve(browser, waiting, key) for browser, key in zip(same, "abc", strict=True))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
        assert await decisions(api) == 0
        answers = await asyncio.gather(
            approve(other, waiting, "d"),
            approve(other, waiting, "e"),
            approve(same[0], waiting, "f"),
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await decisions(api) == 1
    assert len(api.signals.decisions) == 1


async def test_an_approval_by_somebody_whose_role_was_revoked_does_not_count(
    api: ApiWorld,
) -> None:
    await limit_and_second_approver(api)
    waiting, first_user = api.world.a.waiting, api.world.users["approver_a"].id
    async with api.signed_in("approver_a") as first, api.signed_in("nobody") as second:
        assert (await approve(first, waiting, "a")).status_code == 200
        async with api.sessions.begin() as session:
            await session.execute(delete(m.Membership).where(m.Membership.user_id == first_user))
        told = (await approve(second, waiting, "b")).json()
        assert (told["state"], told["awaits_second_approver"]) == ("PROPOSED", True)
        assert await decisions(api) == 0
    async with api.signed_in("admin") as third:
        assert (await approve(third, waiting, "c")).json()["state"] == "APPROVED"


async def test_a_role_revoked_while_the_click_waits_decides_nothing(api: ApiWorld) -> None:
    waiting, user = api.world.a.waiting, api.world.users["approver_a"].id
    async with api.signed_in("approver_a") as browser:
        async with api.sessions.begin() as holder:
            lock = select(m.Recommendation).where(m.Recommendation.id == waiting.id)
            await holder.execute(lock.with_for_update())
            click = asyncio.create_task(approve(browser, waiting, "a"))
            await _until_blocked(api)
            async with api.sessions.begin() as session:
                mine = m.Membership.user_id == user
                await session.execute(update(m.Membership).where(mine).values(role=m.Role.VIEWER))
        await problem(await click, 403, "FORBIDDEN")
    assert await decisions(api) == 0


async def _until_blocked(api: ApiWorld) -> None:
    """Until somebody waits for a row lock of this database."""
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(20), api.sessions() as session:
        while not await session.scalar(blocked):
            await session.rollback()
            await asyncio.sleep(0.01)


async def test_only_the_clients_admin_changes_its_approval_rules(api: ApiWorld) -> None:
    rules = f"/api/clients/{api.world.a.client.id}/approval-rules/"
    ask = {
        "step_up_minutes": 5,
        "two_approvers_above_notional": "1000.5",
        "two_approvers_above_max_loss": None,
        "two_people_configure": True,
    }
    async with api.signed_in("operator_a") as operator, api.signed_in("trader_b") as foreign:
        await problem(await operator.put(rules, json=ask), 403, "FORBIDDEN")
        assert (await operator.get(rules)).json()["step_up_minutes"] is None
        await problem(await foreign.get(rules), 404, "NOT_FOUND")
        await problem(await foreign.put(rules, json=ask), 404, "NOT_FOUND")
    async with api.signed_in("admin") as admin:
        await admin.put(rules, json=ask)
        told = (await admin.get(rules)).json()
        assert told.pop("etag")
        assert told == {"client_id": str(api.world.a.client.id), **ask}
    async with api.sessions() as session:
        changed = (
            await session.scalars(
                select(m.AuditEvent).where(m.AuditEvent.action == "approval_rules.changed")
            )
        ).one()
    assert (changed.before or {})["two_approvers_above_notional"] is None
    assert (changed.after or {})["two_approvers_above_notional"] == "1000.5"

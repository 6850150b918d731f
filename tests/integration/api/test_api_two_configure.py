"""Where a client asks for two people, a strategy's configuration is never one person's alone."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import delete, select

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.test_api_strategies import (
    CONFIG,
    PATH,
    command,
    instance_of,
    make_runnable,
    put,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def strategy(api: ApiWorld) -> UUID:
    """Client B's, of whom trader_b and the administrator may configure; it asks for two."""
    await make_runnable(api)
    await ask_for_two(api, True)
    return instance_of(api, "b")


async def ask_for_two(api: ApiWorld, wanted: bool) -> None:
    async with api.sessions.begin() as session:
        client = await session.get_one(m.Client, api.world.b.client.id)
        client.two_people_configure = wanted


async def decide(
    browser: httpx.AsyncClient, strategy: UUID, change: str, what: str
) -> httpx.Response:
    body = {"reason": "too bold"} if what == "reject" else None
    return await command(browser, strategy, f"changes/{change}/{what}", body)


async def proposed(browser: httpx.AsyncClient, strategy: UUID) -> str:
    answer = await put(browser, strategy, CONFIG)
    assert answer.status_code == 202, answer.text
    return answer.json()["proposal"]["id"]


async def detail(browser: httpx.AsyncClient, strategy: UUID) -> dict[str, Any]:
    return (await browser.get(f"{PATH}{strategy}/")).json()


async def states(api: ApiWorld) -> list[str]:
    async with api.sessions() as session:
        rows = await session.scalars(select(m.ConfigProposal.state).order_by(m.ConfigProposal.id))
        return [row.value for row in rows]


async def actions(api: ApiWorld) -> list[tuple[str, str]]:
    async with api.sessions() as session:
        rows = await session.execute(
            select(m.AuditEvent.action, m.AuditEvent.actor)
            .where(m.AuditEvent.entity == "strategy_instance")
            .order_by(m.AuditEvent.id)
        )
        return [(row.action, row.actor.split("@")[0]) for row in rows]


async def test_a_change_is_in_force_once_somebody_else_approves_it(
    api: ApiWorld, strategy: UUID
) -> None:
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        change = await proposed(one, strategy)
        waiting = await detail(one, strategy)
        assert (waiting["config_version"], waiting["config"]["max_delta"]) == (1, 0.3)
        assert waiting["proposal"]["is_own"] is True
        assert waiting["proposal"]["config"]["max_delta"] == 0.25
        await problem(
            await decide(one, strategy, change, "approve"), 409, "SECOND_APPROVER_REQUIRED"
        )
        seen = (await detail(other, strategy))["proposal"]
        assert (seen["author"], seen["is_own"]) == ("trader_b@desk.test", False)
        approved = await decide(other, strategy, change, "approve")
        assert (approved.status_code, approved.headers["etag"]) == (200, '"v2"'), approved.text
        again = await decide(other, strategy, change, "approve")
        assert again.json()["config_version"] == 2
        after = await detail(one, strategy)
    assert (after["config"]["max_delta"], after["proposal"]) == (0.25, None)
    assert after["history"][0]["author"] == "trader_b@desk.test"
    assert await states(api) == ["APPROVED"]
    assert await actions(api) == [
        ("strategy.change_proposed", "trader_b"),
        ("strategy.configured", "admin"),
    ]


async def test_one_change_waits_at_a_time_and_repeating_it_proposes_nothing_more(
    api: ApiWorld, strategy: UUID
) -> None:
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        first = await put(one, strategy, CONFIG, key="the-same-key")
        again = await put(one, strategy, CONFIG, key="the-same-key")
        assert first.json()["proposal"]["id"] == again.json()["proposal"]["id"]
        await problem(await put(other, strategy, CONFIG), 409, "CONFIG_CHANGE_PENDING")
    assert await states(api) == ["PENDING"]


async def test_a_change_is_rejected_by_another_and_withdrawn_by_its_author(
    api: ApiWorld, strategy: UUID
) -> None:
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        for browser in (other, one):
            change = await proposed(one, strategy)
            for _ in range(2):
                ended = await decide(browser, strategy, change, "reject")
                assert ended.status_code == 200, ended.text
                assert ended.json()["proposal"] is None
            await problem(
                await decide(other, strategy, change, "approve"), 409, "ILLEGAL_TRANSITION"
            )
        assert (await detail(one, strategy))["config_version"] == 1
    assert await states(api) == ["REJECTED", "WITHDRAWN"]
    assert [action for action, _ in await actions(api)] == [
        "strategy.change_proposed",
        "strategy.change_rejected",
        "strategy.change_proposed",
        "strategy.change_withdrawn",
    ]


async def test_of_two_decisions_at_once_one_counts(api: ApiWorld, strategy: UUID) -> None:
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        change = await proposed(one, strategy)
        answers = await asyncio.gather(
            decide(other, strategy, change, "approve"),
            decide(one, strategy, change, "reject"),
            decide(other, strategy, change, "approve"),
        )
        version = (await detail(one, strategy))["config_version"]
    (state,) = await states(api)
    assert {answer.status_code for answer in answers} == {200, 409}
    assert (version, state) in {(2, "APPROVED"), (1, "WITHDRAWN")}


async def test_an_author_who_lost_the_role_has_proposed_nothing(
    api: ApiWorld, strategy: UUID
) -> None:
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        change = await proposed(one, strategy)
        async with api.sessions.begin() as session:
            held = m.Membership.user_id == api.world.users["trader_b"].id
            await session.execute(delete(m.Membership).where(held))
        await problem(await decide(other, strategy, change, "approve"), 403, "FORBIDDEN")
        assert (await decide(other, strategy, change, "reject")).status_code == 200


async def test_a_direct_change_once_one_person_suffices_ends_what_waits(
    api: ApiWorld, strategy: UUID
) -> None:
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        change = await proposed(one, strategy)
        await ask_for_two(api, False)
        changed = await put(other, strategy, {"universe": ["SPY"], "max_delta": 0.2})
        assert (changed.status_code, changed.json()["proposal"]) == (200, None)
        await problem(await decide(other, strategy, change, "approve"), 409, "ILLEGAL_TRANSITION")
    assert await states(api) == ["SUPERSEDED"]


async def test_whoever_made_a_strategy_alone_does_not_switch_it_on_alone(
    api: ApiWorld, strategy: UUID
) -> None:
    body = {"account_id": str(api.world.b.account.id), "name": "Second", "config": CONFIG}
    async with api.signed_in("trader_b") as one, api.signed_in("admin") as other:
        (kind,) = (await one.get(f"{PATH}kinds/")).json()
        made = await one.post(
            PATH,
            json={**body, "version_id": kind["version_id"]},
            headers={"Idempotency-Key": "a-second-one"},
        )
        second = made.json()["id"]
        await problem(await command(one, second, "enable"), 409, "SECOND_APPROVER_REQUIRED")
        assert (await command(other, second, "enable")).json()["enabled"] is True
        assert (await command(one, second, "disable")).json()["enabled"] is False

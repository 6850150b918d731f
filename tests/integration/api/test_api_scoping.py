"""Client A and client B never see each other, on any route."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.world import CODE_A, CODE_B

pytestmark = pytest.mark.integration
LISTS = ("recommendations", "orders", "executions", "positions", "alerts", "desk")


@pytest.mark.parametrize(
    ("who", "own", "foreign"), [("approver_a", CODE_A, CODE_B), ("trader_b", CODE_B, CODE_A)]
)
async def test_no_list_shows_anything_of_the_other_client(
    api: ApiWorld, who: str, own: str, foreign: str
) -> None:
    async with api.signed_in(who) as browser:
        for name in LISTS:
            text = (await browser.get(f"/api/{name}/")).text
            assert own in text, name
            assert foreign not in text, name


async def test_filtering_by_the_other_client_or_account_finds_nothing(api: ApiWorld) -> None:
    other = api.world.b
    async with api.signed_in("approver_a") as browser:
        for name in LISTS:
            for params in ({"client": other.client.id}, {"account": other.account.id}):
                text = (await browser.get(f"/api/{name}/", params=params)).text
                assert CODE_B not in text, (name, params)
        answer = await browser.get("/api/executions/", params={"order": other.order.id})
        assert answer.json()["items"] == []


async def test_someone_without_a_membership_sees_empty_lists(api: ApiWorld) -> None:
    async with api.signed_in("nobody") as browser:
        for name in ("recommendations", "orders", "executions", "positions"):
            assert (await browser.get(f"/api/{name}/")).json()["items"] == []
        desk = (await browser.get("/api/desk/")).json()
    assert desk["accounts"] == []
    assert desk["gateways"] == []
    assert desk["counts"]["pending_recommendations"] == 0


async def test_an_admin_sees_both_and_can_choose_one(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        for name in LISTS:
            assert {CODE_A, CODE_B} <= _codes((await browser.get(f"/api/{name}/")).text), name
            chosen = {"client": api.world.b.client.id}
            text = (await browser.get(f"/api/{name}/", params=chosen)).text
            assert _codes(text) == {CODE_B}, name


def _codes(text: str) -> set[str]:
    return {code for code in (CODE_A, CODE_B) if code in text}


async def test_everything_of_the_other_client_is_not_found_and_nothing_is_written(
    api: ApiWorld,
) -> None:
    other = api.world.b
    decide = {"terms_hash": other.waiting.terms_hash}
    key = {"Idempotency-Key": "k" * 16}
    recommendation, order = (
        f"/api/recommendations/{other.waiting.id}/",
        f"/api/orders/{other.order.id}/",
    )
    requests = [
        ("GET", recommendation, None),
        ("GET", order, None),
        ("GET", f"{recommendation}outlook/", None),
        ("POST", f"{recommendation}approve/", decide),
        ("POST", f"{recommendation}reject/", {**decide, "reason": "no"}),
        ("POST", f"{order}cancel/", None),
        ("POST", f"{order}declare-not-sent/", {"reason": "no"}),
        ("POST", f"/api/alerts/{other.alert.id}/acknowledge/", None),
    ]
    async with api.signed_in("approver_a") as browser:
        for method, path, body in requests:
            answer = await browser.request(method, path, json=body, headers=key)
            await problem(answer, 404, "NOT_FOUND")
    async with api.sessions() as session:
        decisions = await session.scalar(select(func.count()).select_from(m.Decision))
    assert decisions == 2  # those the world began with
    assert api.signals.decisions == []
    assert api.signals.withdrawals == []


async def test_without_a_session_every_route_asks_to_sign_in(api: ApiWorld) -> None:
    one = api.world.a
    async with api.browser() as browser:
        for path in (
            *(f"/api/{name}/" for name in LISTS),
            f"/api/recommendations/{one.waiting.id}/",
            f"/api/orders/{one.order.id}/",
            "/api/auth/me/",
            "/api/stream/",
        ):
            await problem(await browser.get(path), 401, "NOT_AUTHENTICATED")
        answer = await browser.post(
            f"/api/recommendations/{one.waiting.id}/approve/",
            json={"terms_hash": one.waiting.terms_hash},
            headers={"Idempotency-Key": "k" * 16},
        )
        await problem(answer, 401, "NOT_AUTHENTICATED")

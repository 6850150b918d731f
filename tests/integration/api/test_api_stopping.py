"""Stopping over HTTP: who may, what it says it will do, and how far it has come."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from domain.orders import OrderState
from domain.recommendations import RecommendationState
from domain.risk.limits import TradingState
from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
STATES, DESK = "/api/trading-state/", "/api/trading-state/desk/"
SWITCH, PREVIEW = "/api/kill-switch/", "/api/kill-switch/preview/"


def keyed(key: str = "k" * 16) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def put(
    browser: httpx.AsyncClient, path: str, state: str, key: str = "k" * 16
) -> httpx.Response:
    ask = {"state": state, "reason": "an odd market"}
    return await browser.put(path, json=ask, headers=keyed(key))


def of_account(api: ApiWorld) -> str:
    return f"{STATES}accounts/{api.world.a.account.id}/"


async def test_a_halt_of_the_desk_binds_every_account_and_names_who_and_why(api: ApiWorld):
    async with api.signed_in("admin") as browser:
        first = (await browser.get(STATES)).json()
        halted = await put(browser, DESK, "HALTED")
        again = await put(browser, DESK, "HALTED")
    assert first["desk"]["state"] == "ACTIVE"
    assert first["desk"]["changed_by"] is None
    assert halted.status_code == 200, halted.text
    assert again.json() == halted.json()
    desk = halted.json()["desk"]
    assert (desk["state"], desk["reason"]) == ("HALTED", "an odd market")
    assert desk["changed_by"] == api.world.email("admin")
    for account in halted.json()["accounts"]:
        assert (account["state"], account["effective"]) == ("ACTIVE", "HALTED")
    async with api.sessions() as session:
        assert len((await session.scalars(select(m.TradingStateChange))).all()) == 1


@pytest.mark.parametrize(
    ("who", "halts", "resumes"),
    [
        ("viewer_a", 403, 403),
        ("approver_a", 403, 403),
        ("operator_a", 200, 200),
        ("trader_b", 404, 404),
        ("nobody", 404, 404),
        ("admin", 200, 200),
    ],
)
async def test_who_may_halt_and_resume_an_account(
    api: ApiWorld, who: str, halts: int, resumes: int
):
    async with api.signed_in(who) as browser:
        halted = await put(browser, of_account(api), "HALTED", "h" * 16)
        resumed = await put(browser, of_account(api), "ACTIVE", "r" * 16)
        desk = await put(browser, DESK, "HALTED", "d" * 16)
        previewed = await browser.get(PREVIEW, params={"account": str(api.world.a.account.id)})
    assert (halted.status_code, resumed.status_code) == (halts, resumes)
    assert previewed.status_code == halts
    assert desk.status_code == (200 if who == "admin" else 403)


async def test_a_trader_may_halt_but_not_resume(api: ApiWorld):
    path = f"{STATES}accounts/{api.world.b.account.id}/"
    async with api.signed_in("trader_b") as browser:
        states = (await browser.get(STATES)).json()
        halted = await put(browser, path, "HALTED", "h" * 16)
        await problem(await put(browser, path, "REDUCING", "r" * 16), 403, "FORBIDDEN")
    (account,) = states["accounts"]
    assert (account["may_halt"], account["may_resume"]) == (True, False)
    assert states["desk"]["may_halt"] is False
    assert halted.json()["accounts"][0]["effective"] == "HALTED"


async def test_the_preview_says_what_pressing_then_does_and_reports_until_confirmed(api: ApiWorld):
    one = api.world.a
    async with api.sessions.begin() as session:
        order = await session.get(m.Order, one.order.id)
        assert order is not None
        order.state = OrderState.PARTIAL
    params = {"account": str(one.account.id)}
    async with api.signed_in("operator_a") as browser:
        seen = (await browser.get(PREVIEW, params=params)).json()
        ask = {"digest": seen["digest"], "reason": "runaway", "account": str(one.account.id)}
        pressed = await browser.post(SWITCH, json=ask, headers=keyed())
        repeated = await browser.post(SWITCH, json=ask, headers=keyed())
        report = f"{SWITCH}{pressed.json()['id']}/"
        async with api.sessions.begin() as session:
            order = await session.get(m.Order, one.order.id)
            assert order is not None
            order.state, order.ended_at = OrderState.CANCELLED, api.clock.at
        later = (await browser.get(report)).json()
        listed = (await browser.get(SWITCH)).json()["items"]
    (trade,) = seen["trades"]
    assert trade["recommendation_id"] == str(one.approved.id)
    assert (seen["working_orders"], seen["unsent_trades"], seen["state"]) == (1, 0, "ACTIVE")
    assert pressed.status_code == 202, pressed.text
    assert [t["outcome"] for t in pressed.json()["trades"]] == ["CANCELLING"]
    assert pressed.json()["complete"] is False
    assert repeated.json()["id"] == pressed.json()["id"]
    assert (later["complete"], later["unconfirmed"]) == (True, 0)
    assert later["trades"][0]["orders"][0]["ended_at"] is not None
    assert [row["id"] for row in listed] == [pressed.json()["id"]]
    assert set(api.signals.withdrawals) == {one.approved.id}
    async with api.sessions() as session:
        account = await session.get(m.BrokerAccount, one.account.id)
        row = await session.get(m.Recommendation, one.approved.id)
        other = await session.get(m.BrokerAccount, api.world.b.account.id)
    assert account is not None
    assert row is not None
    assert other is not None
    assert account.trading_state is TradingState.HALTED
    assert row.withdrawn_at is not None
    assert other.trading_state is TradingState.ACTIVE


async def test_trades_that_came_since_the_preview_are_withdrawn_as_well_and_told(api: ApiWorld):
    async with api.signed_in("admin") as browser:
        seen = (await browser.get(PREVIEW)).json()
        async with api.sessions.begin() as session:
            row = await session.get(m.Recommendation, api.world.a.waiting.id)
            assert row is not None
            row.state = RecommendationState.APPROVED
        ask: dict[str, Any] = {"digest": seen["digest"], "reason": "runaway"}
        pressed = await browser.post(SWITCH, json=ask, headers=keyed())
        states = (await browser.get(STATES)).json()
        seen_again = (await browser.get(PREVIEW)).json()
        ask = {"digest": seen_again["digest"], "reason": "again"}
        again = await browser.post(SWITCH, json=ask, headers=keyed("a" * 16))
    assert pressed.status_code == 202
    assert pressed.json()["as_previewed"] is False
    assert again.json()["as_previewed"] is True
    assert states["desk"]["state"] == "HALTED"
    assert len(pressed.json()["trades"]) == len(seen["trades"]) + 1
    assert api.world.a.waiting.id in api.signals.withdrawals


async def test_what_the_whole_desk_s_kill_switch_withdrew_shows_everybody_their_own_only(
    api: ApiWorld,
):
    async with api.signed_in("admin") as browser:
        seen = (await browser.get(PREVIEW)).json()
        ask = {"digest": seen["digest"], "reason": "runaway"}
        pressed = (await browser.post(SWITCH, json=ask, headers=keyed())).json()
    async with api.signed_in("viewer_a") as browser:
        own = (await browser.get(f"{SWITCH}{pressed['id']}/")).json()
    assert len(pressed["trades"]) == 2
    assert [t["recommendation_id"] for t in own["trades"]] == [str(api.world.a.approved.id)]


async def test_the_switch_works_while_temporal_is_away(api: ApiWorld):
    api.signals.broken = True
    async with api.signed_in("admin") as browser:
        seen = (await browser.get(PREVIEW)).json()
        ask = {"digest": seen["digest"], "reason": "runaway"}
        pressed = await browser.post(SWITCH, json=ask, headers=keyed())
        states = (await browser.get(STATES)).json()
    assert pressed.status_code == 202
    assert states["desk"]["state"] == "HALTED"

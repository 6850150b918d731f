"""Signing in and out: sessions, their end, and what stands in an attacker's way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from infra.db.models import AuditEvent, Session, User
from infra.security import hash_token
from tests.integration.api.client import ApiWorld, sign_in

pytestmark = pytest.mark.integration
COOKIE = "greenlight_session"


async def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    return body


async def test_signing_in_names_the_user_and_only_their_clients(api: ApiWorld) -> None:
    async with api.browser() as browser:
        response = await sign_in(browser, "  Approver_A@Desk.Test ")
        assert response.status_code == 200
        body = response.json()
        assert body["user"]["email"] == "approver_a@desk.test"
        assert [(c["slug"], c["role"]) for c in body["clients"]] == [("a", "APPROVER")]
        assert (await browser.get("/api/auth/me/")).json() == body


async def test_an_installation_admin_sees_every_client(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        clients = (await browser.get("/api/auth/me/")).json()["clients"]
        assert [(c["slug"], c["role"]) for c in clients] == [("a", "ADMIN"), ("b", "ADMIN")]


async def test_the_cookie_is_out_of_reach_of_scripts_and_only_its_hash_is_stored(
    api: ApiWorld,
) -> None:
    async with api.browser() as browser:
        response = await sign_in(browser, api.world.email("viewer_a"))
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        token = browser.cookies[COOKIE]
    async with api.sessions() as session:
        stored = (await session.scalars(select(Session.token_hash))).all()
    assert stored == [hash_token(token)]
    assert token.encode() not in stored[0]


@pytest.mark.parametrize("email", ["approver_a@desk.test", "unknown@desk.test"])
async def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(
    api: ApiWorld, email: str
) -> None:
    async with api.browser() as browser:
        body = await problem(await sign_in(browser, email, "wrong"), 401, "INVALID_CREDENTIALS")
        assert body["detail"] == "e-mail or password is wrong"
        assert COOKIE not in browser.cookies


async def test_an_inactive_user_cannot_sign_in_and_their_open_session_ends(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        async with api.sessions.begin() as session:
            mine = User.email == api.world.email("approver_a")
            await session.execute(update(User).where(mine).values(is_active=False))
        await problem(await browser.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")
        again = await sign_in(browser, api.world.email("approver_a"))
        await problem(again, 401, "INVALID_CREDENTIALS")


async def test_signing_in_again_replaces_the_token_and_revokes_the_old_one(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        old = browser.cookies[COOKIE]
        await sign_in(browser, api.world.email("approver_a"))
        assert browser.cookies[COOKIE] != old
        async with api.browser() as thief:
            thief.cookies.set(COOKIE, old)
            await problem(await thief.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")


async def test_signing_out_revokes_the_session_in_the_database(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        token = browser.cookies[COOKIE]
        assert (await browser.post("/api/auth/logout/")).status_code == 204
        assert COOKIE not in browser.cookies
        browser.cookies.set(COOKIE, token)
        await problem(await browser.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")
        assert (await browser.post("/api/auth/logout/")).status_code == 204


async def test_a_session_ends_after_an_idle_hour(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        api.clock.advance(timedelta(minutes=59))
        assert (await browser.get("/api/auth/me/")).status_code == 200
        api.clock.advance(timedelta(minutes=59))
        assert (await browser.get("/api/auth/me/")).status_code == 200
        api.clock.advance(timedelta(minutes=60))
        await problem(await browser.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")


async def test_a_session_in_constant_use_ends_after_twelve_hours(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        for _ in range(23):
            api.clock.advance(timedelta(minutes=30))
            assert (await browser.get("/api/auth/me/")).status_code == 200
        api.clock.advance(timedelta(minutes=30))
        await problem(await browser.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")


async def test_use_of_a_session_is_noted_at_most_once_a_minute(api: ApiWorld) -> None:
    async def last_seen() -> Any:
        async with api.sessions() as session:
            return await session.scalar(select(Session.last_seen_at))

    async with api.signed_in("approver_a") as browser:
        began = await last_seen()
        api.clock.advance(timedelta(seconds=59))
        await browser.get("/api/auth/me/")
        assert await last_seen() == began
        api.clock.advance(timedelta(seconds=1))
        await browser.get("/api/auth/me/")
        assert await last_seen() == began + timedelta(minutes=1)


async def test_failed_sign_ins_are_throttled_per_person_and_address(api: ApiWorld) -> None:
    victim = api.world.email("approver_a")
    async with api.browser() as browser:
        for _ in range(5):
            await problem(await sign_in(browser, victim, "guess"), 401, "INVALID_CREDENTIALS")
        refused = await sign_in(browser, victim)
        await problem(refused, 429, "TOO_MANY_REQUESTS")
        assert 0 < int(refused.headers["retry-after"]) <= 300
        # Somebody else at the same address, and the victim at another one, are let in.
        assert (await sign_in(browser, api.world.email("viewer_a"))).status_code == 200
    transport = httpx.ASGITransport(app=api.app, client=("10.0.0.2", 1))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers={"X-Greenlight": "1"}
    ) as elsewhere:
        assert (await sign_in(elsewhere, victim)).status_code == 200


async def test_a_success_wipes_the_slate_of_failures(api: ApiWorld) -> None:
    email = api.world.email("approver_a")
    async with api.browser() as browser:
        for _ in range(3):
            for _ in range(4):
                await sign_in(browser, email, "typo")
            assert (await sign_in(browser, email)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"X-Greenlight": "1"}, True),
        ({"X-Greenlight": "1", "Origin": "http://desk"}, True),
        ({"X-Greenlight": "1", "Origin": "http://evil.test"}, False),
        ({"X-Greenlight": "1", "Origin": "null"}, False),
        ({"X-Greenlight": ""}, False),
    ],
)
async def test_unsafe_requests_from_other_sites_are_refused(
    api: ApiWorld, headers: dict[str, str], allowed: bool
) -> None:
    async with api.signed_in("approver_a") as browser:
        response = await browser.post("/api/auth/logout/", headers=headers)
        if allowed:
            assert response.status_code == 204
        else:
            await problem(response, 403, "CSRF_REJECTED")
            assert (await browser.get("/api/auth/me/")).status_code == 200


async def test_sign_in_and_out_are_audited(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        await browser.post("/api/auth/logout/")
    async with api.sessions() as session:
        found = (await session.execute(select(AuditEvent.action, AuditEvent.actor))).all()
    assert [tuple(row) for row in found] == [
        ("session.opened", "approver_a@desk.test"),
        ("session.closed", "approver_a@desk.test"),
    ]


async def test_over_https_the_cookie_is_bound_to_the_host(api: ApiWorld) -> None:
    resources = api.app.state.resources
    secure = resources.settings.model_copy(update={"session_cookie_secure": True})
    object.__setattr__(resources, "settings", secure)
    async with api.browser() as browser:
        cookie = (await sign_in(browser, api.world.email("viewer_a"))).headers["set-cookie"]
    assert cookie.startswith("__Host-greenlight_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_many_requests_at_once_after_a_pause_are_all_served(api: ApiWorld) -> None:
    """Each notes that its session is in use while it holds a connection of its own."""
    async with api.signed_in("approver_a") as browser:
        api.clock.advance(timedelta(minutes=2))
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(browser.get("/api/auth/me/") for _ in range(60)))
        assert {answer.status_code for answer in answers} == {200}

"""People administered, roles for one portfolio, and tokens for scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from infra.db import models as m
from tests.integration.api.client import ApiWorld, sign_in
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.world import CODE_A, CODE_B

pytestmark = pytest.mark.integration
BETTER = "seven unrelated garden lanterns"


async def test_a_user_is_created_given_a_role_and_disabled(api: ApiWorld) -> None:
    new = {"email": "Dana@Desk.test", "name": "Dana"}
    async with api.signed_in("admin") as admin, api.browser() as dana:
        made = await admin.post("/api/users/", json=new)
        assert made.status_code == 201, made.text
        user, password = made.json()["user"], made.json()["password"]
        assert (user["email"], user["roles"]) == ("dana@desk.test", [])
        await problem(await admin.post("/api/users/", json=new), 409, "EMAIL_TAKEN")
        assert (await sign_in(dana, user["email"], password)).json()["clients"] == []

        roles = f"/api/users/{user['id']}/roles/"
        grant = {"client_id": str(api.world.a.client.id), "role": "VIEWER"}
        await admin.put(roles, json=grant)
        held = (await admin.put(roles, json={**grant, "role": "APPROVER"})).json()["roles"]
        assert [(role["client"], role["role"]) for role in held] == [
            (api.world.a.client.name, "APPROVER")
        ]
        assert len((await dana.get("/api/auth/me/")).json()["clients"]) == 1
        assert (await admin.delete(f"{roles}{held[0]['id']}/")).status_code == 204
        assert (await dana.get("/api/auth/me/")).json()["clients"] == []

        await admin.patch(f"/api/users/{user['id']}/", json={"is_active": False})
        await problem(await dana.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")
        listed = (await admin.get("/api/users/", params={"is_active": False})).json()
        assert [row["email"] for row in listed["items"]] == ["dana@desk.test"]

    async with api.sessions() as session:
        trail = (
            await session.execute(
                select(m.AuditEvent.action, m.AuditEvent.before, m.AuditEvent.after)
                .where(m.AuditEvent.entity == "user", m.AuditEvent.entity_id == user["id"])
                .where(m.AuditEvent.action.not_like("session%"))
                .order_by(m.AuditEvent.id)
            )
        ).all()
    assert [row.action for row in trail] == [
        "user.created",
        "role.granted",
        "role.granted",
        "role.revoked",
        "user.changed",
    ]
    assert (trail[2].before["role"], trail[2].after["role"]) == ("VIEWER", "APPROVER")
    assert (trail[4].before["is_active"], trail[4].after["is_active"]) == (True, False)


async def test_an_issued_password_expires_and_two_admins_cannot_unmake_each_other(
    api: ApiWorld,
) -> None:
    async with api.signed_in("admin") as admin:
        user = api.world.users["viewer_a"]
        reset = await admin.post(f"/api/users/{user.id}/reset-password/")
        password = reset.json()["password"]
        await admin.patch(f"/api/users/{user.id}/", json={"is_admin": True})
        own = f"/api/users/{api.world.users['admin'].id}/"
        async with api.browser() as other:
            assert (await sign_in(other, user.email, password)).status_code == 200
            answers = await asyncio.gather(
                admin.patch(f"/api/users/{user.id}/", json={"is_admin": False}),
                other.patch(own, json={"is_admin": False}),
            )
        assert sorted(answer.status_code for answer in answers)[0] == 200
        async with api.sessions() as session:
            admins = await session.scalars(select(m.User.email).where(m.User.is_admin))
            assert len(list(admins)) == 1
        api.clock.advance(timedelta(days=3, minutes=1))
    async with api.browser() as late:
        answer = await sign_in(late, user.email, password)
        await problem(answer, 401, "INVALID_CREDENTIALS")


async def test_users_are_an_administrators_business_with_a_fresh_proof(api: ApiWorld) -> None:
    new = {"email": "dana@desk.test", "name": "Dana"}
    async with api.signed_in("operator_a") as operator:
        await problem(await operator.get("/api/users/"), 403, "FORBIDDEN")
        await problem(await operator.post("/api/users/", json=new), 403, "FORBIDDEN")
    async with api.signed_in("admin") as admin:
        api.clock.advance(timedelta(minutes=31))
        await problem(await admin.post("/api/users/", json=new), 403, "STEP_UP_REQUIRED")
        own = f"/api/users/{api.world.users['admin'].id}/"
        fresh = {"password": "correct horse battery staple"}
        assert (await admin.post("/api/auth/step-up/", json=fresh)).status_code == 204
        await problem(await admin.patch(own, json={"is_admin": False}), 409, "LAST_ADMIN")


async def _second_portfolio(api: ApiWorld) -> m.Portfolio:
    async with api.sessions.begin() as session:
        portfolio = m.Portfolio(client_id=api.world.a.client.id, name="Second")
        session.add(portfolio)
        await session.flush()
        session.add(
            m.BrokerAccount(
                portfolio_id=portfolio.id, gateway_id=api.world.gateway.id, code="DU1000009"
            )
        )
    return portfolio


async def test_a_role_for_one_portfolio_shows_and_allows_that_portfolio_alone(
    api: ApiWorld,
) -> None:
    second, waiting = await _second_portfolio(api), api.world.a.waiting
    client_id, nobody = str(api.world.a.client.id), api.world.users["nobody"]
    first = str(api.world.a.account.portfolio_id)
    reject = f"/api/recommendations/{waiting.id}/reject/"
    body = {"terms_hash": waiting.terms_hash, "reason": "no"}
    key = {"Idempotency-Key": "k" * 16}
    async with api.signed_in("admin") as admin, api.signed_in("nobody") as browser:

        async def grant(role: str, portfolio: str | None) -> None:
            ask = {"client_id": client_id, "portfolio_id": portfolio, "role": role}
            answer = await admin.put(f"/api/users/{nobody.id}/roles/", json=ask)
            assert answer.status_code == 200, answer.text

        async def seen() -> set[str]:
            text = (await browser.get("/api/desk/")).text
            return {code for code in (CODE_A, CODE_B, "DU1000009") if code in text}

        await grant("APPROVER", str(second.id))
        assert await seen() == {"DU1000009"}
        clients = (await browser.get("/api/auth/me/")).json()["clients"]
        assert [(client["slug"], client["role"]) for client in clients] == [("a", "APPROVER")]
        await problem(await browser.post(reject, json=body, headers=key), 404, "NOT_FOUND")
        # A look at the whole client decides nothing; a role for the portfolio does.
        await grant("VIEWER", None)
        assert await seen() == {CODE_A, "DU1000009"}
        await problem(await browser.post(reject, json=body, headers=key), 403, "FORBIDDEN")
        await grant("APPROVER", first)
        assert (await browser.post(reject, json=body, headers=key)).status_code == 200

        foreign = {"client_id": client_id, "role": "VIEWER"}
        foreign["portfolio_id"] = str(api.world.b.account.portfolio_id)
        refused = await admin.put(f"/api/users/{nobody.id}/roles/", json=foreign)
        await problem(refused, 404, "NOT_FOUND")


@asynccontextmanager
async def script(api: ApiWorld, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A program with a token: no cookie, no header of our own pages."""
    transport = httpx.ASGITransport(app=api.app, client=("10.0.0.9", 1))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers=headers
    ) as made:
        yield made


async def make_token(browser: httpx.AsyncClient, *scopes: str, days: int = 30) -> dict[str, Any]:
    ask = {"name": "script", "scopes": scopes, "days": days}
    answer = await browser.post("/api/auth/tokens/", json=ask)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_token_does_what_its_scopes_and_its_users_role_both_allow(api: ApiWorld) -> None:
    waiting = api.world.a.waiting
    reject = f"/api/recommendations/{waiting.id}/reject/"
    body = {"terms_hash": waiting.terms_hash, "reason": "no"}
    key = {"Idempotency-Key": "k" * 16}
    async with api.signed_in("approver_a") as here, api.signed_in("viewer_a") as viewer:
        reads = await make_token(here, "READ")
        decides = await make_token(here, "READ", "DECIDE")
        weak = await make_token(viewer, "READ", "DECIDE", "OPERATE", "BACKTEST")
    async with script(api, reads["token"]) as reading:
        listed = await reading.get("/api/recommendations/")
        assert CODE_A in listed.text
        assert CODE_B not in listed.text
        refused = await reading.post(reject, json=body, headers=key)
        await problem(refused, 403, "SCOPE_MISSING")
        for path in ("/api/auth/sessions/", "/api/auth/tokens/", "/api/users/"):
            await problem(await reading.get(path), 403, "SCOPE_MISSING")
    async with script(api, weak["token"]) as weakly:
        await problem(await weakly.post(reject, json=body, headers=key), 403, "FORBIDDEN")
    async with script(api, decides["token"]) as deciding:
        for path, ask in (
            ("/api/auth/tokens/", {"name": "more", "scopes": ["OPERATE"]}),
            ("/api/auth/step-up/", {"password": "correct horse battery staple"}),
        ):
            await problem(await deciding.post(path, json=ask), 403, "SCOPE_MISSING")
        assert (await deciding.post(reject, json=body, headers=key)).status_code == 200


async def test_a_token_is_stored_hashed_ends_when_revoked_or_expired_and_notes_its_use(
    api: ApiWorld,
) -> None:
    async with api.signed_in("approver_a") as here:
        made = await make_token(here, "READ", days=1)
        short = await make_token(here, "READ", days=1)
        async with api.sessions() as session:
            stored = await session.scalars(select(m.ApiToken.token_hash))
            assert all(made["token"].encode() not in each for each in stored)
        async with script(api, made["token"]) as running, script(api, short["token"]) as other:
            api.clock.advance(timedelta(minutes=2))
            assert (await running.get("/api/auth/me/")).status_code == 200
            listed = (await here.get("/api/auth/tokens/")).json()
            used = {row["id"]: row["last_used_at"] for row in listed}
            assert used[made["about"]["id"]] is not None
            assert used[short["about"]["id"]] is None
            gone = f"/api/auth/tokens/{made['about']['id']}/"
            assert (await here.delete(gone)).status_code == 204
            await problem(await running.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")
            api.clock.advance(timedelta(days=1))
            await problem(await other.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")


async def test_a_cookie_beside_a_token_counts_for_nothing(api: ApiWorld) -> None:
    """Else a page elsewhere could skip the check of its origin by adding the header."""
    async with api.signed_in("approver_a") as here:
        here.headers.pop("X-Greenlight")
        answer = await here.post("/api/auth/logout/")
        await problem(answer, 403, "CSRF_REJECTED")
        nonsense = {"Authorization": "Bearer nonsense"}
        answer = await here.delete("/api/auth/sessions/", headers=nonsense)
        await problem(answer, 401, "NOT_AUTHENTICATED")
        assert (await here.get("/api/auth/me/")).status_code == 200

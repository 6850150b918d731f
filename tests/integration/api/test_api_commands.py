"""Commands are done once: every route that changes something, repeated with its key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from api.app import create_app
from api.description import describe
from infra.db import models as m
from infra.keys import add_key, drop_old_keys
from infra.settings import Settings
from tests.integration.api.access_table import ROLES, Request, actors, more_rows, requests
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.test_api_users import make_token, script

pytestmark = pytest.mark.integration

# Routes that take no key, and why none is needed.
_NATURALLY_ONCE = {
    "POST /api/auth/login/": "each is an attempt of its own, and its answer is a session",
    "POST /api/auth/logout/": "signing out twice does nothing more",
    "POST /api/auth/step-up/": "each is an attempt of its own, and its answer is a session",
    "POST /api/auth/password/": "its answer is a session; repeated, the old password is wrong",
    "DELETE /api/auth/sessions/": "there is nothing more to end",
    "POST /api/audit/verify/": "it reads",
}
# Of the commands below those that change nothing, and so have no entry in the trail.
_CHANGES_NOTHING = frozenset(
    {
        "POST /api/strategies/{strategy_id}/dry-run/",
        # What is asked of them here is so already.
        "PATCH /api/clients/{client_id}/portfolios/{portfolio_id}/",
        "PUT /api/gateways/{slug}/",
        "PUT /api/gateways/{slug}/accounts/{code}/",
        # Answers item by item, and refuses the one it gets: it is approved by then.
        "POST /api/recommendations/reject/",
    }
)
# Answered by success below, each by the first of these who may.
_WHO = ("admin_a", "approver_a", "admin")
# The world has nothing to do them on; see test_api_matrix.py.
_REFUSED_HERE = frozenset(
    {
        "DELETE /api/auth/channels/{channel_id}/",
        "DELETE /api/auth/sessions/{session_id}/",
        "DELETE /api/auth/tokens/{token_id}/",
        "DELETE /api/auth/totp/",
        "POST /api/auth/channels/{channel_id}/test/",
        "POST /api/auth/totp/confirm/",
        "POST /api/auth/totp/recovery-codes/",
        "POST /api/backtests/",
        "POST /api/backtests/sweeps/",
        "POST /api/orders/{order_id}/declare-ended/",
        "POST /api/orders/{order_id}/declare-not-sent/",
        # The one that waits is approved, the configuration another by then.
        "POST /api/recommendations/{recommendation_id}/reject/",
        "POST /api/strategies/{strategy_id}/changes/{change_id}/reject/",
        "PUT /api/strategies/{strategy_id}/config/",
        "POST /api/strategies/{strategy_id}/dry-run/",
        "POST /api/users/{user_id}/reset-second-factor/",
        "PUT /api/auth/channels/{channel_id}/",
    }
)


def commands() -> dict[str, dict[str, Any]]:
    nowhere = Path("/nonexistent")
    document = describe(create_app(Settings(home=nowhere), web_dist=nowhere))
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "get"
    }


def test_every_command_takes_a_key_or_says_why_not() -> None:
    without = {
        route
        for route, operation in commands().items()
        if not any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    }
    assert without == set(_NATURALLY_ONCE)


async def test_every_command_is_audited_and_repeated_with_its_key_done_once(
    api: ApiWorld,
) -> None:
    rows = await more_rows(api)
    api.never_throttle()
    asked = requests(api, rows)
    wrong: list[str] = []
    async with actors(api) as browsers:
        for route in sorted(commands().keys() - _NATURALLY_ONCE, key=_order):
            browser = browsers[next(who for who in _WHO if who in ROLES[route])]
            key, done = uuid4().hex, await trail(api)
            first = await send(browser, route, asked[route], key)
            if route in _REFUSED_HERE or not first.is_success:
                if first.is_success or route not in _REFUSED_HERE:
                    wrong.append(f"{route} answered {first.status_code}: {first.text}")
                continue
            if route not in _CHANGES_NOTHING and not await is_told(api, done):
                wrong.append(f"{route} has no entry with who, from where, before or after")
            done = await trail(api)
            again = await send(browser, route, asked[route], key)
            if (first.status_code, first.text) != (again.status_code, again.text):
                wrong.append(f"{route} answered {again.status_code} the second time: {again.text}")
            if await trail(api) != done:
                wrong.append(f"{route} was done twice")
    assert not wrong, "\n".join(wrong)


def _order(route: str) -> tuple[bool, bool, str]:
    """What stops trading comes last: much cannot be done after it."""
    stops = "kill-switch" in route or "trading-state" in route
    return stops, route.endswith("/recommendations/reject/"), route


async def send(
    browser: httpx.AsyncClient, route: str, request: Request, key: str
) -> httpx.Response:
    headers = {"Idempotency-Key": key}
    method = route.split(" ", maxsplit=1)[0]
    return await browser.request(
        method, request.path, params=request.query, json=request.body, headers=headers
    )


async def is_told(api: ApiWorld, before: int) -> bool:
    """Whether the trail has an entry since then with who, from where, and what changed."""
    async with api.sessions() as session:
        told = await session.scalars(select(m.AuditEvent).order_by(m.AuditEvent.id).offset(before))
        return any(
            entry.user_id is not None and entry.address and (entry.before or entry.after)
            for entry in told
        )


async def trail(api: ApiWorld) -> int:
    async with api.sessions() as session:
        return await session.scalar(select(func.count(m.AuditEvent.id))) or 0


async def test_a_key_counts_for_one_request_of_one_person(api: ApiWorld) -> None:
    named = {"Idempotency-Key": "one-new-client"}
    async with api.signed_in("admin") as browser:
        body = {"slug": "c", "name": "Client C"}
        made = await browser.post("/api/clients/", json=body, headers=named)
        assert made.status_code == 201, made.text
        turned = {"name": "Client C", "slug": "c"}
        again = await browser.post("/api/clients/", json=turned, headers=named)
        assert (again.status_code, again.json()) == (201, made.json())
        other = {"slug": "d", "name": "Client D"}
        await problem(
            await browser.post("/api/clients/", json=other, headers=named),
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )
        await problem(
            await browser.post("/api/users/", json={"email": "x@y.z", "name": "X"}, headers=named),
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )
    # Somebody else's key of the same letters is theirs: judged by itself, and refused by itself.
    async with api.signed_in("approver_a") as browser:
        await problem(
            await browser.post("/api/clients/", json=body, headers=named), 403, "FORBIDDEN"
        )


async def test_what_was_refused_may_be_tried_again_with_its_key(api: ApiWorld) -> None:
    named = {"Idempotency-Key": "taken-at-first"}
    body = {"email": "viewer_a@desk.test", "name": "Twice"}
    async with api.signed_in("admin") as browser:
        await problem(
            await browser.post("/api/users/", json=body, headers=named), 409, "EMAIL_TAKEN"
        )
        async with api.sessions.begin() as session:
            row = await session.get_one(m.User, api.world.users["viewer_a"].id)
            row.email = "moved@desk.test"
        assert (await browser.post("/api/users/", json=body, headers=named)).status_code == 201


async def test_two_at_once_with_one_key_are_done_once(api: ApiWorld) -> None:
    named = {"Idempotency-Key": "at-the-same-time"}
    body = {"email": "new@desk.test", "name": "New"}
    async with api.signed_in("admin") as browser:
        answers = await asyncio.gather(
            *(browser.post("/api/users/", json=body, headers=named) for _ in range(4))
        )
    assert {each.status_code for each in answers} == {201}, [each.text for each in answers]
    # The password, shown once, is the same in each.
    assert len({each.text for each in answers}) == 1


async def test_secrets_in_answers_are_kept_sealed_and_a_lost_seal_is_no_second_deed(
    api: ApiWorld,
) -> None:
    named = {"Idempotency-Key": "a-token-please"}
    body = {"name": "export", "scopes": ["READ"]}
    resources = api.app.state.resources
    async with api.signed_in("approver_a") as browser:
        made = await browser.post("/api/auth/tokens/", json=body, headers=named)
        token = made.json()["token"]
        async with api.sessions() as session:
            (sealed,) = (await session.scalars(select(m.CommandReceipt.sealed_body))).all()
        assert sealed is not None
        assert token.encode() not in sealed
        ring = resources.settings.secrets_key_file
        add_key(ring)
        drop_old_keys(ring)
        del resources.keys._fernet
        await problem(
            await browser.post("/api/auth/tokens/", json=body, headers=named),
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )
        assert len((await browser.get("/api/auth/tokens/")).json()) == 1


async def test_scripts_repeat_their_commands_as_well(api: ApiWorld) -> None:
    path = f"/api/alerts/{api.world.a.alert.id}/acknowledge/"
    async with api.signed_in("approver_a") as browser:
        token = (await make_token(browser, "OPERATE"))["token"]
    async with script(api, token) as program:
        named = {"Idempotency-Key": "read-by-script"}
        first = await program.post(path, json={"note": "seen"}, headers=named)
        again = await program.post(path, json={"note": "seen"}, headers=named)
    assert (first.status_code, first.text) == (again.status_code, again.text) == (200, first.text)

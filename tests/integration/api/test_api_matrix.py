"""Who may do what: every route of the API × every kind of person and script, on client A's rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from api.description import describe
from infra.settings import Settings
from tests.integration.api.access_table import (
    EVERYBODY,
    ROLES,
    Request,
    actors,
    more_rows,
    requests,
)
from tests.integration.api.client import ApiWorld
from tests.integration.api.client_maker import ClientWorld

pytestmark = pytest.mark.integration

# They would end the session that asks, or never end: only those who are refused ask for them.
_NOT_ASKED = frozenset(
    {
        "POST /api/auth/login/",
        "POST /api/auth/logout/",
        "POST /api/auth/password/",
        "DELETE /api/auth/sessions/",
        "GET /api/stream/",
    }
)
_STRANGERS = frozenset({"trader_b", "nobody", "elsewhere_a"})
# Of users and clients, not of a client's rows.
_KNOWN = frozenset(
    {"PUT /api/clients/{client_id}/approval-rules/", "PUT /api/users/{user_id}/roles/"}
)
# Those who may are answered by success, but for these: the person has no such thing, the row is
# not in that state, or somebody earlier in the loop has done it.
_CANNOT = {
    "DELETE /api/auth/sessions/{session_id}/": {404},
    "PUT /api/auth/channels/{channel_id}/": {404},
    "DELETE /api/auth/channels/{channel_id}/": {404},
    "POST /api/auth/channels/{channel_id}/test/": {404},
    "GET /api/auth/oidc/callback/": {404},
    "GET /api/auth/oidc/start/": {404},
    "POST /api/auth/step-up/": {422},
    "DELETE /api/auth/tokens/{token_id}/": {404},
    "DELETE /api/auth/totp/": {409},
    "POST /api/auth/totp/confirm/": {422},
    "POST /api/auth/totp/recovery-codes/": {409},
    "POST /api/backtests/": {422},
    "POST /api/backtests/sweeps/": {422},
    "GET /api/backtests/{run_id}/equity/": {409},
    "GET /api/backtests/{run_id}/report/": {409},
    "GET /api/backtests/{run_id}/tables/{name}/": {409},
    "GET /api/backtests/{run_id}/trades/": {409},
    "GET /api/chains/{symbol}/": {404},
    "POST /api/discrepancies/{discrepancy_id}/accept/": {409},
    "PUT /api/limits/{scope}/": {409},
    "POST /api/orders/{order_id}/declare-ended/": {409},
    "POST /api/orders/{order_id}/declare-not-sent/": {409},
    "POST /api/recommendations/{recommendation_id}/approve/": {409},
    "POST /api/recommendations/{recommendation_id}/reject/": {409},
    "POST /api/strategies/": {422},
    "PUT /api/strategies/{strategy_id}/config/": {412},
    "POST /api/strategies/{strategy_id}/changes/{change_id}/approve/": {409, 412},
    "POST /api/strategies/{strategy_id}/changes/{change_id}/reject/": {409},
    "POST /api/strategies/{strategy_id}/dry-run/": {409},
}


def test_every_route_of_the_application_is_in_the_table() -> None:
    nowhere = Path("/nonexistent")
    document: dict[str, Any] = describe(create_app(Settings(home=nowhere), web_dist=nowhere))
    routes = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert routes == set(ROLES)


async def test_nobody_may_do_more_than_their_role_and_everybody_all_of_it(api: ApiWorld) -> None:
    rows = await more_rows(api)
    api.never_throttle()
    asked, absent = requests(api, rows), requests(api, rows, absent=True)
    wrong: list[str] = []
    async with actors(api) as browsers:
        for route, allowed in ROLES.items():
            for actor in sorted(EVERYBODY - allowed):
                answer = await ask(api, browsers[actor], route, asked[route])
                refusals = {401} if actor == "anonymous" else {403, 404}
                if answer.status_code not in refusals:
                    wrong.append(f"{actor} got {answer.status_code} from {route}")
                elif asked[route].names_a and actor in _STRANGERS and route not in _KNOWN:
                    nothing = await ask(api, browsers[actor], route, absent[route])
                    if essence(nothing) != essence(answer):
                        wrong.append(f"{actor} can tell from {route} that a row exists")
        # Reads before commands: what is done must not change what there is to see.
        for route, allowed in sorted(ROLES.items(), key=lambda each: each[0][:3] != "GET"):
            for actor in sorted(allowed):
                if route in _NOT_ASKED:
                    continue
                answer = await ask(api, browsers[actor], route, asked[route])
                if not answer.is_success and answer.status_code not in _CANNOT.get(route, ()):
                    wrong.append(f"{actor} got {answer.status_code} from {route}: {answer.text}")
                elif leaked := leaks(api, actor, answer):
                    wrong.append(f"{actor} sees {leaked} in {route}")
    assert not wrong, "\n".join(wrong)


def essence(answer: httpx.Response) -> tuple[int, Any]:
    """A refusal without what it repeats of the request."""
    told = answer.json()
    return answer.status_code, (told["code"], told["detail"])


async def ask(
    api: ApiWorld, browser: httpx.AsyncClient, route: str, request: Request
) -> httpx.Response:
    method = route.split(" ", maxsplit=1)[0]
    headers = {"Idempotency-Key": uuid4().hex}
    if route.endswith("/config/"):
        headers["If-Match"] = '"v1"'
    return await browser.request(
        method, request.path, params=request.query, json=request.body, headers=headers
    )


def leaks(api: ApiWorld, actor: str, answer: httpx.Response) -> set[str]:
    """What an answer names of rows that are not the actor's to see."""
    unseen = {
        "trader_b": [api.world.a],
        "nobody": [api.world.a, api.world.b],
        "elsewhere_a": [api.world.a, api.world.b],
        "anonymous": [api.world.a, api.world.b],
        "admin": [],
    }.get(actor, [api.world.b])
    return {mark for world in unseen for mark in marks(world) if mark in answer.text}


def marks(one: ClientWorld) -> set[str]:
    """Words that only this client's rows have."""
    rows = (one.portfolio, one.account, one.waiting, one.approved, one.order, one.execution)
    ids = {str(row.id) for row in (*rows, one.alert)}
    instance = str(one.waiting.strategy_instance_id)
    return {*ids, instance, one.account.code, one.order.order_key, one.execution.exec_id}

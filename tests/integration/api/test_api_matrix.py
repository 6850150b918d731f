"""Who may do what: every route of the API × every kind of person and script, on client A's rows.

A route that is not in the table fails the test: whoever adds one says here whom it is for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app, describe
from infra.db import models as m
from infra.settings import Settings
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_users import make_token, script
from tests.integration.api.world import CODE_A, CODE_B

pytestmark = pytest.mark.integration

# Members of client A by role; somebody of client B; somebody of none; the desk's administrator.
PEOPLE = ("viewer_a", "approver_a", "trader_a", "operator_a", "trader_b", "nobody", "admin")
# A script of approver_a that may only read.
READING_TOKEN = "reading token"
ACTORS = ("anonymous", READING_TOKEN, *PEOPLE)

EVERYBODY = frozenset(ACTORS)
SIGNED_IN = frozenset(PEOPLE)
WITH_TOKENS = SIGNED_IN | {READING_TOKEN}
OF_A = frozenset({"viewer_a", "approver_a", "trader_a", "operator_a", "admin"})
SEES_A = OF_A | {READING_TOKEN}
DECIDES = frozenset({"approver_a", "trader_a", "admin"})
OPERATES = frozenset({"operator_a", "admin"})
HALTS = frozenset({"trader_a", "operator_a", "admin"})
ACKNOWLEDGES = frozenset({"approver_a", "trader_a", "operator_a", "admin"})
ADMIN = frozenset({"admin"})
ROLES = {
    "GET /api/accounts/{account_id}/risk/": SEES_A,
    "GET /api/alerts/": WITH_TOKENS,
    "POST /api/alerts/{alert_id}/acknowledge/": ACKNOWLEDGES,
    "POST /api/auth/login/": EVERYBODY,
    "POST /api/auth/logout/": EVERYBODY,
    "GET /api/auth/me/": WITH_TOKENS,
    "POST /api/auth/password/": SIGNED_IN,
    "DELETE /api/auth/sessions/": SIGNED_IN,
    "GET /api/auth/sessions/": SIGNED_IN,
    "DELETE /api/auth/sessions/{session_id}/": SIGNED_IN,
    "POST /api/auth/step-up/": SIGNED_IN,
    "GET /api/auth/tokens/": SIGNED_IN,
    "POST /api/auth/tokens/": SIGNED_IN,
    "DELETE /api/auth/tokens/{token_id}/": SIGNED_IN,
    "DELETE /api/auth/totp/": SIGNED_IN,
    "GET /api/auth/totp/": SIGNED_IN,
    "POST /api/auth/totp/": SIGNED_IN,
    "POST /api/auth/totp/confirm/": SIGNED_IN,
    "GET /api/backtests/": WITH_TOKENS,
    "POST /api/backtests/": ACKNOWLEDGES,
    "GET /api/backtests/compare/": WITH_TOKENS,
    "GET /api/backtests/sweeps/": WITH_TOKENS,
    "POST /api/backtests/sweeps/": ACKNOWLEDGES,
    "GET /api/backtests/sweeps/{sweep_id}/": WITH_TOKENS,
    "POST /api/backtests/sweeps/{sweep_id}/cancel/": ACKNOWLEDGES,
    "GET /api/backtests/{run_id}/": WITH_TOKENS,
    "POST /api/backtests/{run_id}/cancel/": ACKNOWLEDGES,
    "GET /api/backtests/{run_id}/equity/": WITH_TOKENS,
    "GET /api/backtests/{run_id}/report/": WITH_TOKENS,
    "GET /api/backtests/{run_id}/tables/{name}/": WITH_TOKENS,
    "GET /api/backtests/{run_id}/trades/": WITH_TOKENS,
    "GET /api/clients/{client_id}/approval-rules/": OF_A,
    "PUT /api/clients/{client_id}/approval-rules/": ADMIN,
    "GET /api/dashboard/": WITH_TOKENS,
    "GET /api/desk/": WITH_TOKENS,
    "GET /api/discrepancies/": WITH_TOKENS,
    "POST /api/discrepancies/{discrepancy_id}/accept/": OPERATES,
    "GET /api/executions/": WITH_TOKENS,
    "GET /api/health/": WITH_TOKENS,
    "GET /api/kill-switch/": WITH_TOKENS,
    "POST /api/kill-switch/": HALTS,
    "GET /api/kill-switch/preview/": HALTS,
    "GET /api/kill-switch/{kill_switch_id}/": WITH_TOKENS,
    "GET /api/limits/in-force/{account_id}/": SEES_A,
    "GET /api/limits/{scope}/": SEES_A,
    "PUT /api/limits/{scope}/": OPERATES,
    "GET /api/orders/": WITH_TOKENS,
    "GET /api/orders/{order_id}/": SEES_A,
    "POST /api/orders/{order_id}/cancel/": DECIDES,
    "POST /api/orders/{order_id}/declare-ended/": OPERATES,
    "POST /api/orders/{order_id}/declare-not-sent/": OPERATES,
    "GET /api/portfolio-risk/": WITH_TOKENS,
    "GET /api/recommendations/": WITH_TOKENS,
    "GET /api/recommendations/{recommendation_id}/": SEES_A,
    "POST /api/recommendations/{recommendation_id}/approve/": DECIDES,
    "POST /api/recommendations/{recommendation_id}/reject/": DECIDES,
    "GET /api/stream/": WITH_TOKENS,
    "GET /api/trading-state/": WITH_TOKENS,
    "PUT /api/trading-state/accounts/{account_id}/": HALTS,
    "PUT /api/trading-state/desk/": ADMIN,
    "GET /api/users/": ADMIN,
    "POST /api/users/": ADMIN,
    "GET /api/users/{user_id}/": ADMIN,
    "PATCH /api/users/{user_id}/": ADMIN,
    "POST /api/users/{user_id}/reset-password/": ADMIN,
    "POST /api/users/{user_id}/reset-second-factor/": ADMIN,
    "PUT /api/users/{user_id}/roles/": ADMIN,
    "DELETE /api/users/{user_id}/roles/{role_id}/": ADMIN,
    "GET /api/value-history/": WITH_TOKENS,
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
}
# Would end the session that asks, or never ends: only those who are refused ask for these.
_NOT_ASKED = frozenset(
    {
        "POST /api/auth/login/",
        "POST /api/auth/logout/",
        "POST /api/auth/password/",
        "DELETE /api/auth/sessions/",
        "POST /api/auth/step-up/",
        "GET /api/stream/",
    }
)
# Allowed, and still these: what the row is not ready for, or a row the small desk has not.
_FACTS = frozenset({404, 409, 422, 503})


@dataclass(frozen=True)
class Request:
    """A request that is complete: whoever is refused is so for who they are."""

    path: str
    query: Mapping[str, str]
    body: Any


def requests(api: ApiWorld) -> Mapping[str, Request]:
    one = api.world.a
    values = {
        "account_id": one.account.id,
        "alert_id": one.alert.id,
        "client_id": one.client.id,
        "order_id": one.order.id,
        "recommendation_id": one.waiting.id,
        "user_id": api.world.users["nobody"].id,
        "scope": "ACCOUNT",
        "name": "trades",
    }
    reason, terms = {"reason": "because"}, {"terms_hash": one.waiting.terms_hash}
    client = str(one.client.id)
    backtest = {"strategy": "wheel", "data": "days", "client_id": client}
    bodies: dict[str, Any] = {
        "POST /api/auth/password/": {"current_password": "x", "new_password": "y" * 12},
        "POST /api/auth/step-up/": {"password": "x"},
        "POST /api/auth/tokens/": {"name": "t", "scopes": ["READ"]},
        "POST /api/auth/totp/confirm/": {"code": "000000"},
        "POST /api/backtests/": backtest,
        "POST /api/backtests/sweeps/": backtest,
        "PUT /api/clients/{client_id}/approval-rules/": {
            "step_up_minutes": None,
            "two_approvers_above_notional": None,
            "two_approvers_above_max_loss": None,
        },
        "POST /api/discrepancies/{discrepancy_id}/accept/": {"actual": "1", "note": "because"},
        "POST /api/kill-switch/": {
            **reason,
            "digest": "0" * 64,
            "account": str(one.account.id),
        },
        "PUT /api/limits/{scope}/": {**reason, "based_on": 0, "limits": {}},
        "POST /api/orders/{order_id}/declare-ended/": {**reason, "executed_quantity": "0"},
        "POST /api/orders/{order_id}/declare-not-sent/": reason,
        "POST /api/recommendations/{recommendation_id}/approve/": terms,
        "POST /api/recommendations/{recommendation_id}/reject/": {**terms, **reason},
        "PUT /api/trading-state/accounts/{account_id}/": {**reason, "state": "HALTED"},
        "PUT /api/trading-state/desk/": {**reason, "state": "ACTIVE"},
        "POST /api/users/": {"email": "new@desk.test", "name": "New"},
        "PATCH /api/users/{user_id}/": {"name": "Somebody"},
        "PUT /api/users/{user_id}/roles/": {"client_id": client, "role": "VIEWER"},
    }
    queries = {
        "GET /api/backtests/compare/": {"ids": str(uuid4())},
        "GET /api/kill-switch/preview/": {"account": str(one.account.id)},
        "GET /api/limits/{scope}/": {"owner": str(one.account.id)},
        "PUT /api/limits/{scope}/": {"owner": str(one.account.id)},
    }
    made: dict[str, Request] = {}
    for route in ROLES:
        path = route.split(" ")[1]
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            path = path.replace(f"{{{name}}}", str(values.get(name, uuid4())))
        made[route] = Request(path, queries.get(route, {}), bodies.get(route))
    return made


@asynccontextmanager
async def actors(api: ApiWorld) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Everybody, each in a browser or program of their own."""
    async with api.sessions.begin() as session:
        trader = m.User(
            email="trader_a@desk.test",
            name="Trader A",
            password_hash=api.world.users["nobody"].password_hash,
        )
        session.add(trader)
        await session.flush()
        client_id = api.world.a.client.id
        session.add(m.Membership(user_id=trader.id, client_id=client_id, role=m.Role.TRADER))
    api.world.users["trader_a"] = trader
    async with AsyncExitStack() as stack:
        made = {"anonymous": await stack.enter_async_context(api.browser())}
        for name in PEOPLE:
            made[name] = await stack.enter_async_context(api.signed_in(name))
        token = (await make_token(made["approver_a"], "READ"))["token"]
        made[READING_TOKEN] = await stack.enter_async_context(script(api, token))
        yield made


async def ask(
    api: ApiWorld, browser: httpx.AsyncClient, route: str, request: Request
) -> httpx.Response:
    # Throttling is tested elsewhere; here one person asks for everything within a second.
    api.app.state.resources.throttle.__init__()
    method = route.split(" ", maxsplit=1)[0]
    headers = {"Idempotency-Key": uuid4().hex}
    return await browser.request(
        method, request.path, params=request.query, json=request.body, headers=headers
    )


def test_every_route_of_the_application_is_in_the_table(api_document: dict[str, Any]) -> None:
    routes = {
        f"{method.upper()} {path}"
        for path, operations in api_document["paths"].items()
        for method in operations
    }
    assert routes == set(ROLES)


@pytest.fixture
def api_document() -> dict[str, Any]:
    app = create_app(Settings(home=Path("/nonexistent")), web_dist=Path("/nonexistent"))
    return describe(app)


async def test_nobody_may_do_more_than_their_role(api: ApiWorld) -> None:
    asked = requests(api)
    wrong: list[str] = []
    async with actors(api) as browsers:
        for route, allowed in ROLES.items():
            for actor in sorted(EVERYBODY - allowed):
                answer = await ask(api, browsers[actor], route, asked[route])
                refusals = {401} if actor == "anonymous" else {403, 404}
                if answer.status_code not in refusals:
                    wrong.append(f"{actor} got {answer.status_code} from {route}")
        # Reads before commands: what is done must not change what there is to see.
        for route, allowed in sorted(ROLES.items(), key=lambda each: each[0][:3] != "GET"):
            for actor in sorted(allowed):
                if route in _NOT_ASKED:
                    continue
                answer = await ask(api, browsers[actor], route, asked[route])
                if not (answer.is_success or answer.status_code in _FACTS):
                    wrong.append(f"{actor} got {answer.status_code} from {route}: {answer.text}")
                elif leaks(actor, answer.text):
                    wrong.append(f"{actor} sees another client's account in {route}")
    assert wrong == []


async def test_a_write_with_all_that_is_needed_reaches_its_row(api: ApiWorld) -> None:
    """Else the refusals above might be of the request and not of the person."""
    asked = requests(api)
    reached: dict[str, int] = {}
    async with actors(api) as browsers:
        for route in (
            "PUT /api/limits/{scope}/",
            "PUT /api/clients/{client_id}/approval-rules/",
            "PUT /api/users/{user_id}/roles/",
            "POST /api/alerts/{alert_id}/acknowledge/",
            "POST /api/recommendations/{recommendation_id}/reject/",
            "PUT /api/trading-state/accounts/{account_id}/",
        ):
            answer = await ask(api, browsers["admin"], route, asked[route])
            reached[route] = answer.status_code
    assert set(reached.values()) == {200}, reached


def leaks(actor: str, text: str) -> bool:
    """Whether an answer names an account of a client that the actor is no member of."""
    sees = {
        "trader_b": {CODE_B},
        "nobody": set[str](),
        "anonymous": set[str](),
        "admin": {CODE_A, CODE_B},
    }.get(actor, {CODE_A})
    return any(code in text for code in {CODE_A, CODE_B} - sees)

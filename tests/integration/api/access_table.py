"""Who may use which route, and what is asked of each: complete requests on client A's rows.

Whoever adds a route says here whom it is for; `test_api_matrix.py` fails until then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db import models as m
from tests.integration.api.access_maker import config_proposal
from tests.integration.api.client import ApiWorld
from tests.integration.api.reconciliation_maker import discrepancy
from tests.integration.api.test_api_users import make_token, script
from tests.integration.api.world import password_hash

# Members of client A by role; the ADMIN of another portfolio of A; somebody of client B; somebody
# of no client; the administrator of the installation.
PEOPLE = (
    "viewer_a",
    "approver_a",
    "trader_a",
    "operator_a",
    "admin_a",
    "elsewhere_a",
    "trader_b",
    "nobody",
    "admin",
)
# A script of approver_a that may only read.
READING_TOKEN = "reading token"
ACTORS = ("anonymous", READING_TOKEN, *PEOPLE)

EVERYBODY = frozenset(ACTORS)
SIGNED_IN = frozenset(PEOPLE)
WITH_TOKENS = SIGNED_IN | {READING_TOKEN}
OF_A = frozenset({"viewer_a", "approver_a", "trader_a", "operator_a", "admin_a", "admin"})
SEES_A = OF_A | {READING_TOKEN}
KNOWS_A = OF_A | {"elsewhere_a"}
WORKS = OF_A - {"viewer_a"}
DECIDES = frozenset({"approver_a", "trader_a", "admin_a", "admin"})
CONFIGURES = frozenset({"trader_a", "admin_a", "admin"})
OPERATES = frozenset({"operator_a", "admin_a", "admin"})
HALTS = frozenset({"trader_a", "operator_a", "admin_a", "admin"})
GOVERNS_A = frozenset({"admin_a", "admin"})
ADMIN = frozenset({"admin"})

ROLES: Mapping[str, frozenset[str]] = {
    "GET /api/accounts/{account_id}/risk/": SEES_A,
    "GET /api/alerts/": WITH_TOKENS,
    "POST /api/alerts/{alert_id}/acknowledge/": WORKS,
    "GET /api/audit/": WITH_TOKENS,
    "POST /api/audit/verify/": ADMIN,
    "POST /api/auth/login/": EVERYBODY,
    "POST /api/auth/logout/": EVERYBODY,
    "GET /api/auth/methods/": EVERYBODY,
    "GET /api/auth/oidc/callback/": EVERYBODY,
    "GET /api/auth/oidc/start/": EVERYBODY,
    "GET /api/auth/me/": WITH_TOKENS,
    "POST /api/auth/password/": SIGNED_IN,
    "DELETE /api/auth/sessions/": SIGNED_IN,
    "GET /api/auth/sessions/": SIGNED_IN,
    "DELETE /api/auth/sessions/{session_id}/": SIGNED_IN,
    "GET /api/auth/channels/": SIGNED_IN,
    "POST /api/auth/channels/": SIGNED_IN,
    "PUT /api/auth/channels/{channel_id}/": SIGNED_IN,
    "DELETE /api/auth/channels/{channel_id}/": SIGNED_IN,
    "POST /api/auth/channels/{channel_id}/test/": SIGNED_IN,
    "POST /api/auth/step-up/": SIGNED_IN,
    "GET /api/auth/tokens/": SIGNED_IN,
    "POST /api/auth/tokens/": SIGNED_IN,
    "DELETE /api/auth/tokens/{token_id}/": SIGNED_IN,
    "DELETE /api/auth/totp/": SIGNED_IN,
    "GET /api/auth/totp/": SIGNED_IN,
    "POST /api/auth/totp/": SIGNED_IN,
    "POST /api/auth/totp/confirm/": SIGNED_IN,
    "POST /api/auth/totp/recovery-codes/": SIGNED_IN,
    "GET /api/backtests/": WITH_TOKENS,
    "POST /api/backtests/": WORKS,
    "GET /api/backtests/compare/": SEES_A,
    "GET /api/backtests/recordings/": WORKS | {"trader_b", READING_TOKEN},
    "GET /api/backtests/sweeps/": WITH_TOKENS,
    "POST /api/backtests/sweeps/": WORKS,
    "GET /api/backtests/sweeps/{sweep_id}/": SEES_A,
    "POST /api/backtests/sweeps/{sweep_id}/cancel/": WORKS,
    "GET /api/backtests/{run_id}/": SEES_A,
    "POST /api/backtests/{run_id}/cancel/": WORKS,
    "GET /api/backtests/{run_id}/equity/": SEES_A,
    "GET /api/backtests/{run_id}/report/": SEES_A,
    "GET /api/backtests/{run_id}/tables/{name}/": SEES_A,
    "GET /api/backtests/{run_id}/trades/": SEES_A,
    "GET /api/chains/": WITH_TOKENS,
    "GET /api/chains/{symbol}/": WITH_TOKENS,
    "GET /api/clients/": SIGNED_IN,
    "POST /api/clients/": ADMIN,
    "PATCH /api/clients/{client_id}/": ADMIN,
    "GET /api/clients/{client_id}/approval-rules/": KNOWS_A,
    "PUT /api/clients/{client_id}/approval-rules/": GOVERNS_A,
    "POST /api/clients/{client_id}/portfolios/": ADMIN,
    "PATCH /api/clients/{client_id}/portfolios/{portfolio_id}/": ADMIN,
    "GET /api/dashboard/": WITH_TOKENS,
    "GET /api/desk/": WITH_TOKENS,
    "GET /api/discrepancies/": WITH_TOKENS,
    "POST /api/discrepancies/{discrepancy_id}/accept/": OPERATES,
    "GET /api/executions/": WITH_TOKENS,
    "GET /api/gateways/": OPERATES,
    "PUT /api/gateways/{slug}/": ADMIN,
    "PUT /api/gateways/{slug}/accounts/{code}/": ADMIN,
    "GET /api/health/": WITH_TOKENS,
    "GET /api/journal/": WITH_TOKENS,
    "GET /api/journal/outcomes/": WITH_TOKENS,
    "GET /api/kill-switch/": WITH_TOKENS,
    "POST /api/kill-switch/": HALTS,
    "GET /api/kill-switch/preview/": HALTS,
    "GET /api/kill-switch/{kill_switch_id}/": SEES_A,
    "GET /api/limits/": WITH_TOKENS,
    "GET /api/limits/in-force/{account_id}/": SEES_A,
    "GET /api/limits/{scope}/": SEES_A,
    "PUT /api/limits/{scope}/": OPERATES,
    "GET /api/limits/{scope}/history/": SEES_A,
    "GET /api/logs/broker-messages/": WITH_TOKENS,
    "GET /api/logs/strategy-errors/": WITH_TOKENS,
    "GET /api/opportunities/": WITH_TOKENS,
    "GET /api/opportunities/runs/": WITH_TOKENS,
    "GET /api/orders/": WITH_TOKENS,
    "GET /api/orders/{order_id}/": SEES_A,
    "POST /api/orders/{order_id}/cancel/": DECIDES,
    "POST /api/orders/{order_id}/declare-ended/": OPERATES,
    "POST /api/orders/{order_id}/declare-not-sent/": OPERATES,
    "GET /api/portfolio-risk/": WITH_TOKENS,
    "GET /api/positions/": WITH_TOKENS,
    "GET /api/recommendations/": WITH_TOKENS,
    "GET /api/recommendations/{recommendation_id}/": SEES_A,
    "POST /api/recommendations/{recommendation_id}/approve/": DECIDES,
    "GET /api/recommendations/{recommendation_id}/outlook/": SEES_A,
    "POST /api/recommendations/{recommendation_id}/reject/": DECIDES,
    # Answers for each item by itself; see test_api_bulk_reject.py for who may reject which.
    "POST /api/recommendations/reject/": SIGNED_IN,
    "GET /api/setup/": WITH_TOKENS,
    "GET /api/strategies/": WITH_TOKENS,
    "POST /api/strategies/": CONFIGURES,
    "GET /api/strategies/kinds/": WITH_TOKENS,
    "GET /api/strategies/{strategy_id}/": SEES_A,
    "PUT /api/strategies/{strategy_id}/config/": CONFIGURES,
    "POST /api/strategies/{strategy_id}/changes/{change_id}/approve/": CONFIGURES,
    "POST /api/strategies/{strategy_id}/changes/{change_id}/reject/": CONFIGURES,
    "POST /api/strategies/{strategy_id}/disable/": CONFIGURES,
    "POST /api/strategies/{strategy_id}/dry-run/": CONFIGURES,
    "POST /api/strategies/{strategy_id}/enable/": CONFIGURES,
    "POST /api/strategies/{strategy_id}/run/": CONFIGURES,
    "GET /api/strategies/{strategy_id}/runs/": SEES_A,
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
    "DELETE /api/users/{user_id}/sessions/": ADMIN,
    "GET /api/value-history/": WITH_TOKENS,
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
}


@dataclass(frozen=True)
class Request:
    """A request that is complete: whoever is refused is so for who they are."""

    path: str
    query: Mapping[str, str]
    body: Any
    names_a: bool
    """It names a row of client A."""


@dataclass(frozen=True)
class Rows:
    """Rows of client A that its small desk has not by itself."""

    discrepancy: UUID
    kill_switch: UUID
    backtest: UUID
    sweep: UUID
    change: UUID
    role: UUID


async def more_rows(api: ApiWorld) -> Rows:
    """Add them, and the people who are missing."""
    one, at = api.world.a, api.clock.at
    owned = {"client_id": one.client.id, "author": "desk", "strategy": "wheel", "request": {}}
    differs = discrepancy(one.account, at)
    pressed = m.KillSwitch(
        id=uuid4(), digest="", reason="a test", author="desk", broker_account_id=one.account.id
    )
    sweep = m.BacktestSweep(
        id=uuid4(), workflow_id="sweep-1", name="many", total=2, started_at=at, **owned
    )
    run = m.StrategyRun(id=uuid4(), mode=m.RunMode.BACKTEST, workflow_id="back-1", started_at=at)
    backtest = m.Backtest(
        strategy_run_id=run.id, key="back-1", name="one", request_digest="", **owned
    )
    async with api.sessions.begin() as session:
        elsewhere = m.Portfolio(client_id=one.client.id, name="Elsewhere")
        change = config_proposal(one.waiting.strategy_instance_id, api.world.users["admin"])
        session.add_all([differs, pressed, sweep, run, elsewhere, change])
        await session.flush()
        session.add(backtest)
        # A configuration that its strategy understands: the commands on it are to succeed.
        for instance in await session.scalars(select(m.StrategyInstance)):
            instance.config = {"universe": ["SPY"]}
        roles = [
            await _person(session, api, name, role, portfolio)
            for name, role, portfolio in (
                ("trader_a", m.Role.TRADER, None),
                ("admin_a", m.Role.ADMIN, None),
                ("elsewhere_a", m.Role.ADMIN, elsewhere.id),
            )
        ]
    return Rows(differs.id, pressed.id, run.id, sweep.id, change.id, roles[0])


async def _person(
    session: AsyncSession, api: ApiWorld, name: str, role: m.Role, portfolio_id: UUID | None
) -> UUID:
    user = m.User(email=f"{name}@desk.test", name=name, password_hash=password_hash())
    session.add(user)
    await session.flush()
    api.world.users[name] = user
    held = m.Membership(
        user_id=user.id, client_id=api.world.a.client.id, portfolio_id=portfolio_id, role=role
    )
    session.add(held)
    await session.flush()
    return held.id


def rows_of_a(api: ApiWorld, rows: Rows) -> dict[str, UUID]:
    """Client A's rows, by the names that paths give them."""
    one = api.world.a
    return {
        "account_id": one.account.id,
        "alert_id": one.alert.id,
        "change_id": rows.change,
        "client_id": one.client.id,
        "discrepancy_id": rows.discrepancy,
        "kill_switch_id": rows.kill_switch,
        "order_id": one.order.id,
        "portfolio_id": one.portfolio.id,
        "recommendation_id": one.waiting.id,
        "run_id": rows.backtest,
        "strategy_id": one.waiting.strategy_instance_id,
        "sweep_id": rows.sweep,
    }


def known_ids(api: ApiWorld, rows: Rows) -> dict[str, UUID]:
    """Identifiers of real rows; the user is one that nobody signs in as."""
    return {**rows_of_a(api, rows), "user_id": api.world.users["nobody"].id}


def requests(api: ApiWorld, rows: Rows, *, absent: bool = False) -> Mapping[str, Request]:
    """A request per route. ``absent``: of rows that nobody has, in the place of client A's."""
    of_a = rows_of_a(api, rows)
    if absent:
        of_a = {name: uuid4() for name in of_a}
    people = {"user_id": api.world.users["trader_a"].id, "role_id": rows.role}
    words = {
        "code": api.world.a.account.code,
        "name": "trades",
        "scope": "ACCOUNT",
        "slug": api.world.gateway.slug,
        "symbol": "SPY",
    }
    bodies, queries = _bodies(api, of_a), _queries(of_a)
    made: dict[str, Request] = {}
    for route in ROLES:
        path = route.split(" ")[1]
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        for name in names:
            value = {**of_a, **people, **words}.get(name, uuid4())
            path = path.replace(f"{{{name}}}", str(value))
        query, body = queries.get(route, {}), bodies.get(route)
        said = f"{path} {query} {body}"
        names_a = any(str(value) in said for value in of_a.values())
        made[route] = Request(path, query, body, names_a)
    return made


def _queries(of_a: Mapping[str, UUID]) -> dict[str, dict[str, str]]:
    owner = {"owner": str(of_a["account_id"])}
    return {
        "GET /api/backtests/compare/": {"ids": str(of_a["run_id"])},
        "GET /api/kill-switch/preview/": {"account": str(of_a["account_id"])},
        "GET /api/limits/{scope}/": owner,
        "GET /api/limits/{scope}/history/": owner,
        "PUT /api/limits/{scope}/": owner,
    }


def _bodies(api: ApiWorld, of_a: Mapping[str, UUID]) -> dict[str, Any]:
    client, account = str(of_a["client_id"]), str(of_a["account_id"])
    reason, terms = {"reason": "because"}, {"terms_hash": api.world.a.waiting.terms_hash}
    version = str(api.world.version.id)
    config = {"config": {"universe": ["SPY"]}}
    backtest = {"strategy": "wheel", "data": ["days"], "client_id": client}
    return {
        "POST /api/audit/verify/": {},
        "POST /api/auth/login/": {"email": "x@desk.test", "password": "x"},
        "POST /api/auth/password/": {"current_password": "x", "new_password": "y" * 12},
        "POST /api/auth/channels/": {
            "name": "phone",
            "address": "jsons://hook.desk.test",
            "events": ["ALERT"],
        },
        "PUT /api/auth/channels/{channel_id}/": {"name": "phone", "events": ["ALERT"]},
        "POST /api/auth/step-up/": {"password": "x"},
        "POST /api/auth/tokens/": {"name": "t", "scopes": ["READ"]},
        "POST /api/auth/totp/confirm/": {"code": "000000"},
        "POST /api/backtests/": backtest,
        "POST /api/backtests/sweeps/": backtest,
        "POST /api/clients/": {"slug": "new", "name": "New"},
        "PATCH /api/clients/{client_id}/": {"name": "Renamed"},
        "POST /api/clients/{client_id}/portfolios/": {"name": "New"},
        "PATCH /api/clients/{client_id}/portfolios/{portfolio_id}/": {"name": "Main"},
        "PUT /api/gateways/{slug}/": {
            "name": "Simulated",
            "kind": "SIMULATED",
            "host": "127.0.0.1",
            "port": 4002,
        },
        "PUT /api/gateways/{slug}/accounts/{code}/": {"client_id": client, "portfolio": "Main"},
        "PUT /api/clients/{client_id}/approval-rules/": {
            "step_up_minutes": None,
            "two_approvers_above_notional": None,
            "two_approvers_above_max_loss": None,
            "two_people_configure": False,
        },
        "POST /api/discrepancies/{discrepancy_id}/accept/": {"actual": "50", "note": "because"},
        "POST /api/kill-switch/": {**reason, "digest": "0" * 64, "account": account},
        "PUT /api/limits/{scope}/": {**reason, "based_on": 0, "limits": {}},
        "POST /api/orders/{order_id}/declare-ended/": {**reason, "executed_quantity": "0"},
        "POST /api/orders/{order_id}/declare-not-sent/": reason,
        "POST /api/recommendations/{recommendation_id}/approve/": terms,
        "POST /api/recommendations/{recommendation_id}/reject/": {**terms, **reason},
        "POST /api/recommendations/reject/": {
            **reason,
            "items": [{**terms, "recommendation_id": str(of_a["recommendation_id"])}],
        },
        "POST /api/strategies/": {
            **config,
            "version_id": version,
            "account_id": account,
            "name": "another",
        },
        "PUT /api/strategies/{strategy_id}/config/": config,
        "POST /api/strategies/{strategy_id}/changes/{change_id}/reject/": {},
        "POST /api/strategies/{strategy_id}/dry-run/": {},
        "PUT /api/trading-state/accounts/{account_id}/": {**reason, "state": "HALTED"},
        "PUT /api/trading-state/desk/": {**reason, "state": "ACTIVE"},
        "POST /api/users/": {"email": "new@desk.test", "name": "New"},
        "PATCH /api/users/{user_id}/": {"name": "Somebody"},
        "PUT /api/users/{user_id}/roles/": {"client_id": client, "role": "VIEWER"},
    }


@asynccontextmanager
async def actors(api: ApiWorld) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Everybody, each in a browser or program of their own; after ``more_rows``."""
    async with AsyncExitStack() as stack:
        made = {"anonymous": await stack.enter_async_context(api.browser())}
        for name in PEOPLE:
            made[name] = await stack.enter_async_context(api.signed_in(name))
        token = (await make_token(made["approver_a"], "READ"))["token"]
        made[READING_TOKEN] = await stack.enter_async_context(script(api, token))
        yield made

"""Clients, portfolios, gateways and accounts set up over HTTP; sessions ended; limits looked up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.world import CODE_A

pytestmark = pytest.mark.integration
GATEWAY = {"name": "Adviser", "kind": "PAPER", "host": "10.0.0.5", "port": 4002, "client_id": 21}


async def _actions(api: ApiWorld) -> list[str]:
    async with api.sessions() as session:
        events = await session.execute(
            select(m.AuditEvent.action).order_by(m.AuditEvent.at, m.AuditEvent.id)
        )
        return [action for (action,) in events if not action.startswith("session")]


async def test_a_client_a_gateway_and_an_account_are_set_up_and_audited(api: ApiWorld) -> None:
    async with api.signed_in("admin") as admin:
        made = await admin.post("/api/clients/", json={"slug": "lovelace", "name": "Lovelace"})
        assert made.status_code == 201, made.text
        client = made.json()
        put = await admin.put("/api/gateways/adviser/", json=GATEWAY)
        assert (put.status_code, put.json()["outcome"]) == (200, "added"), put.text
        assert put.json()["worker_command"] == "greenlight worker broker --gateway adviser"
        assert api.signals.scheduled == ["adviser", "simulated"]
        account = {"client_id": client["id"], "portfolio": "Income", "alias": "Main"}
        path = "/api/gateways/adviser/accounts/du3000003/"
        first = (await admin.put(path, json=account)).json()
        again = (await admin.put(path, json=account)).json()
        assert (first["outcome"], again["outcome"]) == ("added", "unchanged")
        (portfolio,) = again["client"]["portfolios"]
        assert [each["label"] for each in portfolio["accounts"]] == ["DU3000003 · Main"]
        renamed = await admin.patch(
            f"/api/clients/{client['id']}/portfolios/{portfolio['id']}/", json={"name": "Yield"}
        )
        assert [each["name"] for each in renamed.json()["portfolios"]] == ["Yield"]
        listed = (await admin.get("/api/gateways/")).json()["items"]
    assert [(row["slug"], row["accounts"]) for row in listed] == [("adviser", 1), ("simulated", 2)]
    assert await _actions(api) == [
        "client.added",
        "gateway.added",
        "portfolio.added",
        "account.added",
        "portfolio.changed",
    ]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("gateways/other/", {**GATEWAY, "host": "127.0.0.1"}, "port"),
        ("gateways/simulated/", {**GATEWAY, "port": 4009}, "kind"),
        (f"gateways/simulated/accounts/{CODE_A}/", {"portfolio": "Elsewhere"}, "portfolio"),
    ],
)
async def test_what_would_change_what_history_means_names_its_field(
    api: ApiWorld, path: str, body: dict[str, Any], field: str
) -> None:
    if "accounts" in path:
        body = {**body, "client_id": str(api.world.b.client.id)}
    async with api.signed_in("admin") as admin:
        answer = await admin.put(f"/api/{path}", json=body)
    assert [each["field"] for each in (await problem(answer, 422, "INVALID_INPUT"))["errors"]] == [
        field
    ]
    assert await _actions(api) == []


async def test_a_name_that_is_taken_is_refused_before_anything_is_written(api: ApiWorld) -> None:
    portfolios = f"/api/clients/{api.world.a.client.id}/portfolios/"
    async with api.signed_in("admin") as admin:
        client = await admin.post("/api/clients/", json={"slug": "a", "name": "Another"})
        portfolio = await admin.post(portfolios, json={"name": "Main"})
    assert (await problem(client, 422, "INVALID_INPUT"))["errors"][0]["field"] == "slug"
    assert (await problem(portfolio, 422, "INVALID_INPUT"))["errors"][0]["field"] == "name"
    assert await _actions(api) == []


async def test_setting_up_is_an_administrators_business_and_needs_a_fresh_proof(
    api: ApiWorld,
) -> None:
    client = str(api.world.a.client.id)
    commands = (
        ("POST", "/api/clients/", {"slug": "new", "name": "New"}),
        ("PATCH", f"/api/clients/{client}/", {"name": "New"}),
        ("POST", f"/api/clients/{client}/portfolios/", {"name": "New"}),
        ("PUT", "/api/gateways/adviser/", GATEWAY),
        ("PUT", "/api/gateways/simulated/accounts/DU9/", {"client_id": client, "portfolio": "P"}),
        ("DELETE", f"/api/users/{api.world.users['admin'].id}/sessions/", None),
    )
    async with api.signed_in("operator_a") as operator, api.signed_in("admin") as admin:
        api.clock.advance(timedelta(minutes=31))
        for method, path, body in commands:
            await problem(await operator.request(method, path, json=body), 403, "FORBIDDEN")
            stale = await admin.request(method, path, json=body)
            await problem(stale, 403, "STEP_UP_REQUIRED")
        assert (await operator.get("/api/gateways/")).status_code == 200
    async with api.signed_in("approver_a") as approver:
        await problem(await approver.get("/api/gateways/"), 403, "FORBIDDEN")
    assert await _actions(api) == []


async def test_each_sees_only_the_clients_portfolios_and_accounts_they_know(api: ApiWorld) -> None:
    for who, slugs in (("admin", ["a", "b"]), ("viewer_a", ["a"]), ("nobody", [])):
        async with api.signed_in(who) as browser:
            first = (await browser.get("/api/clients/", params={"limit": 1})).json()
            found = first["items"]
            if first["next_cursor"] is not None:
                more = {"limit": 1, "cursor": first["next_cursor"]}
                found += (await browser.get("/api/clients/", params=more)).json()["items"]
        assert [row["slug"] for row in found] == slugs, who
        assert all(len(row["portfolios"]) == 1 for row in found)


async def test_an_administrator_signs_somebody_out_of_every_browser(api: ApiWorld) -> None:
    person = api.world.users["approver_a"]
    async with api.signed_in("approver_a") as browser, api.signed_in("admin") as admin:
        path = f"/api/users/{person.id}/"
        assert (await admin.get(path)).json()["sessions"] == 1
        assert (await admin.delete(f"{path}sessions/")).status_code == 204
        assert (await admin.get(path)).json()["sessions"] == 0
        await problem(await browser.get("/api/auth/me/"), 401, "NOT_AUTHENTICATED")


async def test_limits_show_their_history_and_what_each_scope_says(api: ApiWorld) -> None:
    account = api.world.a.account.id
    owner = {"owner": str(api.world.a.client.id)}
    async with api.signed_in("admin") as admin:
        for version, most in enumerate((7, 5)):
            ask = {"based_on": version, "limits": {"max_contracts": most}, "reason": f"to {most}"}
            assert (await admin.put("/api/limits/CLIENT/", params=owner, json=ask)).is_success
        page = {**owner, "limit": 1}
        first = (await admin.get("/api/limits/CLIENT/history/", params=page)).json()
        page["cursor"] = first["next_cursor"]
        second = (await admin.get("/api/limits/CLIENT/history/", params=page)).json()
        form = (await admin.get("/api/limits/")).json()
    assert [row["limits"]["max_contracts"] for row in first["items"] + second["items"]] == [5, 7]
    assert second["next_cursor"] is None
    size = form["schema"]["properties"]["max_contracts"]
    assert (size["title"], size["unit"], size["tighter"]) == (
        "Contracts per order",
        "contracts",
        "lower",
    )
    async with api.signed_in("viewer_a") as viewer:
        bound = (await viewer.get(f"/api/limits/in-force/{account}/")).json()["limits"]
        of_client = (await viewer.get("/api/limits/CLIENT/", params=owner)).json()
    said = {each["name"]: each["said"] for each in bound}
    assert (said["max_contracts"], said["max_notional"]) == ({"CLIENT": 5}, {})
    assert of_client["may_change"] is False
    async with api.signed_in("trader_b") as stranger:
        hidden = await stranger.get("/api/limits/CLIENT/history/", params=owner)
    await problem(hidden, 404, "NOT_FOUND")


async def test_the_guide_counts_what_is_really_there_for_whoever_asks(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        for instance in await session.scalars(select(m.StrategyInstance)):
            instance.config = {"universe": ["SPY"]}
    counts: dict[str, dict[str, Any]] = {}
    for who in ("admin", "viewer_a", "nobody"):
        async with api.signed_in(who) as browser:
            counts[who] = (await browser.get("/api/setup/")).json()
    names = ("clients", "accounts", "strategies", "strategies_enabled", "recommendations")
    assert {who: [found[name] for name in names] for who, found in counts.items()} == {
        "admin": [2, 2, 2, 2, 4],
        "viewer_a": [1, 1, 1, 1, 2],
        "nobody": [0, 0, 0, 0, 0],
    }
    assert [counts["nobody"][name] for name in ("gateways", "gateways_connected")] == [1, 1]
    assert (counts["viewer_a"]["simulated"], counts["nobody"]["simulated"]) == (True, False)
    assert (counts["viewer_a"]["runs"], counts["viewer_a"]["decisions"]) == (1, 1)
    assert counts["viewer_a"]["runs_under_way"] == 0


async def test_a_run_under_way_is_told_apart_from_runs_that_ended(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        for run in await session.scalars(select(m.StrategyRun)):
            run.status, run.finished_at = m.RunStatus.RUNNING, None
    async with api.signed_in("viewer_a") as browser:
        counts = (await browser.get("/api/setup/")).json()
    assert (counts["runs"], counts["runs_under_way"]) == (0, 1)

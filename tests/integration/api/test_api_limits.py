"""Limits over HTTP: what binds and why, who may change what, and changes that meet."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
PATH = "/api/limits/"


def ask(based_on: int = 0, **limits: Any) -> dict[str, Any]:
    return {"based_on": based_on, "limits": limits, "reason": "a careful month"}


async def test_the_tightest_scope_binds_and_is_named_and_the_change_is_audited(api: ApiWorld):
    account, client = api.world.a.account.id, api.world.a.client.id
    async with api.signed_in("admin") as browser:
        assert (await browser.put(f"{PATH}GLOBAL/", json=ask(max_contracts=20))).status_code == 200
    async with api.signed_in("operator_a") as browser:
        of_client = await browser.put(
            f"{PATH}CLIENT/",
            params={"owner": str(client)},
            json=ask(max_contracts=5, restricted_symbols=["GME"]),
        )
        of_account = await browser.put(
            f"{PATH}ACCOUNT/", params={"owner": str(account)}, json=ask(max_contracts=9)
        )
        answer = (await browser.get(f"{PATH}in-force/{account}/")).json()
    assert (of_client.status_code, of_account.status_code) == (200, 200), of_client.text
    bound = {each["name"]: each for each in answer["limits"]}
    assert (bound["max_contracts"]["value"], bound["max_contracts"]["sources"]) == (5, ["CLIENT"])
    assert bound["restricted_symbols"]["value"] == ["GME"]
    assert bound["max_notional"]["sources"] == []
    assert [ref["scope"] for ref in answer["versions"]] == ["GLOBAL", "CLIENT", "ACCOUNT"]
    async with api.sessions() as session:
        events = await session.scalars(
            select(m.AuditEvent).where(m.AuditEvent.action == "limits.changed")
        )
        assert [event.actor for event in events].count(api.world.email("operator_a")) == 2


async def test_a_change_of_limits_that_have_changed_since_is_refused(api: ApiWorld):
    async with api.signed_in("admin") as browser:
        first = await browser.put(f"{PATH}GLOBAL/", json=ask(max_contracts=20))
        late = await browser.put(f"{PATH}GLOBAL/", json=ask(max_contracts=30))
        now = (await browser.get(f"{PATH}GLOBAL/")).json()
    assert first.json()["version"] == 1
    await problem(late, 409, "LIMITS_CHANGED")
    assert (now["version"], now["limits"]) == (1, {"max_contracts": 20})


async def test_who_may_not_operate_changes_nothing_and_strangers_see_nothing(api: ApiWorld):
    owner = {"owner": str(api.world.a.account.id)}
    async with api.signed_in("approver_a") as browser:
        refused = await browser.put(f"{PATH}ACCOUNT/", params=owner, json=ask(max_contracts=1))
        seen = await browser.get(f"{PATH}ACCOUNT/", params=owner)
    async with api.signed_in("operator_a") as browser:
        desk = await browser.put(f"{PATH}GLOBAL/", json=ask(max_contracts=1))
    async with api.signed_in("trader_b") as browser:
        hidden = await browser.get(f"{PATH}ACCOUNT/", params=owner)
    await problem(refused, 403, "FORBIDDEN")
    await problem(desk, 403, "FORBIDDEN")
    assert (seen.status_code, seen.json()["version"]) == (200, 0)
    await problem(hidden, 404, "NOT_FOUND")


async def test_a_limit_that_cannot_be_names_its_field(api: ApiWorld):
    async with api.signed_in("admin") as browser:
        answer = await browser.put(f"{PATH}GLOBAL/", json=ask(max_contracts=0))
    assert (await problem(answer, 422, "INVALID_INPUT"))["errors"][0][
        "field"
    ] == "limits.max_contracts"


@pytest.mark.parametrize(("role", "status"), [(m.Role.OPERATOR, 200), (m.Role.VIEWER, 403)])
async def test_the_role_for_the_accounts_portfolio_decides_on_its_limits_and_state(
    api: ApiWorld, role: m.Role, status: int
):
    one = api.world.a
    held = m.Role.VIEWER if role is m.Role.OPERATOR else m.Role.OPERATOR
    person = {"user_id": api.world.users["nobody"].id, "client_id": one.client.id}
    async with api.sessions.begin() as session:
        session.add(m.Membership(**person, role=held))
        session.add(m.Membership(**person, portfolio_id=one.portfolio.id, role=role))
    state, key = {"state": "REDUCING", "reason": "because"}, {"Idempotency-Key": "k" * 16}
    async with api.signed_in("nobody") as browser:
        answers = [
            await browser.put(f"{PATH}ACCOUNT/", params={"owner": str(one.account.id)}, json=ask()),
            await browser.put(
                f"/api/trading-state/accounts/{one.account.id}/", json=state, headers=key
            ),
        ]
        (told,) = (await browser.get("/api/trading-state/")).json()["accounts"]
    assert [answer.status_code for answer in answers] == [status, status]
    assert told["may_resume"] is (status == 200)

"""Strategy errors, broker messages and the audit trail: who sees what; notes on alerts."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem
from tests.integration.api.world import CODE_A, CODE_B

pytestmark = pytest.mark.integration


async def _broker_said(api: ApiWorld, *about: m.Order | None) -> None:
    async with api.sessions.begin() as session:
        for order in about:
            session.add(
                m.OrderEvent(
                    gateway_id=api.world.gateway.id,
                    order_id=None if order is None else order.id,
                    kind="error",
                    payload={"code": 201, "message": "Order rejected"},
                )
            )


async def test_an_alert_is_acknowledged_with_a_note_that_stays_with_it(api: ApiWorld) -> None:
    path = f"/api/alerts/{api.world.a.alert.id}/acknowledge/"
    async with api.signed_in("operator_a") as browser:
        said = (await browser.post(path, json={"note": " Called the broker. "})).json()
        again = (await browser.post(path, json={"note": "me, too"})).json()
    assert (said["state"], said["note"]) == ("ACKNOWLEDGED", "Called the broker.")
    assert said["acknowledged_by"] == api.world.email("operator_a")
    assert again == said
    async with api.sessions() as session:
        events = await session.scalars(
            select(m.AuditEvent).where(m.AuditEvent.action == "alert.acknowledged")
        )
        told = [(event.before, event.after) for event in events]
        after = {"state": "ACKNOWLEDGED", "note": "Called the broker."}
        assert told == [({"state": "OPEN"}, after)]


async def test_alerts_are_filtered_by_severity(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        found = {
            severity: (await browser.get("/api/alerts/", params={"severity": severity})).json()
            for severity in ("WARNING", "CRITICAL")
        }
    assert len(found["WARNING"]["items"]) == 3
    assert found["CRITICAL"]["items"] == []


async def test_each_reads_the_errors_and_messages_of_their_own_clients(api: ApiWorld) -> None:
    await _broker_said(api, api.world.a.order, api.world.b.order, None)
    async with api.sessions.begin() as session:
        for run in await session.scalars(select(m.StrategyRun)):
            run.errors = ["SPY: no quote"]
    seen: dict[str, tuple[list[str | None], list[str]]] = {}
    for who in ("viewer_a", "operator_a", "trader_b", "nobody", "admin"):
        async with api.signed_in(who) as browser:
            messages = (await browser.get("/api/logs/broker-messages/")).json()["items"]
            errors = (await browser.get("/api/logs/strategy-errors/")).json()["items"]
        seen[who] = (
            [row["account"] and row["account"]["code"] for row in messages],
            sorted(row["account"]["code"] for row in errors),
        )
    assert seen == {
        "viewer_a": ([CODE_A], [CODE_A]),
        "operator_a": ([None, CODE_A], [CODE_A]),
        "trader_b": ([CODE_B], [CODE_B]),
        "nobody": ([], []),
        "admin": ([None, CODE_B, CODE_A], [CODE_A, CODE_B]),
    }


async def test_the_trail_is_an_administrators_and_to_others_what_they_did(api: ApiWorld) -> None:
    alert = f"/api/alerts/{api.world.a.alert.id}/acknowledge/"
    async with api.signed_in("operator_a") as operator, api.signed_in("admin") as admin:
        await operator.post(alert)
        own = (await operator.get("/api/audit/")).json()["items"]
        first = (await admin.get("/api/audit/", params={"limit": 2})).json()
        cursor = {"limit": 2, "cursor": first["next_cursor"]}
        second = (await admin.get("/api/audit/", params=cursor)).json()
        narrow = {"action": "alert.", "actor": "operator_a"}
        found = (await admin.get("/api/audit/", params=narrow)).json()["items"]
        await problem(await operator.post("/api/audit/verify/", json={}), 403, "FORBIDDEN")
    assert [row["action"] for row in own] == ["alert.acknowledged", "session.opened"]
    assert [row["seq"] for row in first["items"] + second["items"]] == [3, 2, 1]
    assert [row["action"] for row in found] == ["alert.acknowledged"]


async def test_a_trail_that_was_tampered_with_is_found_broken(api: ApiWorld) -> None:
    async with api.signed_in("admin") as admin:
        whole = (await admin.post("/api/audit/verify/", json={})).json()
        known = {"known_head": whole["head"]}
        assert (await admin.post("/api/audit/verify/", json=known)).json() == whole
        strange = (await admin.post("/api/audit/verify/", json={"known_head": "0" * 64})).json()
        async with api.sessions.begin() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(text("UPDATE audit_events SET actor = 'somebody else'"))
        broken = (await admin.post("/api/audit/verify/", json={})).json()
    assert (whole["entries"], whole["broken"]) == (1, None)
    assert "is not in the chain" in strange["broken"]
    assert "not what was written" in broken["broken"]

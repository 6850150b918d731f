"""Strategies over HTTP: who sees, configures, switches, runs and tries them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from domain.instruments import OptionContract, Right, Side
from domain.ports import DryRunFindings
from domain.recommendations import RecommendationAction
from domain.strategies.base import Opportunity, OpportunityMetrics, Signal, SignalKind
from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
PATH = "/api/strategies/"
CONFIG = {"universe": ["SPY"], "max_delta": 0.25}


def instance_of(api: ApiWorld, who: str = "a") -> UUID:
    return getattr(api.world, who).waiting.strategy_instance_id


async def put(
    browser: httpx.AsyncClient,
    instance: UUID,
    config: dict[str, Any],
    version: int = 1,
    key: str = "",
) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid4()), "If-Match": f'"v{version}"'}
    body = {"config": config, "reason": "a calmer month"}
    return await browser.put(f"{PATH}{instance}/config/", json=body, headers=headers)


async def command(
    browser: httpx.AsyncClient, instance: UUID, what: str, body: dict[str, Any] | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4())}
    return await browser.post(f"{PATH}{instance}/{what}/", json=body, headers=headers)


async def make_runnable(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        for row in await session.scalars(select(m.StrategyInstance)):
            row.config = {"universe": ["SPY"]}


async def test_a_strategy_is_listed_with_its_last_run_and_its_next(api: ApiWorld):
    api.signals.next_run_at = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    async with api.signed_in("viewer_a") as browser:
        (row,) = (await browser.get(PATH)).json()["items"]
    assert row["account"]["code"] == "DU1000001"
    assert (row["enabled"], row["config_version"], row["waiting"]) == (True, 1, 1)
    assert row["last_run"]["status"] == "COMPLETED"
    assert row["next_run_at"] == "2026-11-23T15:30:00Z"
    assert row["may_configure"] is False


async def test_nothing_of_another_clients_strategies_is_seen_or_done(api: ApiWorld):
    theirs = instance_of(api, "b")
    async with api.signed_in("approver_a") as browser:
        listed = (await browser.get(PATH, params={"client": str(api.world.b.client.id)})).json()
        answers = [
            await browser.get(f"{PATH}{theirs}/"),
            await browser.get(f"{PATH}{theirs}/runs/"),
            await put(browser, theirs, CONFIG),
            *[await command(browser, theirs, what) for what in ("enable", "disable", "run")],
            await command(browser, theirs, "dry-run", {}),
        ]
        found = await browser.get("/api/opportunities/runs/", params={"strategy": str(theirs)})
        of_run = await browser.get("/api/opportunities/", params={"strategy": str(theirs)})
    assert listed["items"] == []
    for answer in answers:
        await problem(answer, 404, "NOT_FOUND")
    assert (found.json(), of_run.json()["items"]) == ([], [])


@pytest.mark.parametrize("who", ["viewer_a", "approver_a", "operator_a"])
async def test_only_traders_and_admins_change_strategies(api: ApiWorld, who: str):
    ours = instance_of(api)
    async with api.signed_in(who) as browser:
        await problem(await put(browser, ours, CONFIG), 403, "FORBIDDEN")
        await problem(await command(browser, ours, "disable"), 403, "FORBIDDEN")
        await problem(await command(browser, ours, "run"), 403, "FORBIDDEN")
        assert (await browser.get(f"{PATH}{ours}/")).status_code == 200


async def test_a_change_is_versioned_audited_and_kept_with_all_before_it(api: ApiWorld):
    theirs = instance_of(api, "b")
    async with api.signed_in("trader_b") as browser:
        before = await browser.get(f"{PATH}{theirs}/")
        changed = await put(browser, theirs, CONFIG)
        after = (await browser.get(f"{PATH}{theirs}/")).json()
    assert before.headers["etag"] == '"v1"'
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"'), changed.text
    assert after["config"]["max_delta"] == 0.25
    # What it runs on is spelt out, defaults included.
    assert after["config"]["min_dte"] == 25
    assert [each["version"] for each in after["history"]] == [2, 1]
    assert after["history"][0]["reason"] == "a calmer month"
    async with api.sessions() as session:
        event = await session.scalar(
            select(m.AuditEvent).where(m.AuditEvent.action == "strategy.configured")
        )
    assert event is not None
    assert (event.before or {})["config"] == {}
    assert (event.after or {})["config"]["max_delta"] == 0.25


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(api: ApiWorld):
    ours = instance_of(api)
    async with api.signed_in("admin") as browser:
        assert (await put(browser, ours, CONFIG)).status_code == 200
        await problem(await put(browser, ours, {"universe": ["QQQ"]}), 412, "CONFIG_CHANGED")
        detail = (await browser.get(f"{PATH}{ours}/")).json()
    assert (detail["universe"], detail["config_version"]) == (["SPY"], 2)


async def test_a_repeated_change_is_made_once(api: ApiWorld):
    ours = instance_of(api)
    async with api.signed_in("admin") as browser:
        first = await put(browser, ours, CONFIG, key="the-same-key")
        again = await put(browser, ours, CONFIG, key="the-same-key")
        other = await put(browser, ours, {"universe": ["QQQ"]}, 2, key="the-same-key")
    assert first.json()["config_version"] == again.json()["config_version"] == 2
    await problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_wrong_settings_are_named_one_by_one_and_nothing_changes(api: ApiWorld):
    ours = instance_of(api)
    async with api.signed_in("admin") as browser:
        answer = await put(browser, ours, {"universe": ["SPY"], "max_delta": 7, "colour": "red"})
        detail = (await browser.get(f"{PATH}{ours}/")).json()
    assert (answer.status_code, answer.json()["code"]) == (422, "CONFIG_INVALID")
    assert {each["field"] for each in answer.json()["errors"]} == {"max_delta", "colour"}
    assert detail["config_version"] == 1


async def test_the_form_names_every_setting_with_its_unit_and_bounds(api: ApiWorld):
    async with api.signed_in("viewer_a") as browser:
        detail = (await browser.get(f"{PATH}{instance_of(api)}/")).json()
        (kind,) = (await browser.get(f"{PATH}kinds/")).json()
    form = detail["config_schema"]["properties"]
    assert form["max_delta"]["unit"] == "delta"
    assert form["min_dte"]["maximum"] == 730
    assert detail["config_error"] is not None  # the world's config is empty: no universe
    assert kind["defaults"]["min_dte"] == 25
    assert "universe" not in kind["defaults"]


async def test_switching_is_audited_once_and_a_broken_config_cannot_be_switched_on(api: ApiWorld):
    ours = instance_of(api)
    async with api.signed_in("admin") as browser:
        for _ in range(2):
            assert (await command(browser, ours, "disable")).json()["enabled"] is False
        await problem(await command(browser, ours, "enable"), 422, "CONFIG_INVALID")
        await put(browser, ours, CONFIG)
        assert (await command(browser, ours, "enable")).json()["enabled"] is True
    async with api.sessions() as session:
        events = await session.scalars(
            select(m.AuditEvent.action).where(m.AuditEvent.action.like("strategy.%abled"))
        )
        assert sorted(events) == ["strategy.disabled", "strategy.enabled"]


async def test_a_new_one_is_made_once_switched_off_and_needs_a_name_of_its_own(api: ApiWorld):
    body = {
        "account_id": str(api.world.b.account.id),
        "name": "Second wheel",
        "config": CONFIG,
    }
    async with api.signed_in("trader_b") as browser:
        (kind,) = (await browser.get(f"{PATH}kinds/")).json()
        body["version_id"] = kind["version_id"]
        key = {"Idempotency-Key": "one-key-for-one"}
        first = await browser.post(PATH, json=body, headers=key)
        again = await browser.post(PATH, json=body, headers=key)
        taken = await browser.post(PATH, json=body, headers={"Idempotency-Key": "another-key"})
        foreign = await browser.post(
            PATH,
            json={**body, "account_id": str(api.world.a.account.id)},
            headers={"Idempotency-Key": "a-third-key"},
        )
    assert first.status_code == 200, first.text
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["enabled"], first.json()["config_version"]) == (False, 1)
    assert taken.json()["errors"][0]["field"] == "name"
    await problem(foreign, 404, "NOT_FOUND")


async def test_a_run_starts_only_if_it_is_on_and_its_market_is_there(api: ApiWorld):
    ours = instance_of(api)
    async with api.signed_in("admin") as browser:
        receipt = await command(browser, ours, "run")
        assert receipt.status_code == 202, receipt.text
        assert api.signals.strategy_runs == {receipt.json()["workflow_id"]: ours}
        await command(browser, ours, "disable")
        await problem(await command(browser, ours, "run"), 409, "STRATEGY_DISABLED")
        await make_runnable(api)
        await command(browser, ours, "enable")
        async with api.sessions.begin() as session:
            gateway = await session.get(m.Gateway, api.world.gateway.id)
            assert gateway is not None
            gateway.session_open = False
        await problem(await command(browser, ours, "run"), 409, "MARKET_CLOSED")


async def test_a_dry_run_answers_what_would_be_found_and_keeps_nothing(api: ApiWorld):
    theirs = instance_of(api, "b")
    api.signals.findings = findings()
    async with api.signed_in("trader_b") as browser:
        await problem(
            await command(browser, theirs, "dry-run", {"config": {"universe": "SPY"}}),
            422,
            "CONFIG_INVALID",
        )
        answer = await command(browser, theirs, "dry-run", {"config": CONFIG})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["opportunities"][0]["figures"]["mid"] == "4.15"
    assert found["removed"] == [
        {"rule": "delta", "contracts": 40},
        {"rule": "bid", "contracts": 2},
    ]
    assert [each.config for each in api.signals.dry_runs] == [CONFIG]
    async with api.sessions() as session:
        runs = await session.scalars(select(m.StrategyRun.id))
        assert len(list(runs)) == 2  # those the world began with


def findings() -> DryRunFindings:
    contract = OptionContract(
        symbol="SPY", trading_class="SPY", expiry=date(2026, 12, 18), strike=Decimal(640),
        right=Right.PUT, multiplier=Decimal(100), con_id=700001,
    )  # fmt: skip
    metrics = OpportunityMetrics(
        bid=Decimal("4.10"), ask=Decimal("4.20"), mid=Decimal("4.15"),
        underlying_price=Decimal("655.10"), dte=26, delta=-0.2, iv=0.18, ror=0.0065,
        ror_annualised=0.09, pop=0.8, breakeven=Decimal("635.85"), max_loss=Decimal(63585),
        collateral=Decimal(64000), spread_fraction=0.02, open_interest=1200, volume=300,
    )  # fmt: skip
    opportunity = Opportunity(
        contract=contract, side=Side.SELL, action=RecommendationAction.OPEN, rank=1, score=0.1,
        metrics=metrics, rules=(), recommended=False, why_not="cash does not reach",
    )  # fmt: skip
    return DryRunFindings(
        market_at=datetime(2026, 11, 23, 15, 0, tzinfo=UTC),
        signals=(Signal(symbol="SPY", kind=SignalKind.PUT_CANDIDATES, summary="1 put"),),
        opportunities=(opportunity,),
        opportunities_found=1,
        trades=(),
        eliminated={"bid": 2, "delta": 40},
        no_trade_reason="cash does not reach",
        errors=(),
    )


async def test_opportunities_are_those_of_the_last_run_with_what_was_offered(api: ApiWorld):
    async with api.sessions.begin() as session:
        run = await session.get(m.StrategyRun, api.world.a.waiting.strategy_run_id)
        assert run is not None
        run.stats = {"eliminated": {"delta": 7, "dte": 9}, "no_trade_reason": None}
    async with api.signed_in("viewer_a") as browser:
        (row,) = (await browser.get("/api/opportunities/")).json()["items"]
        none = (await browser.get("/api/opportunities/?recommended=false")).json()["items"]
        other = (await browser.get("/api/opportunities/?symbol=QQQ")).json()["items"]
        (found,) = (await browser.get("/api/opportunities/runs/")).json()
    assert row["recommendation_id"] in {
        str(api.world.a.waiting.id),
        str(api.world.a.approved.id),
    }
    assert (row["figures"]["bid"], row["figures"]["iv"]) == ("4.1", None)
    assert (none, other) == ([], [])
    assert [each["rule"] for each in found["removed"]] == ["dte", "delta"]
    assert (found["opportunities"], found["recommended"]) == (1, 1)
    assert found["signals"][0]["summary"] == "3 puts qualify"


async def test_opportunities_are_paged_by_rank(api: ApiWorld):
    async with api.sessions.begin() as session:
        run_id = api.world.a.waiting.strategy_run_id
        first = await session.scalar(
            select(m.Opportunity).where(m.Opportunity.strategy_run_id == run_id)
        )
        assert first is not None
        kept = {column.key: getattr(first, column.key) for column in m.Opportunity.__table__.c}
        for key in ("id", "created_at", "updated_at"):
            kept.pop(key)
        changes = {"rank": 2, "action": RecommendationAction.CLOSE}
        session.add(m.Opportunity(**kept | changes))
    async with api.signed_in("viewer_a") as browser:
        page = (await browser.get("/api/opportunities/?limit=1")).json()
        rest = (await browser.get(f"/api/opportunities/?cursor={page['next_cursor']}")).json()
    assert [row["rank"] for row in page["items"] + rest["items"]] == [1, 2]
    assert rest["next_cursor"] is None

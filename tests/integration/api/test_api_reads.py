"""What the screens read: every list and detail, with data, in the promised order and form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, select, text, update

from domain.market import QuoteQuality
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.client_maker import ClientMaker, expiry_after
from tests.integration.api.test_api_decisions import put_in_doubt
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration


async def test_readiness_follows_the_database_its_schema_and_temporal(api: ApiWorld) -> None:
    async with api.browser() as browser:
        answer = await browser.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        api.signals.broken = True
        answer = await browser.get("/readyz")
        assert (answer.status_code, answer.json()["temporal"]) == (503, False)
        api.signals.broken = False
        async with api.sessions.begin() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        answer = await browser.get("/readyz")
        assert (answer.status_code, answer.json()["migrations"]) == (503, False)
        assert answer.json()["database"] is True


async def test_the_desk_shows_market_time_accounts_and_counts(api: ApiWorld) -> None:
    api.clock.advance(timedelta(seconds=10))
    async with api.signed_in("approver_a") as browser:
        desk = (await browser.get("/api/desk/")).json()
    assert desk["trading_state"] == "ACTIVE"
    assert desk["autotrade_enabled"] is False
    now = api.clock.at.isoformat().replace("+00:00", "Z")
    assert desk["market"]["now"] == now
    assert desk["market"]["time_zone"] == "America/New_York"
    assert [g["slug"] for g in desk["gateways"]] == ["simulated"]
    (account,) = desk["accounts"]
    assert account["label"] == "DU1000001 · Main"
    assert account["cash"] == "100000"
    assert account["positions_count"] == 1
    assert desk["counts"] == {
        "pending_recommendations": 1,
        "working_orders": 1,
        "unknown_orders": 0,
        "open_alerts": 2,
    }


async def test_trading_counts_as_halted_where_no_state_is_on_record(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        await session.execute(delete(m.Setting))
    async with api.signed_in("approver_a") as browser:
        assert (await browser.get("/api/desk/")).json()["trading_state"] == "HALTED"


async def test_a_recommendation_row_carries_exact_amounts(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        page = (await browser.get("/api/recommendations/")).json()
    waiting, approved = page["items"]
    assert page["next_cursor"] is None
    assert (waiting["state"], approved["state"]) == ("PROPOSED", "APPROVED")
    assert waiting["credit"] == "830"
    assert waiting["limit_price"] == "4.15"
    offered = f"SPY {expiry_after(api.clock.at):%-d %b %Y} 640 put"
    assert waiting["contract"]["description"] == offered
    assert waiting["contract"]["con_id"] == 700001
    assert waiting["metrics"]["breakeven"] == 635.85
    assert waiting["metrics"]["iv"] is None
    assert waiting["strategy"]["slug"] == "wheel"
    assert waiting["order_state"] is None
    assert approved["order_state"] == "PARTIAL"
    assert approved["filled_quantity"] == "1"


async def test_times_are_utc_with_z(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        row = (await browser.get("/api/recommendations/")).json()["items"][0]
    assert row["deadline"].endswith("Z")
    assert row["created_at"].endswith("Z")


async def _more_recommendations(api: ApiWorld, state: RecommendationState, count: int) -> None:
    first = api.world.a.waiting
    owners = {
        name: getattr(first, name)
        for name in (
            "strategy_run_id",
            "strategy_instance_id",
            "strategy_version_id",
            "portfolio_id",
            "broker_account_id",
            "opportunity_id",
            "instrument_id",
        )
    }
    async with api.sessions.begin() as session:
        maker = ClientMaker.__new__(ClientMaker)
        maker.at = api.clock.at
        for number in range(count):
            deadline = api.clock.at + timedelta(minutes=29 - number)
            session.add(maker.recommendation("DU1000001", owners, state, deadline=deadline))


async def test_those_waiting_come_by_deadline_and_then_the_newest(api: ApiWorld) -> None:
    await _more_recommendations(api, RecommendationState.PROPOSED, 3)
    await _more_recommendations(api, RecommendationState.EXPIRED, 3)
    async with api.signed_in("approver_a") as browser:
        items = (await browser.get("/api/recommendations/")).json()["items"]
    assert [row["state"] for row in items] == ["PROPOSED"] * 4 + ["EXPIRED"] * 3 + ["APPROVED"]
    deadlines = [row["deadline"] for row in items[:4]]
    assert deadlines == sorted(deadlines)
    created = [row["id"] for row in items[4:]]
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 8])
async def test_pages_of_any_size_give_every_row_once(api: ApiWorld, limit: int) -> None:
    await _more_recommendations(api, RecommendationState.PROPOSED, 3)
    await _more_recommendations(api, RecommendationState.EXPIRED, 2)
    async with api.signed_in("approver_a") as browser:
        whole = (await browser.get("/api/recommendations/")).json()["items"]
        paged, cursor = [], None
        while True:
            params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = (await browser.get("/api/recommendations/", params=params)).json()
            assert len(page["items"]) <= limit
            paged += page["items"]
            if (cursor := page["next_cursor"]) is None:
                break
    assert [row["id"] for row in paged] == [row["id"] for row in whole]
    assert len(whole) == 7


async def test_states_filter_recommendations(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:

        async def states(*wanted: str) -> list[str]:
            response = await browser.get("/api/recommendations/", params={"state": wanted})
            return [row["state"] for row in response.json()["items"]]

        assert await states("PROPOSED") == ["PROPOSED"]
        assert await states("APPROVED", "DENIED") == ["APPROVED"]
        assert await states("DENIED") == []


async def test_orders_and_executions_are_narrowed_by_underlying_and_exchange_day(
    api: ApiWorld,
) -> None:
    # Late in the evening of the 19th in New York; the 20th by UTC.
    late = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
    async with api.sessions.begin() as session:
        await session.execute(
            update(m.Execution)
            .where(m.Execution.broker_account_id == api.world.a.account.id)
            .values(executed_at=late)
        )
    async with api.signed_in("approver_a") as browser:

        async def found(path: str, **narrow: str) -> int:
            answer = await browser.get(path, params=narrow)
            assert answer.status_code == 200, answer.text
            return len(answer.json()["items"])

        everything = await found("/api/executions/")
        assert everything > 0
        day = {"since": "2026-11-19", "until": "2026-11-19"}
        assert await found("/api/executions/", **day) == everything
        assert await found("/api/executions/", since="2026-11-20") == 0
        assert await found("/api/executions/", until="2026-11-18") == 0
        order = (await browser.get("/api/orders/")).json()["items"][0]
        assert await found("/api/orders/", symbol=order["contract"]["symbol"]) > 0
        assert await found("/api/orders/", symbol="NOTHING") == 0
        assert await found("/api/orders/", since="0001-01-01", until="9999-12-31") > 0
        assert await found("/api/orders/", until="2001-01-01") == 0


async def test_a_row_of_the_queue_says_how_good_its_quote_is(api: ApiWorld) -> None:
    waiting = api.world.a.waiting

    async def quality() -> str | None:
        async with api.signed_in("approver_a") as browser:
            rows = (await browser.get("/api/recommendations/")).json()["items"]
        return next(row["quote_quality"] for row in rows if row["id"] == str(waiting.id))

    async with api.sessions.begin() as session:
        await session.execute(delete(m.Quote).where(m.Quote.instrument_id == waiting.instrument_id))
    assert await quality() is None
    async with api.sessions.begin() as session:
        session.add(
            m.Quote(
                instrument_id=waiting.instrument_id,
                as_of=api.clock.at,
                quality=QuoteQuality.DELAYED,
            )
        )
    assert await quality() == "DELAYED"


async def test_the_card_of_a_waiting_recommendation_says_what_it_would_cost(api: ApiWorld) -> None:
    waiting = api.world.a.waiting
    async with api.signed_in("approver_a") as browser:
        card = (await browser.get(f"/api/recommendations/{waiting.id}/")).json()
    assert card["may_decide"] is True
    assert card["may_decide_why_not"] is None
    assert card["assignment_cash"] == "128000"
    assert card["terms"]["floor_price"] == "4.02"
    assert card["terms_hash"] == waiting.terms_hash
    assert card["rule_trace"][0]["passed"] is True
    assert card["decision"] is None
    assert card["orders"] == []
    assert [step["kind"] for step in card["timeline"]] == ["proposed"]


async def test_the_card_of_an_approved_one_tells_the_life_of_its_order(api: ApiWorld) -> None:
    approved = api.world.a.approved
    async with api.signed_in("approver_a") as browser:
        card = (await browser.get(f"/api/recommendations/{approved.id}/")).json()
    assert card["may_decide"] is False
    assert card["may_decide_why_not"] == "It has been approved."
    assert card["decision"]["by"] == "Approver A"
    (order,) = card["orders"]
    assert order["state"] == "PARTIAL"
    assert order["commission_total"] == "1.05"
    assert [row["superseded"] for row in order["executions"]] == [True, False]
    assert card["workflow_url"].endswith(card["workflow_id"])
    titles = [step["title"] for step in card["timeline"]]
    assert "Approved by Approver A" in titles
    # Evidence that moved nothing is no step.
    assert titles.count("Attempt 1: working at the broker") == 1
    assert "Attempt 1: partly filled" in titles


async def test_a_passed_deadline_takes_the_buttons_away(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        api.clock.advance(timedelta(minutes=30))
        card = (await browser.get(f"/api/recommendations/{api.world.a.waiting.id}/")).json()
    assert card["may_decide_why_not"] == "The deadline has passed."


async def test_a_viewer_is_told_why_they_cannot_decide(api: ApiWorld) -> None:
    async with api.signed_in("viewer_a") as browser:
        card = (await browser.get(f"/api/recommendations/{api.world.a.waiting.id}/")).json()
    assert card["may_decide"] is False
    assert "role" in card["may_decide_why_not"]


async def test_orders_show_what_this_person_may_do(api: ApiWorld) -> None:
    may = {"approver_a": (True, False), "operator_a": (False, False), "viewer_a": (False, False)}
    for who, expected in may.items():
        async with api.signed_in(who) as browser:
            (row,) = (await browser.get("/api/orders/")).json()["items"]
            assert (row["may_cancel"], row["may_declare_not_sent"]) == expected, who


@pytest.mark.parametrize(("looks", "allowed"), [(2, False), (3, True)])
async def test_not_sent_may_be_declared_by_an_operator_after_three_looks(
    api: ApiWorld, looks: int, allowed: bool
) -> None:
    await put_in_doubt(api, looks)
    for who, expected in {"operator_a": allowed, "approver_a": False, "admin": allowed}.items():
        async with api.signed_in(who) as browser:
            page = (await browser.get("/api/orders/", params={"state": "UNKNOWN"})).json()
            (row,) = page["items"]
            assert row["may_declare_not_sent"] is expected, who
            assert row["absent_looks"] == looks
            assert row["advice"]


async def test_an_order_comes_with_its_executions_and_every_event(api: ApiWorld) -> None:
    async with api.signed_in("viewer_a") as browser:
        order = (await browser.get(f"/api/orders/{api.world.a.order.id}/")).json()
    assert order["state"] == OrderState.PARTIAL
    assert [event["kind"] for event in order["events"]] == ["claimed", "status", "status", "fill"]
    assert len(order["executions"]) == 2


async def test_executions_include_trades_made_by_hand(api: ApiWorld) -> None:
    async with api.signed_in("viewer_a") as browser:
        rows = (await browser.get("/api/executions/")).json()["items"]
        of_order = await browser.get("/api/executions/", params={"order": api.world.a.order.id})
        ids, cursor = [], None
        for _ in rows:
            params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
            page = (await browser.get("/api/executions/", params=params)).json()
            ids += [row["id"] for row in page["items"]]
            cursor = page["next_cursor"]
    assert ids == [row["id"] for row in rows]
    assert cursor is None
    external = rows[-1]
    assert external["external"] is True
    assert external["contract"] is None
    assert external["con_id"] == 999
    ours = rows[0]
    assert ours["recommendation_id"] == str(api.world.a.approved.id)
    assert ours["contract"]["sec_type"] == "OPT"
    assert Decimal(ours["commission"]) == Decimal("1.05")
    assert len(of_order.json()["items"]) == 2


async def test_positions_are_listed_by_underlying_and_page_by_page(api: ApiWorld) -> None:
    async with api.signed_in("viewer_a") as browser:
        rows = (await browser.get("/api/positions/")).json()["items"]
        page = (await browser.get("/api/positions/", params={"limit": 1})).json()
        seen = [*page["items"]]
        while page["next_cursor"]:
            params = {"limit": 1, "cursor": page["next_cursor"]}
            page = (await browser.get("/api/positions/", params=params)).json()
            seen += page["items"]
        on = [
            (await browser.get("/api/positions/", params={"underlying": symbol})).json()["items"]
            for symbol in (rows[0]["contract"]["symbol"], "NONE")
        ]
    assert seen == rows
    assert {(row["quantity"], row["average_cost"]) for row in rows} == {("-1", "410")}
    assert on == [rows, []]


async def test_alerts_of_the_account_and_of_the_desk_can_be_acknowledged(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        rows = (await browser.get("/api/alerts/")).json()["items"]
        assert {row["code"] for row in rows} == {"ORDER_UNPROVEN", "GATEWAY_SLOW"}
        for row in rows:
            for _ in range(2):
                answer = await browser.post(f"/api/alerts/{row['id']}/acknowledge/")
                assert answer.json()["state"] == "ACKNOWLEDGED"
        still_open = await browser.get("/api/alerts/", params={"state": "OPEN"})
        assert still_open.json()["items"] == []
    async with api.sessions() as session:
        wanted = select(m.AuditEvent).where(m.AuditEvent.action == "alert.acknowledged")
        assert len((await session.scalars(wanted)).all()) == 2


async def test_a_viewer_cannot_acknowledge(api: ApiWorld) -> None:
    async with api.signed_in("viewer_a") as browser:
        for alert in (api.world.a.alert, api.world.desk_alert):
            answer = await browser.post(f"/api/alerts/{alert.id}/acknowledge/")
            await problem(answer, 403, "FORBIDDEN")


@pytest.mark.parametrize("cursor", ["!!", "bm90IGpzb24", "e30", "W10"])
@pytest.mark.parametrize("path", ["recommendations", "orders", "executions", "positions", "alerts"])
async def test_a_cursor_of_another_list_is_refused_by_name(
    api: ApiWorld, path: str, cursor: str
) -> None:
    async with api.signed_in("viewer_a") as browser:
        answer = await browser.get(f"/api/{path}/", params={"cursor": cursor})
        body = await problem(answer, 422, "INVALID_INPUT")
        assert body["errors"][0]["field"] == "cursor"


async def test_the_risk_of_an_account_is_told_in_full_to_those_who_may_see_it(
    api: ApiWorld,
) -> None:
    path = f"/api/accounts/{api.world.a.account.id}/risk/"
    async with api.signed_in("approver_a") as browser:
        answer = await browser.get(path)
        assert answer.status_code == 200
        told = answer.json()
        assert told["risk"]["account_code"] == told["label"].split(" ")[0]
        assert len(told["positions"]) == told["risk"]["positions_count"] > 0
        assert len(told["risk"]["stress"]["pnl"]) == len(told["risk"]["stress"]["spot_moves"])
        assert told["risk"]["margin"]["reg_t_maintenance"] >= 0
    async with api.signed_in("trader_b") as browser:
        assert (await browser.get(path)).status_code == 404

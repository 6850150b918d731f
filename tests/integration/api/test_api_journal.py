"""The journal over HTTP: what trading has brought, and what became of what was refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.instruments import Side
from domain.market import QuoteQuality
from domain.recommendations import DecisionAction, RecommendationState, Terms
from infra.calendars import exchange_date, trading_calendar
from infra.db import models as m
from infra.db.queries.journal import marks
from tests.integration.api.client import ApiWorld

pytestmark = pytest.mark.integration


async def journal(api: ApiWorld, who: str, query: str = "") -> dict[str, Any]:
    async with api.signed_in(who) as browser:
        answer = await browser.get(f"/api/journal/{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def buy_back(api: ApiWorld, price: str) -> None:
    """The put that client A sold is bought back by hand a day later."""
    sold = api.world.a.execution
    async with api.sessions.begin() as session:
        session.add(
            m.Execution(
                exec_id="by.hand.01",
                lineage="by.hand",
                gateway_id=sold.gateway_id,
                broker_account_id=sold.broker_account_id,
                instrument_id=sold.instrument_id,
                con_id=sold.con_id,
                side=Side.BUY,
                quantity=Decimal(1),
                price=Decimal(price),
                executed_at=sold.executed_at + timedelta(days=1),
                perm_id=7,
                commission=Decimal("1.05"),
            )
        )


async def reject(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        waiting = api.world.a.waiting
        answer = await browser.post(
            f"/api/recommendations/{waiting.id}/reject/",
            json={"terms_hash": waiting.terms_hash, "reason": "Too close to earnings."},
            headers={"Idempotency-Key": "a-rejection"},
        )
    assert answer.status_code == 200, answer.text


async def quote(api: ApiWorld, bid: str, ask: str) -> None:
    async with api.sessions.begin() as session:
        session.add(
            m.Quote(
                instrument_id=api.world.a.waiting.instrument_id,
                as_of=api.clock.at + timedelta(hours=1),
                quality=QuoteQuality.LIVE,
                bid=Decimal(bid),
                ask=Decimal(ask),
            )
        )


async def test_a_put_still_held_is_unrealised_and_its_strategy_and_approver_are_named(
    api: ApiWorld,
):
    found = await journal(api, "viewer_a")
    (put,) = found["contracts"]
    # Sold at 4.15 for 1.05 of commission; the broker has told no value yet.
    assert (put["quantity"], put["cost"], put["realised"]) == ("-1", "-413.95", "0")
    assert (put["unrealised"], put["ended_at"]) == (None, None)
    (total,) = found["by_strategy"]
    assert (total["name"], total["contracts"], total["unpriced"]) == ("SPY wheel", 1, 1)
    assert [each["name"] for each in found["by_approver"]] == ["Approver A"]
    (cycle,) = found["cycles"]
    assert (cycle["symbol"], cycle["premium"], cycle["ended_at"]) == ("SPY", "413.95", None)


async def test_a_put_bought_back_is_realised_and_ends_the_turn(api: ApiWorld):
    await buy_back(api, "1.15")
    found = await journal(api, "viewer_a")
    (put,) = found["contracts"]
    assert (put["realised"], put["quantity"]) == ("297.9", "0")
    assert (found["by_strategy"][0]["won"], found["cycles"][0]["result"]) == (1, "297.9")
    after = api.world.a.execution.executed_at + timedelta(days=3)
    later = await journal(api, "viewer_a", f"?since={after.date()}")
    assert (later["contracts"], later["cycles"]) == ([], [])


async def test_what_was_held_before_the_record_began_is_told_without_a_first_day(api: ApiWorld):
    async with api.sessions.begin() as session:
        session.add(
            m.ReconciledPosition(
                broker_account_id=api.world.a.account.id,
                con_id=api.world.a.execution.con_id,
                quantity=Decimal(-2),
                opening_quantity=Decimal(-1),
                average_cost=Decimal(380),
            )
        )
    found = await journal(api, "viewer_a")
    (put,) = found["contracts"]
    assert (put["quantity"], put["cost"], put["complete"]) == ("-2", "-793.95", False)
    (cycle,) = found["cycles"]
    assert (put["opened_at"], cycle["started_at"]) == (None, None)


async def test_nobody_reads_the_journal_of_another_client(api: ApiWorld):
    theirs = await journal(api, "trader_b")
    assert {row["account"]["code"] for row in theirs["contracts"]} == {api.world.b.account.code}
    assert (await journal(api, "nobody"))["contracts"] == []
    asked = await journal(api, "trader_b", f"?client={api.world.a.client.id}")
    assert asked["contracts"] == []


async def test_a_rejected_trade_is_followed_to_what_it_would_be_worth(api: ApiWorld):
    await reject(api)
    await quote(api, "2.90", "3.10")
    async with api.signed_in("viewer_a") as browser:
        page = (await browser.get("/api/journal/outcomes/?decision=REJECT")).json()
        others = (await browser.get("/api/journal/outcomes/?decision=APPROVE")).json()
    (row,) = page["items"]
    assert (row["reason"], row["approver"]) == ("Too close to earnings.", "Approver A")
    # Two puts at 4.15, which would now cost 3.00 to buy back.
    assert (row["entry_cash"], row["worth"], row["result"]) == ("830", "-600", "230")
    assert row["is_final"] is False
    (approved,) = others["items"]
    # One of two was filled.
    assert (approved["quantity"], approved["entry_cash"]) == ("1", "413.95")
    assert approved["result"] == "113.95"


async def test_what_was_left_at_expiry_is_final(api: ApiWorld):
    await reject(api)
    waiting = api.world.a.waiting
    async with api.sessions.begin() as session:
        option = await session.get_one(m.Instrument, waiting.instrument_id)
        assert option.expiry is not None
        session.add(
            m.HistoryDay(
                instrument_id=option.underlying_id, day=option.expiry, close=Decimal("637.5")
            )
        )
        gateway = await session.get_one(m.Gateway, api.world.gateway.id)
        gateway.market_at = api.clock.at + timedelta(days=400)
    async with api.signed_in("viewer_a") as browser:
        page = (await browser.get("/api/journal/outcomes/?decision=REJECT")).json()
    (row,) = page["items"]
    assert (row["worth"], row["result"], row["is_final"]) == ("-500", "330", True)


async def test_an_option_that_settles_in_the_morning_is_worth_what_the_opening_leaves(
    api: ApiWorld,
):
    waiting = api.world.a.waiting
    (leg,) = Terms.model_validate(waiting.terms).legs
    closes, opens = leg.contract, leg.contract.model_copy(update={"trading_class": "SPX"})
    last, morning = closes.expiry, trading_calendar().add_sessions(closes.expiry, 1)
    async with api.sessions.begin() as session:
        option = await session.get_one(m.Instrument, waiting.instrument_id)
        for day, first, close in ((last, "650", "638"), (morning, "637.5", "660")):
            session.add(
                m.HistoryDay(
                    instrument_id=option.underlying_id,
                    day=day,
                    open=Decimal(first),
                    close=Decimal(close),
                )
            )
    async with api.sessions() as session:
        for contract, left, at in ((closes, "2", last), (opens, "2.5", morning)):
            (mark,) = (await marks(session, [contract], morning + timedelta(days=1))).values()
            assert (mark.price, mark.is_final) == (Decimal(left), True)
            assert exchange_date(mark.at) == at
        # On the morning itself its first price is not on record before the session has ended.
        assert await marks(session, [opens], morning) == {}


async def test_without_a_later_look_nothing_is_guessed(api: ApiWorld):
    await reject(api)
    async with api.signed_in("viewer_a") as browser:
        page = (await browser.get("/api/journal/outcomes/")).json()
    assert {row["result"] for row in page["items"]} == {None}
    assert {row["state"] for row in page["items"]} == {
        RecommendationState.REJECTED,
        RecommendationState.APPROVED,
    }
    assert {row["decision"] for row in page["items"]} == set(DecisionAction)

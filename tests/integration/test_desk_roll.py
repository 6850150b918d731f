"""A roll carried by the whole desk: offered, approved over HTTP, filled, and held afterwards."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.ports import RunPlan
from infra.calendars import trading_calendar
from infra.db import models as m
from infra.db.clock import host_now
from infra.db.ingestion import PostgresIngestion
from infra.db.recommendations import PostgresRecommendations
from infra.db.session import Sessions, create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from infra.ibkr.broker import IbkrBroker
from infra.ibkr.client import GatewayAddress, IbkrClient
from infra.temporal.delivery import start_recommendation
from tests.approver import Approver
from tests.desk import Desk, in_own_loop, wait_until
from tests.rolling import propose_roll

pytestmark = [pytest.mark.integration, pytest.mark.desk]

OWN_CLIENT = 77
FILL_SECONDS = 150.0


async def offer_roll(desk: Desk) -> UUID:
    """Have a roll of the short SPY put offered, by the code that a strategy run ends in."""
    engine = create_engine(desk.database_url)
    port = json.loads(desk.home.addresses.read_text("utf-8"))["GREENLIGHT_GATEWAY_PORT"]

    async def nothing(*_: Any) -> None:
        """This session keeps no record of its own."""

    async def host_time() -> datetime:
        return host_now()

    client = IbkrClient(GatewayAddress("127.0.0.1", int(port), OWN_CLIENT), nothing, nothing)
    holding = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(60):
            await client.ready.wait()
        broker, made = IbkrBroker(client, host_time), sessions(engine)
        strategies = PostgresStrategies(made)
        session = trading_calendar().session_at(await broker.market_time())
        assert session is not None, "the market is open"
        plan = await plan_of(made, strategies)
        recommendation_id = await propose_roll(
            broker, PostgresIngestion(made), strategies, plan, session.close_at
        )
        brief = await PostgresRecommendations(made).brief(recommendation_id)
        await start_recommendation(await desk.temporal(), recommendation_id, brief.summary)
        return recommendation_id
    finally:
        holding.cancel()
        with suppress(asyncio.CancelledError):
            await holding
        await engine.dispose()


async def plan_of(made: Sessions, strategies: PostgresStrategies) -> RunPlan:
    async with made() as session:
        instance_id = await session.scalar(
            select(m.StrategyInstance.id).where(m.StrategyInstance.enabled)
        )
    assert instance_id is not None
    return await strategies.begin_run(instance_id, "roll")


def test_an_approved_roll_is_filled_as_one_order_and_the_account_holds_the_new_put(desk: Desk):
    desk.wait_until_trading()
    offered = str(in_own_loop(offer_roll(desk)))
    with desk.login() as browser:
        approver = Approver(browser)
        card = approver.card(offered)
        assert card["action"] == "ROLL"
        assert card["summary"].startswith("Roll 1 SPY ")
        assert [leg["side"] for leg in card["legs"]] == ["BUY", "SELL"]
        assert Decimal(card["credit"]) == -Decimal(card["limit_price"]) * 100
        answer = approver.approve(offered)
        assert answer.status_code == 200, answer.text
        ended = ("COMPLETED", "DENIED", "LAPSED")
        wait_until(
            lambda: desk.recommendation(offered)["state"] in ended, FILL_SECONDS, "the roll ends"
        )
        assert desk.recommendation(offered)["state"] == "COMPLETED", desk.recommendation(offered)
        card = approver.card(offered)
    order = card["orders"][-1]
    assert (order["state"], order["filled_quantity"], order["side"]) == ("FILLED", "1", "BUY")
    of_order = {each["is_package"]: each for each in order["executions"] if each["is_package"]}
    legs = [each for each in order["executions"] if not each["is_package"]]
    assert of_order[True]["contract"] is None
    assert {(each["con_id"], each["side"]) for each in legs} == {
        (leg["contract"]["con_id"], leg["side"]) for leg in card["legs"]
    }
    assert all(each["commission"] is not None for each in legs)

    with desk.ledger() as ledger:
        keys = [each["order_key"] for each in desk.orders(offered)]
        filled = [each.filled for key in keys for each in ledger.orders(key)]
    assert sum(filled) == 1, "the gateway's own books"

    desk.ingest()
    held = desk.sql(
        "SELECT c.con_id, p.quantity FROM positions p"
        " JOIN ibkr_contracts c ON c.instrument_id = p.instrument_id"
        " JOIN instruments i ON i.id = p.instrument_id"
        " WHERE i.symbol = 'SPY' AND i.sec_type = 'OPT'"
    )
    sold = card["legs"][1]["contract"]["con_id"]
    assert [(row["con_id"], int(row["quantity"])) for row in held] == [(sold, -1)]

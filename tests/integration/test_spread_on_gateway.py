"""A put spread's whole life on the gateway: opened, rolled and bought in, each as one order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from activities.orders import PreparedOutcome
from activities.portfolio import position_state
from domain.instruments import Side
from domain.orders import OrderState
from domain.portfolio import AccountState, build_account_state
from domain.recommendations import RecommendationAction, Terms
from domain.risk.state import compute_risk_state
from domain.strategies.base import StrategyResult
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from infra.db import models as m
from infra.db.ingestion import PostgresIngestion
from infra.db.session import create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, MONDAY_10, SLUG
from tests.unit.trade_factories import Market, context

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,  # three readings of a large chain
    pytest.mark.timeout(600),
]

CONFIG: dict[str, Any] = {
    "wing_width": Decimal(20),
    "min_dte": 28,
    "max_dte": 38,
    "min_delta": 0.10,
    "max_delta": 0.25,
    "max_spread_fraction": 0.3,
    "min_open_interest": 0,
    "min_ror_annualised": 0.01,
    "max_contracts": 1,
    "max_new_trades": 1,
    "ladder_rungs": 1,
    "take_profit": None,
    "stop_multiple": None,
    "exit_dte": None,
    "max_drift": Decimal("0.05"),
    "price_concession": Decimal("0.3"),
    "decision_minutes": 120,
}


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def account_of(world: BrokerWorld) -> AccountState:
    broker = world.session.broker
    positions = [position_state(each) for each in await broker.positions(ACCOUNT)]
    return build_account_state(await broker.account_values(ACCOUNT), positions)


async def held(world: BrokerWorld) -> dict[int, int]:
    """Contracts of XSP options by conId."""
    state = await account_of(world)
    return {p.option.con_id: int(p.quantity) for p in state.on("XSP") if p.option is not None}


async def trade(world: BrokerWorld, name: str, **changes: Any) -> Terms:
    """Theta's one offer, made, approved and carried out: its terms."""
    config = ThetaConfig(**CONFIG | changes)
    state, broker = await account_of(world), world.session.broker
    options = [p.option for p in state.on("XSP") if p.option is not None]
    # The part of a large chain that matters here: the rest would only take its time.
    window = Theta.window_on(config, state.on("XSP")).model_copy(update={"min_moneyness": 0.92})
    reading = await broker.chain("XSP", window, options)
    now = reading.chain.as_of
    shown = Market({"XSP": reading.chain}, vix=18.0, as_of=now, today=broker.exchange_date(now))
    instance = context(
        config=config,
        market=shown,
        account_code=ACCOUNT,
        session_close=MONDAY_10.replace(hour=21),
    )
    result = Theta().generate_signals(state, compute_risk_state(state), instance)
    assert len(result.proposals) == 1, (result.no_trade_reason, result.eliminated)
    await PostgresIngestion(world.sessions).save_chain(SLUG, reading)
    await _carry_out(world, name, result)
    return result.proposals[0].terms


async def _carry_out(world: BrokerWorld, name: str, result: StrategyResult) -> None:
    strategies = PostgresStrategies(world.sessions)
    async with world.sessions.begin() as session:
        instance = await session.scalar(select(m.StrategyInstance))
        assert instance is not None
        instance.config = {"universe": ["SPY"]}
        instance_id = instance.id
    plan = await strategies.begin_run(instance_id, name)
    (recommendation_id,) = (await strategies.save_result(plan, result, ())).proposed
    prepared = await world.prepare(await world.desk.decide(recommendation_id))
    assert prepared.outcome is PreparedOutcome.ORDER, prepared
    assert prepared.order is not None
    key = prepared.order.order_key
    order = await world.desk.order(key)
    assert order.what_if is not None
    view = await world.place(key)
    (at_broker,) = world.at_broker(view.order_key)
    assert len(at_broker.terms.legs) == len(result.proposals[0].terms.legs)
    world.trade_until_filled(key)
    await world.until_state(key, OrderState.FILLED)
    await world.session.listener.drained()


def sides(terms: Terms) -> list[Side]:
    return [leg.side for leg in terms.legs]


async def test_a_spread_is_opened_rolled_and_bought_in_each_as_one_order(world: BrokerWorld):
    opened = await trade(world, "open")
    sold, wing = (leg.contract for leg in opened.legs)
    assert sides(opened) == [Side.SELL, Side.BUY]
    assert opened.limit_price < 0, "a credit"
    assert 10 <= sold.strike - wing.strike <= 20
    assert await held(world) == {sold.con_id: -1, wing.con_id: 1}
    account = await account_of(world)
    assert account.cash_settled_put_notional == (sold.strike - wing.strike) * sold.multiplier
    (order,) = await world.desk.all(m.Order)
    assert order.what_if is not None
    asked = Decimal(order.what_if["maint_margin_after"]) - Decimal(
        order.what_if["maint_margin_before"]
    )
    assert abs(asked) <= (sold.strike - wing.strike) * sold.multiplier, "the broker asks its width"

    rolled = await trade(
        world, "roll", exit_dte=365, roll_max_dte=46, roll_max_delta=0.6, roll_min_credit=-5
    )
    assert rolled.action is RecommendationAction.ROLL
    assert sides(rolled) == [Side.BUY, Side.SELL, Side.SELL, Side.BUY]
    new, new_wing = (leg.contract for leg in rolled.opening_legs)
    assert new.expiry > sold.expiry
    assert await held(world) == {new.con_id: -1, new_wing.con_id: 1}

    closed = await trade(world, "close", exit_dte=365, roll=False)
    assert closed.action is RecommendationAction.CLOSE
    assert {leg.contract.con_id for leg in closed.legs} == {new.con_id, new_wing.con_id}
    assert await held(world) == {}

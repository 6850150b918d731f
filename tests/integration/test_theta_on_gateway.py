"""Theta on the simulated gateway: the chain as it is read, the account as the broker tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.portfolio import position_state
from domain.portfolio import build_account_state
from domain.risk.state import compute_risk_state
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from infra.db.session import create_engine, sessions
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, MONDAY_10
from tests.unit.trade_factories import Market, context

pytestmark = pytest.mark.integration

CONFIG = ThetaConfig(min_dte=28, max_dte=38)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def test_the_demo_account_is_offered_index_puts_its_cash_secures(world: BrokerWorld):
    broker = world.session.broker
    positions = [position_state(each) for each in await broker.positions(ACCOUNT)]
    state = build_account_state(await broker.account_values(ACCOUNT), positions)
    window = Theta.window_on(CONFIG, state.on("XSP"))
    reading = await broker.chain("XSP", window)
    now = reading.chain.as_of
    shown = Market({"XSP": reading.chain}, vix=18.0, as_of=now, today=broker.exchange_date(now))
    instance = context(
        config=CONFIG,
        market=shown,
        account_code=ACCOUNT,
        session_close=MONDAY_10.replace(hour=21),
    )
    result = Theta().generate_signals(state, compute_risk_state(state), instance)
    assert result.proposals, (result.no_trade_reason, result.eliminated)
    for proposal in result.proposals:
        assert proposal.terms.contract.trading_class == "XSP"
        assert all(rule.passed for rule in proposal.rule_trace)
    secured = sum(proposal.terms.assignment_cash for proposal in result.proposals)
    held = state.assignment_cash + state.cash_settled_put_notional
    assert held + secured <= state.values.cash

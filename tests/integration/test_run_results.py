"""What runs leave waiting for a person: repeated, renewed, in conflict, two instances at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.instruments import Side
from domain.portfolio import AccountState
from domain.ports import RunOutcome
from domain.position_events import PositionEventKind
from domain.recommendations import RecommendationState
from domain.risk.state import compute_risk_state
from domain.strategies.base import StrategyResult
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from infra.db import models as m
from infra.db.audit import Actor
from infra.db.session import create_engine, sessions
from infra.db.strategy_configs import switch
from infra.db.strategy_runs import SUCCESSOR, PostgresStrategies
from infra.db.wheel_cycles import open_cycles
from tests.integration.trading_world import ACCOUNT, MONDAY_10, TradingWorld
from tests.unit.selling import expiring, seen, short
from tests.unit.trade_factories import account, chain, context, row

pytestmark = pytest.mark.integration

HELD = expiring(28)
OTHER = expiring(28, con_id=1005, strike=Decimal(635))


class RunWorld:
    """Instances of the Wheel on one account, and what their runs leave behind."""

    def __init__(self, desk: TradingWorld) -> None:
        self.desk = desk
        self.strategies = PostgresStrategies(desk.sessions)
        self.ours = desk.owners["strategy_instance_id"]
        self.theirs = UUID(int=0)
        self.stock_id = UUID(int=0)
        self._runs = 0

    async def build(self) -> RunWorld:
        for option in (HELD, OTHER):
            await self._contract(option.con_id, await self.desk.instrument(option))
        await self._contract(9, self.desk.underlying_id)
        async with self.desk.sessions.begin() as session:
            first = await session.get(m.StrategyInstance, self.ours)
            assert first is not None
            second = m.StrategyInstance(
                strategy_version_id=first.strategy_version_id,
                portfolio_id=first.portfolio_id,
                broker_account_id=first.broker_account_id,
                name="Second wheel",
                config={"universe": ["SPY"]},
            )
            first.config = {"universe": ["SPY"]}
            session.add(second)
            await session.flush()
            self.theirs = second.id
        return self

    async def _contract(self, con_id: int, instrument_id: UUID) -> None:
        async with self.desk.sessions.begin() as session:
            described = await session.get(m.Instrument, instrument_id)
            assert described is not None
            session.add(
                m.IbkrContract(
                    con_id=con_id,
                    instrument_id=instrument_id,
                    sec_type=described.sec_type,
                    symbol=described.symbol,
                    local_symbol=described.symbol,
                    trading_class=described.trading_class or "",
                    exchange="SMART",
                    primary_exchange="",
                    currency="USD",
                    multiplier=described.multiplier,
                    min_tick=Decimal("0.01"),
                    increments={},
                    valid_exchanges=[],
                    market_rule_ids=[],
                )
            )

    async def keep(self, result: StrategyResult, instance: UUID | None = None) -> RunOutcome:
        self._runs += 1
        plan = await self.strategies.begin_run(instance or self.ours, f"look-{self._runs}")
        return await self.strategies.save_result(plan, result, ())

    async def states(self) -> list[RecommendationState]:
        return [each.state for each in await self.desk.all(m.Recommendation)]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[RunWorld]:
    engine = create_engine(database_url)
    try:
        yield await RunWorld(await TradingWorld(sessions(engine)).build()).build()
    finally:
        await engine.dispose()


def found(state: AccountState, *rows: dict[str, Any]) -> StrategyResult:
    """What the Wheel makes of a SPY chain for ``state``."""
    seen_by = context(chain(*rows), config=WheelConfig(universe=("SPY",)), account_code=ACCOUNT)
    state = state.model_copy(
        update={"values": state.values.model_copy(update={"account_code": ACCOUNT})}
    )
    return Wheel().generate_signals(state, compute_risk_state(state), seen_by)


SALE = found(account(), row())
DEARER = found(account(), row(bid=4.6, ask=4.7))
CLOSE = found(account(short(HELD)), seen(HELD, 1.9, 2.0))


async def test_an_offer_that_still_holds_is_not_made_again_run_after_run(world: RunWorld):
    outcomes = [await world.keep(SALE) for _ in range(3)]
    assert [len(each.proposed) for each in outcomes] == [1, 0, 0]
    assert await world.states() == [RecommendationState.PROPOSED]


async def test_what_a_run_given_up_for_dead_finds_after_all_is_offered_to_nobody(world: RunWorld):
    plan = await world.strategies.begin_run(world.ours, "look-dead")
    await world.strategies.fail_run(plan.run_id, ["its workflow was terminated in Temporal"])
    outcome = await world.strategies.save_result(plan, SALE, ())
    assert outcome.proposed == ()
    assert await world.states() == []


async def test_what_goes_wrong_in_a_run_is_an_alert_until_one_looks_at_everything(world: RunWorld):
    async def run(name: str, errors: tuple[str, ...] = (), *, fails: bool = False) -> None:
        plan = await world.strategies.begin_run(world.ours, name)
        if fails:
            await world.strategies.fail_run(plan.run_id, errors)
        else:
            await world.strategies.save_result(plan, SALE, errors)

    async def told() -> list[tuple[str, str, str, str]]:
        alerts = [a for a in await world.desk.all(m.Alert) if a.code == "STRATEGY_FAILED"]
        (account_id,) = {
            each.broker_account_id for each in await world.desk.all(m.StrategyInstance)
        }
        assert all(alert.broker_account_id == account_id for alert in alerts)
        return [(a.state, a.severity, a.title.partition(": ")[2], a.detail) for a in alerts]

    await run("look-whole")
    assert await told() == []
    await run("look-failed", ("Traceback\n  File x\nKeyError: 'delta'",), fails=True)
    failed = ("WARNING", "its run failed", "KeyError: 'delta'")
    assert await told() == [("OPEN", *failed)]
    await run("look-partly", ("QQQ: no quote",))
    partly = ("INFO", "its run could not look at everything", "QQQ: no quote")
    assert await told() == [("OPEN", *partly)], "the same alert, as it is now"
    plan = await world.strategies.begin_run(world.ours, f"look-again{SUCCESSOR}")
    await world.strategies.save_result(plan, SALE, ())
    assert await told() == [("OPEN", *partly)], "a successor's run looked at one trade alone"
    await run("look-whole-again")
    assert await told() == [("CLEARED", *partly)]
    await run("look-failed-again", ("KeyError: 'vega'",), fails=True)
    assert [alert[0] for alert in await told()] == ["CLEARED", "OPEN"]
    async with world.desk.sessions.begin() as session:
        await session.execute(update(m.StrategyInstance).values(enabled=True))
        await switch(session, world.ours, Actor(name="operator"), on=False)
    assert {alert[0] for alert in await told()} == {"CLEARED"}, "of one switched off no run does"


async def test_an_offer_says_what_it_would_do_to_margin(world: RunWorld):
    await world.keep(SALE)
    (offer,) = await world.desk.all(m.Recommendation)
    assert offer.own_margin is not None
    assert offer.own_margin["portfolio_maintenance"]["change"] > 0
    assert offer.own_margin["left_out"] == []


async def test_an_offer_the_market_has_moved_replaces_the_old_one(world: RunWorld):
    (old,) = (await world.keep(SALE)).proposed
    outcome = await world.keep(DEARER)
    assert outcome.superseded == (old,)
    assert sorted(await world.states()) == [
        RecommendationState.PROPOSED,
        RecommendationState.SUPERSEDED,
    ]


async def test_a_sale_and_a_close_of_the_same_name_wait_side_by_side(world: RunWorld):
    await world.keep(SALE)
    await world.keep(CLOSE)
    assert await world.states() == [RecommendationState.PROPOSED] * 2


async def test_of_two_instances_the_first_to_offer_a_close_keeps_it(world: RunWorld):
    await world.keep(CLOSE)
    outcome = await world.keep(CLOSE, world.theirs)
    assert outcome.proposed == ()
    refused = [each for each in await world.desk.all(m.Opportunity) if not each.recommended]
    assert [each.why_not.split(":")[0] for each in refused] == ["SPY wheel has it on offer already"]


async def test_of_two_instances_at_the_same_moment_only_one_offers(world: RunWorld):
    outcomes = await asyncio.gather(
        *(world.keep(SALE, instance) for instance in (world.ours, world.theirs) for _ in range(3))
    )
    assert sum(len(each.proposed) for each in outcomes) == 1


async def test_cash_on_offer_elsewhere_is_not_free(world: RunWorld):
    await world.keep(SALE)
    needed = SALE.proposals[0].terms.assignment_cash
    async with world.desk.sessions.begin() as session:
        session.add(
            m.AccountSnapshot(
                broker_account_id=world.desk.account_id,
                as_of=MONDAY_10,
                currency="USD",
                **dict.fromkeys(AMOUNTS, Decimal(500_000)),
            )
        )
    committed: dict[UUID, Decimal] = {}
    for instance in (world.ours, world.theirs):
        plan = await world.strategies.begin_run(instance, f"look at {instance}")
        _, seen_by, _ = await world.strategies.strategy_context(plan, ())
        committed[instance] = seen_by.committed_cash
    assert committed == {world.ours: Decimal(0), world.theirs: needed}


AMOUNTS = (
    "net_liquidation", "cash", "equity_with_loan", "buying_power", "available_funds",
    "excess_liquidity", "init_margin", "maint_margin", "gross_position_value",
)  # fmt: skip


async def test_a_cycle_is_folded_from_executions_and_an_assignment(world: RunWorld):
    put_id = await world.desk.instrument(HELD)
    async with world.desk.sessions.begin() as session:
        session.add(
            m.Execution(
                exec_id="a.01",
                lineage="a",
                gateway_id=world.desk.gateway_id,
                broker_account_id=world.desk.account_id,
                instrument_id=put_id,
                con_id=HELD.con_id,
                side=Side.SELL,
                quantity=Decimal(1),
                price=Decimal("4.15"),
                executed_at=MONDAY_10,
                perm_id=1,
                commission=Decimal("1.05"),
            )
        )
        for con_id, quantity, cash in ((HELD.con_id, 1, 0), (9, 100, -64_000)):
            session.add(
                m.PositionEvent(
                    broker_account_id=world.desk.account_id,
                    con_id=con_id,
                    kind=PositionEventKind.ASSIGNMENT,
                    quantity=Decimal(quantity),
                    cash=Decimal(cash),
                    market_at=MONDAY_10 + timedelta(days=25),
                )
            )
    async with world.desk.sessions() as session:
        cycles = await open_cycles(session, world.desk.account_id, ("SPY", "QQQ"))
    assert set(cycles) == {"SPY"}
    cycle = cycles["SPY"]
    assert cycle.complete
    assert (cycle.shares, cycle.premium) == (100, Decimal("413.95"))
    assert cycle.adjusted_basis == (Decimal(64_000) - Decimal("413.95")) / 100

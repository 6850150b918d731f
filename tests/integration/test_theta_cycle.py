"""Theta through its ways out on the gateway, every step decided by a person over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infra.calendars import trading_calendar
from tests.integration.cycle_world import XSP_PUTS, CycleWorld, contract_of, cycle_world

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,  # minutes of a whole desk each
    pytest.mark.timeout(900),
    pytest.mark.desk,
]

SYMBOL = "XSP"


@pytest.fixture
async def world() -> AsyncIterator[CycleWorld]:
    async with cycle_world() as opened:
        yield opened


async def test_a_profit_is_taken_and_a_loss_is_stopped(world: CycleWorld):
    await world.enable(
        "domain.strategies.theta:Theta",
        **XSP_PUTS,
        take_profit="0.5",
        stop_multiple="2",
        roll=False,
    )
    calendar = trading_calendar()
    sold = contract_of(await world.approve_one("OPEN"))
    await world.look()
    assert await world.held(SYMBOL) == {"OPT": -1}
    await world.assert_books_agree()

    world.jump(SYMBOL, calendar.add_sessions(world.today, 3), 0.03)
    await world.pass_to(calendar.add_sessions(world.today, 4))
    closed = await world.approve_one("CLOSE")
    assert contract_of(closed)["con_id"] == sold["con_id"]
    await world.look()
    assert await world.held(SYMBOL) == {}
    await world.assert_books_agree()

    again = contract_of(await world.approve_one("OPEN"))
    world.jump(SYMBOL, calendar.add_sessions(world.today, 1), -0.04)
    await world.pass_to(calendar.add_sessions(world.today, 2))
    stopped = await world.approve_one("CLOSE")
    assert contract_of(stopped)["con_id"] == again["con_id"]
    await world.look()
    assert await world.held(SYMBOL) == {}
    await world.assert_books_agree()


async def test_a_tested_put_is_rolled_down_and_out_for_a_credit(world: CycleWorld):
    await world.enable(
        "domain.strategies.theta:Theta",
        **XSP_PUTS,
        take_profit=None,
        stop_multiple=None,
        roll=True,
        roll_dte=40,
        roll_max_dte=60,
        roll_max_delta=0.6,
    )
    calendar = trading_calendar()
    sold = contract_of(await world.approve_one("OPEN"))
    await world.look()
    day = calendar.add_sessions(world.today, 3)
    # From the eve, and deep: days of the market's own moves would take the strike out of reach.
    await world.pass_to(calendar.add_sessions(day, -1))
    world.move_to(SYMBOL, day, float(sold["strike"]) * 0.975)
    await world.pass_to(day)
    rolled = await world.approve_one("ROLL")
    bought, new = rolled["terms"]["legs"]
    assert bought["contract"]["con_id"] == sold["con_id"]
    assert new["contract"]["expiry"] > sold["expiry"]
    assert float(new["contract"]["strike"]) <= float(sold["strike"])
    assert float(rolled["terms"]["limit_price"]) < 0, "a credit"
    await world.look()
    assert await world.held(SYMBOL) == {"OPT": -1}
    await world.assert_books_agree()

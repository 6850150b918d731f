"""A put spread through its life on the gateway, every step decided by a person over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infra.calendars import trading_calendar
from tests.integration.cycle_world import XSP_PUTS, CycleWorld, cycle_world, units_of

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,  # minutes of a whole desk
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("desk"),
]

SYMBOL = "XSP"


@pytest.fixture
async def world() -> AsyncIterator[CycleWorld]:
    async with cycle_world() as opened:
        yield opened


async def test_a_spread_is_opened_then_rolled_and_then_its_profit_is_taken(world: CycleWorld):
    await world.enable(
        "domain.strategies.theta:Theta",
        **XSP_PUTS
        | {
            "max_dte": 27,
            "wing_width": "20",
            "take_profit": "0.5",
            "stop_multiple": None,
            # Out of time from the first day: as soon as a later spread pays for it, it is rolled.
            "exit_dte": 40,
            "roll": True,
            "roll_max_dte": 42,
            "roll_max_delta": 0.3,
            "close_if_unable": False,
        },
    )
    calendar = trading_calendar()
    opened = await world.approve_one("OPEN")
    sold, wing = opened["terms"]["legs"]
    assert (sold["side"], wing["side"]) == ("SELL", "BUY")
    assert 10 <= float(sold["contract"]["strike"]) - float(wing["contract"]["strike"]) <= 20
    assert float(opened["terms"]["limit_price"]) < 0, "a credit"
    await world.look()
    held = units_of(opened)
    assert await world.contracts(SYMBOL) == held
    await world.assert_books_agree()

    await world.pass_to(calendar.add_sessions(world.today, 1))
    rolled = await world.approve_one("ROLL")
    assert [leg["side"] for leg in rolled["terms"]["legs"]] == ["BUY", "SELL", "SELL", "BUY"]
    assert float(rolled["terms"]["limit_price"]) < 0, "a credit again"
    await world.look()
    change = units_of(rolled)
    assert {con_id: change.pop(con_id) for con_id in held} == {
        con_id: -quantity for con_id, quantity in held.items()
    }
    held = change
    assert await world.contracts(SYMBOL) == held
    await world.assert_books_agree()

    world.jump(SYMBOL, calendar.add_sessions(world.today, 2), 0.03)
    await world.pass_to(calendar.add_sessions(world.today, 3))
    closed = await world.approve_one("CLOSE")
    assert units_of(closed) == {con_id: -quantity for con_id, quantity in held.items()}
    assert "of the credit is earned" in closed["rationale"]
    await world.look()
    assert await world.contracts(SYMBOL) == {}
    await world.assert_books_agree()

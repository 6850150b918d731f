"""The Wheel through a whole turn on the gateway, every step decided by a person over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.integration.cycle_world import CycleWorld, contract_of, cycle_world

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,  # minutes of a whole desk
    pytest.mark.timeout(900),
    pytest.mark.desk,
]

SYMBOL = "IWM"
DEEP = 0.02
"""Deep enough that a day of the market's own does not undo it."""


@pytest.fixture
async def world() -> AsyncIterator[CycleWorld]:
    async with cycle_world() as opened:
        yield opened


async def test_a_put_is_assigned_calls_are_sold_and_the_shares_called_away(world: CycleWorld):
    await world.enable(
        "domain.strategies.wheel:Wheel",
        universe=[SYMBOL],
        min_dte=5,
        max_dte=30,
        min_delta=0.10,
        max_delta=0.35,
        min_ror_annualised=0.02,
        min_call_ror_annualised=0.001,
        price_concession="0.3",
        max_drift="0.05",
        max_contracts=2,
        take_profit=None,
        roll=False,
        decision_minutes=240,
    )
    put = contract_of(await world.approve_one("OPEN"))
    assert put["right"] == "P"
    await world.look()
    await world.assert_books_agree()
    sold = -(await world.held(SYMBOL))["OPT"]

    await world.carry_past(put, in_the_money=DEEP)
    assert await world.held(SYMBOL) == {"STK": 100 * sold}
    await world.assert_books_agree()

    call = contract_of(await world.approve_one("OPEN"))
    assert call["right"] == "C"
    cycle = await world.cycle(SYMBOL)
    assert cycle is not None
    assert cycle.adjusted_basis is not None
    assert cycle.adjusted_basis < Decimal(put["strike"]), "the premium lowers what shares cost"
    assert Decimal(call["strike"]) >= cycle.adjusted_basis
    await world.look()
    await world.assert_books_agree()

    await world.carry_past(call, in_the_money=DEEP)
    assert await world.held(SYMBOL) == {}
    assert await world.cycle(SYMBOL) is None
    await world.assert_books_agree()

    again = contract_of(await world.approve_one("OPEN"))
    assert again["right"] == "P", "the wheel turns again"

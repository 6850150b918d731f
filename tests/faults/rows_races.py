"""Races in one process: cancels against fills, people against each other and against time."""

from __future__ import annotations

import asyncio
import random

from tests.faults.offers import Offer
from tests.faults.rounds import Round, Row
from tests.faults.world import World, open_world

ORDERS = 40


class CancelAndFill(Row):
    """Withdrawals and walked prices, sent while the market fills the very same orders."""

    name = "cancel/fill races"
    goal = 1000

    async def round(self, seed: int) -> Round:
        async with open_world(self.servers) as world:
            offers = await world.offer(seed, ORDERS)
            draw = random.Random(f"{self.name} {seed}")
            await world.approve_all(offers)
            withdrawn = await asyncio.gather(
                *(self._withdraw(world, offer, draw.uniform(0.0, 4.0)) for offer in offers)
            )
            await world.settle()
            verdict = await world.judge()
            return Round(ORDERS, verdict, struck=sum(withdrawn))

    async def _withdraw(self, world: World, offer: Offer, seconds: float) -> bool:
        """Ask for the end of an order so long after it reached the broker; every third walks."""
        order_id = await world.order_id_at_broker(offer)
        if order_id is None or seconds > 3.0:
            return False
        # The instant is the experiment: no condition stands in for it.
        await asyncio.sleep(seconds)
        answer = await world.person(offer).withdraw(order_id)
        # 409: it has filled meanwhile.
        assert answer.status_code in (202, 409), answer.text
        return answer.status_code == 202

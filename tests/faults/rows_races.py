"""Races in one process: cancels against fills, people against each other and against time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import httpx

from domain.recommendations import DecisionAction
from infra.temporal.delivery import deliver_decision
from tests.faults.offers import Offer, OfferShape
from tests.faults.rounds import Round, Row
from tests.faults.world import World, WorldOptions, open_world

ORDERS = 40
HURRIED_OFFERS = 8
BRIEF_MINUTES = 3
"""Market minutes: half a minute at a world's speed."""


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


class Clicks(Row):
    """Double clicks, two people at once, forged and repeated signals, clicks at the deadline."""

    name = "click races"
    goal = 1000

    async def round(self, seed: int) -> Round:
        async with open_world(self.servers, WorldOptions(second_approvers=True)) as world:
            draw = random.Random(f"{self.name} {seed}")
            # Those with a deadline to race against are offered last: theirs is minutes away.
            plain = await world.offer(seed, ORDERS - HURRIED_OFFERS)
            brief = OfferShape(minutes=BRIEF_MINUTES)
            hurried = await world.offer(seed + 1, HURRIED_OFFERS, brief)
            scenes = [_twice_one_key, _twice_two_keys, _two_people, _for_and_against]
            scenes += [_forged_signal, _stale_hash, _repeated_signal]
            tasks = [draw.choice(scenes)(world, offer, draw) for offer in plain]
            tasks += [_at_the_deadline(world, offer, draw) for offer in hurried]
            broken = [words for words in await asyncio.gather(*tasks) if words]
            await world.settle()
            verdict = await world.judge()
            verdict.unapproved += len(broken)
            verdict.broken += broken
            return Round(ORDERS, verdict, struck=len(tasks))


async def _twice_one_key(world: World, offer: Offer, _: random.Random) -> str:
    key = uuid4().hex
    answers = await asyncio.gather(*(world.approve(offer, key=key) for _ in range(2)))
    return _expect(offer, answers, decisions=1, accepted=2)


async def _twice_two_keys(world: World, offer: Offer, _: random.Random) -> str:
    answers = await asyncio.gather(*(world.approve(offer) for _ in range(3)))
    return _expect(offer, answers, decisions=1, accepted=1)


async def _two_people(world: World, offer: Offer, _: random.Random) -> str:
    answers = await asyncio.gather(*(world.approve(offer, which) for which in (0, 1)))
    return _expect(offer, answers, decisions=1, accepted=1)


async def _for_and_against(world: World, offer: Offer, draw: random.Random) -> str:
    clicks = [world.approve(offer, 0), world.person(offer, 1).reject(offer)]
    draw.shuffle(clicks)
    return _expect(offer, await asyncio.gather(*clicks), decisions=1, accepted=1)


async def _stale_hash(world: World, offer: Offer, _: random.Random) -> str:
    """Somebody approves what another screen showed; then the real terms are approved."""
    stale = await world.approve(offer, terms_hash="sha256:" + "0" * 64)
    real = await world.approve(offer)
    return _expect(offer, [stale, real], decisions=1, accepted=1)


async def _forged_signal(world: World, offer: Offer, draw: random.Random) -> str:
    """Whoever reaches Temporal says "approved" with a decision that is none, or another's."""
    others = list(world.receipts.values())
    forged = draw.choice(others) if others and draw.random() < 0.5 else uuid4()
    for _ in range(3):
        await deliver_decision(
            world.temporal, offer.recommendation_id, forged, DecisionAction.APPROVE
        )
    return ""


async def _repeated_signal(world: World, offer: Offer, draw: random.Random) -> str:
    """The one approval is signalled over and over, also when all is done."""
    answer = await world.approve(offer)
    decision_id = UUID(answer.json()["decision_id"])
    for _ in range(4):
        await deliver_decision(
            world.temporal, offer.recommendation_id, decision_id, DecisionAction.APPROVE
        )
        await asyncio.sleep(draw.uniform(0, 6))
    return _expect(offer, [answer], decisions=1, accepted=1)


async def _at_the_deadline(world: World, offer: Offer, draw: random.Random) -> str:
    """A click as the time runs out: it counts or is refused, and the row says which."""
    (row,) = await world.rows(
        "SELECT deadline FROM recommendations WHERE id = :id", id=offer.recommendation_id
    )
    aim = row["deadline"] + timedelta(seconds=draw.uniform(-6, 2))
    while world.gateway.clock.now() < aim:  # noqa: ASYNC110 - market time
        await asyncio.sleep(0.02)
    answer = await world.approve(offer)
    if answer.status_code not in (200, 409):
        return f"{offer.recommendation_id}: {answer.status_code} at the deadline"
    return ""


def _expect(
    offer: Offer, answers: Sequence[httpx.Response], *, decisions: int, accepted: int
) -> str:
    """What is wrong with the answers to clicks on one offer, in words."""
    good = [answer for answer in answers if answer.is_success]
    made = {answer.json()["decision_id"] for answer in good}
    others = [answer.status_code for answer in answers if not answer.is_success]
    if len(good) == accepted and len(made) == decisions and set(others) <= {409}:
        return ""
    return f"{offer.recommendation_id}: {len(good)} accepted, decisions {made}, refused {others}"

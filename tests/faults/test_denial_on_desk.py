"""A click that the whole desk denies: the reason in words, nothing at the broker, fresh terms.

The strategy, the workflow, the controls, the API and the gateway are real; the market moves, or a
limit is tightened over HTTP, between the offer and the click.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from domain.strategies.base import ChainWindow
from infra.db import models as m
from infra.operations import sync_ibkr
from infra.security import hash_password
from infra.simulator.market_events import EventPlan, Jump
from tests.faults.furniture import PASSWORD
from tests.faults.judge import ENDED
from tests.faults.offers import Offer, Offers, OfferShape, read_chain
from tests.faults.people import Person
from tests.faults.servers import Servers
from tests.faults.world import MONDAY_10, World, WorldOptions, open_world

pytestmark = [
    pytest.mark.faults,  # a whole desk
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
]

SYMBOL = "IWM"
JUMP_AT = MONDAY_10 + timedelta(minutes=90)
"""Long after the offers were made, on whatever machine."""
OPERATOR = "operator@desk.test"
FAR_OUT = ChainWindow(min_dte=20, max_dte=26, min_moneyness=0.91, max_moneyness=0.95)
"""Still out of the money after the fall."""
SHAPE = OfferShape(max_drift=Decimal("0.02"))
# What the strategy still offers after the fall, by its own rules.
GENEROUS = '{"min_dte": 10, "min_delta": 0.02, "max_delta": 0.90, "min_ror_annualised": 0.01}'
Card = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    fall = Jump(symbol=SYMBOL, at=JUMP_AT, size=-0.03)
    servers = Servers()
    options = WorldOptions(accounts=2, events=EventPlan(events=(fall,)))
    try:
        async with open_world(servers, options) as opened:
            reading = await read_chain(opened.gateway.port, SYMBOL, FAR_OUT)
            opened.offers = Offers(opened.sessions, opened.furniture, reading)
            await sync_ibkr(opened.settings, positions=True)
            await sync_ibkr(opened.settings, positions=False)
            yield opened
    finally:
        await servers.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def offers(world: World) -> list[Offer]:
    """A put offered to each of two accounts."""
    made = await world.offer(1, 2, SHAPE)
    async with world.sessions.begin() as session:
        await session.execute(
            text(f"UPDATE strategy_instances SET config = config || '{GENEROUS}'")
        )
    assert len({offer.account.code for offer in made}) == 2
    assert world.gateway.clock.now() < JUMP_AT
    return made


async def operator_of(world: World, offer: Offer) -> Person:
    """Somebody who may change the limits of the offer's client."""
    async with world.sessions.begin() as session:
        portfolio = await session.get_one(m.Portfolio, offer.account.portfolio_id)
        user = m.User(email=OPERATOR, name="Operator", password_hash=hash_password(PASSWORD))
        session.add(user)
        await session.flush()
        session.add(
            m.Membership(user_id=user.id, client_id=portfolio.client_id, role=m.Role.OPERATOR)
        )
    return await world.sign_in(OPERATOR)


async def card_of(world: World, offer: Offer, recommendation_id: UUID | str = "") -> Card:
    """The card of the offer, or of its successor."""
    browser = world.person(offer).browser
    wanted = recommendation_id or offer.recommendation_id
    answer = await browser.get(f"/api/recommendations/{wanted}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ended(world: World, offer: Offer, recommendation_id: UUID | str = "") -> Card:
    async def has_ended() -> bool:
        return (await card_of(world, offer, recommendation_id))["state"] in ENDED

    assert await world.until(has_ended, 120)
    return await card_of(world, offer, recommendation_id)


async def denied(world: World, offer: Offer, code: str) -> Card:
    """The card after the click was denied; what is true of every denial is checked here."""
    assert (await world.approve(offer)).status_code == 200
    card = await ended(world, offer)
    assert (card["state"], card["reason_code"]) == ("DENIED", code), card["reason"]
    assert card["decision"]["action"] == "APPROVE"
    refusals = [control["sentence"] for control in card["controls"] if not control["passed"]]
    assert card["reason"] in refusals
    assert card["advice"]
    last = card["timeline"][-1]
    assert last["kind"] == "recommendation.denied"
    assert card["reason"] in last["detail"]
    assert card["orders"] == []
    at_broker = [
        each for each in world.ledger().orders() if each.terms.account == offer.account.code
    ]
    assert at_broker == []
    await assert_audited(world, offer, code)
    return card


async def assert_audited(world: World, offer: Offer, code: str) -> None:
    events = await world.rows(
        "SELECT actor, action, after FROM audit_events"
        " WHERE entity = 'recommendation' AND entity_id = :id ORDER BY id",
        id=str(offer.recommendation_id),
    )
    by_action = {each["action"]: each for each in events}
    assert by_action["recommendation.approved"]["actor"] == offer.account.approvers[0]
    assert by_action["recommendation.denied"]["after"]["code"] == code


async def standing_alert(world: World, offer: Offer) -> Card | None:
    """The alert that tells the approver of the denial, while nobody has dealt with it."""
    answer = await world.person(offer).browser.get("/api/alerts/", params={"state": "OPEN"})
    about = str(offer.recommendation_id)
    found = [each for each in answer.json()["items"] if each["recommendation_id"] == about]
    assert len(found) <= 1
    return found[0] if found else None


async def successor_of(world: World, offer: Offer) -> Card:
    async def is_there() -> bool:
        return (await card_of(world, offer))["successor_id"] is not None

    runs = "SELECT status, errors, stats FROM strategy_runs WHERE workflow_id LIKE '%/successor'"
    assert await world.until(is_there, 120), await world.rows(runs)
    return await card_of(world, offer, (await card_of(world, offer))["successor_id"])


async def test_a_limit_tightened_over_http_after_the_offer_is_denied_and_not_offered_again(
    world: World, offers: list[Offer]
):
    offer = offers[0]
    operator = await operator_of(world, offer)
    tightened = await operator.browser.put(
        "/api/limits/ACCOUNT/",
        params={"owner": str(offer.account.id)},
        json={"based_on": 0, "limits": {"max_contracts": 1}, "reason": "a careful month"},
    )
    assert tightened.status_code == 200, tightened.text
    await operator.leave()

    card = await denied(world, offer, "QUANTITY_LIMIT")

    assert card["reason"] == "Contracts in the order: 2, limit 1"
    alert = await standing_alert(world, offer)
    assert alert is not None
    assert alert["detail"] == card["reason"]
    # Fresh terms would be denied for the same reason.
    result = await world.temporal.get_workflow_handle(card["workflow_id"]).result()
    assert result["state"] == "DENIED"
    assert (await card_of(world, offer))["successor_id"] is None
    browser = world.person(offer).browser
    assert (await browser.post(f"/api/alerts/{alert['id']}/acknowledge/")).status_code == 200
    assert await standing_alert(world, offer) is None


async def test_a_market_that_left_the_approved_band_is_denied_and_offered_on_fresh_terms(
    world: World, offers: list[Offer]
):
    offer = offers[1]
    world.gateway.clock.advance(JUMP_AT + timedelta(minutes=1) - world.gateway.clock.now())

    card = await denied(world, offer, "UNDERLYING_DRIFTED")

    assert card["reason"].startswith("Move of the underlying since the offer: -")
    assert "limit ±2.00% of " in card["reason"]
    alert = await standing_alert(world, offer)
    assert alert is not None
    assert (alert["code"], alert["severity"]) == ("APPROVAL_DENIED", "WARNING")
    assert alert["title"] == f"Approved, but not traded: {card['summary']}"
    assert alert["detail"] == card["reason"]

    successor = await successor_of(world, offer)
    assert successor["predecessor_id"] == str(offer.recommendation_id)
    assert successor["contract"] == card["contract"]
    assert successor["may_decide"], successor["may_decide_why_not"]
    reference = float(card["terms"]["reference_underlying_price"])
    fresh = float(successor["terms"]["reference_underlying_price"])
    assert -0.06 < fresh / reference - 1 < -0.02, "the terms are those of the market that moved"

    answer = await world.person(offer).browser.post(
        f"/api/recommendations/{successor['id']}/reject/",
        json={"terms_hash": successor["terms_hash"], "reason": "not in a falling market"},
        headers={"Idempotency-Key": "the second look"},
    )
    assert answer.status_code == 200, answer.text
    assert await standing_alert(world, offer) is None, "the decision on fresh terms answers it"

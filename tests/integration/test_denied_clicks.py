"""A click that is denied, as the person at the browser sees it: why, and what is offered instead.

API, records, controls, gateway and strategy are real. What the workflow does between a click and
its end is done by hand here, in its order; `tests.faults.test_denial_on_desk` leaves it to the
workflow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, SyncRequest
from activities.orders import PreparedOutcome
from activities.recommendations import Conclusion, RecommendationActivities, RecommendationRef
from activities.strategies import SuccessorActivities
from api.app import create_app
from domain.package_offers import build_package_terms
from domain.portfolio import build_account_state
from domain.ports import ChainReading, RunOutcome
from domain.recommendations import RecommendationState, Terms
from domain.risk.state import compute_risk_state
from domain.strategies.base import ChainWindow
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from infra.db import models as m
from infra.db.facts import PostgresFacts
from infra.db.recommendations import PostgresRecommendations
from infra.db.session import create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from infra.security import hash_password
from infra.settings import Settings
from tests.faults.furniture import PASSWORD
from tests.faults.people import Person
from tests.integration.api.client import NO_WEB, RecordedSignals
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, MONDAY_10, SLUG, Approval
from tests.rolling import POLICY, idea_of_roll
from tests.unit.trade_factories import Market, context

pytestmark = pytest.mark.integration
EMAIL = "p@desk.test"
GENEROUS = {
    "universe": ["SPY"],
    "min_dte": 10,
    "min_delta": 0.02,
    "max_delta": 0.90,
    "min_ror_annualised": 0.01,
    "max_contracts": 2,
}
"""The strategy still wants the contract, wherever the market has gone."""
SPREADS: dict[str, Any] = {
    "universe": ("XSP",),
    "wing_width": "20",
    "min_dte": 10,
    "min_delta": 0.02,
    "max_delta": 0.90,
    "min_ror_annualised": 0.001,
    "max_spread_fraction": 0.5,
    "min_open_interest": 0,
    "max_vix": None,
    "max_contracts": 1,
    "max_new_trades": 1,
}
SESSION_CLOSE = MONDAY_10.replace(hour=21)
Card = dict[str, Any]


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            await let_in(built)
            yield built
    finally:
        await engine.dispose()


async def let_in(world: BrokerWorld) -> None:
    """The approver may sign in, and change limits too; the strategy is as generous as can be."""
    async with world.sessions.begin() as session:
        user = await session.get_one(m.User, world.desk.user_id)
        user.password_hash = hash_password(PASSWORD)
        portfolio = await session.get_one(m.Portfolio, world.desk.owners["portfolio_id"])
        session.add(m.Membership(user_id=user.id, client_id=portfolio.client_id, role=m.Role.ADMIN))
        instance = await session.get_one(
            m.StrategyInstance, world.desk.owners["strategy_instance_id"]
        )
        instance.config = GENEROUS


@pytest.fixture
async def person(world: BrokerWorld, database_url: str, tmp_path: Path) -> AsyncIterator[Person]:
    settings = Settings(home=tmp_path, database_url=database_url)
    app = create_app(settings, signals=RecordedSignals(), web_dist=NO_WEB)
    async with app.router.lifespan_context(app):
        signed_in = await Person.sign_in(EMAIL, "http://desk.test", httpx.ASGITransport(app))
        yield signed_in
        await signed_in.leave()


async def configure(world: BrokerWorld, code_ref: str, **config: Any) -> None:
    """The one instance runs that strategy, on that configuration."""
    async with world.sessions.begin() as session:
        instance = await session.get_one(
            m.StrategyInstance, world.desk.owners["strategy_instance_id"]
        )
        version = await session.get_one(m.StrategyVersion, instance.strategy_version_id)
        version.code_ref, instance.config = code_ref, config


async def read_positions(world: BrokerWorld) -> None:
    reader = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    activities = IngestionActivities(world.session.broker, world.session.ingestion, reader)
    await ActivityEnvironment().run(activities.sync_ibkr_positions, SyncRequest(gateway=SLUG))


async def offer_as_before_a_move(world: BrokerWorld, terms: Terms, reading: ChainReading) -> UUID:
    """The offer of ``terms`` as if the underlying had risen 3 % since, more than they bear."""
    await world.session.ingestion.save_chain(SLUG, reading)
    seen = (terms.reference_underlying_price / Decimal("1.03")).quantize(Decimal("0.01"))
    changes = {"reference_underlying_price": seen, "max_drift": Decimal("0.02")}
    return await world.desk.propose(terms.contract, **dict(terms) | changes)


async def assert_succeeded_by_the_same(world: BrokerWorld, person: Person, offered: Card) -> None:
    approval = await decide(person, "approve", offered)
    await carry_to_denial(world, approval)
    denied = await card_of(person, offered["id"])
    await assert_told(world, person, denied, "UNDERLYING_DRIFTED")

    outcome = await seek_successor(world, approval)
    assert outcome.proposed, await world.desk.all(m.StrategyRun)
    (successor_id,) = outcome.proposed
    denied, successor = await card_of(person, offered["id"]), await card_of(person, successor_id)
    assert denied["successor_id"] == successor["id"]
    assert successor["predecessor_id"] == offered["id"]
    assert successor["action"] == offered["action"]
    assert successor["legs"] == offered["legs"]
    assert successor["may_decide"], successor["may_decide_why_not"]
    fresh, before = (
        Decimal(card["terms"]["reference_underlying_price"]) for card in (successor, offered)
    )
    assert fresh / before == pytest.approx(Decimal("1.03"), rel=Decimal("0.001"))


async def card_of(person: Person, recommendation_id: UUID | str) -> Card:
    answer = await person.browser.get(f"/api/recommendations/{recommendation_id}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def decide(person: Person, verb: str, card: Card, **fields: Any) -> Approval:
    answer = await person.browser.post(
        f"/api/recommendations/{card['id']}/{verb}/",
        json={"terms_hash": card["terms_hash"], **fields},
        headers={"Idempotency-Key": uuid4().hex},
    )
    assert answer.status_code == 200, answer.text
    return Approval(UUID(card["id"]), UUID(answer.json()["decision_id"]))


async def carry_to_denial(world: BrokerWorld, approval: Approval) -> None:
    """What the workflow does with a click that comes to nothing."""
    prepared = await world.prepare(approval)
    assert prepared.outcome is PreparedOutcome.DENIED, prepared
    activities = RecommendationActivities(PostgresRecommendations(world.sessions))
    conclusion = Conclusion(
        recommendation_id=approval.recommendation_id,
        state=RecommendationState.DENIED,
        code=prepared.code,
        reason=prepared.reason,
    )
    await ActivityEnvironment().run(activities.conclude_recommendation, conclusion)


async def seek_successor(world: BrokerWorld, approval: Approval) -> RunOutcome:
    broker = world.session.broker
    activities = SuccessorActivities(
        broker,
        world.session.ingestion,
        PostgresRecommendations(world.sessions),
        PostgresStrategies(world.sessions),
        FactsReader(broker, PostgresFacts(world.sessions)),
    )
    about = RecommendationRef(recommendation_id=approval.recommendation_id)
    return await ActivityEnvironment().run(activities.propose_successor, about)


async def alert_on(person: Person, card: Card) -> Card | None:
    """The alert that tells of the card's denial, while nobody has dealt with it."""
    answer = await person.browser.get("/api/alerts/", params={"state": "OPEN"})
    found = [each for each in answer.json()["items"] if each["recommendation_id"] == card["id"]]
    assert len(found) <= 1
    return found[0] if found else None


async def assert_told(world: BrokerWorld, person: Person, card: Card, code: str) -> None:
    """What is true of every denial, on a card read after it."""
    assert (card["state"], card["reason_code"]) == ("DENIED", code), card["reason"]
    assert card["decision"]["action"] == "APPROVE"
    refusals = [control["sentence"] for control in card["controls"] if not control["passed"]]
    assert card["reason"] in refusals
    assert card["advice"]
    assert card["timeline"][-1]["kind"] == "recommendation.denied"
    assert card["reason"] in card["timeline"][-1]["detail"]
    assert card["orders"] == []
    assert world.gateway.ledger.orders() == []
    events = {
        event.action: event
        for event in await world.desk.all(m.AuditEvent)
        if event.entity_id == card["id"]
    }
    assert events["recommendation.approved"].actor == EMAIL
    assert events["recommendation.denied"].after["code"] == code
    alert = await alert_on(person, card)
    assert alert is not None
    assert (alert["code"], alert["severity"]) == ("APPROVAL_DENIED", "WARNING")
    assert alert["title"] == f"Approved, but not traded: {card['summary']}"
    assert alert["detail"] == card["reason"]


async def test_a_market_that_left_the_approved_band_is_denied_and_offered_on_fresh_terms(
    world: BrokerWorld, person: Person
):
    quote = await world.session.broker.quote(await world.put())
    assert quote.underlying_price is not None
    seen = (quote.underlying_price / Decimal("1.03")).quantize(Decimal("0.01"))
    offered = await card_of(
        person,
        await world.propose(
            resting=False, max_drift=Decimal("0.02"), reference_underlying_price=seen
        ),
    )
    approval = await decide(person, "approve", offered)
    await carry_to_denial(world, approval)

    denied = await card_of(person, offered["id"])
    await assert_told(world, person, denied, "UNDERLYING_DRIFTED")
    assert denied["reason"].startswith("Move of the underlying since the offer: +3.0")
    assert f"limit ±2.00% of {seen}" in denied["reason"]

    outcome = await seek_successor(world, approval)
    (successor_id,) = outcome.proposed
    denied, successor = await card_of(person, offered["id"]), await card_of(person, successor_id)
    assert denied["successor_id"] == successor["id"]
    assert successor["predecessor_id"] == offered["id"]
    assert successor["contract"] == denied["contract"]
    assert successor["may_decide"], successor["may_decide_why_not"]
    fresh = Decimal(successor["terms"]["reference_underlying_price"])
    assert abs(fresh / quote.underlying_price - 1) < Decimal("0.001")

    assert await alert_on(person, denied) is not None
    await decide(person, "reject", successor, reason="not in a market like this")
    assert await alert_on(person, denied) is None, "the decision on fresh terms answers it"


async def test_a_limit_tightened_over_http_after_the_offer_is_denied_until_acknowledged(
    world: BrokerWorld, person: Person
):
    offered = await card_of(person, await world.propose(resting=False, quantity=2))
    tightened = await person.browser.put(
        "/api/limits/ACCOUNT/",
        params={"owner": str(world.desk.account_id)},
        json={"based_on": 0, "limits": {"max_contracts": 1}, "reason": "a careful month"},
    )
    assert tightened.status_code == 200, tightened.text
    await carry_to_denial(world, await decide(person, "approve", offered))

    denied = await card_of(person, offered["id"])
    await assert_told(world, person, denied, "QUANTITY_LIMIT")
    assert denied["reason"] == "Contracts in the order: 2, limit 1"
    alert = await alert_on(person, denied)
    assert alert is not None
    done = await person.browser.post(f"/api/alerts/{alert['id']}/acknowledge/")
    assert done.status_code == 200
    assert await alert_on(person, denied) is None


# --- packages ------------------------------------------------------------------------------


async def test_a_denied_roll_is_offered_again_as_the_same_roll(world: BrokerWorld, person: Person):
    await read_positions(world)
    await configure(
        world,
        "domain.strategies.wheel:Wheel",
        **GENEROUS,
        take_profit=None,
        exit_dte=60,
        roll_min_credit="-5",
        roll_max_delta=0.9,
    )
    reading, _, idea = await idea_of_roll(world.session.broker, ACCOUNT)
    terms = build_package_terms(idea, POLICY, reading.chain.as_of, SESSION_CLOSE)
    offered = await card_of(person, await offer_as_before_a_move(world, terms, reading))
    assert (offered["action"], len(offered["legs"])) == ("ROLL", 2)

    await assert_succeeded_by_the_same(world, person, offered)


async def test_a_denied_put_spread_is_offered_again_as_the_same_spread(
    world: BrokerWorld, person: Person
):
    await configure(world, "domain.strategies.theta:Theta", **SPREADS)
    broker = world.session.broker
    near = ChainWindow(min_dte=28, max_dte=31, min_moneyness=0.92, max_moneyness=0.96)
    reading = await broker.chain("XSP", near)
    state = build_account_state(await broker.account_values(ACCOUNT), ())
    instance = context(
        config=ThetaConfig(**SPREADS),
        market=Market({"XSP": reading.chain}, as_of=reading.chain.as_of, today=MONDAY_10.date()),
        account_code=ACCOUNT,
        session_close=SESSION_CLOSE,
    )
    (proposal,) = Theta().generate_signals(state, compute_risk_state(state), instance).proposals
    offered = await card_of(person, await offer_as_before_a_move(world, proposal.terms, reading))
    assert [leg["side"] for leg in offered["legs"]] == ["SELL", "BUY"]

    await assert_succeeded_by_the_same(world, person, offered)

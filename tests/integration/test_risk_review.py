"""An account as it was ingested, its risk, and the alerts that come and go with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update
from temporalio.testing import ActivityEnvironment

from activities.portfolio import PortfolioActivities, RiskReview, RiskReviewRequest
from domain.market import QuoteQuality
from domain.ports import BrokerPosition
from domain.risk.state import compute_risk_state
from infra.db import models as m
from infra.db.accounts import build_account_state
from infra.db.ingestion import PostgresIngestion
from infra.db.risk import PostgresRisk
from infra.db.session import create_engine, sessions
from tests.integration.test_instrument_matching import AAPL, option
from tests.integration.trading_world import ACCOUNT, MONDAY_10, SLUG, TradingWorld
from tests.unit.trade_factories import values

pytestmark = pytest.mark.integration
STRIKE = "200"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    built = await TradingWorld(sessions(engine)).build()
    store = PostgresIngestion(built.sessions)
    sold = BrokerPosition(
        account_code=ACCOUNT, contract=option(11, "AAPL", strike=STRIKE), underlying=AAPL,
        quantity=Decimal(-2), average_cost=Decimal(300), market_price=Decimal(3),
        market_value=Decimal(-600),
    )  # fmt: skip
    await store.save_positions(SLUG, ACCOUNT, [sold], MONDAY_10)
    await snapshot(built)
    await quoted(built)
    yield built
    await engine.dispose()


async def snapshot(world: TradingWorld, **figures: Any) -> None:
    told = values(account_code=ACCOUNT, as_of=MONDAY_10, **figures)
    await PostgresIngestion(world.sessions).save_account_snapshot(SLUG, ACCOUNT, told)


async def quoted(world: TradingWorld) -> None:
    held = {row.key: row.id for row in await world.all(m.Instrument)}
    async with world.sessions.begin() as session:
        for key, instrument_id in held.items():
            if "AAPL" not in key:
                continue
            is_option = key.startswith("OPT")
            session.add(
                m.Quote(
                    instrument_id=instrument_id,
                    as_of=MONDAY_10,
                    quality=QuoteQuality.LIVE,
                    bid=Decimal("2.95") if is_option else None,
                    ask=Decimal("3.05") if is_option else None,
                    underlying_price=Decimal(210),
                    iv=0.25 if is_option else None,
                    open_interest=4000.0 if is_option else None,
                )
            )


async def review(world: TradingWorld) -> RiskReview:
    activities = PortfolioActivities(PostgresRisk(world.sessions))
    return await ActivityEnvironment().run(activities.review_risk, RiskReviewRequest(gateway=SLUG))


async def test_an_account_is_built_with_quotes_greeks_and_its_underlyings(world: TradingWorld):
    account = await build_account_state(world.sessions, world.account_id)
    (held,) = account.positions
    assert held.quote is not None
    assert (held.quote.bid, held.open_interest) == (Decimal("2.95"), 4000)
    assert held.greeks is not None
    assert held.greeks.delta == pytest.approx(-0.2083, abs=0.0005)
    assert account.underlyings["AAPL"].price == 210
    risk = compute_risk_state(account)
    assert risk.unpriced_positions == ()
    assert risk.margin.reg_t_maintenance == pytest.approx(2 * (300 + (0.2 * 210 - 10) * 100))


async def test_alerts_are_raised_once_changed_with_their_severity_and_cleared(
    world: TradingWorld,
):
    assert await review(world) == RiskReview(accounts=1)
    await snapshot(world, maint_margin=Decimal(200_000))
    assert await review(world) == RiskReview(accounts=1, raised=1)
    assert await review(world) == RiskReview(accounts=1)
    await snapshot(world, maint_margin=Decimal(300_000))
    assert await review(world) == RiskReview(accounts=1, changed=1)
    (alert,) = await world.all(m.Alert)
    assert (alert.code, alert.subject) == ("RISK_PM_USAGE", ACCOUNT)
    assert alert.severity is m.Severity.CRITICAL
    assert alert.context["value"] == 0.6
    await snapshot(world)
    assert await review(world) == RiskReview(accounts=1, cleared=1)
    assert await world.alert_codes() == set()


async def test_an_alert_on_one_position_is_told_apart_by_its_key(world: TradingWorld):
    async with world.sessions.begin() as session:
        wide = update(m.Quote).where(m.Quote.bid.is_not(None))
        await session.execute(wide.values(bid=Decimal(1), ask=Decimal(4)))
    assert (await review(world)).raised == 1
    (alert,) = await world.all(m.Alert)
    assert alert.subject.startswith(f"{ACCOUNT}:OPT:AAPL")
    assert (await review(world)).raised == 0


async def test_a_gateway_that_was_never_reached_has_nothing_to_review(world: TradingWorld):
    activities = PortfolioActivities(PostgresRisk(world.sessions))
    request = RiskReviewRequest(gateway="elsewhere")
    assert await ActivityEnvironment().run(activities.review_risk, request) == RiskReview()

"""Approvals refused by the real controls on a real gateway: by which, in what words, unsent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from activities.orders import PreparedOutcome
from api.presenters.recommendations import control_answer
from domain.errors import ErrorCode
from domain.recommendations import RuleResult
from domain.risk.limits import TradingState
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.simulator.validation import OrderRejectedError
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.test_limits import limit_the_account
from tests.integration.trading_world import Approval

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def denied(world: BrokerWorld, approval: Approval, code: ErrorCode) -> str:
    """The reason the approval is denied with; the card says the same of the control."""
    prepared = await world.prepare(approval)
    assert (prepared.outcome, prepared.code) == (PreparedOutcome.DENIED, code), prepared
    cards = {card.id: card for card in await world.desk.all(m.Recommendation)}
    card = cards[approval.recommendation_id]
    answers = [control_answer(RuleResult.model_validate(each)) for each in card.controls]
    first = next(each for each in answers if not each.passed)
    assert (first.code, first.sentence) == (code, prepared.reason)
    (event,) = [e for e in await world.desk.all(m.AuditEvent) if e.action == "trade.denied"]
    assert code in event.after["failed"]
    assert await world.desk.all(m.Order) == []
    return prepared.reason


@pytest.mark.parametrize(
    ("limits", "code", "reason"),
    [
        (
            {"max_contracts": 1},
            ErrorCode.QUANTITY_LIMIT,
            "Contracts in the order: 2, limit 1",
        ),
        (
            {"max_notional": 100_000},
            ErrorCode.NOTIONAL_LIMIT,
            "Notional of the order: 128,000, limit 100,000",
        ),
        (
            {"max_daily_notional": 127_999},
            ErrorCode.DAILY_NOTIONAL,
            "Notional opened today: 128,000, limit 127,999",
        ),
        (
            {"max_position_contracts": 1},
            ErrorCode.POSITION_LIMIT,
            "Contracts after the trade: 3, limit 1",
        ),
        (
            {"restricted_symbols": {"SPY"}},
            ErrorCode.SYMBOL_RESTRICTED,
            "Underlying: SPY, needed: none of SPY",
        ),
    ],
)
async def test_a_limit_tightened_after_the_offer_denies_with_its_value_and_limit(
    world: BrokerWorld, limits: dict[str, Any], code: ErrorCode, reason: str
):
    approval = await world.approve(quantity=2)
    await limit_the_account(world, 0, **limits)
    assert await denied(world, approval, code) == reason


async def test_a_halted_desk_denies(world: BrokerWorld):
    approval = await world.approve()
    await world.desk.halt()
    assert await denied(world, approval, ErrorCode.TRADING_HALTED) == (
        "Trading state: HALTED, needed: ACTIVE, or a close that reduces risk"
    )


async def test_a_desk_that_only_reduces_denies_an_open(world: BrokerWorld):
    approval = await world.approve()
    await world.desk.halt(TradingState.REDUCING)
    assert "REDUCING" in await denied(world, approval, ErrorCode.TRADING_REDUCING)


async def test_an_underlying_beyond_the_approved_band_denies(world: BrokerWorld):
    contract = await world.put()
    quote = await world.session.broker.quote(contract)
    assert quote.underlying_price is not None
    reference = (quote.underlying_price / Decimal("1.1")).quantize(Decimal("0.01"))
    approval = await world.approve(reference_underlying_price=reference)
    reason = await denied(world, approval, ErrorCode.UNDERLYING_DRIFTED)
    assert reason.startswith("Move of the underlying since the offer: +10.0")
    assert f"limit ±5.00% of {reference}" in reason


async def test_a_market_below_the_approved_floor_denies(world: BrokerWorld):
    approval = await world.approve(limit_price=Decimal(50), floor_price=Decimal(49))
    reason = await denied(world, approval, ErrorCode.PRICE_OUTSIDE_FLOOR)
    assert reason.startswith("Middle of the market: ")
    assert reason.endswith(", at least 49.00")


async def test_a_broker_that_refuses_the_margin_preview_denies_in_its_own_words(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_: object) -> None:
        raise OrderRejectedError(201, "Order rejected - reason: no trading permissions")

    approval = await world.approve()
    monkeypatch.setattr(world.gateway.exchange, "preview", refuse)
    reason = await denied(world, approval, ErrorCode.WHAT_IF_FAILED)
    assert reason.startswith("Available funds after the trade: ")
    assert "no trading permissions" in reason

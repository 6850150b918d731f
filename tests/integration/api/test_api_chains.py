"""Option chains over the API: series, rows, greeks, and what the strategies made of them."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from math import nan
from typing import Any

import pytest
from sqlalchemy import select

from domain.instruments import ExerciseStyle, PriceIncrements, Settlement
from domain.market import OptionChain, QuoteCode, QuoteQuality
from infra.db import models as m
from tests.integration.api.client import ApiWorld

pytestmark = pytest.mark.integration
AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
NEAR, FAR = date(2026, 11, 27), date(2026, 12, 18)
PUT_640 = 700001
"""What the world's strategies recommend."""


def days(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def spy_chain() -> OptionChain:
    return OptionChain(
        symbol="SPY",
        currency="USD",
        as_of=AT,
        underlying_price=652.0,
        quality=QuoteQuality.LIVE,
        style=ExerciseStyle.AMERICAN,
        settlement=Settlement.PHYSICAL,
        increments=PriceIncrements.flat(Decimal("0.01")),
        trading_class=("SPY",) * 4,
        multiplier=[100] * 4,  # type: ignore[arg-type]
        con_id=[1, 2, PUT_640, 4],  # type: ignore[arg-type]
        expiry=[days(NEAR), days(FAR), days(FAR), days(FAR)],  # type: ignore[arg-type]
        strike=[650, 640, 640, 650],  # type: ignore[arg-type]
        is_call=[False, True, False, False],  # type: ignore[arg-type]
        bid=[3.0, 17.0, 4.1, nan],  # type: ignore[arg-type]
        ask=[3.2, 17.4, 4.2, 7.0],  # type: ignore[arg-type]
        iv=[0.14, 0.17, 0.18, 0.16],  # type: ignore[arg-type]
        delta=[-0.42, 0.7, -0.25, -0.45],  # type: ignore[arg-type]
        volume=[10, 20, 30, nan],  # type: ignore[arg-type]
        open_interest=[100, 200, 300, nan],  # type: ignore[arg-type]
        code=[0, 0, 0, QuoteCode.NO_BID],  # type: ignore[arg-type]
    )


@pytest.fixture
async def recorded(api: ApiWorld) -> ApiWorld:
    async with api.sessions.begin() as session:
        spy = await session.scalar(select(m.Instrument).where(m.Instrument.key == "STK:SPY:USD"))
        assert spy is not None
        session.add(
            m.RecordedChain(
                instrument_id=spy.id,
                gateway_id=api.world.gateway.id,
                as_of=AT,
                underlying_price=Decimal(652),
                contracts=4,
                columns=gzip.compress(spy_chain().to_json()),
            )
        )
    return api


async def ask(api: ApiWorld, who: str, path: str, **params: Any) -> Any:
    async with api.signed_in(who) as browser:
        answer = await browser.get(f"/api/chains/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_chain_is_told_series_by_series(recorded: ApiWorld) -> None:
    [known] = await ask(recorded, "approver_a", "")
    assert (known["symbol"], known["contracts"]) == ("SPY", 4)
    chain = await ask(recorded, "approver_a", "spy/")
    assert [(each["key"], each["dte"], each["atm_iv"]) for each in chain["series"]] == [
        ("SPY:2026-11-27", 7, 0.14),
        ("SPY:2026-12-18", 28, 0.16),
    ]
    # Nobody chose: the one nearest a month.
    assert chain["chosen"] == "SPY:2026-12-18"
    low, high = chain["rows"]
    assert (low["strike"], low["call"]["con_id"], low["put"]["con_id"]) == (640, 2, PUT_640)
    assert (high["call"], high["put"]["code"]) == (None, "NO_BID")
    assert (high["put"]["bid"], high["put"]["mid"], high["put"]["volume"]) == (None, None, None)
    near = await ask(recorded, "approver_a", "SPY/", series="SPY:2026-11-27")
    assert [row["strike"] for row in near["rows"]] == [650]


async def test_a_row_has_the_greeks_of_its_own_volatility(recorded: ApiWorld) -> None:
    put = (await ask(recorded, "approver_a", "SPY/"))["rows"][0]["put"]
    assert (put["delta"], put["iv"], put["mid"]) == (-0.25, 0.18, pytest.approx(4.15))
    assert put["theta_per_day"] < 0 < put["vega_point"]
    assert put["gamma"] == pytest.approx(0.0106, abs=0.002)


async def test_what_strategies_would_pick_is_shown_to_who_may_see_them(recorded: ApiWorld) -> None:
    [pick] = (await ask(recorded, "approver_a", "SPY/"))["rows"][0]["put"]["picks"]
    assert (pick["strategy"], pick["rank"], pick["recommended"]) == ("SPY wheel", 1, True)
    both = (await ask(recorded, "admin", "SPY/"))["rows"][0]["put"]["picks"]
    assert len(both) == 2
    assert (await ask(recorded, "nobody", "SPY/"))["rows"][0]["put"]["picks"] == []
    other = {"client": recorded.world.b.client.id}
    foreign = await ask(recorded, "approver_a", "SPY/", **other)
    assert foreign["rows"][0]["put"]["picks"] == []


async def test_an_underlying_nobody_looked_at_is_not_found(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        assert (await browser.get("/api/chains/")).json() == []
        answer = await browser.get("/api/chains/SPY/")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")

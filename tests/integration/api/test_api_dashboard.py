"""The dashboard, the history of values, and positions with their risk."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.gateways import GatewayKind
from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.client_maker import expiry_after
from tests.integration.api.world import CODE_A, CODE_B

pytestmark = pytest.mark.integration
PATHS = ("dashboard", "value-history", "portfolio-risk")


async def get(api: ApiWorld, who: str, path: str, **params: Any) -> dict[str, Any]:
    async with api.signed_in(who) as browser:
        answer = await browser.get(f"/api/{path}/", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_dashboard_adds_up_what_the_person_may_see(api: ApiWorld) -> None:
    ours = await get(api, "approver_a", "dashboard")
    [account] = ours["accounts"]
    assert (account["account"]["code"], account["net_liquidation"]) == (CODE_A, "150000")
    assert account["margin"] == {"usage": 0, "warning": 0.35, "critical": 0.5, "limit": 0.5}
    # The day's first snapshot was 140,000.
    assert (account["day_pnl"], ours["totals"][0]["day_pnl"]) == ("10000", "10000")

    both = await get(api, "admin", "dashboard")
    [total] = both["totals"]
    assert (total["accounts"], total["net_liquidation"], total["positions_count"]) == (
        2,
        "300000",
        2,
    )
    assert both["exposures"] == [
        {
            "kind": "SIMULATED",
            "symbol": "SPY",
            "currency": "USD",
            "notional": "128000",
            "fraction": 0.426667,
        }
    ]
    assert [each["name"] for each in both["strategies"]] == ["SPY wheel", "SPY wheel"]
    assert both["strategies"][0]["last_run_status"] == "COMPLETED"


async def test_the_dashboard_shows_what_expires_within_a_week_only(api: ApiWorld) -> None:
    assert (await get(api, "approver_a", "dashboard"))["expiries"] == []
    async with api.sessions.begin() as session:
        option = await session.get(m.Instrument, api.world.a.waiting.instrument_id)
        assert option is not None
        option.expiry = (api.clock.at + timedelta(days=3)).date()
    [soon] = (await get(api, "approver_a", "dashboard"))["expiries"]
    assert (soon["symbols"], soon["short_contracts"]) == (["SPY"], "1")
    assert soon["short_unknown"] == "1"


async def test_money_of_different_kinds_is_never_added_up(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        live = m.Gateway(
            slug="live", name="Live", kind=GatewayKind.LIVE, host="::1", port=4001, client_number=9
        )
        session.add(live)
        await session.flush()
        account = await session.get(m.BrokerAccount, api.world.b.account.id)
        assert account is not None
        account.gateway_id = live.id
    mixed = await get(api, "admin", "dashboard")
    assert [(each["kind"], each["net_liquidation"]) for each in mixed["totals"]] == [
        ("LIVE", "150000"),
        ("SIMULATED", "150000"),
    ]
    assert [(each["kind"], each["symbol"], each["notional"]) for each in mixed["exposures"]] == [
        ("LIVE", "SPY", "64000"),
        ("SIMULATED", "SPY", "64000"),
    ]
    for path in ("value-history", "portfolio-risk"):
        found = await get(api, "admin", path)
        assert found["kind"] == "LIVE"
        assert [each["code"] for each in found["left_out"]] == [CODE_A], "said, not added"
    assert (await get(api, "admin", "portfolio-risk"))["equity"] == "150000"


async def test_an_account_that_was_never_read_is_shown_without_figures(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        session.add(
            m.BrokerAccount(
                portfolio_id=api.world.a.portfolio.id, gateway_id=api.world.gateway.id, code="DU9"
            )
        )
    accounts = (await get(api, "approver_a", "dashboard"))["accounts"]
    unread = next(each for each in accounts if each["account"]["code"] == "DU9")
    assert (unread["net_liquidation"], unread["margin"]["usage"], unread["as_of"]) == (
        None,
        None,
        None,
    )
    risk = await get(api, "approver_a", "portfolio-risk")
    assert [each["code"] for each in risk["left_out"]] == ["DU9"]


async def test_the_history_starts_where_every_account_is_known(api: ApiWorld) -> None:
    latest = api.clock.at
    async with api.sessions.begin() as session:
        session.add(
            m.AccountSnapshot(
                broker_account_id=api.world.a.account.id,
                as_of=latest - timedelta(hours=3),
                currency="USD",
                net_liquidation=Decimal(120_000),
                cash=Decimal(1),
                equity_with_loan=Decimal(100_000),
                buying_power=Decimal(1),
                available_funds=Decimal(1),
                excess_liquidity=Decimal(1),
                init_margin=Decimal(0),
                maint_margin=Decimal(25_000),
                gross_position_value=Decimal(0),
            )
        )
    alone = (await get(api, "approver_a", "value-history", period="DAY"))["points"]
    assert (alone[0]["net_liquidation"], alone[0]["margin_usage"]) == ("120000", 0.25)
    assert alone[-1]["net_liquidation"] == "150000"
    together = (await get(api, "admin", "value-history", period="DAY"))["points"]
    # Account B came three hours later: what it brought is no gain.
    assert together[0]["net_liquidation"] in {"280000", "300000"}
    assert together[-1]["net_liquidation"] == "300000"


async def test_positions_carry_what_a_seller_asks_of_them(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        option = await session.get(m.Instrument, api.world.a.waiting.instrument_id)
        assert option is not None
        assert option.underlying_id is not None
        for instrument_id, bid, ask in ((option.id, "12.10", "12.30"), (option.underlying_id,) * 3):
            priced = instrument_id == option.id
            session.add(
                m.Quote(
                    instrument_id=instrument_id,
                    as_of=api.clock.at,
                    quality="LIVE",
                    bid=Decimal(str(bid)) if priced else None,
                    ask=Decimal(str(ask)) if priced else None,
                    underlying_price=Decimal(632),
                )
            )
    risk = await get(api, "approver_a", "portfolio-risk")
    [row] = risk["positions"]
    held = f"SPY {expiry_after(api.clock.at):%-d %b %Y} 640 put"
    assert (row["description"], row["quantity"]) == (held, "-1")
    assert row["moneyness"] == pytest.approx(8 / 632)
    assert row["assignment"]["cash"] == "-64000"
    assert row["assignment"]["shares"] == "100"
    assert 0 < row["delta_shares"] < 100
    assert row["theta_per_day"] > 0 > row["vega_point"]
    [name] = risk["underlyings"]
    assert (name["symbol"], name["notional"]) == ("SPY", "64000")
    assert risk["stress"]["worst"]["pnl"] < 0
    assert risk["greeks"]["beta_weighted_delta"] == pytest.approx(risk["greeks"]["total"]["delta"])
    [margin] = risk["accounts"]
    assert margin["assignment_cash"] == "64000"


async def test_nothing_of_another_client_is_shown(api: ApiWorld) -> None:
    other = api.world.b
    for path in PATHS:
        assert CODE_B not in str(await get(api, "approver_a", path))
        of_account = [{"account": other.account.id}] if path != "dashboard" else []
        for params in ({"client": other.client.id}, *of_account):
            answer = str(await get(api, "approver_a", path, **params))
            assert CODE_B not in answer
            assert "300000" not in answer
        assert CODE_A not in str(await get(api, "nobody", path))

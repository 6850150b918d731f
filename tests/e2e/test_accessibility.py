"""Nothing that axe can find stands between a person and the desk, in either theme."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.desk import Desk, Row
from tests.e2e.person import SOON_MS, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
PHONE = ViewportSize(width=390, height=844)
SCREENS = {
    "/": "Dashboard",
    "/risk": "Positions & risk",
    "/risk?view=stress": "Positions & risk",
    "/chain": "Chain",
    "/discrepancies?show=all": "Discrepancies",
    "/recommendations?show=all": "Recommendations",
    "/orders": "Orders",
    "/executions": "Executions",
    "/alerts?show=all": "Alerts",
    "/opportunities": "Opportunities",
    "/strategies": "Strategies",
    "/backtests": "Backtests",
    "/backtests?list=sweeps": "Backtests",
    "/backtests/new": "New backtest",
    "/journal": "Journal",
    "/journal?view=decisions": "Journal",
    "/administration/users": "Administration",
    "/administration/clients": "Administration",
    "/administration/gateways": "Administration",
    "/administration/limits": "Administration",
    "/account": "Your account",
    "/logs/strategy-errors": "Strategy errors",
    "/logs/broker-messages": "Broker messages",
    "/logs/audit": "Audit trail",
    "/logs/health": "Health",
}

Theme = Literal["light", "dark"]
in_both_themes = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def recommendation(desk: Desk) -> Row:
    """The youngest recommendation, whatever became of it; offered now if there is none."""
    youngest = "SELECT * FROM recommendations ORDER BY created_at DESC LIMIT 1"
    if not desk.sql(youngest):
        desk.run_strategies()
    return desk.one(youngest)


@in_both_themes
def test_the_sign_in_can_be_used_by_everyone(page: Page, theme: Theme) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto("/login")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert violations(page) == {}


@in_both_themes
@pytest.mark.parametrize("is_phone", [False, True], ids=["laptop", "phone"])
def test_the_screens_can_be_used_by_everyone(
    page: Page, desk: Desk, recommendation: Row, theme: Theme, is_phone: bool
) -> None:
    page.emulate_media(color_scheme=theme)
    if is_phone:
        page.set_viewport_size(PHONE)
    sign_in(page, desk)
    card = f"/recommendations/{recommendation['id']}"
    # A card is headed by its trade, without the price.
    trade = re.split(" at | for a ", recommendation["summary"])[0]
    headings = SCREENS | {card: trade}
    found: dict[str, dict[str, list[str]]] = {}
    for address, heading in headings.items():
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in", timeout=SOON_MS)
        page.goto(address)
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_text("Loading")).to_have_count(0)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), address
        if broken := violations(page):
            found[address] = broken
    assert found == {}


def violations(page: Page) -> dict[str, list[str]]:
    """What axe finds broken: the elements by rule."""
    page.evaluate(AXE.read_text("utf-8"))
    report = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return {
        each["id"]: [str(node["target"]) for node in each["nodes"]] for each in report["violations"]
    }

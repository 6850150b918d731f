"""Screens with nothing on them say why, and what would bring something."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.approver import Approver
from tests.desk import Desk
from tests.e2e.conftest import Browsers, new_member
from tests.e2e.person import SOON_MS, Member, walk_to

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

EMPTY = {
    "/": "Set up the desk",
    "/risk": "Nothing to show yet",
    "/risk?view=underlyings": "Nothing to show yet",
    "/risk?view=stress": "Nothing to show yet",
    "/risk?view=margin": "Nothing to show yet",
    "/risk?view=calendar": "Nothing to show yet",
    "/recommendations": "Nothing to decide",
    "/recommendations?show=working": "No recommendations in this view",
    "/recommendations?show=all": "No recommendations yet",
    "/orders": "No orders yet",
    "/executions": "No executions",
    "/alerts": "No open alerts",
    "/opportunities": "Nothing has been found yet",
    "/strategies": "No strategy is set to work",
    "/backtests": "No backtest has been run",
    "/backtests?list=sweeps": "No sweep has been run",
    "/backtests/compare": "Nothing to compare",
    "/backtests/new": "You may look at backtests, not start them",
    "/discrepancies": "The books agree",
    "/journal": "Nothing in the journal",
    "/journal?view=cycles": "Nothing in the journal",
    "/journal?view=decisions": "Nobody has decided anything yet",
    "/logs/strategy-errors": "No run had an error",
    "/logs/broker-messages": "The broker said nothing",
}
"""What each screen says to somebody whose client has no account yet."""


@pytest.fixture(scope="module")
def newcomer(desk: Desk, approver: Approver, new_client: str) -> Member:
    """A viewer of a client that has nothing yet."""
    return new_member(desk, approver, "Nora Newcomer", new_client, "VIEWER")


def test_every_screen_without_anything_on_it_says_why(newcomer: Member, browsers: Browsers) -> None:
    page = browsers.open(newcomer)
    page.goto("/account")
    for address, words in EMPTY.items():
        walk_to(page, address)
        said = page.get_by_role("main").get_by_role("heading", name=words)
        expect(said).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_text("Loading…")).to_have_count(0)
        expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)


def test_somebody_without_a_role_is_told_whom_to_ask(
    desk: Desk, approver: Approver, new_client: str, browsers: Browsers
) -> None:
    member = new_member(desk, approver, "Otto Outsider", new_client, "VIEWER")
    held = desk.one(
        "SELECT m.id, m.user_id FROM memberships m JOIN users u ON u.id = m.user_id"
        " WHERE u.email = %s",
        member.email,
    )
    revoked = approver.browser.delete(f"/api/users/{held['user_id']}/roles/{held['id']}/")
    assert revoked.status_code == 204, revoked.text
    page = browsers.open(member)
    page.goto("/")
    expect(page.get_by_text("Ask an administrator of this desk")).to_be_visible(timeout=SOON_MS)

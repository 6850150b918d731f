"""Between decisions: settings are changed, a lost line is told and caught up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.desk import Desk, Row
from tests.e2e.person import SOON_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.xdist_group("desk")]


@pytest.fixture
def instance(desk: Desk) -> Iterator[Row]:
    """The demo's strategy, its settings put back afterwards."""
    row = desk.one("SELECT id, name, config FROM strategy_instances WHERE enabled")
    yield row
    desk.configure_wheel(**row["config"])


def test_settings_are_changed_after_a_look_at_what_changes(
    person: Person, desk: Desk, instance: Row
) -> None:
    page = person.page
    person.go_to("Strategies")
    page.get_by_role("link", name=instance["name"]).first.click()
    minutes = page.get_by_label("Time to decide")
    before = minutes.input_value(timeout=SOON_MS)
    after = str(int(before) + 7)
    minutes.fill(after)
    page.get_by_role("button", name="Review and save…").click()
    review = page.get_by_role("dialog", name="Save these settings?")
    change = review.get_by_role("row").filter(has_text="Time to decide")
    expect(change.locator("del")).to_contain_text(before)
    expect(change.locator("ins")).to_contain_text(after)
    review.get_by_role("button", name="Save settings").click()
    expect(review).to_be_hidden(timeout=SOON_MS)
    kept = "SELECT config FROM strategy_instances WHERE id = %s"
    assert desk.one(kept, instance["id"])["config"]["decision_minutes"] == int(after)


def test_a_lost_line_is_told_and_what_was_missed_is_caught_up(person: Person, desk: Desk) -> None:
    page = person.page
    header = page.get_by_role("banner")
    expect(header.get_by_text("Trading ACTIVE")).to_be_visible(timeout=SOON_MS)
    page.evaluate("window.isTheSameDocument = true")
    stream = "**/api/stream/"
    # An answer without an event stream: the browser takes it for the end of the line.
    page.route(stream, lambda route: route.fulfill(status=204))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    banner = page.get_by_text("Live updates stopped at")
    expect(banner).to_be_visible(timeout=SOON_MS)
    try:
        desk.set_trading_state("REDUCING")
        expect(header.get_by_text("Trading ACTIVE")).to_be_visible()
        page.unroute(stream)
        page.get_by_role("button", name="Reconnect now").click()
        expect(banner).to_be_hidden(timeout=SOON_MS)
        expect(header.get_by_text("Trading REDUCING")).to_be_visible(timeout=SOON_MS)
    finally:
        desk.set_trading_state("ACTIVE")
    expect(header.get_by_text("Trading ACTIVE")).to_be_visible(timeout=SOON_MS)
    assert page.evaluate("window.isTheSameDocument"), "the page was loaded anew"

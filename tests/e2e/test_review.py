"""Between decisions: settings are tried and changed, a lost line is told and caught up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.desk import Desk, Row
from tests.e2e.axe import violations
from tests.e2e.conftest import Browsers
from tests.e2e.person import SOON_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

RUN_MS = 60_000


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


def test_settings_out_of_bounds_are_refused_by_the_form_and_impossible_ones_by_the_desk(
    person: Person, browsers: Browsers, desk: Desk, instance: Row
) -> None:
    page = person.page
    page.goto(f"/strategies/{instance['id']}")
    minutes, lowest = page.get_by_label("Time to decide"), page.get_by_label("Lowest delta")
    review = page.get_by_role("button", name="Review and save…")
    before = minutes.input_value(timeout=SOON_MS)
    minutes.fill("0")
    expect(page.get_by_text("Correct one setting first.")).to_be_visible()
    expect(review).to_be_disabled()
    minutes.fill(before)
    lowest.fill("0.9")
    review.click()

    browsers.expect_complaint("status of 422")
    dialog = page.get_by_role("dialog", name="Save these settings?")
    dialog.get_by_role("button", name="Save settings").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must not be below 0.9", timeout=SOON_MS)
    dialog.get_by_role("button", name="Go back").click()
    highest = page.get_by_label("Highest delta", exact=True)
    expect(highest).to_have_attribute("aria-invalid", "true")
    expect(
        page.get_by_text("must not be below 0.9, the lower end of its band", exact=True)
    ).to_be_visible()
    kept = "SELECT config FROM strategy_instances WHERE id = %s"
    assert desk.one(kept, instance["id"])["config"] == instance["config"]


def test_a_dry_run_says_what_it_would_find_and_offers_nothing(
    person: Person, desk: Desk, instance: Row
) -> None:
    desk.wait_until_trading()
    desk.look_at("AAPL")
    offers = "SELECT count(*) FROM recommendations"
    before = desk.one(offers)
    page = person.page
    page.goto(f"/strategies/{instance['id']}")
    page.get_by_role("button", name="Dry run").click(timeout=SOON_MS)
    found = page.get_by_role("heading", name="It would recommend one trade")
    expect(found).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("listitem").filter(has_text="Sell")).to_contain_text("AAPL")
    assert violations(page) == {}
    assert desk.one(offers) == before


def test_a_lost_line_is_told_and_what_was_missed_is_caught_up(person: Person, desk: Desk) -> None:
    page = person.page
    header = page.get_by_role("banner")
    expect(header.get_by_text("Trading ACTIVE")).to_be_visible(timeout=SOON_MS)
    person.stays_on_this_document()
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
    assert person.is_still_on_it(), "the page was loaded anew"


def test_columns_put_away_stay_away_after_a_reload_and_come_back(person: Person) -> None:
    page = person.page
    page.goto("/strategies")
    table = page.get_by_role("table", name="Strategies")
    universe = table.get_by_role("columnheader", name="Universe")
    expect(universe).to_be_visible(timeout=SOON_MS)
    choice = page.get_by_role("group", name="Columns shown")
    page.get_by_role("button", name="Columns").click()
    choice.get_by_label("Universe").uncheck()
    expect(universe).to_have_count(0)

    page.reload()
    expect(table.get_by_role("columnheader", name="Last run")).to_be_visible(timeout=SOON_MS)
    expect(universe).to_have_count(0)
    # The choice is this table's alone.
    page.goto("/opportunities")
    page.goto("/strategies")
    page.get_by_role("button", name="Columns").click(timeout=SOON_MS)
    expect(choice.get_by_label("Universe")).not_to_be_checked()
    choice.get_by_label("Universe").check()
    expect(universe).to_be_visible()

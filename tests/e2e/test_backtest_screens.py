"""A backtest from the form to its report, on the desk's own workers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.chain_files import write_chains
from tests.desk import Desk
from tests.e2e.axe import violations
from tests.e2e.person import SOON_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]
NAME = "autumn puts"
DONE_MS = 60_000.0


def test_a_backtest_is_started_from_the_form_followed_and_read(person: Person, desk: Desk) -> None:
    page = person.page
    history = desk.home.root / "history"
    history.mkdir(exist_ok=True)
    write_chains(history / "abc.csv")

    person.go_to("Backtests")
    page.get_by_role("button", name="New backtest").first.click()
    page.get_by_role("button", name="Start the backtest").click()
    expect(page.get_by_text("Choose what it runs on.")).to_be_visible(timeout=SOON_MS)
    chains = page.get_by_role("combobox", name="Recorded chains")
    chains.fill("abc")
    page.get_by_role("option", name="abc.csv").click()
    page.keyboard.press("Escape")
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_role("button", name="Start the backtest").click()

    expect(page.get_by_role("heading", name=NAME, level=1)).to_be_visible(timeout=SOON_MS)
    person.stays_on_this_document()
    expect(page.get_by_text("COMPLETED", exact=True)).to_be_visible(timeout=DONE_MS)
    expect(page.get_by_role("region", name="Equity")).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("region", name="Month by month")).to_contain_text("2024")
    assert violations(page) == {}
    page.get_by_text("Report", exact=True).click()
    report = page.frame_locator("iframe").get_by_role("heading", level=1)
    expect(report).to_contain_text(NAME, timeout=SOON_MS)
    assert person.is_still_on_it(), "the page was loaded anew"

    person.go_to("Backtests")
    expect(person.row(NAME)).to_contain_text("COMPLETED", timeout=SOON_MS)

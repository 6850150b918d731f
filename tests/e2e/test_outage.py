"""The desk is gone for a while: every screen says so, and catches up by itself."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from api.web import WEB_DIST
from tests.desk import Desk
from tests.e2e.conftest import Browsers
from tests.e2e.every_screen import SCREENS
from tests.e2e.person import SOON_MS, STOP, Member, Person, walk_to

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

BACK_MS = 30_000
PATIENCE_MS = 20_500
"""Somewhat longer than the app waits for a read."""
ORDERS_ARE_READ = "**/api/orders/?*"
PROFILES, TABS = 2, 4
"""A browser keeps six connections to one host, and each tab's live line takes one."""
QUIET_PLACE = "/backtests/compare"
"""A screen that reads nothing but what the frame needs."""
NOBODY = uuid4()
ONE_THING = [
    f"/recommendations/{NOBODY}",
    f"/orders/{NOBODY}",
    f"/strategies/{NOBODY}",
    f"/backtests/{NOBODY}",
    f"/backtests/sweeps/{NOBODY}",
]
UNREACHABLE = "The desk cannot be reached"
STOP_ELSEWHERE = "greenlight halt"
KILL_SWITCH_IS_FETCHED = """
() => performance.getEntriesByType('resource').some(each => each.name.includes('/StoppingDialog-'))
"""
FETCH_ALL = "paths => Promise.all(paths.map(path => fetch(path).then(answer => answer.blob())))"


@pytest.mark.faults
def test_every_screen_says_that_the_desk_cannot_be_reached_and_what_to_do(
    browsers: Browsers, first_user: Member, desk: Desk
) -> None:
    browsers.expect_complaint("net::ERR_")
    pages = [page for _ in range(PROFILES) for page in _tabs(browsers.open(first_user))]
    addresses = [*SCREENS, *ONE_THING]
    silent: dict[str, str] = {}
    with desk.without("api"):
        for number in range(0, len(addresses), len(pages)):
            shown = list(zip(addresses[number:], pages, strict=False))
            for address, page in shown:
                walk_to(page, address)
            silent |= {address: _words(page) for address, page in shown if not _tells(page)}
        expect(pages[0].get_by_text("Live updates stopped at")).to_be_visible(timeout=SOON_MS)
    desk.wait_until_serving()
    assert silent == {}


def _words(page: Page) -> str:
    return page.get_by_role("main").inner_text()


def _tabs(first: Page) -> list[Page]:
    """Tabs of somebody whose browser has kept the code of every screen since an earlier visit."""
    pages = [first, *(first.context.new_page() for _ in range(TABS - 1))]
    for page in pages:
        page.goto(QUIET_PLACE)
    for page in pages:
        expect(page.get_by_text("Nothing to compare")).to_be_visible(timeout=SOON_MS)
    first.evaluate(FETCH_ALL, [f"/assets/{each.name}" for each in (WEB_DIST / "assets").iterdir()])
    return pages


def _tells(page: Page) -> bool:
    """In plain words, with the next step, and without going on as if it still loaded."""
    problem = page.get_by_role("main").get_by_role("alert").first
    try:
        expect(problem).to_contain_text(UNREACHABLE, timeout=SOON_MS)
        expect(problem).to_contain_text("Check the network, then try again.")
        expect(problem.get_by_role("button", name="Try again")).to_be_visible()
        expect(page.get_by_text("Loading…")).to_have_count(0)
    except AssertionError:
        return False
    return True


def test_a_screen_that_gets_no_answer_says_so_in_time_and_reads_when_it_is_asked_to(
    person: Person,
) -> None:
    page = person.page
    page.clock.install()
    page.route(ORDERS_ARE_READ, lambda _: None)
    person.go_to("Orders")
    loading = page.get_by_role("main").get_by_text("Loading…")
    expect(loading).to_have_count(1)
    page.clock.fast_forward(PATIENCE_MS)
    problem = page.get_by_role("main").get_by_role("alert")
    expect(problem).to_contain_text("The desk does not answer", timeout=SOON_MS)
    expect(loading).to_have_count(0)
    page.unroute(ORDERS_ARE_READ)
    problem.get_by_role("button", name="Try again").click()
    expect(problem).to_have_count(0, timeout=SOON_MS)
    rows = page.get_by_role("row").or_(page.get_by_text("No orders yet"))
    expect(rows.first).to_be_visible()


def test_a_desk_that_comes_back_is_found_and_what_was_missed_is_caught_up(
    person: Person, browsers: Browsers, desk: Desk
) -> None:
    """A screen that was never open says meanwhile why it cannot be shown, and the kill switch how
    trading is stopped without it."""
    for expected in ("net::ERR_", "Unable to preload", "dynamically imported", "NO_SCREEN"):
        browsers.expect_complaint(expected)
    page, other = person.page, Person(person.page.context.new_page())
    header = page.get_by_role("banner")
    other.page.goto(QUIET_PLACE)
    problem = other.page.get_by_role("main").get_by_role("alert")
    again = problem.get_by_role("button", name="Try again")
    expect(other.page.get_by_text("Trading ACTIVE").first).to_be_visible(timeout=SOON_MS)
    other.page.wait_for_function(KILL_SWITCH_IS_FETCHED, timeout=SOON_MS)
    # Fresh, so that what a page fetches after its first screen is still to come.
    page.reload()
    expect(header.get_by_text("Trading ACTIVE")).to_be_visible(timeout=SOON_MS)
    person.stays_on_this_document()
    other.stays_on_this_document()
    lost = page.get_by_text("Live updates stopped at")
    try:
        with desk.without("api"):
            walk_to(other.page, "/journal")
            expect(problem).to_contain_text(UNREACHABLE, timeout=SOON_MS)
            again.click()
            expect(lost).to_be_visible(timeout=SOON_MS)
            desk.set_trading_state("REDUCING")
            expect(header.get_by_text("Trading ACTIVE")).to_be_visible()
            expect(again).to_be_enabled(timeout=SOON_MS)
            assert other.is_still_on_it(), "the browser's own words instead of ours"
            _reach_for_the_kill_switch(other.page)
            trading = other.page.get_by_role("dialog", name="Trading")
            expect(trading.get_by_role("alert")).to_contain_text(UNREACHABLE, timeout=SOON_MS)
            expect(trading.get_by_text(STOP_ELSEWHERE)).to_be_visible()
            other.page.keyboard.press("Escape")
            _reach_for_the_kill_switch(page)  # Here its code may be still to come.
            expect(page.get_by_text(STOP_ELSEWHERE)).to_be_visible(timeout=SOON_MS)
        expect(lost).to_be_hidden(timeout=BACK_MS)
        expect(header.get_by_text("Trading REDUCING")).to_be_visible(timeout=SOON_MS)
    finally:
        desk.set_trading_state("ACTIVE")
    expect(header.get_by_text("Trading ACTIVE")).to_be_visible(timeout=SOON_MS)
    assert person.is_still_on_it(), "the page was loaded anew"
    again.click()
    journal = other.page.get_by_role("heading", name="Journal", level=1)
    expect(journal).to_be_visible(timeout=SOON_MS)


def _reach_for_the_kill_switch(page: Page) -> None:
    page.get_by_role("button", name=STOP).locator("visible=true").click()

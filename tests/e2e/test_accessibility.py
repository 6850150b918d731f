"""Nothing that axe can find stands between a person and the desk, in either theme."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.approver import Approver
from tests.desk import Desk, wait_until
from tests.e2e.axe import DIALOG, Violations, violations
from tests.e2e.conftest import PHONE, Browsers
from tests.e2e.every_screen import SCREENS
from tests.e2e.offering import Offering
from tests.e2e.person import SOON_MS, STOP, Member, Offer, walk_to

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.integration,
    pytest.mark.desk,
    pytest.mark.timeout(600),  # Many screens in one test: a busy machine takes minutes.
]

ASKS = re.compile("…|^New |^Add ")
"""Words of the buttons that open a dialog."""
NO_DIALOG = re.compile("^New backtest")
OPEN_ALERT = """
INSERT INTO alerts (code, severity, state, subject, title, detail, context, raised_at)
VALUES ('ACCESSIBILITY', 'WARNING', 'OPEN', 'accessibility', 'Somebody should look',
    'Put here to be acknowledged.', '{}', now())
"""
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
ZOOMED = ViewportSize(width=640, height=400)
"""A window of 1280 × 800 at twice the size."""


@pytest.fixture(scope="module")
def working(offering: Offering, desk: Desk, approver: Approver) -> Iterator[Offer]:
    """An approved offer whose order waits at the broker until nobody looks any more."""
    offer = offering.make()
    answer = approver.approve(offer.id, limit_price=str(offer.resting_price))
    assert answer.status_code == 200, answer.text
    wait_until(lambda: _states(desk, offer)[-1:] == ["WORKING"], what="the order works")
    yield offer
    # Whoever presses the kill switch next finds what is theirs alone.
    approver.withdraw(str(desk.orders(offer.id)[-1]["id"]))
    wait_until(lambda: _states(desk, offer)[-1] == "CANCELLED", what="the order is cancelled")


def _states(desk: Desk, offer: Offer) -> list[str]:
    return [each["state"] for each in desk.orders(offer.id)]


@pytest.fixture
def alert(desk: Desk) -> Iterator[None]:
    desk.sql(OPEN_ALERT)
    yield
    desk.sql("DELETE FROM alerts WHERE code = 'ACCESSIBILITY'")


@pytest.fixture
def screens(desk: Desk, offer: Offer, working: Offer, alert: None) -> dict[str, str]:
    """Every screen with something on it: its heading by its address."""
    order = desk.orders(working.id)[-1]
    strategy = desk.one("SELECT id, name FROM strategy_instances WHERE name LIKE 'Wheel%%'")
    return SCREENS | {
        # Cards are headed by the trade.
        offer.address: offer.trade,
        working.address: working.trade,
        f"/orders/{order['id']}": working.trade,
        f"/strategies/{strategy['id']}": strategy["name"],
    }


def test_the_sign_in_can_be_used_by_everyone(page: Page) -> None:
    page.goto("/login")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert violations(page) == {}


def test_the_screens_and_their_dialogs_can_be_used_by_everyone(
    screens: dict[str, str], browsers: Browsers, first_user: Member
) -> None:
    page = browsers.open(first_user)
    found: dict[str, Violations] = {}
    for address in _walk(page, screens):
        if broken := violations(page):
            found[address] = broken
        for what in _ask_everything(page, address):
            if broken := violations(page, DIALOG):
                found[f"{address}, {what}"] = broken
    assert found == {}


def test_the_screens_can_be_used_by_everyone_in_the_hand_and_at_twice_the_size(
    screens: dict[str, str], browsers: Browsers, first_user: Member
) -> None:
    page = browsers.open(first_user)
    found: dict[str, Violations] = {}
    zoomed_out: list[str] = []
    page.set_viewport_size(PHONE)
    for address in _walk(page, screens):
        if broken := violations(page):
            found[address] = broken
        page.set_viewport_size(ZOOMED)
        if not page.evaluate(FITS):
            zoomed_out.append(address)
        page.set_viewport_size(PHONE)
    assert (found, zoomed_out) == ({}, [])


def test_what_is_opened_from_the_frame_can_be_used_by_everyone(
    working: Offer, browsers: Browsers, first_user: Member
) -> None:
    page = browsers.open(first_user)
    page.goto("/orders")
    expect(page.get_by_role("link", name=working.contract).first).to_be_visible(timeout=SOON_MS)
    found: dict[str, Violations] = {}
    page.keyboard.press("ControlOrMeta+k")
    expect(page.get_by_role("textbox", name="Where to go")).to_be_focused(timeout=SOON_MS)
    found["palette"] = violations(page, DIALOG)
    page.keyboard.press("Escape")
    for menu in ("Columns", "Account of First user"):
        button = page.get_by_role("button", name=menu)
        with _closed_again(page, button):
            found[menu] = violations(page, ":popover-open")
    with _closed_again(page, page.get_by_role("button", name=STOP)):
        further = page.get_by_role("dialog").get_by_role("button", name="Kill switch…")
        expect(further).to_be_visible(timeout=SOON_MS)
        found["trading"] = violations(page, DIALOG)
        further.click()
        expect(page.get_by_role("dialog").get_by_text(working.contract)).to_be_visible()
        found["kill switch"] = violations(page, DIALOG)
    page.set_viewport_size(PHONE)
    with _closed_again(page, page.get_by_role("button", name="Open the navigation")):
        found["rail"] = violations(page)
    assert {what: each for what, each in found.items() if each} == {}


def test_the_focus_skips_the_frame_and_arrives_at_the_heading_of_the_next_screen(
    browsers: Browsers, first_user: Member
) -> None:
    page = browsers.open(first_user)
    page.goto("/orders")
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible(timeout=SOON_MS)
    expect(page).to_have_title("Orders · Greenlight")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.get_by_role("navigation").get_by_role("link", name="Executions").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Executions", level=1)).to_be_focused(timeout=SOON_MS)
    expect(page).to_have_title("Executions · Greenlight")


def _walk(page: Page, screens: dict[str, str]) -> Iterator[str]:
    """Each screen in turn, when it is all there."""
    page.goto("/account")
    for address, heading in screens.items():
        walk_to(page, address)
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_text("Loading")).to_have_count(0)
        page.wait_for_function(FITS)
        yield address


def _ask_everything(page: Page, address: str) -> Iterator[str]:
    """The dialogs that a screen opens, one at a time; each hands the focus back."""
    main = page.get_by_role("main")
    if address == "/recommendations":
        main.get_by_role("checkbox").first.check()
    if address.startswith("/strategies/"):
        main.get_by_label("Time to decide").fill("77")
    if address.endswith("/limits"):
        main.get_by_role("textbox").first.fill("7")
    buttons = main.locator("button:enabled", has_text=ASKS).filter(has_not_text=NO_DIALOG)
    for words in dict.fromkeys(buttons.all_inner_texts()):
        button = buttons.filter(has_text=words).first
        with _closed_again(page, button):
            expect(page.get_by_role("dialog")).to_have_count(1, timeout=SOON_MS)
            expect(page.get_by_text("Loading")).to_have_count(0)
            yield words


@contextmanager
def _closed_again(page: Page, button: Locator) -> Iterator[None]:
    """What the button opens is open meanwhile; then Escape leads back to the button."""
    button.click()
    yield
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()

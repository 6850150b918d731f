"""The desk in a hand: what must be possible away from a laptop, without scrolling sideways."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.desk import Desk
from tests.e2e.conftest import PHONE
from tests.e2e.person import SOON_MS, Offer, Person, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_a_person_signs_in_decides_sees_the_order_cancels_it_and_could_stop_trading(
    offer: Offer, page: Page, desk: Desk
) -> None:
    person = Person(page)
    page.set_viewport_size(PHONE)
    sign_in(page, desk, at="/recommendations")
    expect(page.get_by_role("link", name=offer.contract)).to_be_visible(timeout=SOON_MS)
    assert fits(page), "the queue"
    person.open(offer)
    assert fits(page), "the card"
    person.approve_resting(offer)

    attempt = page.get_by_role("article")
    expect(attempt.get_by_text("WORKING", exact=True)).to_be_visible(timeout=SOON_MS)
    assert fits(page), "the card with its order"
    page.get_by_role("button", name="Stop or resume trading, kill switch").click()
    trading = page.get_by_role("dialog", name="Trading")
    trading.get_by_role("button", name="Kill switch…").click(timeout=SOON_MS)
    second = page.get_by_role("dialog", name="Press the kill switch?")
    expect(second.get_by_text(offer.contract)).to_be_visible(timeout=SOON_MS)
    assert fits(page), "the kill switch"
    page.keyboard.press("Escape")
    expect(second).to_have_count(0)

    attempt.get_by_role("button", name="Cancel order…").click()
    cancel = page.get_by_role("dialog", name="Cancel this order?")
    cancel.get_by_role("button", name="Confirm cancel").click()
    expect(attempt.get_by_text("CANCELLED", exact=True)).to_be_visible(timeout=SOON_MS)
    page.goto("/orders")
    expect(page.get_by_role("main").get_by_text(offer.contract).first).to_be_visible(
        timeout=SOON_MS
    )
    assert fits(page), "the orders"

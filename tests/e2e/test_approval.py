"""A person decides: signs in, reads, approves or rejects, and sees what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.desk import Desk, Row
from tests.e2e.person import SOON_MS, Offer, Person, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.xdist_group("desk")]

APPROVED, REJECTED = "IWM", "AAPL"
"""IWM fills soonest, for its price walks by the cent, and no other test buys or sells it."""
FILL_MS = 120_000
"""At the mid an order waits about 20 s; after 60 s its price is walked."""
REASON = "Earnings are too close."


@pytest.fixture(scope="module")
def offers(desk: Desk) -> Iterator[dict[str, Offer]]:
    """One recommendation to approve and one to reject, by symbol."""
    before = desk.one("SELECT config FROM strategy_instances WHERE enabled")["config"]
    offered = desk.propose(APPROVED, REJECTED)
    yield {symbol: Offer.read(desk, identity) for symbol, identity in offered.items()}
    desk.configure_wheel(**before)


def test_a_wrong_password_is_refused_in_plain_words(page: Page, desk: Desk) -> None:
    sign_in(page, desk, password="not the password")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("E-mail or password is wrong", timeout=SOON_MS)
    expect(problem).to_contain_text("Check both and try again.")
    expect(page.get_by_label("E-mail", exact=True)).to_have_value(desk.email)
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()


def test_a_link_to_a_card_leads_there_through_the_sign_in(
    offers: dict[str, Offer], page: Page, desk: Desk
) -> None:
    offer = offers[APPROVED]
    sign_in(page, desk, at=f"/recommendations/{offer.id}")
    card = page.get_by_role("heading", level=1)
    expect(card).to_contain_text(offer.contract, timeout=SOON_MS)


def test_a_rejection_by_keyboard_alone_needs_a_reason_and_sends_nothing(
    offers: dict[str, Offer], person: Person, desk: Desk
) -> None:
    offer, page = offers[REJECTED], person.page
    link = page.get_by_role("link", name=offer.contract)
    expect(link).to_be_visible(timeout=SOON_MS)
    person.press_until_focused("j", link)

    page.keyboard.press("a")
    approval = page.get_by_role("dialog", name="Approve this trade?")
    expect(approval.get_by_text(offer.consequence)).to_be_visible(timeout=SOON_MS)
    page.keyboard.press("Escape")
    expect(approval).to_be_hidden()

    person.press_until_focused("Tab", page.get_by_role("button", name="Reject…"), times=40)
    page.keyboard.press("Enter")
    rejection = page.get_by_role("dialog", name="Reject this recommendation?")
    confirm = rejection.get_by_role("button", name="Confirm rejection")
    expect(confirm).to_be_disabled()
    person.press_until_focused("Tab", rejection.get_by_label("Reason"))
    page.keyboard.type(REASON)
    person.press_until_focused("Tab", confirm)
    page.keyboard.press("Enter")

    expect(rejection).to_be_hidden()
    expect(page.get_by_text("REJECTED", exact=True).first).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("region", name="Decision").get_by_text(REASON)).to_be_visible()
    expect(page.get_by_role("button", name="Approve…")).to_be_hidden()
    assert desk.recommendation(offer.id)["state"] == "REJECTED"
    assert desk.orders(offer.id) == []


def test_an_approval_is_seen_live_to_the_fill_and_found_under_orders_and_executions(
    offers: dict[str, Offer], person: Person, desk: Desk
) -> None:
    offer, page = offers[APPROVED], person.page
    person.open(offer)
    page.evaluate("window.isTheSameDocument = true")

    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog", name="Approve this trade?")
    expect(dialog.get_by_text(offer.consequence)).to_be_visible()
    expect(dialog.get_by_text(offer.assignment)).to_be_visible()
    dialog.get_by_role("button", name="Confirm approval").click()

    expect(dialog).to_be_hidden()
    attempts = page.get_by_role("article")
    filled = attempts.filter(has=page.get_by_text("FILLED", exact=True))
    expect(filled).to_have_count(1, timeout=FILL_MS)
    expect(page.get_by_text("COMPLETED", exact=True)).to_be_visible(timeout=SOON_MS)
    fills = _fills(desk, offer)
    assert sum(fill["quantity"] for fill in fills) == offer.quantity
    for fill in fills:
        row = filled.get_by_role("row").filter(has_text=f"{fill['price']:.2f}")
        expect(row.first).to_contain_text(f"{fill['commission']:.2f} USD", timeout=SOON_MS)
    assert page.evaluate("window.isTheSameDocument"), "the page was loaded anew"

    _expect_in_the_lists(person, offer, fills)


def _expect_in_the_lists(person: Person, offer: Offer, fills: list[Row]) -> None:
    """The order and its executions are listed, and lead to each other and back to the card."""
    page = person.page
    person.go_to("Orders")
    expect(person.row(offer.contract).filter(has_text="FILLED")).to_be_visible(timeout=SOON_MS)

    person.go_to("Executions")
    for fill in fills:
        row = person.row(offer.contract).filter(has_text=f"{fill['price']:.2f}").first
        expect(row).to_contain_text(f"{fill['commission']:.2f}", timeout=SOON_MS)
    page.get_by_role("link", name=offer.contract).first.click()
    order = page.get_by_role("main")
    expect(order.get_by_text("FILLED", exact=True)).to_be_visible(timeout=SOON_MS)
    order.get_by_role("link", name="Recommendation", exact=True).click()
    decision = page.get_by_role("region", name="Decision")
    expect(decision.get_by_text(offer.consequence)).to_be_visible(timeout=SOON_MS)


def _fills(desk: Desk, offer: Offer) -> list[Row]:
    return desk.sql(
        "SELECT e.quantity, e.price, e.commission FROM executions e"
        " JOIN orders o ON o.id = e.order_id"
        " WHERE o.recommendation_id = %s AND NOT e.superseded",
        offer.id,
    )

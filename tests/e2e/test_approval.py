"""A person decides: signs in, reads, approves or rejects, and sees what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.approver import Approver
from tests.desk import Desk, Row, wait_until
from tests.e2e.person import SOON_MS, Offer, Person, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

TRADED = "IWM"
"""It fills soonest, for its price walks by the cent, and no other test buys or sells it."""
STRATEGY = "Wheel on large caps"
RUN_MS = 60_000
FILL_MS = 120_000
"""At the mid an order waits about 7 s; after 30 s its price is walked."""
ON_SCREEN_WITHIN_SECONDS = 1.0
REASON = "Earnings are too close."
THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
NOTE_WHEN_FILLED = """
() => {
  const look = () => {
    const articles = [...document.querySelectorAll('article')];
    if (articles.some(each => each.textContent.includes('FILLED'))) {
      window.filledAt ??= Date.now();
    }
  };
  new MutationObserver(look).observe(document.body, {
    childList: true, subtree: true, characterData: true,
  });
}
"""


@pytest.mark.usefixtures("in_doubt")  # The proof that it is absent takes a minute: it begins here.
def test_a_wrong_password_is_refused_in_plain_words(page: Page, desk: Desk) -> None:
    sign_in(page, desk, password="not the password")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("E-mail or password is wrong", timeout=SOON_MS)
    expect(problem).to_contain_text("Check both and try again.")
    expect(page.get_by_label("E-mail", exact=True)).to_have_value(desk.email)
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()


def test_a_link_to_a_card_leads_there_through_the_sign_in(
    offer: Offer, page: Page, desk: Desk
) -> None:
    sign_in(page, desk, at=offer.address)
    card = page.get_by_role("heading", level=1)
    expect(card).to_contain_text(offer.contract, timeout=SOON_MS)


def test_a_person_without_a_mouse_signs_in_approves_and_cancels(
    offer: Offer, page: Page, desk: Desk
) -> None:
    person, keyboard = Person(page), page.keyboard
    page.goto("/recommendations")
    email = page.get_by_label("E-mail", exact=True)
    expect(email).to_be_visible(timeout=SOON_MS)
    person.press_until_focused("Tab", email)
    keyboard.type(desk.email)
    person.press_until_focused("Tab", page.get_by_label("Password", exact=True))
    keyboard.type(desk.password)
    keyboard.press("Enter")

    link = page.get_by_role("link", name=offer.contract)
    expect(link).to_be_visible(timeout=SOON_MS)
    person.press_until_focused("j", link)
    keyboard.press("a")
    approval = page.get_by_role("dialog", name="Approve this trade?")
    expect(approval.get_by_text(offer.consequence)).to_be_visible(timeout=SOON_MS)
    person.press_until_focused("Tab", approval.get_by_label("Limit per share"))
    keyboard.press("ControlOrMeta+a")
    keyboard.type(str(offer.resting_price))
    expect(approval.get_by_text(offer.consequence_resting)).to_be_visible()
    confirm = approval.get_by_role("button", name="Confirm approval")
    person.press_until_focused("Tab", confirm)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        expect(confirm).to_have_css("outline-style", "solid")
    keyboard.press("Enter")
    expect(approval).to_be_hidden(timeout=SOON_MS)
    # The button that opened it is gone with the decision.
    expect(page.locator(":focus")).to_contain_text("Approved by", timeout=SOON_MS)

    attempt = page.get_by_role("article")
    expect(attempt.get_by_text("WORKING", exact=True)).to_be_visible(timeout=SOON_MS)
    person.press_until_focused("Tab", attempt.get_by_role("button", name="Cancel order…"), times=60)
    keyboard.press("Enter")
    cancel = page.get_by_role("dialog", name="Cancel this order?")
    person.press_until_focused("Tab", cancel.get_by_role("button", name="Confirm cancel"))
    keyboard.press("Escape")
    expect(attempt.get_by_role("button", name="Cancel order…")).to_be_focused()
    keyboard.press("Enter")
    person.press_until_focused("Tab", cancel.get_by_role("button", name="Confirm cancel"))
    keyboard.press("Enter")
    expect(attempt.get_by_text("CANCELLED", exact=True)).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_text("LAPSED", exact=True).first).to_be_visible(timeout=SOON_MS)


def test_a_rejection_by_keyboard_alone_needs_a_reason_and_sends_nothing(
    offer: Offer, person: Person, desk: Desk
) -> None:
    page = person.page
    link = page.get_by_role("link", name=offer.contract)
    expect(link).to_be_visible(timeout=SOON_MS)
    person.press_until_focused("j", link)
    page.keyboard.press("Enter")
    person.sees_what_it_means(offer)
    page.keyboard.press("r")
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


@pytest.fixture
def short_look(desk: Desk) -> Iterator[None]:
    """The strategy looks for one put on one name, which makes a run short."""
    desk.wait_until_trading()
    before = desk.one("SELECT config FROM strategy_instances WHERE enabled")["config"]
    desk.look_at(TRADED)
    # The desk's own first look was ended from outside, and cannot say so itself.
    desk.sql("UPDATE strategy_runs SET status = 'CANCELLED' WHERE status = 'RUNNING'")
    yield
    desk.configure_wheel(**before)


def test_from_a_run_to_the_fill_on_screen_within_a_second_and_found_in_every_list(
    short_look: None, person: Person, desk: Desk, approver: Approver
) -> None:
    page = person.page
    person.go_to("Strategies")
    page.get_by_role("button", name=f"Run now: {STRATEGY}").click()
    offered = wait_until(lambda: desk.offered(TRADED), RUN_MS / 1000, "the run offers a trade")
    offer = Offer.read(approver, offered[TRADED])
    person.go_to("Opportunities")
    found = person.row(offer.contract).filter(has_text="PROPOSED")
    found.get_by_role("link", name=offer.contract).click(timeout=SOON_MS)
    person.sees_what_it_means(offer)

    person.stays_on_this_document()
    page.evaluate(NOTE_WHEN_FILLED)
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog", name="Approve this trade?")
    expect(dialog.get_by_text(offer.consequence)).to_be_visible()
    expect(dialog.get_by_text(offer.assignment)).to_be_visible()
    dialog.get_by_role("button", name="Confirm approval").click()

    expect(dialog).to_be_hidden()
    attempts = page.get_by_role("article")
    filled = attempts.filter(has=page.get_by_text("FILLED", exact=True))
    expect(filled).to_have_count(1, timeout=FILL_MS)
    expect(page.get_by_text("COMPLETED", exact=True).first).to_be_visible(timeout=SOON_MS)
    fills = _fills(desk, offer)
    assert sum(fill["quantity"] for fill in fills) == offer.quantity
    for fill in fills:
        row = filled.get_by_role("row").filter(has_text=f"{fill['price']:.2f}")
        expect(row.first).to_contain_text(f"{fill['commission']:.2f} USD", timeout=SOON_MS)
    assert _seconds_to_the_screen(desk, offer, page) <= ON_SCREEN_WITHIN_SECONDS
    assert person.is_still_on_it(), "the page was loaded anew"

    _expect_in_the_lists(person, offer, fills)


def _seconds_to_the_screen(desk: Desk, offer: Offer, page: Page) -> float:
    """From the record of the last fill, made just before its commit, to the word on the page."""
    recorded = desk.one(
        "SELECT extract(epoch FROM max(e.created_at)) AS at FROM order_events e"
        " JOIN orders o ON o.id = e.order_id"
        " WHERE o.recommendation_id = %s AND e.state_after = 'FILLED'"
        " AND e.state_before IS DISTINCT FROM e.state_after",
        offer.id,
    )
    return page.evaluate("window.filledAt") / 1000 - float(recorded["at"])


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

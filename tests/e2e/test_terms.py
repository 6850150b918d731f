"""What is no longer on offer cannot be approved, and the card says why."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.approver import Approver
from tests.desk import Desk, wait_until
from tests.e2e.conftest import Browsers
from tests.e2e.offering import Offering
from tests.e2e.person import SOON_MS, Offer, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

STREAM = "**/api/stream/"


def test_terms_that_change_while_the_form_is_open_cannot_be_approved_and_the_card_says_what_changed(
    offer: Offer, offering: Offering, person: Person
) -> None:
    page = person.page
    person.visit(offer)
    person.stays_on_this_document()
    page.get_by_role("button", name="Approve…").click()
    approval = page.get_by_role("dialog", name="Approve this trade?")
    expect(approval.get_by_text(offer.consequence)).to_be_visible()

    successor = offering.renew(offer, quantity=2)

    _says_that_it_was_replaced(approval)
    _says_what_changed(page, offer, successor)
    assert person.is_still_on_it(), "the page was loaded anew"
    page.get_by_role("link", name="See the later offer").click()
    person.sees_what_it_means(successor)


def test_a_card_that_missed_the_change_approves_nothing_and_says_so(
    offer: Offer, offering: Offering, person: Person, browsers: Browsers, desk: Desk
) -> None:
    page = person.page
    # The line is cut before the change: the page goes on showing the old terms.
    page.route(STREAM, lambda route: route.fulfill(status=204))
    person.visit(offer)
    page.get_by_role("button", name="Approve…").click()
    approval = page.get_by_role("dialog", name="Approve this trade?")
    expect(approval.get_by_text(offer.consequence)).to_be_visible()
    successor = offering.renew(offer, quantity=2)

    browsers.expect_complaint("status of 409")
    approval.get_by_role("button", name="Confirm approval").click()

    expect(approval.get_by_role("alert")).to_contain_text("NOT_PENDING", timeout=SOON_MS)
    _says_that_it_was_replaced(approval)
    _says_what_changed(page, offer, successor)
    for each in (offer, successor):
        assert desk.sql("SELECT 1 FROM decisions WHERE recommendation_id = %s", each.id) == []
        assert desk.orders(each.id) == []


def _says_that_it_was_replaced(approval: Locator) -> None:
    """The open form, which then leads back to the card."""
    told = approval.get_by_text("Replaced by a newer recommendation. Nothing can be decided")
    expect(told).to_be_visible(timeout=SOON_MS)
    expect(approval.get_by_role("button", name="Confirm approval")).to_be_disabled()
    approval.get_by_role("button", name="Back to the card").click()
    expect(approval).to_be_hidden()


def _says_what_changed(page: Page, offer: Offer, successor: Offer) -> None:
    """Two contracts instead of one, at the same price."""
    expect(page.get_by_text("SUPERSEDED: Replaced by a newer recommendation.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve…")).to_have_count(0)
    changes = page.get_by_role("region", name="What the later offer changes")
    trade = changes.get_by_role("row").filter(has_text="Trade")
    told = ["Trade", offer.trade, successor.trade]
    expect(trade.get_by_role("cell")).to_have_text(told, timeout=SOON_MS)
    expect(changes.get_by_role("row").filter(has_text="Limit")).to_have_count(0)


def test_an_offer_that_expires_while_its_form_is_open_cannot_be_approved(
    offering: Offering, person: Person, desk: Desk, approver: Approver
) -> None:
    page = person.page
    with desk.frozen("core worker"):
        # Nobody concludes it meanwhile: the page must know the deadline by itself.
        offer = offering.make(market_seconds=20)
        person.visit(offer)
        page.get_by_role("button", name="Approve…").click()
        approval = page.get_by_role("dialog", name="Approve this trade?")
        confirm = approval.get_by_role("button", name="Confirm approval")
        expect(confirm).to_be_enabled()
        over = approval.get_by_text("The deadline has passed. Nothing can be approved any more.")
        expect(over).to_be_visible(timeout=15_000)
        expect(confirm).to_be_disabled()
        late = approver.approve(offer.id)
        assert (late.status_code, late.json()["code"]) == (409, "RECOMMENDATION_EXPIRED")

    told = approval.get_by_text("The deadline passed without a decision. Nothing can be decided")
    expect(told).to_be_visible(timeout=SOON_MS)
    approval.get_by_role("button", name="Back to the card").click()
    expect(page.get_by_text("EXPIRED: The deadline passed without a decision.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve…")).to_have_count(0)
    wait_until(lambda: desk.recommendation(offer.id)["state"] == "EXPIRED", what="it is concluded")
    assert desk.orders(offer.id) == []

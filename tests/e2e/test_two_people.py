"""Two people at one recommendation, each at their own screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.approver import Approver
from tests.desk import Desk, wait_until
from tests.e2e.conftest import Browsers
from tests.e2e.person import SOON_MS, Member, Offer, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

REASON = "Not before the central bank has spoken."


@pytest.fixture
def one_suffices_again(desk: Desk, approver: Approver) -> Iterator[None]:
    """Afterwards no size takes two people."""
    yield
    client = desk.one("SELECT id FROM clients WHERE slug = 'demo'")["id"]
    rules = dict.fromkeys(
        ("step_up_minutes", "two_approvers_above_notional", "two_approvers_above_max_loss")
    )
    answer = approver.browser.put(f"/api/clients/{client}/approval-rules/", json=rules)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def withdrawn_at_last(offer: Offer, desk: Desk, approver: Approver) -> Iterator[None]:
    """Whatever works at the broker for the offer is cancelled."""
    yield
    for order in desk.orders(offer.id):
        approver.withdraw(str(order["id"]))
    wait_until(lambda: desk.recommendation(offer.id)["state"] != "APPROVED", what="it is cancelled")


@pytest.mark.usefixtures("one_suffices_again", "withdrawn_at_last")
def test_above_the_limit_two_people_approve_and_see_each_other_live(
    offer: Offer, browsers: Browsers, first_user: Member, trader: Member, desk: Desk
) -> None:
    admin = Person(browsers.open(first_user))
    admin.page.goto("/administration/clients")
    admin.page.get_by_role("button", name="Approval rules… Demo client").click(timeout=SOON_MS)
    rules = admin.page.get_by_role("dialog")
    rules.get_by_label("Two people approve above this notional").fill("10000")
    rules.get_by_role("button", name="Save rules").click()
    expect(rules).to_be_hidden(timeout=SOON_MS)

    first, second = admin, Person(browsers.open(trader))
    for person in (first, second):
        decide = person.visit(offer)
        expect(decide.get_by_text("Of this size two people approve")).to_be_visible()
        person.stays_on_this_document()
    first.approve_resting(offer)

    waits = first.page.get_by_role("region", name="Decide")
    expect(waits.get_by_text("WAITS FOR A SECOND APPROVER")).to_be_visible(timeout=SOON_MS)
    expect(waits.get_by_text("You approved it")).to_be_visible()
    expect(waits.get_by_text("another person must as well")).to_be_visible()
    expect(waits.get_by_role("button", name="Approve…")).to_be_disabled()
    first.page.keyboard.press("a")
    expect(first.page.get_by_role("dialog")).to_have_count(0)
    assert desk.orders(offer.id) == []
    assert desk.recommendation(offer.id)["state"] == "PROPOSED"

    told = second.page.get_by_role("region", name="Decide")
    expect(told.get_by_text(f"Approved by {first_user.name}")).to_be_visible(timeout=SOON_MS)
    told.get_by_role("button", name="Approve…").click()
    dialog = second.page.get_by_role("dialog", name="Approve this trade?")
    expect(dialog.get_by_text(f"{first_user.name} has approved it")).to_be_visible()
    # What the first approved stands in the form: only the same makes two approvals.
    expect(dialog.get_by_text(offer.consequence_resting)).to_be_visible()
    dialog.get_by_role("button", name="Confirm approval").click()

    for person in (first, second):
        attempt = person.page.get_by_role("article")
        expect(attempt.get_by_text("WORKING", exact=True)).to_be_visible(timeout=SOON_MS)
        decision = person.page.get_by_role("region", name="Decision")
        expect(decision.get_by_text(f"Approved by {trader.name}")).to_be_visible()
        assert person.is_still_on_it(), "the page was loaded anew"
    (order,) = desk.orders(offer.id)
    assert order["limit_price"] == offer.resting_price


def test_who_is_about_to_approve_sees_that_somebody_else_has_rejected(
    offer: Offer, browsers: Browsers, first_user: Member, trader: Member, desk: Desk
) -> None:
    slow, quick = Person(browsers.open(first_user)), Person(browsers.open(trader))
    slow.visit(offer)
    slow.stays_on_this_document()
    slow.page.get_by_role("button", name="Approve…").click()
    approval = slow.page.get_by_role("dialog", name="Approve this trade?")
    expect(approval.get_by_text(offer.consequence)).to_be_visible()

    quick.visit(offer).get_by_role("button", name="Reject…").click()
    rejection = quick.page.get_by_role("dialog", name="Reject this recommendation?")
    rejection.get_by_label("Reason").fill(REASON)
    rejection.get_by_role("button", name="Confirm rejection").click()

    told = approval.get_by_text(f"{trader.name} has rejected it while you were looking.")
    expect(told).to_be_visible(timeout=SOON_MS)
    expect(approval.get_by_role("button", name="Confirm approval")).to_be_disabled()
    approval.get_by_role("button", name="Back to the card").click()
    decision = slow.page.get_by_role("region", name="Decision")
    expect(decision.get_by_text(f"Rejected by {trader.name}")).to_be_visible()
    expect(decision.get_by_text(REASON)).to_be_visible()
    expect(slow.page.get_by_role("button", name="Approve…")).to_have_count(0)
    assert slow.is_still_on_it(), "the page was loaded anew"
    assert desk.orders(offer.id) == []

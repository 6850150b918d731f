"""An order that nobody can prove: what is known of it, and a person who settles it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.desk import Desk
from tests.e2e.axe import violations
from tests.e2e.person import SOON_MS, Offer, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

CHECKED = "TWS shows no such order, neither open nor done."
EVIDENCE_MS = 120_000
"""Three complete looks at the broker's books, far enough apart to mean something."""


def test_an_unknown_order_is_settled_by_a_person_with_the_evidence_beside_the_button(
    in_doubt: Offer, person: Person, desk: Desk
) -> None:
    page = person.page
    person.go_to("Orders")
    row = person.row(in_doubt.contract)
    expect(row.get_by_text("UNKNOWN", exact=True)).to_be_visible(timeout=EVIDENCE_MS)
    expect(page.get_by_text("One order is UNKNOWN")).to_be_visible()
    rail = page.get_by_role("navigation").get_by_role("link", name="Orders")
    expect(rail).to_contain_text("1 unknown")
    page.goto(in_doubt.address)
    person.stays_on_this_document()
    attempt = page.get_by_role("article")
    expect(attempt.get_by_text("Sent or perhaps sent: nothing is proven yet")).to_be_visible(
        timeout=SOON_MS
    )
    declare = attempt.get_by_role("button", name="Declare not sent…")
    expect(declare).to_be_visible(timeout=EVIDENCE_MS)
    expect(attempt.get_by_text("complete looks at the broker’s open orders")).to_be_visible()
    expect(attempt.get_by_text("No permId was ever seen.")).to_be_visible()

    declare.click()
    dialog = page.get_by_role("dialog", name="Declare that this order was never sent?")
    expect(dialog.get_by_text(f"{in_doubt.trade} at {in_doubt.resting_price:.2f}")).to_be_visible()
    confirm = dialog.get_by_role("button", name="Confirm not sent")
    expect(confirm).to_be_disabled()
    assert violations(page) == {}
    dialog.get_by_label("What you checked").fill(CHECKED)
    confirm.click()

    expect(dialog).to_be_hidden(timeout=SOON_MS)
    expect(attempt.get_by_text("NOT SENT", exact=True)).to_be_visible(timeout=SOON_MS)
    # Similar ones before it may have lapsed, too.
    expect(page.get_by_text("LAPSED", exact=True).first).to_be_visible(timeout=SOON_MS)
    assert person.is_still_on_it(), "the page was loaded anew"
    (order,) = desk.orders(in_doubt.id)
    with desk.ledger() as ledger:
        assert ledger.orders(order["order_key"]) == []
    said = desk.one(
        "SELECT payload FROM order_events WHERE order_id = %s AND kind = 'not_sent'",
        order["id"],
    )["payload"]
    assert (said["reason"], said["by"]) == (CHECKED, desk.email)

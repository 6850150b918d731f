"""Who may do what, as they see it: a viewer looks on, and an administrator lets people in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.desk import Desk
from tests.e2e.conftest import Browsers
from tests.e2e.offering import Offering
from tests.e2e.person import SOON_MS, Offer, Person, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

REASON = "Too much of it already."


@pytest.mark.usefixtures("new_client")
def test_from_the_sign_in_over_the_choice_of_a_client_to_its_dashboard(
    page: Page, desk: Desk
) -> None:
    sign_in(page, desk)
    choice = page.get_by_role("banner").get_by_label("Client")
    worth = page.get_by_role("main").get_by_text("Net liquidation value, USD")
    choice.select_option("Demo client", timeout=SOON_MS)
    expect(page).to_have_url(re.compile(r"client=demo"))
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    expect(worth).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("main").locator("dd").first).to_have_text(re.compile(r"^[\d,]{7,}"))
    choice.select_option("New Here")
    expect(worth).to_have_count(0, timeout=SOON_MS)
    page.goto("/")
    expect(choice).to_have_value("new-here", timeout=SOON_MS)


def test_a_viewer_let_in_by_an_administrator_sees_everything_and_decides_nothing(
    offer: Offer, person: Person, browsers: Browsers
) -> None:
    admin = person.page
    person.go_to("Administration")
    admin.get_by_role("button", name="New user").click()
    dialog = admin.get_by_role("dialog", name="New user")
    dialog.get_by_label("Name").fill("Vera Viewer")
    dialog.get_by_label("E-mail").fill("vera@greenlight.local")
    dialog.get_by_role("button", name="Create user").click()
    password = dialog.get_by_label("Password", exact=True).inner_text()
    dialog.get_by_role("button", name="Done").click()
    admin.get_by_role("button", name="Give Vera Viewer a role").click()
    given = admin.get_by_role("dialog", name="A role for Vera Viewer")
    given.get_by_label("Client").select_option("Demo client")
    given.get_by_role("button", name="Give role").click()
    roles = admin.get_by_role("list", name="Roles of Vera Viewer")
    expect(roles.get_by_text("VIEWER")).to_be_visible(timeout=SOON_MS)

    page = browsers.open()
    page.goto(offer.address)
    page.get_by_label("E-mail", exact=True).fill("vera@greenlight.local")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    decide = Person(page).sees_what_it_means(offer)
    for name in ("Approve…", "Reject…"):
        expect(decide.get_by_role("button", name=name)).to_be_disabled()
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_have_count(0)
    _is_kept_out_of_the_users(page)


def _is_kept_out_of_the_users(page: Page) -> None:
    page.goto("/administration/users")
    expect(page.get_by_role("heading", name="Administration", level=1)).to_be_visible(
        timeout=SOON_MS
    )
    expect(page.get_by_text("is not open to you")).to_be_visible()
    expect(page.get_by_role("link", name="Users & roles")).to_have_count(0)


def test_several_are_rejected_at_once_with_one_reason(
    offering: Offering, person: Person, desk: Desk
) -> None:
    offers, page = [offering.make(), offering.make()], person.page
    for offer in offers:
        row = page.get_by_role("row").filter(has_text=offer.contract)
        row.get_by_role("checkbox").check(timeout=SOON_MS)
    page.get_by_text(f"{len(offers)} selected").wait_for()
    page.get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog", name=f"Reject {len(offers)} recommendations?")
    confirm = dialog.get_by_role("button", name=f"Reject {len(offers)}", exact=True)
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Reason, for all of them").fill(REASON)
    confirm.click()
    told = f"{len(offers)} of {len(offers)} rejected, on record."
    expect(dialog.get_by_text(told)).to_be_visible(timeout=SOON_MS)
    dialog.get_by_role("button", name="Done").click()
    for offer in offers:
        expect(page.get_by_role("row").filter(has_text=offer.contract)).to_have_count(0)
        decision = desk.one("SELECT * FROM decisions WHERE recommendation_id = %s", offer.id)
        assert (decision["action"], decision["reason"]) == ("REJECT", REASON)

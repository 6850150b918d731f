"""Stopping everything: what it will cancel, what it did, and who may go on afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.approver import Approver
from tests.desk import Desk, wait_until
from tests.e2e.axe import DIALOG, violations
from tests.e2e.conftest import Browsers
from tests.e2e.offering import Offering
from tests.e2e.person import SOON_MS, STOP, Member, Offer, Person

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.desk]

CONFIRMED_MS = 20_000


@pytest.fixture
def working(offering: Offering, desk: Desk, approver: Approver) -> Offer:
    """An approved offer whose order waits at the broker."""
    offer = offering.make()
    answer = approver.approve(offer.id, limit_price=str(offer.resting_price))
    assert answer.status_code == 200, answer.text
    wait_until(
        lambda: [each["state"] for each in desk.orders(offer.id)] == ["WORKING"],
        what="the order works",
    )
    return offer


@pytest.fixture
def active_again(desk: Desk) -> Iterator[None]:
    yield
    desk.set_trading_state("ACTIVE")


@pytest.mark.usefixtures("active_again")
def test_the_kill_switch_says_what_it_cancels_and_nothing_is_approved_until_somebody_resumes(
    working: Offer,
    offer: Offer,
    browsers: Browsers,
    first_user: Member,
    trader: Member,
    desk: Desk,
) -> None:
    operator = Person(browsers.open(first_user))
    page = operator.page
    operator.visit(offer)
    _press(page, working)
    (order,) = desk.orders(working.id)
    assert order["state"] == "CANCELLED"
    header = page.get_by_role("banner")
    expect(header.get_by_text("Trading HALTED")).to_be_visible(timeout=SOON_MS)

    browsers.expect_complaint("status of 409")
    page.get_by_role("button", name="Approve…").click()
    approval = page.get_by_role("dialog", name="Approve this trade?")
    approval.get_by_role("button", name="Confirm approval").click()
    refusal = approval.get_by_role("alert")
    expect(refusal).to_contain_text("Trading is halted", timeout=SOON_MS)
    expect(refusal).to_contain_text("TRADING_HALTED")
    assert desk.recommendation(offer.id)["state"] == "PROPOSED"
    assert desk.orders(offer.id) == []
    page.keyboard.press("Escape")

    _may_not_resume(browsers.open(trader))
    trading = _stop(page)
    trading.get_by_label("Reason").fill("The feed is fine again.")
    trading.get_by_role("button", name="Resume trading").click()
    expect(header.get_by_text("Trading ACTIVE")).to_be_visible(timeout=SOON_MS)
    operator.approve_resting(offer)
    attempt = page.get_by_role("article")
    expect(attempt.get_by_text("WORKING", exact=True)).to_be_visible(timeout=SOON_MS)
    attempt.get_by_role("button", name="Cancel order…").click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm cancel").click()
    expect(attempt.get_by_text("CANCELLED", exact=True)).to_be_visible(timeout=CONFIRMED_MS)


def _stop(page: Page) -> Locator:
    page.get_by_role("button", name=STOP).click()
    return page.get_by_role("dialog", name="Trading")


def _press(page: Page, working: Offer) -> None:
    """Both steps: what will be withdrawn, then the press, and what became of each."""
    _stop(page).get_by_role("button", name="Kill switch…").click(timeout=SOON_MS)
    second = page.get_by_role("dialog", name="Press the kill switch?")
    expect(second.get_by_text("1 order at the broker will be cancelled.")).to_be_visible(
        timeout=SOON_MS
    )
    will_go = second.get_by_role("list", name="What will be withdrawn").get_by_role("listitem")
    expect(will_go).to_have_count(1)
    expect(will_go).to_contain_text(working.contract)
    press = second.get_by_role("button", name="Halt and cancel 1 order")
    expect(press).to_be_disabled()
    second.get_by_label("Reason").fill("The feed is wrong.")
    press.click()

    report = page.get_by_role("dialog", name="Kill switch pressed")
    went = report.get_by_role("list", name="What was withdrawn").get_by_role("listitem")
    expect(went.get_by_text("CANCELLED", exact=True)).to_be_visible(timeout=CONFIRMED_MS)
    expect(report.get_by_text("nothing withdrawn can trade any more")).to_be_visible()
    assert violations(page, DIALOG) == {}
    report.get_by_role("button", name="Close").last.click()


def _may_not_resume(page: Page) -> None:
    """A trader may stop an account, and sees that going on is for somebody else."""
    page.goto("/orders")
    expect(page.get_by_role("banner").get_by_text("Trading HALTED")).to_be_visible(timeout=SOON_MS)
    trading = _stop(page)
    expect(trading.get_by_role("button", name="Kill switch…")).to_be_visible(timeout=SOON_MS)
    expect(trading.get_by_role("button", name="Resume trading")).to_have_count(0)
    trading.get_by_label("What to stop or resume").select_option("The whole desk")
    expect(trading.get_by_text("You may not change this.")).to_be_visible()
    expect(trading.get_by_role("button", name="Resume trading")).to_have_count(0)

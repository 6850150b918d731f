"""An empty installation, led by its guide from the first sign-in to the first recommendation."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import make_url

from infra.embedded.postgres import SUPERUSER
from tests.desk import Desk
from tests.e2e.conftest import Browsers
from tests.e2e.person import SOON_MS, Person, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.faults]

CONNECTED_MS = 60_000
RUN_MS = 120_000
WITHOUT_A_DEMO = "TRUNCATE clients, gateways, instruments CASCADE"
"""What is left is what an installation has after its first start: a user, and the strategies."""


@pytest.fixture
def empty_desk(fresh_desk: Desk) -> Desk:
    """A desk on which nobody has set up anything; its broker worker waits for its gateway."""
    addresses = json.loads(fresh_desk.home.addresses.read_text("utf-8"))
    owner = make_url(addresses["GREENLIGHT_DATABASE_OWNER_URL"])
    # Nobody else may empty what is only ever added to.
    superuser = owner.set(drivername="postgresql", username=SUPERUSER, password=None)
    worker = fresh_desk.pid("broker worker")
    assert worker is not None
    conninfo = superuser.render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(WITHOUT_A_DEMO)
    os.kill(worker, signal.SIGKILL)  # Its supervisor starts it again and again.
    return fresh_desk


@pytest.fixture
def page(chromium: Browser, empty_desk: Desk) -> Iterator[Page]:
    opened = Browsers(chromium, empty_desk)
    yield opened.open()
    opened.close()
    assert opened.complaints() == []


def test_the_guide_leads_from_nothing_to_the_first_recommendation(
    page: Page, empty_desk: Desk
) -> None:
    sign_in(page, empty_desk)
    guide = Guide(page)
    guide.shows("Connect a gateway", done=0)
    guide.follow("Set up a gateway")
    _set_up_gateway(page, empty_desk)

    guide.shows("Add a client and an account", done=1, within=CONNECTED_MS)
    guide.follow("Add a client and an account")
    _set_up_account(page)

    empty_desk.ingest()
    guide.shows("Choose a universe", done=3)
    guide.follow("Set up a strategy")
    _set_up_strategy(page)

    guide.shows("Enable a strategy", done=4)
    guide.follow("Enable a strategy")
    page.get_by_role("switch", name="My first wheel is off").locator("..").click(timeout=SOON_MS)
    expect(page.get_by_role("switch", name="My first wheel is on")).to_be_checked(timeout=SOON_MS)

    guide.shows("Get the first recommendation", done=5)
    guide.follow("Run a strategy now")
    empty_desk.wait_until_trading()
    page.get_by_role("button", name="Run now: My first wheel").click(timeout=SOON_MS)
    guide.shows("Decide it", done=6, within=RUN_MS)
    guide.follow("Open the recommendations")
    offer = page.get_by_role("row").filter(has_text="NVDA").get_by_role("link")
    offer.click(timeout=SOON_MS)
    decide = page.get_by_role("region", name="Decide")
    expect(decide.get_by_role("button", name="Approve…")).to_be_enabled(timeout=SOON_MS)


class Guide:
    """The guide on the dashboard."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._region = page.get_by_role("region", name="Set up the desk")

    def shows(self, step: str, *, done: int, within: float = SOON_MS) -> None:
        """The next step, after so many that are done."""
        Person(self._page).go_to("Dashboard")
        expect(self._region.get_by_text(f"{done} of 7 done")).to_be_visible(timeout=within)
        expect(self._next()).to_contain_text(step)

    def follow(self, action: str) -> None:
        self._next().get_by_role("link", name=action).click()

    def _next(self) -> Locator:
        return self._region.locator("[aria-current=step]")


def _set_up_gateway(page: Page, desk: Desk) -> None:
    port = json.loads(desk.home.addresses.read_text("utf-8"))["GREENLIGHT_GATEWAY_PORT"]
    page.get_by_role("button", name="New gateway").first.click(timeout=SOON_MS)
    form = page.get_by_role("dialog", name="New gateway")
    form.get_by_role("textbox", name="Name", exact=True).fill("Simulated gateway")
    form.get_by_label("Short name").fill("simulated")
    form.get_by_label("Kind of login").select_option("SIMULATED")
    form.get_by_label("Host").fill("127.0.0.1")
    form.get_by_label("Port").fill(port)
    form.get_by_role("button", name="Set up gateway").click()
    command = form.get_by_text("greenlight worker broker --gateway simulated")
    expect(command).to_be_visible(timeout=SOON_MS)
    form.get_by_role("button", name="Done").click()


def _set_up_account(page: Page) -> None:
    page.get_by_role("button", name="New client").first.click(timeout=SOON_MS)
    form = page.get_by_role("dialog", name="New client")
    form.get_by_role("textbox", name="Name", exact=True).fill("Ada Lovelace")
    form.get_by_role("button", name="Create client").click()
    page.get_by_role("button", name="Add account… Ada Lovelace").click(timeout=SOON_MS)
    form = page.get_by_role("dialog", name="New account: Ada Lovelace")
    form.get_by_label("Account code").fill("DU1000001")
    form.get_by_label("Portfolio").fill("Income")
    form.get_by_role("button", name="Add account").click()
    expect(page.get_by_text("DU1000001", exact=True).first).to_be_visible(timeout=SOON_MS)


def _set_up_strategy(page: Page) -> None:
    page.get_by_role("button", name="New strategy").first.click(timeout=SOON_MS)
    form = page.get_by_role("dialog", name="New strategy")
    strategies = form.get_by_role("combobox", name="Strategy", exact=True)
    wheel = strategies.locator("option").filter(has_text="Wheel")
    expect(wheel).to_have_count(1, timeout=SOON_MS)
    strategies.select_option(wheel.get_attribute("value"))
    form.get_by_role("textbox", name="Name", exact=True).fill("My first wheel")
    form.get_by_label("Universe").fill("NVDA")
    form.get_by_role("button", name="Set up, switched off").click()
    heading = page.get_by_role("heading", name="My first wheel", level=1)
    expect(heading).to_be_visible(timeout=SOON_MS)

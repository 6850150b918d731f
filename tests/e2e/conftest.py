"""A browser on the session's desk, watched for errors and photographed when a test fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.approver import Approver
from tests.bench.conftest import bench
from tests.desk import Desk
from tests.e2e.chromium import ensure_chromium
from tests.e2e.offering import Offering
from tests.e2e.person import SOON_MS, Member, Offer, Person

__all__ = ["bench"]  # A fixture here, too.

OUTPUT = Path(__file__).parents[1] / "output"
LAPTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
FAR_FROM_THE_EXCHANGE = "Asia/Tokyo"
"""The browser's own time zone: a screen that mixes it up with exchange time is a day off."""

_failed = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser comes last: what it fills is a position that other tests do not expect."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember a failure, for the fixture that takes the picture."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; every page gets a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=ensure_chromium().path,
            # As root in a container there is neither a sandbox nor much shared memory.
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


class Browsers:
    """The browsers of one test, each with a profile of its own."""

    def __init__(self, chromium: Browser, desk: Desk) -> None:
        self._chromium = chromium
        self._desk = desk
        self._contexts: list[BrowserContext] = []
        self._complaints: list[str] = []
        self._expected: list[str] = []

    def open(self, member: Member | None = None) -> Page:
        """A page of somebody who is signed in, or of nobody."""
        context = self._chromium.new_context(
            base_url=self._desk.url,
            viewport=LAPTOP,
            timezone_id=FAR_FROM_THE_EXCHANGE,
            reduced_motion="reduce",
        )
        if member is not None:
            context.add_cookies(
                [
                    {"name": each.name, "value": each.value or "", "url": self._desk.url}
                    for each in member.cookies.jar
                ]
            )
        context.on("console", lambda message: self._complaints.extend(_complaint(message)))
        context.on("weberror", lambda error: self._complaints.append(str(error.error)))
        self._contexts.append(context)
        return context.new_page()

    def expect_complaint(self, about: str) -> None:
        """Chromium reports every refused request; the test is about one."""
        self._expected.append(about)

    def complaints(self) -> list[str]:
        """What the pages reported that no test expects."""
        return [
            each for each in self._complaints if not any(part in each for part in self._expected)
        ]

    def photograph(self, test: str) -> None:
        OUTPUT.mkdir(exist_ok=True)
        pages = [page for context in self._contexts for page in context.pages]
        for number, page in enumerate(pages):
            name = re.sub(r"\W+", "-", test).strip("-")
            page.screenshot(path=OUTPUT / f"{name}-{number}.png", full_page=True)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def browsers(chromium: Browser, desk: Desk, request: pytest.FixtureRequest) -> Iterator[Browsers]:
    """Fresh browser profiles; the test fails if a page in one reports an error."""
    opened = Browsers(chromium, desk)
    yield opened
    if request.node.stash.get(_failed, False):
        opened.photograph(request.node.name)
    opened.close()
    assert opened.complaints() == []


@pytest.fixture
def page(browsers: Browsers) -> Page:
    """A page of a person who has not signed in."""
    return browsers.open()


@pytest.fixture
def person(browsers: Browsers, first_user: Member) -> Person:
    """The first user, signed in, who sees the queue."""
    page = browsers.open(first_user)
    page.goto("/recommendations")
    expect(page.get_by_role("heading", name="Recommendations", level=1)).to_be_visible(
        timeout=SOON_MS
    )
    return Person(page)


# --- people and what they are offered -------------------------------------------------------------


@pytest.fixture(scope="session")
def approver(desk: Desk) -> Iterator[Approver]:
    """The first user, who administers the desk, over HTTP."""
    with desk.login() as browser:
        yield Approver(browser)


@pytest.fixture(scope="session")
def first_user(desk: Desk, approver: Approver) -> Member:
    """Who was there first: administrator, approver, operator."""
    return Member("First user", desk.email, desk.password, approver.browser.cookies)


@pytest.fixture(scope="session")
def trader(desk: Desk, approver: Approver) -> Member:
    """Somebody else who may decide for the demo client, and may not resume trading."""
    client = desk.one("SELECT id FROM clients WHERE slug = 'demo'")["id"]
    return new_member(desk, approver, "Tom Trader", str(client), "TRADER")


@pytest.fixture(scope="session")
def new_client(approver: Approver) -> str:
    """The id of a client who has nothing yet."""
    made = approver.browser.post("/api/clients/", json={"slug": "new-here", "name": "New Here"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def new_member(desk: Desk, approver: Approver, name: str, client: str, role: str) -> Member:
    """Let somebody in, with one role for one client."""
    email = f"{name.split(maxsplit=1)[0].lower()}@greenlight.local"
    issued = approver.browser.post("/api/users/", json={"name": name, "email": email})
    assert issued.status_code == 201, issued.text
    told = issued.json()
    given = approver.browser.put(
        f"/api/users/{told['user']['id']}/roles/", json={"client_id": client, "role": role}
    )
    assert given.status_code == 200, given.text
    with desk.login(email, told["password"]) as browser:
        return Member(name, email, told["password"], browser.cookies)


@pytest.fixture(scope="session")
def offering(desk: Desk, approver: Approver) -> Offering:
    """Makes offers, for any test that needs one of its own."""
    desk.wait_until_trading()
    return Offering(desk, approver)


@pytest.fixture
def offer(offering: Offering) -> Offer:
    """One put to sell, with all the time to decide."""
    return offering.make()


@pytest.fixture(scope="session")
def in_doubt(desk: Desk, approver: Approver, offering: Offering) -> Offer:
    """An approved offer whose order nobody can prove: its worker died between claim and send.

    The proof that the broker does not have it takes most of a minute; who needs that waits.
    """
    offer = offering.make()
    killed = desk.pid("broker worker")
    assert killed is not None
    desk.strike("place_order.claimed")
    answer = approver.approve(offer.id, limit_price=str(offer.resting_price))
    assert answer.status_code == 200, answer.text
    desk.wait_until_restarted("broker worker", killed)
    return offer


def _complaint(message: ConsoleMessage) -> Iterator[str]:
    # Chromium reports every refused request; that nobody is signed in yet is no error.
    refused_sign_in = "/api/auth/" in message.location["url"]
    if message.type == "error" and not refused_sign_in:
        yield f"{message.text} ({message.location['url']})"

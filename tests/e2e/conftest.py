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

from tests.desk import Desk
from tests.e2e.chromium import ensure_chromium
from tests.e2e.person import SOON_MS, Person, sign_in

OUTPUT = Path(__file__).parents[1] / "output"
LAPTOP = ViewportSize(width=1440, height=900)
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


@pytest.fixture
def context(
    chromium: Browser, desk: Desk, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A fresh browser profile; the test fails if a page in it reports an error."""
    context = chromium.new_context(
        base_url=desk.url, viewport=LAPTOP, timezone_id=FAR_FROM_THE_EXCHANGE
    )
    errors: list[str] = []
    context.on("console", lambda message: errors.extend(_complaint(message)))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    if request.node.stash.get(_failed, False):
        _photograph(context, request.node.name)
    context.close()
    assert errors == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of a person who has not signed in."""
    return context.new_page()


@pytest.fixture
def person(page: Page, desk: Desk) -> Person:
    """A person who has signed in and sees the queue."""
    sign_in(page, desk, at="/recommendations")
    expect(page.get_by_role("heading", name="Recommendations", level=1)).to_be_visible(
        timeout=SOON_MS
    )
    return Person(page)


def _complaint(message: ConsoleMessage) -> Iterator[str]:
    # Chromium reports every refused request; that nobody is signed in yet is no error.
    refused_sign_in = "/api/auth/" in message.location["url"]
    if message.type == "error" and not refused_sign_in:
        yield f"{message.text} ({message.location['url']})"


def _photograph(context: BrowserContext, test: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    for number, page in enumerate(context.pages):
        name = re.sub(r"\W+", "-", test).strip("-")
        page.screenshot(path=OUTPUT / f"{name}-{number}.png", full_page=True)

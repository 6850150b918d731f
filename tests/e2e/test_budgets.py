"""How quick the web app feels on a slow machine: four times less CPU than this one has.

Wall-clock figures of a browser, which is why they run alone: ``pytest -m bench tests/e2e``.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.bench.harness import Bench
from tests.desk import Desk
from tests.e2e.person import SOON_MS, Offer, Person, sign_in

pytestmark = [
    pytest.mark.bench,
    pytest.mark.e2e,
    pytest.mark.integration,
    pytest.mark.xdist_group("desk"),
]

SLOWER = 4
AGAINST = "4× slower CPU"
PAINT_SECONDS = 1.5
INTERACTION_MS = 100.0
LONG_TASK_MS = 100.0
LOADS = 3
ROWS = 10_000
SCROLLS = 80
SCREEN_PX = 2_500
LATER_MS = 60_000
"""All rows are read, page by page, on the slow machine."""

WATCH = """
() => {
    window.seen = { paint: 0, tasks: [], events: [] };
    const watch = (options, note) =>
        new PerformanceObserver(list => list.getEntries().forEach(note)).observe(options);
    watch({ type: 'largest-contentful-paint', buffered: true },
        each => { window.seen.paint = each.startTime; });
    watch({ type: 'longtask' }, each => window.seen.tasks.push(each.duration));
    watch({ type: 'event', durationThreshold: 16 }, each => {
        if (each.interactionId) window.seen.events.push([each.name, each.duration]);
    });
}
"""
PAINTED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))"
"""Two frames later every answer has been painted, and told of."""

RUNS_WITH_ERRORS = """
INSERT INTO strategy_runs
SELECT (jsonb_populate_record(NULL::strategy_runs, to_jsonb(run) || jsonb_build_object(
    'id', '00000000-0000-7000-8000-' || lpad(number::text, 12, '0'),
    'workflow_id', 'budget-' || number,
    'started_at', run.started_at - number * interval '1 minute',
    'errors', jsonb_build_array(
        'QUOTE_STALE: the chain of SPY number ' || number || ' was too old to look at')
))).*
FROM (SELECT * FROM strategy_runs WHERE mode = 'LIVE' AND status = 'COMPLETED' LIMIT 1) run,
    generate_series(1, %s) number
"""


@pytest.fixture
def many_rows(desk: Desk, offer: Offer) -> Iterator[None]:
    """Ten thousand runs that stumbled, made from the offer's and older than any other."""
    assert offer.id
    desk.sql(RUNS_WITH_ERRORS, ROWS)
    yield
    desk.sql("DELETE FROM strategy_runs WHERE workflow_id LIKE 'budget-%%'")


def slow_down(page: Page) -> None:
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def seen(page: Page) -> dict[str, Any]:
    return page.evaluate("window.seen")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.evaluate(PAINTED)


def test_the_largest_paint_of_the_queue_comes_soon(
    page: Page, desk: Desk, offer: Offer, bench: Bench
) -> None:
    sign_in(page, desk, at="/recommendations")
    waiting = page.get_by_role("link", name=offer.contract)
    expect(waiting).to_be_visible(timeout=SOON_MS)
    slow_down(page)
    paints: list[float] = []
    for _ in range(LOADS):
        page.reload()
        expect(waiting).to_be_visible(timeout=SOON_MS)
        page.evaluate(WATCH)
        page.wait_for_function("window.seen.paint > 0")
        page.evaluate(PAINTED)
        paints.append(seen(page)["paint"] / 1_000)
    paint = median(paints)
    bench.within("web app: largest paint of the queue, s", paint, PAINT_SECONDS, against=AGAINST)


def test_keys_and_clicks_are_answered_at_once(offer: Offer, person: Person, bench: Bench) -> None:
    page = person.page
    expect(page.get_by_role("link", name=offer.contract)).to_be_visible(timeout=SOON_MS)
    slow_down(page)
    page.evaluate(WATCH)
    press(page, "j", "j", "k", "/", "Escape")
    page.get_by_role("button", name="Columns").click()
    page.evaluate(PAINTED)
    press(page, "Escape")
    in_the_queue = seen(page)["events"]
    person.visit(offer)
    page.evaluate(WATCH)
    press(page, "a", "Escape", "r", "Escape")
    events = [*in_the_queue, *seen(page)["events"]]
    slowest = max((took for _, took in events), default=0.0)
    what = "web app: slowest answer to a key or click, ms"
    bench.within(what, slowest, INTERACTION_MS, against=AGAINST)


@pytest.mark.usefixtures("many_rows")
def test_ten_thousand_rows_are_sorted_and_scroll_without_a_stutter(
    person: Person, bench: Bench
) -> None:
    page = person.page
    page.goto("/logs/strategy-errors?sort=-at")
    table = page.get_by_role("table", name="Strategy errors")
    everything = page.locator(f"[aria-rowcount='{ROWS + 1}']")
    expect(table.and_(everything)).to_be_visible(timeout=LATER_MS)
    slow_down(page)
    page.evaluate(WATCH)
    page.mouse.move(720, 500)
    for _ in range(SCROLLS):
        page.mouse.wheel(0, SCREEN_PX)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.evaluate(PAINTED)
    assert page.evaluate("scrollY") > SCREEN_PX * SCROLLS / 4
    longest = max(seen(page)["tasks"], default=0.0)
    what = f"web app: longest task, {ROWS:,} rows scrolled, ms"
    bench.within(what, longest, LONG_TASK_MS, against=AGAINST)

"""Photographs every screen, on a laptop and a phone and in both themes: ``make screens``.

The pictures go to ``docs/screens`` as WebP, named ``screen-width-theme``. They show a desk with
something on it: trades offered, approved and rejected, a backtest, a month of account values.
``python -m tests.e2e.screens queue chain`` takes those two alone again.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.approver import Approver
from tests.bench.recorded_years import SYMBOL, five_years
from tests.desk import Desk, NotWithinError, running_desk, wait_until
from tests.e2e.chromium import ensure_chromium
from tests.e2e.person import sign_in

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
WIDTHS: Mapping[str, Mapping[str, Any]] = {
    "laptop": {"viewport": {"width": 1440, "height": 960}},
    "phone": {"viewport": {"width": 390, "height": 1100}, "is_mobile": True, "has_touch": True},
}
THEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
QUALITY = 0.24
SCALE = {"laptop": 0.75, "phone": 1.0}
MOST_BYTES = 3_000_000
FILL_SECONDS = 60.0
BACKTEST_SECONDS = 150.0

OTHER_CLIENT = {"slug": "hopper", "name": "Hopper Family Trust"}
AMPLE = {
    "max_notional": "1000000",
    "max_loss": "1000000",
    "max_daily_notional": "2000000",
    "max_contracts": 20,
}
NEARER = {"min_delta": 0.2, "max_delta": 0.3}
WAITING = """
SELECT r.id FROM recommendations r JOIN instruments i ON i.id = r.instrument_id
WHERE r.state = 'PROPOSED' ORDER BY i.symbol <> 'IWM', r.id
"""
"""The first is approved: IWM if it is there, whose price walks by the cent and fills soonest."""
A_MONTH_OF_VALUES = """
INSERT INTO account_snapshots
SELECT (jsonb_populate_record(NULL::account_snapshots, to_jsonb(last) || jsonb_build_object(
    'id', gen_random_uuid(),
    'as_of', last.as_of - number * interval '8 hours',
    'net_liquidation',
    round(last.net_liquidation * (1 - 0.0006 * number + 0.002 * walk)::numeric, 2),
    'maint_margin', round(last.net_liquidation * (0.05 + 0.003 * walk)::numeric, 2)
))).*
FROM (SELECT DISTINCT ON (broker_account_id) * FROM account_snapshots
      ORDER BY broker_account_id, as_of DESC) last,
    (SELECT number, sum(hashtext('step ' || number) %% 1000 / 1000.0) OVER (ORDER BY number) AS walk
     FROM generate_series(1, 90) number) past
"""

TO_WEBP = """
async ([png, scale, quality]) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${png}`;
    await picture.decode();
    const canvas = document.createElement('canvas');
    canvas.width = picture.width * scale;
    canvas.height = picture.height * scale;
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL('image/webp', quality).split(',')[1];
}
"""
ALL_THERE = """
() => document.querySelector('[class*=Skeleton-root]') === null
    && !document.body.innerText.includes('Loading…')
"""
DRAWN = "() => new Promise(done => setTimeout(done, 400))"
"""Charts have no end of drawing that could be waited for."""


@dataclass(frozen=True)
class Shown:
    """What the screens speak of."""

    waiting: str
    filled: str
    order: str
    strategy: str
    backtests: tuple[str, str]


def addresses(shown: Shown) -> dict[str, str]:
    """Every screen by its picture's name."""
    one, other = shown.backtests
    return {
        "dashboard": "/",
        "queue": "/recommendations",
        "decision-card": f"/recommendations/{shown.waiting}",
        "approval": f"/recommendations/{shown.waiting}?act=approve",
        "rejection": f"/recommendations/{shown.waiting}?act=reject",
        "filled": f"/recommendations/{shown.filled}",
        "opportunities": "/opportunities",
        "strategies": "/strategies",
        "strategy": f"/strategies/{shown.strategy}",
        "positions": "/risk",
        "underlyings": "/risk?view=underlyings",
        "stress": "/risk?view=stress",
        "margin": "/risk?view=margin",
        "expiries": "/risk?view=calendar",
        "chain": "/chain",
        "orders": "/orders",
        "order": f"/orders/{shown.order}",
        "executions": "/executions",
        "backtests": "/backtests",
        "backtest": f"/backtests/{one}",
        "backtest-trades": f"/backtests/{one}?view=trades",
        "compared": f"/backtests/compare?ids={one}&ids={other}",
        "new-backtest": "/backtests/new",
        "journal": "/journal",
        "wheel-cycles": "/journal?view=cycles",
        "decisions": "/journal?view=decisions",
        "alerts": "/alerts?show=all",
        "strategy-errors": "/logs/strategy-errors",
        "broker-messages": "/logs/broker-messages",
        "audit-trail": "/logs/audit",
        "health": "/logs/health",
        "discrepancies": "/discrepancies?show=all",
        "users": "/administration/users",
        "clients": "/administration/clients",
        "gateways": "/administration/gateways",
        "limits": "/administration/limits",
        "account": "/account",
        "kill-switch": "/",
    }


CLICKED = {"kill-switch": "Stop or resume trading, kill switch"}
"""What is opened on a screen before it is photographed: the button's name."""


def main(wanted: Sequence[str]) -> None:
    """Boot a desk, put something on it, photograph it, and say what became of it."""
    # Three times as fast: an order at the mid fills in seven seconds on average.
    with running_desk("--speed", "3") as desk:
        shown = put_something_on(desk)
        SCREENS.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=ensure_chromium().path,
                args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            )
            taken = Camera(browser, desk, wanted).photograph(shown)
            browser.close()
    if not wanted:
        for stale in set(SCREENS.glob("*.*")) - taken:
            stale.unlink()
    pictures = list(SCREENS.glob("*.webp"))
    size = sum(picture.stat().st_size for picture in pictures)
    sys.stdout.write(f"{len(pictures)} pictures, {size / 1e6:.2f} MB\n")
    if size > MOST_BYTES:
        sys.exit(f"that is more than {MOST_BYTES / 1e6:g} MB")


# --- something on the desk ------------------------------------------------------------------------


def put_something_on(desk: Desk) -> Shown:
    """Trades offered, one of them filled and one rejected; two backtests; a month of values."""
    write_history(desk)
    with desk.login() as browser:
        backtests = (
            start_backtest(browser, "Half a year of index puts", {}),
            start_backtest(browser, "The same, nearer the money", NEARER),
        )
        desk.run_strategies()
        offered = [str(row["id"]) for row in desk.sql(WAITING)]
        if len(offered) < 3:
            sys.exit(f"only {len(offered)} trades were offered: run it again")
        filled, rejected, waiting, *_ = offered
        person = Approver(browser)
        person.approve(filled).raise_for_status()
        person.reject(rejected, "Earnings are too close.").raise_for_status()
        browser.post("/api/clients/", json=OTHER_CLIENT).raise_for_status()
        wait_until(
            lambda: all(is_done(browser, each) for each in backtests),
            BACKTEST_SECONDS,
            "the backtests are done",
        )
    orders = wait_until(lambda: desk.orders(filled), FILL_SECONDS, "an order was made")
    with suppress(NotWithinError):  # One that still works is a picture, too.
        wait_until(
            lambda: desk.recommendation(filled)["state"] == "COMPLETED", FILL_SECONDS, "it filled"
        )
    desk.ingest()
    desk.sql(A_MONTH_OF_VALUES)
    order = orders[0]
    strategy = desk.one("SELECT id FROM strategy_instances WHERE name LIKE 'Wheel%%'")
    return Shown(waiting, filled, str(order["id"]), str(strategy["id"]), backtests)


def write_history(desk: Desk) -> None:
    history = desk.home.root / "history"
    history.mkdir(exist_ok=True)
    years = five_years()
    half = years.filter(years["timestamp"] >= datetime(2023, 7, 1, tzinfo=UTC))
    half.write_parquet(history / "xsp_2023.parquet")


def start_backtest(browser: httpx.Client, name: str, config: Mapping[str, Any]) -> str:
    asked = {
        "strategy": "theta",
        "name": name,
        "data": ["xsp_2023.parquet"],
        "config": {"universe": [SYMBOL], "max_vix": None, **config},
        "cash": "2000000",
        "limits": AMPLE,
    }
    key = {"Idempotency-Key": name.replace(" ", "-")}
    answer = browser.post("/api/backtests/", json=asked, headers=key)
    assert answer.status_code < 300, answer.text
    return str(answer.json()["id"])


def is_done(browser: httpx.Client, backtest: str) -> bool:
    found = browser.get(f"/api/backtests/{backtest}/").json()
    assert found["status"] in ("RUNNING", "COMPLETED"), found
    return bool(found["status"] == "COMPLETED")


# --- pictures of it -------------------------------------------------------------------------------


class Camera:
    """Takes the pictures; only those of the screens ``wanted``, or of all if none is named."""

    def __init__(self, browser: Browser, desk: Desk, wanted: Sequence[str]) -> None:
        self._browser = browser
        self._desk = desk
        self._wanted = wanted
        self._converter = browser.new_page()
        self._taken: set[Path] = set()

    def photograph(self, shown: Shown) -> set[Path]:
        """Every screen at every width; the files."""
        for width, device in WIDTHS.items():
            context = self._browser.new_context(
                base_url=self._desk.url, reduced_motion="reduce", **device
            )
            page = context.new_page()
            page.goto("/login")
            page.get_by_role("button", name="Sign in").wait_for()
            self._keep("login", page, width)
            sign_in(page, self._desk)
            page.get_by_role("heading", name="Dashboard", level=1).wait_for()
            for name, address in addresses(shown).items():
                if self._wanted and name not in self._wanted:
                    continue
                page.goto(address)
                page.get_by_role("heading", level=1).first.wait_for()
                page.wait_for_function(ALL_THERE)
                self._keep(name, page, width)
            context.close()
        return self._taken

    def _keep(self, name: str, page: Page, width: str) -> None:
        if self._wanted and name not in self._wanted:
            return
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            if button := CLICKED.get(name):
                page.get_by_role("button", name=button).locator("visible=true").click()
            page.evaluate(DRAWN)
            png = base64.b64encode(page.screenshot()).decode()
            webp = self._converter.evaluate(TO_WEBP, [png, SCALE[width], QUALITY])
            file = SCREENS / f"{name}-{width}-{theme}.webp"
            file.write_bytes(base64.b64decode(webp))
            self._taken.add(file)
            if name in CLICKED:
                page.keyboard.press("Escape")


if __name__ == "__main__":
    main(sys.argv[1:])

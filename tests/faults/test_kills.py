"""Kill each process of the desk between a click and a fill: nothing twice, nothing lost.

    make faults

The outcomes are kept in ``tests/output/kills.jsonl``; docs/reliability.md shows those of a run.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from domain.orders import OrderState
from tests.approver import Approver
from tests.conftest import OUTPUT
from tests.desk import PROCESSES, Desk, running_desk
from tests.faults.campaign import DuringClick, Kill, broken_promises, keep, left_working, run_kill

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

SEED = 20261122
SPEED = "2"
"""Fast enough not to wait long for fills, slow enough that kills find orders working."""
SERVES_A_CLICK = ("postgres", "temporal", "api")
SYMBOLS = ("NVDA", "MSFT", "AAPL", "QQQ")


def timed_kills(process: str) -> list[Kill]:
    """Just as the click arrives, after its answer, with the order on its way, and at work."""
    draw = random.Random(f"{SEED} {process}")
    moments = (DuringClick(0.0), 0.0, draw.uniform(0.05, 0.4), draw.uniform(0.4, 1.5))
    return [Kill(process, moment) for moment in moments]


def clicked_kills(process: str) -> list[Kill]:
    """In the middle of the request that records the decision."""
    draw = random.Random(f"{SEED} {process} click")
    return [Kill(process, DuringClick(draw.uniform(0.003, 0.045))) for _ in SYMBOLS]


def staged_kills(process: str) -> list[Kill]:
    """In the states whose windows are too short for chance to hit them."""
    states = (OrderState.READY, OrderState.SENDING, OrderState.WORKING, OrderState.CANCEL_PENDING)
    return [Kill(process, state) for state in states]


@pytest.mark.parametrize(
    ("process", "plan"),
    [
        *((process, timed_kills) for process in PROCESSES),
        *((process, staged_kills) for process in PROCESSES),
        *((process, clicked_kills) for process in SERVES_A_CLICK),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.removesuffix("_kills"),
)
def test_an_approval_survives_the_kill_of(process: str, plan: Callable[[str], list[Kill]]) -> None:
    with running_desk("--speed", SPEED, "--seed", "7") as desk:
        offers = desk.propose(*SYMBOLS)
        try:
            broken = kill_again_and_again(desk, offers, plan(process))
        finally:
            desk.keep_logs(OUTPUT / f"{plan.__name__}-{process}".replace(" ", "-"))
    assert broken == {}


def kill_again_and_again(
    desk: Desk, offers: dict[str, str], kills: list[Kill]
) -> dict[str, list[str]]:
    """The promises broken, by the kill that broke them."""
    broken: dict[str, list[str]] = {}
    for symbol, kill in zip(SYMBOLS, kills, strict=True):
        desk.wait_until_serving()
        with desk.login() as browser:
            outcome = run_kill(desk, Approver(browser), offers[symbol], kill)
        keep(outcome, OUTPUT / "kills.jsonl")
        if promises := broken_promises(outcome):
            broken[f"{symbol}: {kill.process} {kill.when}"] = promises
    if working := left_working(desk):
        broken["at the end"] = [f"still working at the broker: {working}"]
    return broken

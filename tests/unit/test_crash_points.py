"""Crash points strike the process that passes them only when a campaign says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activities.crash_points import VARIABLE

PASS_THREE_TIMES = """
from activities.crash_points import crash_point
for _ in range(3):
    crash_point("place_order.sent")
    print("passed", flush=True)
"""


def run(order: Path | None) -> tuple[int, int]:
    """How often a process passed the point, and how it ended."""
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    if order is not None:
        environment[VARIABLE] = str(order)
    done = subprocess.run(
        [sys.executable, "-c", PASS_THREE_TIMES],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.count("passed"), done.returncode


def test_without_the_variable_nothing_strikes():
    assert run(None) == (3, 0)


@pytest.mark.parametrize(
    ("order", "passed"), [("place_order.sent 0 KILL", 0), ("place_order.sent 2 KILL", 2)]
)
def test_the_process_dies_at_the_passing_ordered_and_takes_the_order_with_it(
    tmp_path: Path, order: str, passed: int
):
    file = tmp_path / "order"
    file.write_text(order)
    assert run(file) == (passed, -signal.SIGKILL)
    assert not file.exists()


@pytest.mark.parametrize("order", ["place_order.claimed 0 KILL", "half an or", ""])
def test_an_order_for_another_point_or_one_half_written_strikes_nobody(tmp_path: Path, order: str):
    file = tmp_path / "order"
    file.write_text(order)
    assert run(file) == (3, 0)
    assert file.exists()

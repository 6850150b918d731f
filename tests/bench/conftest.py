"""The ``bench`` fixture, and the one table that all benchmarks of a run fill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.harness import Bench, Row, table, write_json
from tests.conftest import OUTPUT

_ROWS: pytest.StashKey[list[Row]] = pytest.StashKey()


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Where a benchmark states its goals; fails it at the end if one was missed."""
    measured = Bench()
    yield measured
    request.config.stash.setdefault(_ROWS, []).extend(measured.rows)
    if measured.missed:
        rows = "; ".join(f"{row.what}: {row.value:.3g}, {row.goal}" for row in measured.missed)
        pytest.fail(f"missed: {rows}", pytrace=False)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    path = OUTPUT / "bench.json"
    write_json(rows, path)
    terminalreporter.write(f"\n{table(rows)}\nwritten to {path}\n")

"""Side-by-side measurements: interleaved rounds, medians, one row of the table per goal.

A benchmark takes the ``bench`` fixture, times its contenders and states each goal::

    def test_iv_is_three_times_as_fast_as_the_peer(bench: Bench):
        timings = interleaved({"ours": ours, "iv-engine": peer}, rounds=9)
        bench.at_least("IV, 1M options", timings, peer="iv-engine", times=3)

Only ratios within one run count: the machine is never known to be quiet. A goal that is missed
fails the benchmark, after all of its rows are in the table. Rows go to the terminal and, with the
versions and the load of the machine, to ``tests/output/bench.json``.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

OURS = "ours"


class Verdict(StrEnum):
    MET = "met"
    MISSED = "MISSED"
    NOT_MEASURED = "not measured"
    NO_GOAL = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One goal and how it was met; ``value`` is the ratio or figure the goal speaks of."""

    what: str
    ours: str
    against: str
    value: float | None
    goal: str
    verdict: Verdict
    spread: str = ""
    """Of the rounds: the quartiles of the ratio, so that a lucky median is seen."""


class Timings:
    """Seconds by contender, round by round."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def of(self, contender: str) -> Iterator[None]:
        """Time the block, which may await, as one round of ``contender``."""
        began = time.perf_counter()
        yield
        self.seconds[contender].append(time.perf_counter() - began)

    def __contains__(self, contender: str) -> bool:
        return bool(self.seconds.get(contender))

    def median(self, contender: str) -> float:
        return statistics.median(self.seconds[contender])

    def percentile(self, contender: str, percent: float) -> float:
        """The smallest round that ``percent`` of the rounds do not exceed (nearest rank)."""
        ordered = sorted(self.seconds[contender])
        return ordered[math.ceil(percent / 100 * len(ordered)) - 1]

    def ratio(self, contender: str, other: str) -> float:
        """The median of ``contender`` over the median of ``other``."""
        return self.median(contender) / self.median(other)

    def quartiles(self, contender: str, other: str) -> str:
        """The quartiles of the ratio, round by round."""
        pairs = zip(self.seconds[contender], self.seconds[other], strict=True)
        ratios = [one / two for one, two in pairs]
        if len(ratios) < 3:
            return ""
        low, _, high = statistics.quantiles(ratios, n=4)
        return f"{low:.2f}–{high:.2f}"


def interleaved(contenders: Mapping[str, Callable[[], Any]], rounds: int = 9) -> Timings:
    """Time every contender once a round, each round beginning with another, after one to warm up.

    Rotation keeps a neighbour's rhythm, or the caches one contender leaves, from favouring another.
    """
    names = list(contenders)
    for name in names:
        contenders[name]()
    timings = Timings()
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            with timings.of(name):
                contenders[name]()
    return timings


class Bench:
    """Collects the rows of one benchmark."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def at_most(self, what: str, timings: Timings, *, peer: str, ratio: float) -> None:
        """Our time is at most ``ratio`` times the peer's."""
        self._compare(what, timings, (OURS, peer), f"≤ {ratio:g}×", lambda got: got <= ratio)

    def at_least(self, what: str, timings: Timings, *, peer: str, times: float) -> None:
        """We are at least ``times`` as fast as the peer."""
        self._compare(what, timings, (peer, OURS), f"≥ {times:g}×", lambda got: got >= times)

    def tail_at_most(
        self, what: str, timings: Timings, *, peer: str, percent: float, ratio: float
    ) -> None:
        """Our time at a percentile is at most ``ratio`` times the peer's at the same."""
        ours, theirs = (timings.percentile(name, percent) for name in (OURS, peer))
        verdict = Verdict.MET if ours <= ratio * theirs else Verdict.MISSED
        against = f"{peer}: {duration(theirs)}"
        self.rows.append(
            Row(what, duration(ours), against, ours / theirs, f"≤ {ratio:g}×", verdict)
        )

    def beside(self, what: str, timings: Timings, *, peer: str) -> None:
        """Our time over that of a floor which nobody is asked to reach."""
        self._compare(what, timings, (OURS, peer), "", lambda _: True)
        self.rows[-1] = replace(self.rows[-1], verdict=Verdict.NO_GOAL)

    def within(self, what: str, value: float, limit: float, *, against: str) -> None:
        """A figure, an error say, is at most ``limit``, ``against`` telling of the yardstick."""
        verdict = Verdict.MET if value <= limit else Verdict.MISSED
        self.rows.append(Row(what, f"{value:.3g}", against, value, f"≤ {limit:g}", verdict))

    def not_measured(self, what: str, goal: str, reason: str) -> None:
        self.rows.append(Row(what, "", reason, None, goal, Verdict.NOT_MEASURED))

    @property
    def missed(self) -> list[Row]:
        return [row for row in self.rows if row.verdict is Verdict.MISSED]

    def _compare(
        self,
        what: str,
        timings: Timings,
        over: tuple[str, str],
        goal: str,
        is_met: Callable[[float], bool],
    ) -> None:
        peer = next(name for name in over if name != OURS)
        if peer not in timings:
            self.not_measured(what, goal, f"{peer}: not installed")
            return
        ratio = timings.ratio(*over)
        self.rows.append(
            Row(
                what,
                duration(timings.median(OURS)),
                f"{peer}: {duration(timings.median(peer))}",
                ratio,
                goal,
                Verdict.MET if is_met(ratio) else Verdict.MISSED,
                timings.quartiles(*over),
            )
        )


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(rows: list[Row]) -> str:
    """The rows as text, as wide as they need."""
    drawn = Table()
    for heading in ("what", "ours", "peer or floor", "ratio", "quartiles", "goal", "verdict"):
        drawn.add_column(heading, no_wrap=heading != "what", overflow="fold")
    for row in rows:
        value = "" if row.value is None else f"{row.value:.3g}"
        drawn.add_row(
            row.what, row.ours, row.against, value, row.spread, row.goal, row.verdict.value
        )
    console = Console(width=160, no_color=True)
    with console.capture() as capture:
        console.print(drawn)
    return capture.get()


def write_json(rows: list[Row], path: Path) -> None:
    """Rows, versions and machine, for the figures in the documentation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "load_average": os.getloadavg(),
        },
        "versions": dict(sorted((each.name, each.version) for each in distributions())),
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")

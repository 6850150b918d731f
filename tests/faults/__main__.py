"""Run the fault campaigns: ``python -m tests.faults [--rows a,b] [--seed S] [--out FILE.jsonl]``.

Every round is one line of the file. Started again with the same file and seed it goes on where it
ended, so that a long campaign may be run in pieces. Exits with 1 when a forbidden count is not 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.logging import configure
from infra.settings import Settings
from tests.faults.rounds import FORBIDDEN, Round, Row
from tests.faults.rows import ROWS
from tests.faults.servers import Servers

OUTPUT = Path(__file__).parents[1] / "output"
SEED = 20261122
ROUNDS_AT_MOST = 200
"""Of one row: strikes that find nothing in flight must not go on for ever."""
Line = dict[str, Any]


def main() -> int:
    options = _options()
    names = options.rows.split(",") if options.rows else [row.name for row in ROWS]
    unknown = set(names) - {row.name for row in ROWS}
    if unknown:
        sys.exit(f"no such row: {', '.join(sorted(unknown))}; there are {_all_names()}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.with_suffix(".log").open("a", encoding="utf-8") as log:
        configure(Settings(log_level="INFO"), "campaign", log)
        deadline = time.monotonic() + options.minutes * 60
        asyncio.run(_run([row for row in ROWS if row.name in names], options, deadline))
    lines = _kept(options.out, options.seed)
    _say(_table(lines))
    return 1 if any(line[name] for line in lines for name in (*FORBIDDEN, "failed")) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", default="", help=f"of: {_all_names()}; all by default")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=OUTPUT / "campaign.jsonl")
    parser.add_argument("--goal", type=int, help="orders in flight per row, instead of its own")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="begin no round after so long"
    )
    return parser.parse_args()


def _all_names() -> str:
    return ", ".join(row.name for row in ROWS)


async def _run(rows: Sequence[type[Row]], options: argparse.Namespace, deadline: float) -> None:
    servers = Servers()
    try:
        for kind in rows:
            await _reach_goal(kind(servers), options, deadline)
    finally:
        await servers.stop()


async def _reach_goal(row: Row, options: argparse.Namespace, deadline: float) -> None:
    goal = options.goal or row.goal
    done = [line for line in _kept(options.out, options.seed) if line["row"] == row.name]
    met = sum(line["in_flight"] for line in done)
    number = len(done)
    while met < goal and number < ROUNDS_AT_MOST and time.monotonic() < deadline:
        number += 1
        line = await _one_round(row, number, options.seed)
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        met += line["in_flight"]
        _say(f"{row.name} {number}: {met} of {goal} orders, {_in_words(line)}")
        if line["failed"]:
            break


async def _one_round(row: Row, number: int, seed: int) -> Line:
    began = time.monotonic()
    failed = ""
    # Rounds draw from numbers of their own, whatever ran before them.
    round_seed = seed * 10_000 + number
    try:
        outcome = await row.round(round_seed)
    except Exception:
        failed = traceback.format_exc()
        _say(failed)
        outcome = Round(in_flight=0, verdict=row.no_verdict())
    verdict = asdict(outcome.verdict)
    return {
        "row": row.name,
        "campaign": seed,
        "seed": round_seed,
        "in_flight": outcome.in_flight,
        "struck": outcome.struck,
        **{name: verdict[name] for name in (*FORBIDDEN, "unknown_with_alert")},
        "endings": dict(outcome.verdict.endings),
        "broken": outcome.verdict.broken,
        "notes": outcome.notes,
        "failed": failed,
        "seconds": round(time.monotonic() - began, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _kept(file: Path, seed: int) -> list[Line]:
    """The rounds of this campaign so far; one that failed is run again."""
    if not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [line for line in lines if line["campaign"] == seed and not line["failed"]]


def _in_words(line: Line) -> str:
    forbidden = {name: line[name] for name in FORBIDDEN if line[name]}
    endings = ", ".join(f"{count} {ending}" for ending, count in sorted(line["endings"].items()))
    broken = "".join(f"\n    {each}" for each in line["broken"])
    return (
        f"{line['seconds']:.0f} s; struck {line['struck']}; {endings or 'nothing ended'}; "
        f"{forbidden or 'clean'}{broken}"
    )


def _table(lines: Sequence[Line]) -> str:
    """The campaign as a Markdown table, as docs/reliability.md shows it."""
    head = ("row", "orders in flight", "rounds", "struck", *FORBIDDEN, "unknown_with_alert", "time")
    rows: list[Sequence[object]] = [head, ["---"] * len(head)]
    for name in dict.fromkeys(line["row"] for line in lines):
        own = [line for line in lines if line["row"] == name]
        total = Counter[str]()
        for line in own:
            total.update({key: line[key] for key in head[1:-1] if key in line})
        rows.append(
            [
                name,
                sum(line["in_flight"] for line in own),
                len(own),
                *(total[key] for key in head[3:-1]),
                f"{sum(line['seconds'] for line in own) / 60:.0f} min",
            ]
        )
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

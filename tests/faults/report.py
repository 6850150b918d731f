"""The outcomes of a campaign as Markdown tables, for docs/reliability.md.

python -m tests.faults.report tests/output/kills.jsonl
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.desk import PROCESSES

Line = dict[str, Any]


def by_process(lines: Sequence[Line]) -> list[list[object]]:
    """One row per process: how its kills ended, and how often a promise was broken."""
    rows: list[list[object]] = []
    for process in dict.fromkeys(line["process"] for line in lines):
        own = [line for line in lines if line["process"] == process]
        rows.append(_counts(process, own))
    return [*rows, _counts("**all**", lines)]


def _counts(name: str, lines: Sequence[Line]) -> list[object]:
    states = [line["state"] for line in lines]
    return [
        name,
        len(lines),
        states.count("COMPLETED"),
        states.count("LAPSED"),
        states.count("APPROVED"),
        sum(max(line["accepted_per_key"], default=0) > 1 for line in lines),
        sum(line["most_live"] > 1 for line in lines),
        sum(float(line["executed"]) > line["approved"] for line in lines),
        sum(line["executions_at_broker"] != line["executions_recorded"] for line in lines),
        f"{max(line['seconds'] for line in lines):.0f} s",
    ]


def one_by_one(lines: Sequence[Line]) -> list[list[object]]:
    """One row per kill."""
    return [
        [
            line["process"],
            line["when"],
            line["killed_at"],
            ", ".join(line["attempts"]),
            " + ".join(str(count) for count in line["accepted_per_key"]) or 0,
            f"{float(line['executed']):g} of {line['approved']}",
            line["state"] + (f" ({', '.join(alerts)})" if (alerts := line["open_alerts"]) else ""),
            f"{line['seconds']:.0f} s",
        ]
        for line in lines
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    body = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in body)


def main(file: Path) -> None:
    """Print both tables."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    lines.sort(key=lambda line: (PROCESSES.index(line["process"]), line["when"].startswith("on ")))
    summary = (
        "killed", "kills", "completed", "lapsed", "waits for a person", "sent twice",
        "two live at once", "overfilled", "unrecorded", "slowest",
    )  # fmt: skip
    single = (
        "killed", "moment", "trade was", "attempts", "accepted by the broker", "executed",
        "recommendation", "took",
    )  # fmt: skip
    sys.stdout.write(table(summary, by_process(lines)) + "\n\n")
    sys.stdout.write(table(single, one_by_one(lines)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

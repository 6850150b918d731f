"""What the documentation tells people to type, for tests that type it."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def commands(page: str, program: str) -> list[str]:
    """The shell commands of ``page`` that run ``program``, as they stand there, in their order."""
    text = (DOCS / page).read_text("utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line.startswith("    "))
    return [line.strip() for line in lines if line.split()[:1] == [program]]


def table_rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table in ``page`` whose first column is called ``heading``."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    start = next(number for number, row in enumerate(cells) if row[0] == heading) + 2
    end = next(n for n, line in enumerate(lines) if n >= start and not line.startswith("|"))
    return cells[start:end]

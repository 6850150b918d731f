"""The account of phase one: complete by the mission's own table, and every name in it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/phase-1.md").read_text("utf-8")
MISSION = ROOT.parent / "shared" / "MISSION.md"


def rows(text: str) -> list[list[str]]:
    """Cells of every table's rows, headings and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not set(row[-1]) <= {"-", " "}]


def items() -> list[list[str]]:
    headings = {"where it lives", "how"}
    return [row for row in rows(DOCUMENT) if row[-2] not in headings]


def names(cell: str) -> list[str]:
    return [name for name in re.findall(r"`([^`]+)`", cell) if "/" in name or "." in name]


def test_every_place_and_every_test_that_is_named_is_there():
    for row in items():
        for name in names(row[-2]):
            assert (ROOT / name).exists(), (row[0], name)
        for name in names(row[-1]):
            assert (ROOT / "tests" / name).exists(), (row[0], name)


def test_every_item_has_a_place_and_a_test():
    assert len(items()) > 50
    for row in items():
        assert names(row[-2]) or "layers" in row[-2] or "web app" in row[-2], row
        assert names(row[-1]) or row[-1] == "`make lint`", row


def test_every_milestone_of_the_mission_is_accounted_for():
    wanted = {*(f"M{number}" for number in range(1, 9)), "later"}
    assert {row[0] for row in items() if len(row) == 4} == wanted


@pytest.mark.skipif(not MISSION.exists(), reason="the mission lies beside a developer's copy only")
def test_what_the_mission_names_in_code_is_named_here():
    table = MISSION.read_text("utf-8").partition("## Beyond")[0]
    code = {name for row in rows(table)[1:] for name in re.findall(r"`([^`]+)`", row[-2])}
    words = {re.split(r"[( ]", name)[0] for name in code} - {"GET", "POST"}
    missing = {word for word in words if word not in DOCUMENT}
    assert missing == set()

"""What a person sees of a long computation: how far it is and how long it will take."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from infra.backtests import bar


def shown(monkeypatch: pytest.MonkeyPatch, **console: Any) -> str:
    """What a bar writes that stands at a quarter after a while."""
    paper = StringIO()
    monkeypatch.setattr(bar, "Console", lambda stderr: Console(file=paper, width=100, **console))
    with bar.progress_bar("reading the data") as tell:
        for done in range(1, 6):
            tell("2019-05-01", done, 20)
    return paper.getvalue()


def test_a_bar_tells_the_session_the_share_and_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
):
    said = shown(monkeypatch, force_terminal=True)
    assert "2019-05-01" in said
    assert "25 %" in said
    assert "left" in said


def test_where_nobody_looks_nothing_is_written(monkeypatch: pytest.MonkeyPatch):
    assert shown(monkeypatch, force_terminal=False) == ""

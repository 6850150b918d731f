"""What integration tests share beyond their worlds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from activities import orders as order_activities
from infra.db import book_comparison
from tests.faults.hurry import swapped
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def unhurried() -> Iterator[None]:
    """No test fails only because a busy machine kept it from the processor."""
    with swapped(PATIENCE):
        yield


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Absence counts at once, and silence is declared soon."""
    monkeypatch.setattr(book_comparison, "SEND_WITHIN", timedelta(0))
    monkeypatch.setattr(order_activities, "ACKNOWLEDGEMENT_SECONDS", 0.5)
    monkeypatch.setattr(order_activities, "CANCEL_SECONDS", 0.5)

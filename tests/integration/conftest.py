"""What integration tests share beyond their worlds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities import orders as order_activities
from infra.db import book_comparison
from infra.db import lease as lease_module
from infra.ibkr import session as gateway_session


@pytest.fixture(autouse=True)
def patient_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lease is lost only because a busy machine kept the test from the processor."""
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", 120)
    # A successor asks six times within this, so it must not be too long.
    monkeypatch.setattr(gateway_session, "LEASE_SECONDS", 18)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Absence counts at once, and silence is declared soon."""
    monkeypatch.setattr(book_comparison, "SEND_WITHIN", timedelta(0))
    monkeypatch.setattr(order_activities, "ACKNOWLEDGEMENT_SECONDS", 0.5)
    monkeypatch.setattr(order_activities, "CANCEL_SECONDS", 0.5)

"""How long a desk in a test's own process waits: longer than any machine stands still."""

from __future__ import annotations

from typing import Any

PATIENCE: dict[str, Any] = {
    "infra.db.lease:LEASE_SECONDS": 120,
    # A successor asks six times within this, so it is not as long.
    "infra.ibkr.session:LEASE_SECONDS": 18,
    "infra.ibkr.client:CONNECT_TIMEOUT_SECONDS": 60.0,
    "infra.ibkr.client:REQUEST_TIMEOUT_SECONDS": 60.0,
    "infra.ibkr.client:SILENCE_SECONDS": 60.0,
    "activities.orders:ACKNOWLEDGEMENT_SECONDS": 60.0,
    "activities.orders:CANCEL_SECONDS": 60.0,
}
"""For `swapped`. Gateway and desk share one process and its processor with other tests: what is
late there says nothing of the desk. Tests of silence set their own."""

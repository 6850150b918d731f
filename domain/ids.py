"""Identities that must come out the same wherever and however often they are computed."""

from __future__ import annotations

import hashlib
from uuid import UUID

ORDER_KEY_PREFIX = "GL-"


def order_key(recommendation_id: UUID, decision_id: UUID, attempt: int) -> str:
    """The identity of one attempt to trade one approved recommendation.

    Sent to the broker as ``orderRef`` and unique in Postgres: the same approval and attempt
    always give the same key, so a repeated computation can never become a second order.
    27 characters, safe for TWS's text fields.
    """
    if attempt < 1:
        raise ValueError(f"attempt starts at 1, got {attempt}")
    digest = hashlib.sha256(f"{recommendation_id}|{decision_id}|{attempt}".encode()).hexdigest()
    return f"{ORDER_KEY_PREFIX}{digest[:24]}"


def is_order_key(order_ref: str) -> bool:
    """Whether an ``orderRef`` seen at the broker was written by this desk."""
    return order_ref.startswith(ORDER_KEY_PREFIX)

"""A person who decides over HTTP, as the web app does for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

Card = dict[str, Any]


@dataclass(frozen=True)
class Approver:
    """Signed in. What the desk answers is returned as it is, refusals included."""

    browser: httpx.Client

    def card(self, recommendation_id: str) -> Card:
        """The decision card, with the orders that followed."""
        answer = self.browser.get(f"/api/recommendations/{recommendation_id}/")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def approve(
        self, recommendation_id: str, *, key: str | None = None, **changes: Any
    ) -> httpx.Response:
        """Approve the terms on the card; ``changes`` replaces or adds fields of the request."""
        return self._decide("approve", recommendation_id, key, changes)

    def reject(
        self, recommendation_id: str, reason: str, *, key: str | None = None
    ) -> httpx.Response:
        """Reject the terms on the card."""
        return self._decide("reject", recommendation_id, key, {"reason": reason})

    def withdraw(self, order_id: str) -> httpx.Response:
        """Have the order cancelled and no further attempt made."""
        return self.browser.post(f"/api/orders/{order_id}/cancel/")

    def _decide(
        self, verb: str, recommendation_id: str, key: str | None, fields: dict[str, Any]
    ) -> httpx.Response:
        if "terms_hash" not in fields:
            fields["terms_hash"] = self.card(recommendation_id)["terms_hash"]
        return self.browser.post(
            f"/api/recommendations/{recommendation_id}/{verb}/",
            json=fields,
            headers={"Idempotency-Key": key or uuid4().hex},
        )

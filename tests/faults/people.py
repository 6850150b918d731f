"""People who decide over HTTP, many at a time, in process or over a socket."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.faults.furniture import PASSWORD
from tests.faults.offers import Offer

HEADERS = {"X-Greenlight": "1"}
"""What the web app sends with every request; commands without it are refused."""


class Person:
    """Somebody signed in. What the desk answers is returned as it is, refusals included."""

    def __init__(self, browser: httpx.AsyncClient) -> None:
        self.browser = browser

    @classmethod
    async def sign_in(
        cls, email: str, base_url: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> Person:
        browser = httpx.AsyncClient(
            base_url=base_url, transport=transport, headers=HEADERS, timeout=60
        )
        answer = await browser.post("/api/auth/login/", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return cls(browser)

    async def approve(
        self, offer: Offer, *, key: str | None = None, **fields: Any
    ) -> httpx.Response:
        """Approve the offered terms; ``fields`` replaces or adds fields of the request."""
        return await self._decide("approve", offer, key, fields)

    async def reject(self, offer: Offer, *, key: str | None = None) -> httpx.Response:
        return await self._decide("reject", offer, key, {"reason": "no"})

    async def withdraw(self, order_id: UUID) -> httpx.Response:
        """Have the order cancelled and no further attempt made."""
        return await self.browser.post(f"/api/orders/{order_id}/cancel/")

    async def leave(self) -> None:
        await self.browser.aclose()

    async def _decide(
        self, verb: str, offer: Offer, key: str | None, fields: dict[str, Any]
    ) -> httpx.Response:
        return await self.browser.post(
            f"/api/recommendations/{offer.recommendation_id}/{verb}/",
            json={"terms_hash": offer.terms_hash, **fields},
            headers={"Idempotency-Key": key or uuid4().hex},
        )

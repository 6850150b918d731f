"""How much anybody may ask for: by person, by address, and of what is costly by route."""

from __future__ import annotations

from uuid import uuid4

import pytest
from limits import parse

from api import limits
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration


async def test_a_person_who_asks_too_much_waits_and_nobody_else_does(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USER_REQUESTS", parse("3 per minute"))
    async with api.signed_in("viewer_a") as busy, api.signed_in("trader_b") as other:
        for _ in range(3):
            assert (await busy.get("/api/auth/me/")).status_code == 200
        refused = await busy.get("/api/orders/")
        await problem(refused, 429, "TOO_MANY_REQUESTS")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await other.get("/api/auth/me/")).status_code == 200


async def test_an_address_is_counted_before_anybody_has_signed_in(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ADDRESS_REQUESTS", parse("2 per minute"))
    async with api.browser() as browser:
        for _ in range(2):
            await problem(await browser.get("/api/desk/"), 401, "NOT_AUTHENTICATED")
        refused = await browser.get("/api/desk/")
        await problem(refused, 429, "TOO_MANY_REQUESTS")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert (await browser.get("/healthz")).status_code == 200


async def test_what_is_costly_is_counted_by_its_route(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COSTLY_REQUESTS", parse("1 per minute"))
    compare = {"ids": str(uuid4())}
    async with api.signed_in("viewer_a") as browser:
        first = await browser.get("/api/backtests/compare/", params=compare)
        await problem(first, 404, "NOT_FOUND")
        second = await browser.get("/api/backtests/compare/", params=compare)
        await problem(second, 429, "TOO_MANY_REQUESTS")
        assert (await browser.get("/api/backtests/")).status_code == 200

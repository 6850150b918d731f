"""Health in depth over HTTP."""

from __future__ import annotations

import pytest

from tests.integration.api.client import ApiWorld

pytestmark = pytest.mark.integration


async def test_health_is_for_people_who_are_signed_in(api: ApiWorld):
    async with api.browser() as browser:
        assert (await browser.get("/api/health/")).status_code == 401
    async with api.signed_in("viewer_a") as browser:
        answer = await browser.get("/api/health/")
    assert answer.status_code == 200, answer.text
    health = answer.json()
    assert health["state"] == "failed"
    assert health["checks"][0]["state"] == "failed"
    assert {check["part"] for check in health["checks"]} >= {"database", "gateway", "disk"}

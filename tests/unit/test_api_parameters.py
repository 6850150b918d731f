"""A query names what its operation knows, or is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.description import describe, operations
from infra.settings import Settings

# Nothing listens there: what is not refused before fails.
NOWHERE = "postgresql+psycopg://postgres@127.0.0.1:1/none?connect_timeout=1"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(Settings(home=tmp_path, database_url=NOWHERE), web_dist=tmp_path / "none")


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


async def test_a_filter_with_a_slip_in_its_name_is_refused_by_name(browser: httpx.AsyncClient):
    answer = await browser.get("/api/orders/", params={"acount": "DU1000001", "limit": 5})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "INVALID_INPUT"
    assert [error["field"] for error in problem["errors"]] == ["acount"]


async def test_every_parameter_of_the_description_is_known_and_no_other(
    app: FastAPI, browser: httpx.AsyncClient
):
    described = {
        (method, path): {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"
        }
        for method, path, operation in operations(describe(app))
        if path.startswith("/api/")
    }
    assert sum(map(len, described.values())) > 100
    taken_whole = {
        each for each, names in described.items() if not await refusals(browser, *each, *names)
    }
    assert taken_whole == set(described)
    refused = {each for each in described if await refusals(browser, *each, "no_such_parameter")}
    # A provider may add to what it was asked for.
    assert refused == set(described) - {("GET", "/api/auth/oidc/callback/")}


async def refusals(browser: httpx.AsyncClient, method: str, path: str, *names: str) -> list[str]:
    """Those of the names that are unknown; what is known goes on, to where a session lacks."""
    address = re.sub(r"\{\w+\}", "1", path)
    answer = await browser.request(
        method, address, params=dict.fromkeys(names, "1"), headers={"X-Greenlight": "1"}
    )
    return [name for name in names if f"there is no parameter '{name}'" in answer.text]

"""Every list as CSV: all of its rows, in order, one line each."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.csv_lists import columns_of
from api.schemas.orders import OrderRow
from infra.db import models as m
from infra.db.queries.paging import foreign_cursor, page_rows
from tests.integration.api.access_table import more_rows, requests
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_lists import PAGED, _alike, _whole
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
CSV = {"Accept": "text/csv"}


async def lines(
    browser: httpx.AsyncClient, path: str, query: dict[str, Any] | None = None
) -> list[dict[str, str]]:
    answer = await browser.get(path, params=query or {}, headers=CSV)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].endswith('.csv"')
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_every_list_has_a_line_for_each_row_and_a_column_for_each_field(
    api: ApiWorld,
) -> None:
    rows = await more_rows(api)
    await _alike(api)
    api.never_throttle()
    asked = requests(api, rows)
    async with api.signed_in("admin") as browser:
        for path in PAGED:
            one = asked[f"GET {path}"]
            known = await _whole(browser, one.path, {**one.query})
            told = await lines(browser, one.path, {**one.query})
            assert len(told) == len(known), path
            for row, line in zip(known, told, strict=True):
                for name, value in row.items():
                    if isinstance(value, str) and value[:1] not in "=+-@\t\r":
                        assert line[name] == value, (path, name)
                assert {name.split(".")[0] for name in line} >= set(row), path


async def test_a_list_longer_than_a_page_is_told_whole_as_filtered_and_sorted(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _alike(api)
    monkeypatch.setattr("api.csv_lists.MAX_LIMIT", 2)
    async with api.signed_in("admin") as browser:
        query = {"sort": "-raised_at"}
        known = await _whole(browser, "/api/alerts/", query)
        assert len(known) > 4
        told = await lines(browser, "/api/alerts/", {**query, "limit": 1})
        assert [line["id"] for line in told] == [row["id"] for row in known]
        assert not await lines(browser, "/api/orders/", {"symbol": "QQQ"})


async def test_nobody_gets_more_as_csv_than_as_json(api: ApiWorld) -> None:
    async with api.signed_in("viewer_a") as browser:
        told = await lines(browser, "/api/orders/")
        assert {line["id"] for line in told} == {
            row["id"] for row in await _whole(browser, "/api/orders/", {})
        }
    async with api.browser() as stranger:
        refused = await stranger.get("/api/orders/", headers=CSV)
        await problem(refused, 401, "NOT_AUTHENTICATED")
    async with api.signed_in("admin") as browser:
        wrong = await browser.get("/api/orders/", params={"sort": "x"}, headers=CSV)
        await problem(wrong, 422, "INVALID_INPUT")


async def test_a_spreadsheet_runs_nothing_of_what_people_wrote(api: ApiWorld) -> None:
    async with api.sessions.begin() as session:
        client = await session.scalar(select(m.Client).order_by(m.Client.id).limit(1))
        assert client is not None
        client.name = "=HYPERLINK(1)"
    async with api.signed_in("admin") as browser:
        told = await lines(browser, "/api/clients/")
    assert "'=HYPERLINK(1)" in {line["name"] for line in told}


async def test_a_page_that_fails_breaks_the_file_off(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _alike(api)
    monkeypatch.setattr("api.csv_lists.MAX_LIMIT", 2)
    passed = 0

    async def fails_later(*given: Any) -> Any:
        nonlocal passed
        passed += 1
        if passed > 1:
            raise foreign_cursor()
        return await page_rows(*given)

    monkeypatch.setattr("infra.db.queries.alerts.page_rows", fails_later)
    async with api.signed_in("admin") as browser:
        with pytest.raises(Exception, match="a page of a CSV answered 422"):
            await browser.get("/api/alerts/", headers=CSV)


def test_fields_of_models_within_are_columns_of_their_own() -> None:
    names = {".".join(path) for path in columns_of(OrderRow)}
    assert {"id", "contract.symbol", "account.code"} <= names
    assert "contract" not in names

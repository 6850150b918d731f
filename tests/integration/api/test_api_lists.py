"""Every list: sorted by each column it names, and paged in that order without a gap or a repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from api.description import describe
from infra.db import models as m
from infra.settings import Settings
from tests.integration.api.access_table import more_rows, requests
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration

# Answered whole, in the one order named: a handful of rows that belong together.
_WHOLE = {
    "/api/auth/sessions/": "one's own browsers",
    "/api/auth/tokens/": "one's own tokens",
    "/api/chains/": "the underlyings that were recorded",
    "/api/opportunities/runs/": "one run of each strategy",
    "/api/strategies/kinds/": "the strategies there are",
}


_PAGING = frozenset({"limit", "cursor", "sort"})


@dataclass(frozen=True)
class Listed:
    """What a list can be asked."""

    sorts: tuple[str, ...]
    filters: frozenset[str]


def _lists() -> tuple[dict[str, Listed], set[str]]:
    """Every paged list by its path, and the paths of lists answered whole."""
    nowhere = Path("/nonexistent")
    document = describe(create_app(Settings(home=nowhere), web_dist=nowhere))
    paged: dict[str, Listed] = {}
    whole: set[str] = set()
    for path, operations in document["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if schema.get("type") == "array":
            whole.add(path)
        elif "/Page_" in schema.get("$ref", ""):
            asked = operations["get"]
            named = {each["name"] for each in asked["parameters"] if each["in"] == "query"}
            paged[path] = Listed(_sorts(asked), frozenset(named - _PAGING))
    return paged, whole


def _sorts(operation: dict[str, Any]) -> tuple[str, ...]:
    by_name = {each["name"]: each["schema"] for each in operation["parameters"]}
    said = by_name.get("sort", {})
    return tuple(name for each in [said, *said.get("anyOf", ())] for name in each.get("enum", ()))


PAGED, WHOLE = _lists()


def test_every_list_is_sorted_by_what_it_names_and_narrowed_or_is_short() -> None:
    assert set(_WHOLE) == WHOLE
    assert {path for path, listed in PAGED.items() if len(listed.sorts) < 4} == set()
    assert {path for path, listed in PAGED.items() if not listed.filters} == set()


async def test_every_list_gives_each_row_once_in_every_order(api: ApiWorld) -> None:
    rows = await more_rows(api)
    await _alike(api)
    api.never_throttle()
    asked = requests(api, rows)
    wrong: list[str] = []
    async with api.signed_in("admin") as browser:
        for path, listed in PAGED.items():
            one = asked[f"GET {path}"]
            usual = await _whole(browser, one.path, {**one.query})
            for number, sort in enumerate(listed.sorts):
                query = {**one.query, "sort": sort}
                whole = await _whole(browser, one.path, query)
                if sorted(map(repr, whole)) != sorted(map(repr, usual)):
                    wrong.append(f"{path} by {sort} has other rows")
                wrong += _out_of_order(path, sort, whole)
                # Names come in pairs, from either end: of each pair one, in turn.
                if len(whole) > 1 and number % 4 in {0, 3}:
                    paged = await _in_pages(browser, one.path, query, (len(whole) + 1) // 2)
                    if whole != paged:
                        wrong.append(f"{path} by {sort} differs from its pages")
    assert not wrong, "\n".join(wrong)


async def _alike(api: ApiWorld) -> None:
    """Alerts of which many are equal in what they are sorted by, and some have no account."""
    async with api.sessions.begin() as session:
        for number in range(9):
            session.add(
                m.Alert(
                    id=uuid4(),
                    code=f"CODE_{number % 2}",
                    severity=list(m.Severity)[number % 3],
                    subject=str(number),
                    title=f"Alert {number}",
                    broker_account_id=api.world.a.account.id if number % 2 else None,
                    raised_at=api.clock.at - timedelta(seconds=number % 3),
                    cleared_at=api.clock.at if number % 4 == 0 else None,
                    state=m.AlertState.CLEARED if number % 4 == 0 else m.AlertState.OPEN,
                )
            )


async def _whole(
    browser: httpx.AsyncClient, path: str, query: dict[str, str]
) -> list[dict[str, Any]]:
    answer = await browser.get(path, params={**query, "limit": "200"})
    assert answer.status_code == 200, (path, query, answer.text)
    return answer.json()["items"]


async def _in_pages(
    browser: httpx.AsyncClient, path: str, query: dict[str, str], limit: int
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = await browser.get(path, params={**query, "limit": str(limit), **more})
        assert answer.status_code == 200, (path, query, answer.text)
        items += answer.json()["items"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return items
        more = {"cursor": cursor}


def _out_of_order(path: str, sort: str, rows: list[dict[str, Any]]) -> list[str]:
    """Where a row carries what it is sorted by as a plain value, that must be in order."""
    name = sort.removeprefix("-")
    if name == "severity" or not all(name in row for row in rows):
        return []
    values = [row[name] for row in rows]
    known = [value for value in values if value is not None]
    if any(isinstance(value, dict) for value in known) or values != known + [None] * (
        len(values) - len(known)
    ):
        return [] if all(isinstance(value, dict) for value in known) else [f"{path}: nulls first"]
    if name in {"quantity", "limit_price", "average_price", "price", "commission", "bid", "ask"}:
        known = [float(value) for value in known]
    if name.endswith("_at") and known != sorted(known, reverse=sort.startswith("-")):
        return [f"{path} by {sort}: {known}"]
    if known and not isinstance(known[0], str):
        ordered = sorted(known, reverse=sort.startswith("-"))
        return [] if known == ordered else [f"{path} by {sort}: {known}"]
    return []


async def test_pages_of_any_size_are_right_where_rows_are_alike_or_know_no_value(
    api: ApiWorld,
) -> None:
    await _alike(api)
    async with api.signed_in("admin") as browser:
        for sort in ("account", "-account", "-cleared_at", "code", "-severity"):
            whole = await _whole(browser, "/api/alerts/", {"sort": sort})
            for limit in (1, 2, 5):
                assert await _in_pages(browser, "/api/alerts/", {"sort": sort}, limit) == whole


async def test_the_worst_come_first_by_severity_not_by_its_spelling(api: ApiWorld) -> None:
    await _alike(api)
    async with api.signed_in("admin") as browser:
        rows = await _whole(browser, "/api/alerts/", {"sort": "-severity"})
    found = list(dict.fromkeys(row["severity"] for row in rows))
    assert found == ["CRITICAL", "WARNING", "INFO"]


async def test_orders_and_executions_are_found_by_underlying_and_time(api: ApiWorld) -> None:
    soon = (api.clock.at + timedelta(days=2)).date().isoformat()
    found = {
        ("symbol", "spy"): True,
        ("symbol", "QQQ"): False,
        ("until", soon): True,
        ("since", soon): False,
    }
    async with api.signed_in("admin") as browser:
        for path in ("/api/orders/", "/api/executions/"):
            for (name, value), is_there in found.items():
                rows = await _whole(browser, path, {name: value})
                assert bool(rows) is is_there, (path, name, value)
        one = api.world.a
        strategy = str(one.waiting.strategy_instance_id)
        rows = await _whole(browser, "/api/recommendations/", {"strategy": strategy})
        assert {row["id"] for row in rows} == {str(one.waiting.id), str(one.approved.id)}
        assert not await _whole(browser, "/api/recommendations/", {"symbol": "QQQ"})
        assert not await _whole(browser, "/api/gateways/", {"kind": "LIVE"})
        assert len(await _whole(browser, "/api/clients/", {"name": "ent b"})) == 1


async def test_a_cursor_of_another_order_and_an_unknown_column_are_refused(api: ApiWorld) -> None:
    await _alike(api)
    async with api.signed_in("admin") as browser:
        page = (await browser.get("/api/alerts/?limit=1&sort=code")).json()
        for query in (
            {"sort": "-code", "cursor": page["next_cursor"]},
            {"cursor": page["next_cursor"]},
        ):
            refused = await browser.get("/api/alerts/", params=query)
            told = await problem(refused, 422, "INVALID_INPUT")
            assert told["errors"][0]["field"] == "cursor"
        refused = await browser.get("/api/alerts/", params={"sort": "note"})
        assert (await problem(refused, 422, "INVALID_INPUT"))["errors"][0]["field"] == "sort"

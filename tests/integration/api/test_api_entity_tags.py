"""ETags: nothing is sent twice that has not changed, nothing overwritten that somebody else has."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from api.description import describe
from infra.settings import Settings
from tests.integration.api.access_table import Request, actors, more_rows, requests
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration

# Edits that take no If-Match, and what is in its place.
_OTHERWISE = {
    "PUT /api/trading-state/desk/": "stopping must not wait for a look",
    "PUT /api/trading-state/accounts/{account_id}/": "stopping must not wait for a look",
    "PUT /api/users/{user_id}/roles/": "takes the place of the one role held there",
}
# Not JSON, without an end, or refused in this world; see test_api_matrix.py.
_UNTAGGED = frozenset(
    {
        "GET /api/stream/",
        "GET /api/backtests/{run_id}/equity/",
        "GET /api/backtests/{run_id}/report/",
        "GET /api/backtests/{run_id}/tables/{name}/",
        "GET /api/backtests/{run_id}/trades/",
        "GET /api/chains/{symbol}/",
        "GET /api/auth/oidc/callback/",
        "GET /api/auth/oidc/start/",
    }
)
# Their tag is of what an edit changes, so that it says nothing of the rest of the answer.
_OF_EDITS = frozenset(
    {
        "GET /api/clients/{client_id}/approval-rules/",
        "GET /api/limits/{scope}/",
        "GET /api/strategies/{strategy_id}/",
        "GET /api/users/{user_id}/",
    }
)


def operations() -> dict[str, dict[str, Any]]:
    nowhere = Path("/nonexistent")
    document = describe(create_app(Settings(home=nowhere), web_dist=nowhere))
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        if path.startswith("/api/")
        for method, operation in methods.items()
    }


def edits() -> set[str]:
    return {route for route in operations() if route.startswith(("PUT", "PATCH"))}


async def send(
    browser: httpx.AsyncClient, route: str, request: Request, headers: dict[str, str]
) -> httpx.Response:
    method = route.split(" ", maxsplit=1)[0]
    return await browser.request(
        method,
        request.path,
        params=request.query,
        json=request.body,
        headers={"Idempotency-Key": uuid4().hex, **headers},
    )


def test_every_edit_takes_a_tag_or_says_what_stands_in_its_place() -> None:
    described = operations()
    without = {
        route
        for route in edits()
        if not any(each["name"] == "If-Match" for each in described[route]["parameters"])
    }
    assert without == set(_OTHERWISE)


async def test_what_has_not_changed_is_not_sent_again(api: ApiWorld) -> None:
    rows = await more_rows(api)
    api.never_throttle()
    asked = requests(api, rows)
    unchanged, wrong = 0, list[str]()
    async with api.signed_in("admin") as browser:
        for route in sorted(operations()):
            if not route.startswith("GET") or route in _UNTAGGED:
                continue
            first = await send(browser, route, asked[route], {})
            tag = first.headers.get("etag")
            if tag is None or tag.startswith("W/") is (route in _OF_EDITS):
                wrong.append(f"{route} has the tag {tag}: {first.status_code}")
                continue
            again = await send(browser, route, asked[route], {"If-None-Match": f'"x", {tag}'})
            if again.status_code == 304:
                unchanged += 1
                if again.content or again.headers["etag"] != tag:
                    wrong.append(f"{route} sent {again.content!r} with a 304")
            elif route not in _OF_EDITS and again.headers["etag"] == tag:
                wrong.append(f"{route} was sent again")
    assert not wrong, "\n".join(wrong)
    assert unchanged > 30


async def test_an_edit_of_what_somebody_else_has_changed_is_refused(api: ApiWorld) -> None:
    rows = await more_rows(api)
    api.never_throttle()
    asked = requests(api, rows)
    wrong: list[str] = []
    async with actors(api) as browsers:
        browser = browsers["admin"]
        for route in sorted(edits() - set(_OTHERWISE)):
            if "channels" in route:
                continue  # below
            stale = {"If-Match": '"v99"'}
            refused = await send(browser, route, asked[route], stale)
            if refused.status_code != 412:
                wrong.append(f"{route} took a foreign tag: {refused.status_code}")
            anyway = {"If-Match": '"v1"'} if "/config/" in route else {}
            done = await send(browser, route, asked[route], anyway)
            if not done.is_success:
                wrong.append(f"{route} answered {done.status_code} without one: {done.text}")
    assert not wrong, "\n".join(wrong)


async def test_a_tag_that_was_on_screen_counts_until_the_next_edit(api: ApiWorld) -> None:
    async with api.signed_in("admin") as browser:
        (client, *_) = (await browser.get("/api/clients/")).json()["items"]
        path = f"/api/clients/{client['id']}/"
        seen = {"If-Match": client["etag"]}
        renamed = await browser.patch(path, json={"name": "New name"}, headers=seen)
        assert renamed.status_code == 200, renamed.text
        await problem(
            await browser.patch(path, json={"name": "Newer"}, headers=seen),
            412,
            "PRECONDITION_FAILED",
        )
        seen = {"If-Match": renamed.json()["etag"]}
        assert (await browser.patch(path, json={"name": "N"}, headers=seen)).status_code == 200


async def test_channels_and_people_have_tags_as_well(api: ApiWorld) -> None:
    wishes = {"name": "phone", "events": ["ALERT"]}
    async with api.signed_in("admin") as browser:
        body = {**wishes, "address": "jsons://hook.desk.test"}
        channel = (await browser.post("/api/auth/channels/", json=body)).json()
        path = f"/api/auth/channels/{channel['id']}/"
        seen = {"If-Match": channel["etag"]}
        for status in (200, 412):
            changed = await browser.put(path, json={**wishes, "name": "desk"}, headers=seen)
            assert changed.status_code == status, changed.text
        person = f"/api/users/{api.world.users['nobody'].id}/"
        tag = (await browser.get(person)).headers["etag"]
        for status in (200, 412):
            changed = await browser.patch(person, json={"name": "X"}, headers={"If-Match": tag})
            assert changed.status_code == status, changed.text

"""Lists of plain rows say what the models of their routes declare, value for value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from api.fast_lists import page_answer
from api.schemas.common import Page
from api.schemas.orders import ExecutionRow, OrderRow
from api.schemas.positions import HeldPosition
from api.schemas.recommendations import RecommendationRow
from tests.integration.api.client import ApiWorld

pytestmark = pytest.mark.integration

LISTS: dict[str, type[BaseModel]] = {
    "/api/recommendations/": Page[RecommendationRow],
    "/api/orders/": Page[OrderRow],
    "/api/executions/": Page[ExecutionRow],
    "/api/positions/": Page[HeldPosition],
}


async def test_a_fast_list_says_what_its_model_would(api: ApiWorld) -> None:
    async with api.signed_in("approver_a") as browser:
        for path, model in LISTS.items():
            answer = await browser.get(path)
            assert answer.status_code == 200, answer.text
            said = answer.json()
            assert said["items"], path
            as_model = model.model_validate_json(answer.content)
            assert said == json.loads(as_model.model_dump_json()), path


async def test_a_fast_list_declares_its_model(api: ApiWorld) -> None:
    async with api.browser() as browser:
        document = (await browser.get("/api/openapi.json")).json()
    for path, model in LISTS.items():
        content: dict[str, Any] = document["paths"][path]["get"]["responses"]["200"]["content"]
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][name]["title"] == model.__name__


def test_times_are_told_in_utc_wherever_they_were_noted() -> None:
    noted = datetime(2026, 11, 23, 10, 0, 0, 1200, ZoneInfo("America/New_York"))
    times = [noted, noted.astimezone(UTC), noted.astimezone(ZoneInfo("UTC")).replace(microsecond=0)]
    (told,) = json.loads(bytes(page_answer([{"at": times}], None).body))["items"]
    assert told["at"] == ["2026-11-23T15:00:00.001200Z"] * 2 + ["2026-11-23T15:00:00Z"]


def test_a_value_that_no_answer_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        page_answer([{"value": complex(1, 2)}], None)


def test_decimals_and_nothing_at_all_are_written_as_in_models() -> None:
    body = page_answer([{"price": Decimal("4.1500"), "iv": float("nan")}], None).body
    assert json.loads(bytes(body)) == {
        "items": [{"price": "4.15", "iv": None}],
        "next_cursor": None,
    }

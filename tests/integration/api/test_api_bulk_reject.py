"""Rejecting several at once: each by its own terms, each with its own answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
PATH = "/api/recommendations/reject/"
KEY = {"Idempotency-Key": "many-at-once"}


def ask(*items: tuple[UUID, str], reason: str = "earnings") -> dict[str, Any]:
    named = [{"recommendation_id": str(one), "terms_hash": terms} for one, terms in items]
    return {"items": named, "reason": reason}


async def test_each_is_rejected_by_its_own_terms_and_answered_by_itself(api: ApiWorld) -> None:
    mine, decided, theirs = api.world.a.waiting, api.world.a.approved, api.world.b.waiting
    body = ask(
        (decided.id, decided.terms_hash),
        (mine.id, mine.terms_hash),
        (theirs.id, theirs.terms_hash),
        (uuid4(), mine.terms_hash),
    )
    async with api.signed_in("approver_a") as browser:
        first = (await browser.post(PATH, json=body, headers=KEY)).json()["items"]
        again = (await browser.post(PATH, json=body, headers=KEY)).json()["items"]
    said = [each["refusal"] and each["refusal"]["code"] for each in first]
    assert said == ["ALREADY_DECIDED", None, "NOT_FOUND", "NOT_FOUND"]
    assert first[2] == first[3]
    assert first[1]["receipt"]["state"] == "REJECTED"
    assert again == first
    async with api.sessions() as session:
        decision = (
            await session.scalars(select(m.Decision).where(m.Decision.recommendation_id == mine.id))
        ).one()
        others = await session.get_one(m.Recommendation, theirs.id)
    assert (decision.reason, decision.terms_hash) == ("earnings", mine.terms_hash)
    assert others.state == "PROPOSED"
    assert {each[0] for each in api.signals.decisions} == {mine.id}


async def test_terms_that_are_not_on_offer_reject_nothing(api: ApiWorld) -> None:
    mine = api.world.a.waiting
    async with api.signed_in("approver_a") as browser:
        answer = await browser.post(PATH, json=ask((mine.id, "of yesterday")), headers=KEY)
    assert answer.json()["items"][0]["refusal"]["code"] == "TERMS_CHANGED"
    assert api.signals.decisions == []


async def test_who_may_not_decide_rejects_nothing_and_a_reason_is_needed(api: ApiWorld) -> None:
    mine = api.world.a.waiting
    item = (mine.id, mine.terms_hash)
    async with api.signed_in("viewer_a") as viewer:
        answer = await viewer.post(PATH, json=ask(item), headers=KEY)
    assert [each["refusal"]["code"] for each in answer.json()["items"]] == ["FORBIDDEN"]
    async with api.signed_in("approver_a") as approver:
        mute = await approver.post(PATH, json=ask(item, reason="  "), headers=KEY)
    await problem(mute, 422, "INVALID_INPUT")
    assert api.signals.decisions == []

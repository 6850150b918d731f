"""Discrepancies over HTTP: who sees them, and who may accept the broker's figure."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from infra.db import models as m
from tests.integration.api.client import ApiWorld
from tests.integration.api.reconciliation_maker import discrepancy, reconciled
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
PATH = "/api/discrepancies/"


async def found_on(api: ApiWorld, account: m.BrokerAccount) -> m.Discrepancy:
    async with api.sessions.begin() as session:
        instrument = await session.scalar(select(m.Instrument.id))
        assert instrument is not None
        return await reconciled(session, account, instrument, api.clock.at)


async def test_a_client_sees_its_own_discrepancies_and_what_to_do_about_them(api: ApiWorld):
    ours = await found_on(api, api.world.a.account)
    await found_on(api, api.world.b.account)
    async with api.signed_in("approver_a") as browser:
        listed = (await browser.get(PATH)).json()["items"]
    (row,) = listed
    assert row["id"] == str(ours.id)
    assert (row["expected"], row["actual"]) == ("100", "50")
    assert "accept" in row["advice"]
    assert row["can_accept"] is False


async def test_what_is_not_confirmed_is_not_shown_and_cleared_ones_are_filtered(api: ApiWorld):
    account = api.world.a.account
    async with api.sessions.begin() as session:
        unconfirmed = discrepancy(account, api.clock.at, con_id=1)
        unconfirmed.raised_at = None
        session.add_all([unconfirmed, discrepancy(account, api.clock.at, con_id=2, cleared=True)])
    async with api.signed_in("approver_a") as browser:
        assert (await browser.get(PATH, params={"open": True})).json()["items"] == []
        cleared = (await browser.get(PATH, params={"open": False})).json()["items"]
        assert [row["con_id"] for row in cleared] == [2]
        other = await browser.get(PATH, params={"type": "CASH_MISMATCH"})
        assert other.json()["items"] == []


async def test_an_operator_accepts_the_figure_seen_and_the_record_agrees(api: ApiWorld):
    row = await found_on(api, api.world.a.account)
    ask = {"actual": "50", "note": "transferred out, see statement"}
    async with api.signed_in("operator_a") as browser:
        answer = await browser.post(f"{PATH}{row.id}/accept/", json=ask)
    assert answer.status_code == 200, answer.text
    assert answer.json()["cleared_at"] is not None
    async with api.sessions() as session:
        event = await session.scalar(
            select(m.PositionEvent).where(m.PositionEvent.kind == "ACCEPTED")
        )
        assert event is not None
        assert (event.quantity, event.cash) == (Decimal(-50), Decimal(0))
        assert "see statement" in event.detail
        entry = await session.scalar(
            select(m.AuditEvent).where(m.AuditEvent.action == "discrepancy.accepted")
        )
        assert entry is not None
    async with api.signed_in("operator_a") as browser:
        await problem(
            await browser.post(f"{PATH}{row.id}/accept/", json=ask), 409, "ILLEGAL_TRANSITION"
        )


async def test_a_figure_that_has_changed_since_is_not_accepted(api: ApiWorld):
    row = await found_on(api, api.world.a.account)
    async with api.signed_in("operator_a") as browser:
        answer = await browser.post(
            f"{PATH}{row.id}/accept/", json={"actual": "75", "note": "as seen"}
        )
    await problem(answer, 409, "DISCREPANCY_CHANGED")


async def test_accepting_needs_an_operator_of_the_client(api: ApiWorld):
    ours = await found_on(api, api.world.a.account)
    theirs = await found_on(api, api.world.b.account)
    ask = {"actual": "50", "note": "as seen"}
    async with api.signed_in("approver_a") as browser:
        await problem(await browser.post(f"{PATH}{ours.id}/accept/", json=ask), 403, "FORBIDDEN")
    async with api.signed_in("operator_a") as browser:
        await problem(await browser.post(f"{PATH}{theirs.id}/accept/", json=ask), 404, "NOT_FOUND")

"""Telling people what waits for them: channels over HTTP, messages to a real listener."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from temporalio.testing import ActivityEnvironment

from activities.notifications import NotificationActivities, NotificationReport
from infra.db import models as m
from infra.db.notifications import PAUSES, PostgresNotifications
from infra.notify import AppriseMessenger
from tests.integration.api.client import ApiWorld, running_api
from tests.integration.api.client_maker import alert_on
from tests.integration.api.test_api_sign_in import problem

pytestmark = pytest.mark.integration
LATER = timedelta(hours=1)
"""After the channel was made, however slow the machine."""
EVERYTHING = ["RECOMMENDATION_WAITING", "DEADLINE_NEAR", "ORDER_STUCK", "ALERT", "KILL_SWITCH"]


@dataclass
class Listener:
    """Whoever reads the messages; refuses them while ``deaf``."""

    port: int = 0
    deaf: bool = False
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/hook"


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not listener.deaf:
                listener.heard.append(json.loads(body))
            self.send_response(500 if listener.deaf else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    listener.port = server.server_address[1]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield listener
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def api(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ApiWorld]:
    monkeypatch.setenv("GREENLIGHT_NOTIFICATION_KINDS", '["json"]')
    monkeypatch.setenv("GREENLIGHT_DESK_URL", "https://desk.example")
    async with running_api(database_url, tmp_path) as world:
        yield world


async def make_channel(
    browser: httpx.AsyncClient, listener: Listener, **wishes: Any
) -> dict[str, Any]:
    ask = {"name": "phone", "address": listener.address, "events": EVERYTHING, **wishes}
    made = await browser.post("/api/auth/channels/", json=ask)
    assert made.status_code == 201, made.text
    return made.json()


async def notify(api: ApiWorld) -> NotificationReport:
    resources = api.app.state.resources
    activities = NotificationActivities(
        PostgresNotifications(api.sessions, resources.keys),
        AppriseMessenger(resources.settings.notification_kinds),
        resources.settings.public_url,
    )
    return await ActivityEnvironment().run(activities.notify)


async def happen(api: ApiWorld, code: str, account: m.BrokerAccount | None) -> m.Alert:
    """An alert raised from now on, on an account or on the desk as a whole."""
    async with api.sessions.begin() as session:
        alert = alert_on(code, "something", account and account.id, api.clock.now() + LATER)
        session.add(alert)
        return alert


async def test_a_test_message_reaches_the_channel_and_its_address_is_told_to_nobody(
    api: ApiWorld, listener: Listener
):
    async with api.signed_in("approver_a") as browser, api.signed_in("viewer_a") as other:
        channel = await make_channel(browser, listener)
        tried = f"/api/auth/channels/{channel['id']}/test/"
        assert (await browser.post(tried)).status_code == 204
        assert [message["title"] for message in listener.heard] == ["Greenlight: a test"]
        await problem(await other.post(tried), 404, "NOT_FOUND")
        listener.deaf = True
        refused = await browser.post(tried)
        await problem(refused, 502, "NOTIFICATION_FAILED")
        listed = await browser.get("/api/auth/channels/")
        assert str(listener.port) not in listed.text
    async with api.sessions() as session:
        trail = (
            await session.scalars(select(m.AuditEvent).where(m.AuditEvent.action.like("channel%")))
        ).all()
        (kept,) = (await session.scalars(select(m.NotificationChannel))).all()
    assert sorted(event.action for event in trail) == ["channel.created", "channel.tested"]
    assert str(listener.port) not in str([(event.before, event.after) for event in trail])
    assert str(listener.port).encode() not in kept.sealed_url


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"address": "exec://rm"}, "CHANNEL_REFUSED"),
        ({"events": []}, "INVALID_INPUT"),
        ({"quiet_from": "22:00"}, "INVALID_INPUT"),
        ({"zone": "Mars/Olympus"}, "INVALID_INPUT"),
        ({"surprise": 1}, "INVALID_INPUT"),
    ],
)
async def test_nonsense_is_refused_and_leaves_no_channel(
    api: ApiWorld, listener: Listener, wishes: dict[str, Any], code: str
):
    ask = {"name": "phone", "address": listener.address, "events": EVERYTHING, **wishes}
    async with api.signed_in("viewer_a") as browser:
        await problem(await browser.post("/api/auth/channels/", json=ask), 422, code)
        assert (await browser.get("/api/auth/channels/")).json()["channels"] == []


async def test_each_thing_is_told_once_and_only_to_who_may_see_it(
    api: ApiWorld, listener: Listener
):
    async with api.signed_in("approver_a") as browser:
        await make_channel(browser, listener)
    await notify(api)
    listener.heard.clear()  # the deadline of what waited before may be near

    await happen(api, "OF_A", api.world.a.account)
    await happen(api, "OF_B", api.world.b.account)
    assert (await notify(api)).sent == 1
    assert (await notify(api)).sent == 0
    (message,) = listener.heard
    assert "https://desk.example/" in message["message"]
    async with api.sessions() as session:
        told = (await session.scalars(select(m.Notification))).all()
        ours = set(await session.scalars(select(m.Alert.id).where(m.Alert.code == "OF_A")))
        theirs = set(await session.scalars(select(m.Alert.id).where(m.Alert.code == "OF_B")))
    subjects = {row.subject for row in told}
    assert ours <= subjects
    assert subjects.isdisjoint(theirs)


async def test_a_recommendation_that_waits_and_one_near_its_deadline_are_told(
    api: ApiWorld, listener: Listener
):
    waiting = api.world.a.waiting.id
    async with api.signed_in("approver_a") as browser:
        await make_channel(browser, listener)
    async with api.sessions.begin() as session:
        change = update(m.Recommendation).where(m.Recommendation.id == waiting)
        await session.execute(change.values(created_at=api.clock.now() + LATER))
    await notify(api)
    async with api.sessions() as session:
        told = (
            await session.scalars(select(m.Notification).where(m.Notification.subject == waiting))
        ).all()
    assert "RECOMMENDATION_WAITING" in {row.event for row in told}
    assert {row.path for row in told} == {f"/recommendations/{waiting}"}
    assert f"https://desk.example/recommendations/{waiting}" in listener.heard[0]["message"]


async def test_what_is_over_before_quiet_hours_end_is_never_told(api: ApiWorld, listener: Listener):
    now = api.clock.now()
    quiet = {
        "quiet_from": (now - timedelta(hours=1)).strftime("%H:%M"),
        "quiet_until": (now + timedelta(hours=1)).strftime("%H:%M"),
        "zone": "UTC",
        "critical_at_any_hour": False,
    }
    async with api.signed_in("approver_a") as browser:
        await make_channel(browser, listener, **quiet)
    alert = await happen(api, "OF_A", api.world.a.account)
    report = await notify(api)
    assert (report.collected >= 1, report.sent, listener.heard) == (True, 0, [])
    async with api.sessions.begin() as session:
        cleared = update(m.Alert).where(m.Alert.id == alert.id)
        await session.execute(cleared.values(state=m.AlertState.CLEARED))
        await session.execute(
            update(m.Notification)
            .where(m.Notification.subject == alert.id)
            .values(due_at=now - timedelta(minutes=1))
        )
    assert (await notify(api)).sent == 0
    assert listener.heard == []


async def test_a_message_that_fails_is_tried_again_and_given_up_in_the_end(
    api: ApiWorld, listener: Listener
):
    listener.deaf = True
    async with api.signed_in("approver_a") as browser:
        await make_channel(browser, listener)
        await happen(api, "OF_A", api.world.a.account)
        for _ in PAUSES:
            assert (await notify(api)).failed == 1
            assert (await notify(api)).failed == 0  # not before the pause is over
            async with api.sessions.begin() as session:
                await session.execute(
                    update(m.Notification).values(due_at=api.clock.now() - timedelta(hours=1))
                )
        (channel,) = (await browser.get("/api/auth/channels/")).json()["channels"]
        assert channel["waiting"] >= 1
        assert "500" in channel["error"]
        listener.deaf = False
        assert (await notify(api)).sent == 1
        (channel,) = (await browser.get("/api/auth/channels/")).json()["channels"]
        assert (channel["waiting"], channel["last_sent_at"] is not None) == (0, True)


async def test_a_message_whose_sender_died_goes_out_later(api: ApiWorld, listener: Listener):
    async with api.signed_in("approver_a") as browser:
        await make_channel(browser, listener)
    await happen(api, "OF_A", api.world.a.account)
    store = PostgresNotifications(api.sessions, api.app.state.resources.keys)
    await store.collect()
    assert len(await store.take_due()) == 1
    assert await store.take_due() == []  # reserved, and nobody settles it
    async with api.sessions.begin() as session:
        await session.execute(
            update(m.Notification).values(due_at=api.clock.now() - timedelta(hours=1))
        )
    assert (await notify(api)).sent == 1


async def test_a_removed_channel_is_told_nothing_more(api: ApiWorld, listener: Listener):
    async with api.signed_in("approver_a") as browser:
        channel = await make_channel(browser, listener)
        path = f"/api/auth/channels/{channel['id']}/"
        wishes = {"name": "phone", "events": ["ALERT"], "is_enabled": False}
        assert (await browser.put(path, json=wishes)).json()["is_enabled"] is False
        await happen(api, "OF_A", api.world.a.account)
        assert (await notify(api)).sent == 0
        assert (await browser.delete(path)).status_code == 204
        assert (await browser.get("/api/auth/channels/")).json()["channels"] == []

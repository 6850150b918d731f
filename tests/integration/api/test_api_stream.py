"""The stream of changes: told after the commit, only to those who may know, and ended promptly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from sqlalchemy import make_url, update

import api.stream
from infra.db import models as m
from tests.integration.api.client import HEADERS, ApiWorld, running_api, sign_in

pytestmark = pytest.mark.integration


@dataclass
class Served:
    """The application behind a real server, for a stream never ends in process."""

    world: ApiWorld
    url: str
    server: uvicorn.Server
    serving: asyncio.Task[None]


@pytest.fixture
async def served(database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with running_api(database_url, tmp_path) as world:
        # The lifespan is running already; the server must not start it again.
        config = uvicorn.Config(world.app, port=0, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.wait([serving], timeout=0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        await world.app.state.resources.feed.until_listening()
        yield Served(world, f"http://127.0.0.1:{port}", server, serving)
        server.should_exit = True
        await asyncio.wait_for(serving, 10)


class Stream:
    """Events as a browser reads them."""

    resumed = False
    last = ""
    """Id of the latest event."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, str]:
        """The next event or comment, as its fields."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line:
                if fields:
                    return fields
                continue
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.strip()
        raise EOFError

    async def change(self) -> dict[str, Any]:
        """The next change that names a table."""
        while True:
            event = await asyncio.wait_for(self.event(), 10)
            if event.get("event") == "change":
                self.last = event["id"]
                found: dict[str, Any] = json.loads(event["data"])
                if found["table"] != "*":
                    return {**found, "number": int(event["id"].split(".")[1])}

    async def end(self) -> None:
        """Read until the server ends the stream."""
        with suppress(EOFError):
            async with asyncio.timeout(5):
                while True:
                    await self.event()


@asynccontextmanager
async def stream_of(served: Served, who: str, last: str = "") -> AsyncIterator[Stream]:
    async with httpx.AsyncClient(base_url=served.url, headers=HEADERS, timeout=20) as browser:
        assert (await sign_in(browser, served.world.world.email(who))).status_code == 200
        headers = {"Last-Event-ID": last} if last else {}
        async with browser.stream("GET", "/api/stream/", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            stream = Stream(response)
            hello = await stream.event()
            assert hello["event"] == "hello"
            stream.resumed = json.loads(hello["data"])["resumed"]
            stream.last = hello["id"]
            yield stream


async def rename(world: ApiWorld, alert: m.Alert, title: str) -> None:
    async with world.sessions.begin() as session:
        await session.execute(update(m.Alert).where(m.Alert.id == alert.id).values(title=title))


async def test_a_change_is_told_after_its_commit_with_growing_numbers(
    served: Served,
) -> None:
    world = served.world
    alert = world.world.a.alert
    async with stream_of(served, "viewer_a") as stream:
        await rename(world, alert, "once")
        first = await stream.change()
        await rename(world, alert, "twice")
        second = await stream.change()
    assert (first["table"], first["id"], first["op"]) == ("alerts", str(alert.id), "UPDATE")
    assert first["account"] == str(world.world.a.account.id)
    assert second["number"] > first["number"]


async def test_a_stream_goes_on_where_the_last_one_ended(served: Served) -> None:
    world, ours = served.world, served.world.world.a.alert
    async with stream_of(served, "viewer_a") as stream:
        assert stream.resumed is False
        await rename(world, ours, "heard")
        heard = await stream.change()
        last = stream.last
    # Told while nobody of client A listened; the second is not theirs to know.
    async with stream_of(served, "trader_b") as other:
        await rename(world, ours, "missed")
        await rename(world, world.world.b.alert, "for B only")
        await other.change()
    for _ in range(2):
        async with stream_of(served, "viewer_a", last) as stream:
            assert stream.resumed is True
            missed = await stream.change()
            assert (missed["id"], missed["number"]) == (str(ours.id), heard["number"] + 1)
            await rename(world, ours, "heard again")
            assert (await stream.change())["number"] > missed["number"] + 1


async def test_a_stream_that_cannot_go_on_says_so(served: Served) -> None:
    for last in ("0badcafe.1", "12", "x", "."):
        async with stream_of(served, "viewer_a", last) as stream:
            assert stream.resumed is False
    epoch = stream.last.split(".")[0]
    async with stream_of(served, "viewer_a", f"{epoch}.999999") as stream:
        assert stream.resumed is False


async def test_the_other_client_s_changes_are_not_told(served: Served) -> None:
    world = served.world
    async with stream_of(served, "trader_b") as stream:
        await rename(world, world.world.a.alert, "for A only")
        await rename(world, world.world.b.alert, "for B only")
        await rename(world, world.world.desk_alert, "for everybody")
        told = [await stream.change(), await stream.change()]
    assert [change["id"] for change in told] == [
        str(world.world.b.alert.id),
        str(world.world.desk_alert.id),
    ]


async def test_a_stream_ends_when_its_session_does(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.stream, "HEARTBEAT_SECONDS", 0.05)
    world = served.world
    async with stream_of(served, "viewer_a") as stream:
        assert (await stream.event())["comment"] == "still here"
        world.clock.advance(timedelta(hours=2))
        await stream.end()


async def test_after_a_lost_connection_browsers_are_told_to_ask_for_everything(
    served: Served, database_url: str
) -> None:
    world = served.world
    conninfo = make_url(database_url).set(drivername="postgresql").render_as_string(False)
    async with stream_of(served, "viewer_a") as stream:
        killer = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
        async with killer:
            await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
        event = await asyncio.wait_for(stream.event(), 10)
        assert json.loads(event["data"])["table"] == "*"
        await rename(world, world.world.a.alert, "heard again")
        assert (await stream.change())["table"] == "alerts"


async def test_open_streams_do_not_hold_up_a_shutdown(served: Served) -> None:
    async with stream_of(served, "viewer_a") as stream:
        served.server.should_exit = True
        await stream.end()
        await asyncio.wait_for(served.serving, 5)

"""Telling browsers that something changed: Postgres NOTIFY in, server-sent events out.

One connection per process listens; every signed-in browser has a bounded queue. What is told is
only which row of which table changed, and only to those who may see its account: the browser
then asks for the rows like anybody else. One that lost its connection names the last event it had
(``Last-Event-ID``) and is told what it missed; where that is not known any more, or was told by
another process, its ``hello`` says so and it asks for everything.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import anyio
import orjson
import psycopg
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import make_url
from sse_starlette import ServerSentEvent

log = structlog.stdlib.get_logger(__name__)

CHANNEL = "greenlight"
EVERYTHING = "*"
HEARTBEAT_SECONDS = 15.0
_QUEUE_SIZE = 500
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
# A connection that fell silent is asked whether it still lives.
_QUIET_SECONDS = 20.0
_NOTICE_A_DEAD_PEER: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 15_000,
}

Visible = frozenset[UUID] | None


class Change(BaseModel):
    """One changed row; ``*`` as the table stands for everything, after a gap."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    table: str
    id: str | None = None
    op: str = Field(default="UPDATE")
    account: UUID | None = None

    def is_visible(self, accounts: Visible) -> bool:
        """Whether someone who sees ``accounts`` (None: all of them) may know of it."""
        return accounts is None or self.account is None or self.account in accounts


Numbered = tuple[int, Change]


class Subscription:
    """One browser's queue. When it overflows, the browser is told to ask for everything."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Numbered | None] = asyncio.Queue(_QUEUE_SIZE)

    def put(self, number: int, change: Change) -> None:
        try:
            self._queue.put_nowait((number, change))
        except asyncio.QueueFull:
            self._replace_all_by((number, Change(table=EVERYTHING)))

    def end(self) -> None:
        """Nothing more follows."""
        self._replace_all_by(None)

    async def next(self) -> Numbered | None:
        """The next change, None at the end."""
        return await self._queue.get()

    def _replace_all_by(self, last: Numbered | None) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(last)


class ChangeFeed:
    """The process's one listening connection, and everybody it tells."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url).set(drivername="postgresql")
        self._conninfo = url.render_as_string(hide_password=False)
        self._subscriptions: set[Subscription] = set()
        self._number = 0
        self._recent: deque[Change] = deque(maxlen=_QUEUE_SIZE)
        # Numbers are this process's own.
        self._epoch = secrets.token_hex(4)
        self._listening: asyncio.Task[None] | None = None
        self._is_listening = asyncio.Event()

    @property
    def number(self) -> int:
        """Of the latest change; only ever grows."""
        return self._number

    def event_id(self, number: int) -> str:
        return f"{self._epoch}.{number}"

    def missed(self, last_event_id: str) -> list[Numbered] | None:
        """What was told after an event; None where that is not known here, or not any more."""
        epoch, _, number = last_event_id.partition(".")
        if epoch != self._epoch or not number.isdecimal():
            return None
        behind = self._number - int(number)
        if not 0 <= behind <= len(self._recent):
            return None
        later = list(self._recent)[len(self._recent) - behind :]
        return list(enumerate(later, int(number) + 1))

    def start(self) -> None:
        self._listening = asyncio.create_task(self._listen_for_ever(), name="listen for changes")

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def until_listening(self) -> None:
        """Return once changes committed from now on will be told."""
        await self._is_listening.wait()

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def publish(self, change: Change) -> None:
        self._number += 1
        self._recent.append(change)
        for subscription in self._subscriptions:
            subscription.put(self._number, change)

    async def _listen_for_ever(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                was_listening = self._is_listening.is_set()
                self._is_listening.clear()
                pause = _FIRST_PAUSE_SECONDS if was_listening else pause
                log.warning("changes.not_listening", error=str(error), retry_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Listen until the connection fails. Whatever was missed before is made up for first."""
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, **_NOTICE_A_DEAD_PEER
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._is_listening.set()
            self.publish(Change(table=EVERYTHING))
            while True:
                async for notice in connection.notifies(timeout=_QUIET_SECONDS):
                    self._take(notice.payload)
                await connection.execute("SELECT 1")

    def _take(self, payload: str) -> None:
        try:
            self.publish(Change.model_validate_json(payload))
        except ValidationError as error:
            log.warning("changes.not_understood", payload=payload, error=str(error))
            self.publish(Change(table=EVERYTHING))


async def events(
    feed: ChangeFeed,
    visible_accounts: Callable[[], Awaitable[tuple[bool, Visible]]],
    shutting_down: anyio.Event,
    last_event_id: str = "",
) -> AsyncIterator[ServerSentEvent]:
    """What one browser is sent, until its session ends or the server stops.

    ``visible_accounts`` answers whether the session still lives and which accounts it sees. It
    is asked again with every heartbeat, so that a revoked session or membership takes effect on
    streams already open.
    """
    loop = asyncio.get_running_loop()
    with feed.subscribe() as subscription, _ended_by(shutting_down, subscription):
        # With the subscription, before anything else can be told.
        missed, known = feed.missed(last_event_id), feed.number
        alive, accounts = await visible_accounts()
        if not alive:
            return
        resumed = orjson.dumps({"resumed": missed is not None}).decode()
        begun = known - len(missed or ())
        yield ServerSentEvent(event="hello", id=feed.event_id(begun), data=resumed)
        for number, change in missed or ():
            if change.is_visible(accounts):
                yield _told(feed, number, change)
        beat_at = loop.time() + HEARTBEAT_SECONDS
        while True:
            due: Numbered | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout_at(beat_at):
                    due = await subscription.next()
                    if due is None:
                        return
            if loop.time() >= beat_at:
                alive, accounts = await visible_accounts()
                if not alive:
                    return
                beat_at = loop.time() + HEARTBEAT_SECONDS
                yield ServerSentEvent(comment="still here")
            if due is not None and due[1].is_visible(accounts):
                yield _told(feed, *due)


@contextmanager
def _ended_by(shutting_down: anyio.Event, subscription: Subscription) -> Iterator[None]:
    async def end() -> None:
        await shutting_down.wait()
        subscription.end()

    watching = asyncio.create_task(end(), name="end the stream at shutdown")
    try:
        yield
    finally:
        watching.cancel()


def _told(feed: ChangeFeed, number: int, change: Change) -> ServerSentEvent:
    fields: dict[str, Any] = change.model_dump(mode="json")
    data = orjson.dumps(fields).decode()
    return ServerSentEvent(event="change", id=feed.event_id(number), data=data)

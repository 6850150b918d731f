"""The stream of changes."""

from __future__ import annotations

from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse

from api.deps import Desk, authenticate, count_request, still_live
from api.scopes import require_scope
from api.stream import Visible, events
from domain.errors import ErrorCode, GreenlightError
from infra.db.queries.identity import visible_account_ids

router = APIRouter(tags=["stream"])

LastEventId = Annotated[
    str,
    Header(
        alias="Last-Event-ID", max_length=100, description="of the last event that was received"
    ),
]
# For a stream to end by itself when the server stops; less than the server's own patience.
_FAREWELL_SECONDS = 2.0


@router.get(
    "/stream/",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "`hello`, `change`…"}},
)
async def stream(
    request: Request, desk: Desk, last_event_id: LastEventId = ""
) -> EventSourceResponse:
    """Server-sent events: which row of which table changed, as far as the viewer may know.

    `hello` says whether the stream goes on where the last one ended (`resumed`), or everything is
    to be asked for anew; `change` follows for each row.

    Opens its own short transactions: a stream lasts hours and must not hold a connection.
    """
    async with desk.sessions.begin() as session:
        opened = await authenticate(request, desk, session)
    if opened is None:
        raise GreenlightError(ErrorCode.NOT_AUTHENTICATED, "no session, or it has ended")
    await count_request(request, desk, opened.viewer)
    require_scope(opened.viewer, request.method, request.url.path)

    async def visible() -> tuple[bool, Visible]:
        async with desk.sessions.begin() as session:
            current = await still_live(desk, session, opened)
            if current is None:
                return False, frozenset()
            if current.viewer.is_admin:
                return True, None
            return True, await visible_account_ids(session, current.viewer)

    shutting_down = anyio.Event()
    return EventSourceResponse(
        events(desk.feed, visible, shutting_down, last_event_id),
        ping=0,  # the generator sends its own heartbeats, each after looking at the session again
        shutdown_event=shutting_down,
        shutdown_grace_period=_FAREWELL_SECONDS,
    )

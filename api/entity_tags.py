"""ETags: what has not changed is not sent again, and what somebody else changed is not overwritten.

Every JSON answer to a GET carries a weak tag of its bytes; asked for again with ``If-None-Match``,
an unchanged one is a 304 without a body. What can be edited carries a strong tag of what an edit
changes, as the field ``etag`` wherever it is listed: with it as ``If-Match``, an edit of something
that somebody else has changed meanwhile is refused.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import ErrorCode, GreenlightError

_JSON = "application/json"
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="the `etag` that was on screen; 412 where it is another by now",
    ),
]


def require_match(if_match: str | None, etag: str) -> None:
    """Raise GreenlightError PRECONDITION_FAILED unless ``if_match`` names ``etag``, or nothing."""
    if if_match is not None and "*" not in (given := _listed(if_match)) and etag not in given:
        raise GreenlightError(ErrorCode.PRECONDITION_FAILED, "it is not what was on screen")


def _listed(header: str) -> list[str]:
    return [each.strip() for each in header.split(",")]


class EntityTags:
    """Tags answers to GET and leaves out the bodies that the other side has already.

    Answers that say their tag themselves, and streams, pass as they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        known = _listed(Headers(scope=scope).get("if-none-match", ""))
        held: Message | None = None

        async def send_tagged(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_tagged(message):
                held = message
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body", False):
                    start, message = _tagged(start, message, known)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_tagged)


def _is_tagged(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    is_json = headers.get("content-type", "").partition(";")[0] == _JSON
    return start["status"] == 200 and is_json and "etag" not in headers


def _tagged(start: Message, message: Message, known: list[str]) -> tuple[Message, Message]:
    tag = f'W/"{hashlib.blake2b(message["body"], digest_size=12).hexdigest()}"'
    headers = MutableHeaders(scope=start)
    headers["ETag"] = tag
    if tag not in known and "*" not in known:
        return start, message
    del headers["content-length"]
    del headers["content-type"]
    return {**start, "status": 304}, {"type": "http.response.body", "body": b""}

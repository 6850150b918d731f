"""What no request may hold, whatever route it is for: refused before any route looks at it.

A body larger than anything the desk has to be told; JSON beyond RFC 8259, which Python's own reader
takes (``NaN``, ``Infinity``, lone surrogates); and the character NUL, which Postgres cannot keep.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import coded, problem_response, too_large
from api.schemas.problems import FieldError, Problem
from domain.errors import ErrorCode

_NUL = "\x00"


class StrictInput:
    """Reads the body in whole, no further than ``max_bytes``, and hands it on if it is sound."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._max_bytes:
            await problem_response(too_large(self._max_bytes))(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                await problem_response(too_large(self._max_bytes))(scope, receive, send)
                return
            more = message.get("more_body", False)
        refused = _unsound_address(scope) or _unsound_body(scope, bytes(body))
        if refused is not None:
            await problem_response(refused)(scope, receive, send)
            return
        await self._app(scope, _once(bytes(body), receive), send)


def _once(body: bytes, receive: Receive) -> Receive:
    """``receive`` as if the body had not been read yet."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _unsound_address(scope: Scope) -> Problem | None:
    if _NUL in scope["path"] or b"%00" in scope["query_string"]:
        return _refused("address", "the character NUL means nothing here")
    return None


def _unsound_body(scope: Scope, body: bytes) -> Problem | None:
    media_type = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    if not body or not media_type.startswith("application/") or not media_type.endswith("json"):
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _refused("body", f"this is no JSON: {error.msg}")
    if b"\\u0000" in body and _holds_nul(value):
        return _refused("body", "the character NUL means nothing here")
    return None


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return _NUL in value
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(map(_holds_nul, value))


def _refused(field: str, message: str) -> Problem:
    error = FieldError(field=field, message=message)
    return coded(ErrorCode.INVALID_INPUT, f"not valid: {field}", errors=[error])

"""Every list as CSV: asked for with ``Accept: text/csv``, whole, in the order and with the filters
that the list takes, told page by page as it is read.

Columns are the fields of the list's row model; those of a model within it come as
``contract.symbol``, and whatever has no fixed columns as JSON.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import orjson
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.schemas.common import Page
from infra.db.queries.paging import MAX_LIMIT

MEDIA_TYPE = "text/csv"
Path = tuple[str, ...]
_ROUTED = ("route", "endpoint", "path_params")
# What a spreadsheet would run; numbers keep their sign.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?", re.IGNORECASE)


class CsvLists:
    """Answers lists as CSV to whoever asks for it; all other requests pass as they are.

    A page is a request of its own to what is inside, judged like any. Where one fails halfway the
    connection breaks: a file that ends early must not look whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_csv(scope):
            await self._app(scope, receive, send)
            return
        page = await self._page(scope, receive, None)
        # What is outside names the request by its route.
        scope.update({name: page.scope[name] for name in _ROUTED if name in page.scope})
        row = row_model(page.scope)
        if row is None or page.status != 200:
            await page.pass_on(send)
            return
        columns = columns_of(row)
        await send(_start(page, scope))
        head = _written([[".".join(column) for column in columns]])
        while True:
            said = orjson.loads(page.body)
            lines = head + _written(_cells(item, columns) for item in said["items"])
            cursor, head = said["next_cursor"], b""
            more = cursor is not None
            await send({"type": "http.response.body", "body": lines, "more_body": more})
            if not more:
                return
            page = await self._page(scope, receive, cursor)
            if page.status != 200:
                raise RuntimeError(f"a page of a CSV answered {page.status}")

    async def _page(self, scope: Scope, receive: Receive, cursor: str | None) -> _Answer:
        answer = _Answer(_asking(scope, cursor))
        await self._app(answer.scope, receive, answer.take)
        return answer


class _Answer:
    """What an inner request was answered."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._start: Message = {}
        self._body = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    @property
    def status(self) -> int:
        return self._start["status"]

    @property
    def headers(self) -> MutableHeaders:
        return MutableHeaders(scope=self._start)

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    async def pass_on(self, send: Send) -> None:
        await send(self._start)
        await send({"type": "http.response.body", "body": self.body})


def _wants_csv(scope: Scope) -> bool:
    """Whether CSV is the first thing asked for."""
    first = Headers(scope=scope).get("accept", "").split(",")[0]
    return first.partition(";")[0].strip() == MEDIA_TYPE


def _asking(scope: Scope, cursor: str | None) -> Scope:
    """The same request for one page, as large as they get, after ``cursor``."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in query if name != "limit"]
    if cursor is not None:
        kept = [(name, value) for name, value in kept if name != "cursor"] + [("cursor", cursor)]
    headers = [(name, value) for name, value in scope["headers"] if name != b"if-none-match"]
    asked = urlencode([*kept, ("limit", str(MAX_LIMIT))])
    return {**scope, "query_string": asked.encode("latin-1"), "headers": headers}


def _start(page: _Answer, scope: Scope) -> Message:
    name = scope["path"].strip("/").removeprefix("api/").replace("/", "-")
    headers = page.headers
    for each in ("content-length", "etag"):
        del headers[each]
    headers["Content-Type"] = f"{MEDIA_TYPE}; charset=utf-8; header=present"
    headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    headers["Vary"] = "Accept"
    return {"type": "http.response.start", "status": 200, "headers": headers.raw}


def row_model(scope: Scope) -> type[BaseModel] | None:
    """Of the list that the request was routed to; None for any other route."""
    answer = getattr(scope.get("route"), "response_model", None)
    if isinstance(answer, type) and issubclass(answer, Page):
        (row,) = answer.__pydantic_generic_metadata__["args"]
        return row
    return None


@cache
def columns_of(row: type[BaseModel]) -> tuple[Path, ...]:
    """By their path from the row, in the order of the models' fields."""
    return tuple(_paths(row))


def _paths(model: type[BaseModel], above: Path = ()) -> Iterator[Path]:
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None:
            yield (*above, name)
        else:
            yield from _paths(inner, (*above, name))
    for name in model.model_computed_fields:
        yield (*above, name)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The one model that a field holds, if that is what it holds."""
    if get_origin(annotation) in (Union, UnionType):
        others = [each for each in get_args(annotation) if each is not NoneType]
        annotation = others[0] if len(others) == 1 else None
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None


def _cells(item: Any, columns: Sequence[Path]) -> Iterator[str]:
    for path in columns:
        value = item
        for name in path:
            value = None if value is None else value.get(name)
        yield _cell(value)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            is_formula = _FORMULA.match(value) and not _NUMBER.fullmatch(value)
            return f"'{value}" if is_formula else value
        case int() | float():
            return str(value)
        case _:
            return orjson.dumps(value).decode()


def _written(rows: Iterable[Iterable[str]]) -> bytes:
    """As RFC 4180."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()

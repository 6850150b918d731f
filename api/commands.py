"""Commands that are done once, however often they are asked for.

Whoever sends an ``Idempotency-Key`` with a command and hears no answer may send the same request
again: what was answered then is answered again, and nothing is done twice. The key counts for its
user and this very request; with any other it is refused. Keys are remembered for two days at least.

    @router.post("/", status_code=201)
    @once
    async def create_client(...) -> ClientRow: ...

Decisions, runs, backtests, trading states and the kill switch keep the key with what they record,
for ever; they need no receipt besides.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Desk, Resources, SignedIn, Transaction
from domain.errors import ErrorCode, GreenlightError
from infra.db.models import CommandReceipt
from infra.db.queries.viewer import Viewer
from infra.db.receipts import claim_receipt, keep_answer

_JSON = "application/json"
OptionalKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=128,
        description="the same for a repeated request: it is done once and answered the same",
    ),
]


@dataclass(frozen=True, slots=True)
class Command:
    """The request that a command came by, and the answer it is about to get."""

    request: Request
    response: Response
    desk: Resources
    session: AsyncSession
    viewer: Viewer
    key: str | None


def command(
    request: Request,
    response: Response,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    key: OptionalKey = None,
) -> Command:
    return Command(request, response, desk, session, viewer, key)


_PARAMETER = "_command"
Endpoint = Callable[..., Awaitable[Any]]


def once(endpoint: Endpoint) -> Endpoint:
    """Answer a repeated request as the first was.

    An endpoint that commits before its end must bear being called again: where the process dies
    in between, the repeated request finds a claim without an answer, and is done once more.
    """

    @wraps(endpoint)
    async def answered(**given: Any) -> Any:
        asked: Command = given.pop(_PARAMETER)
        if asked.key is None:
            return await endpoint(**given)
        digest = await _digest(asked.request)
        known = await claim_receipt(asked.session, asked.viewer.user_id, asked.key, digest)
        if known is not None and known.status is not None:
            return _again(asked.desk, known, known.status)
        answer = await endpoint(**given)
        await _keep(asked, asked.key, answer)
        return answer

    signature = inspect.signature(endpoint, eval_str=True)
    own = inspect.Parameter(
        _PARAMETER, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Command, Depends(command)]
    )
    parameters = [*signature.parameters.values(), own]
    answered.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore[reportAttributeAccessIssue]
    return answered


async def _digest(request: Request) -> bytes:
    """Of what was asked, whatever the order of a body's fields."""
    body = await request.body()
    with suppress(orjson.JSONDecodeError):  # what no endpoint reads may be anything
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    said = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(said.encode() + body).digest()


async def _keep(asked: Command, key: str, answer: BaseModel | None) -> None:
    declared: int | None = asked.request.scope["route"].status_code
    # Sealed: some answers hold a password or a token, shown once.
    body = None if answer is None else asked.desk.keys.encrypt(answer.model_dump_json())
    await keep_answer(
        asked.session,
        asked.viewer.user_id,
        key,
        status=asked.response.status_code or declared or 200,
        etag=asked.response.headers.get("etag"),
        sealed_body=body,
    )


def _again(desk: Resources, known: CommandReceipt, status: int) -> Response:
    headers = {} if known.etag is None else {"ETag": known.etag}
    if known.sealed_body is None:
        return Response(status_code=status, headers=headers)
    body = desk.keys.decrypt(known.sealed_body)
    if body is None:
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED,
            "this was done before, and its answer was sealed with a key that is gone",
        )
    return Response(body, status_code=status, headers=headers, media_type=_JSON)

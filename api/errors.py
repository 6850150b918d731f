"""Every refusal and failure as problem details (RFC 9457), with a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.schemas.problems import MEDIA_TYPE, FieldError, Problem, TransportCode
from domain.errors import GUIDANCE, ErrorCode, GreenlightError, plain_message

# Where a value came from says nothing to the person who typed it.
_SOURCES = frozenset({"body", "query", "path", "header", "cookie"})


class ThrottledError(GreenlightError):
    """Too many attempts; ``retry_after`` seconds until the next may succeed."""

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(ErrorCode.TOO_MANY_REQUESTS, detail, retry_after_seconds=retry_after)
        self.retry_after = retry_after


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    bound: dict[str, Any] = structlog.contextvars.get_contextvars()
    named = problem.model_copy(update={"request_id": bound.get("request_id")})
    return Response(
        named.model_dump_json(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def coded(
    code: ErrorCode,
    detail: str,
    *,
    context: Mapping[str, Any] | None = None,
    errors: Sequence[FieldError] | None = None,
) -> Problem:
    """The problem of a coded error, with the title, status and advice of its guidance."""
    guidance = GUIDANCE[code]
    return Problem(
        type=_type_of(code),
        title=guidance.title,
        status=guidance.status,
        detail=detail,
        code=code,
        advice=guidance.advice,
        errors=None if errors is None else list(errors),
        context=None if not context else {key: _plain(value) for key, value in context.items()},
    )


def transport(code: TransportCode, status: int, title: str, detail: str, advice: str) -> Problem:
    return Problem(
        type=_type_of(code), title=title, status=status, detail=detail, code=code, advice=advice
    )


def internal_error() -> Problem:
    """What is told of a failure nobody foresaw: nothing but how to find it in the log."""
    return transport(
        "INTERNAL_ERROR",
        500,
        "The desk failed",
        "An unexpected error was logged under this request's id.",
        "Reload before trying again, to see whether the request took effect.",
    )


def too_large(max_bytes: int) -> Problem:
    return transport(
        "BAD_REQUEST",
        413,
        "Request too large",
        f"a request body may hold {max_bytes} bytes",
        "Send less.",
    )


def install(app: FastAPI) -> None:
    """Answer every exception that reaches the application with a problem."""
    app.add_exception_handler(GreenlightError, _on_coded)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_coded(_: Request, error: Exception) -> Response:
    assert isinstance(error, GreenlightError)
    return coded_response(error)


def coded_response(error: GreenlightError) -> Response:
    errors = _fields_of(error)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, ThrottledError) else None
    problem = coded(error.code, error.detail, context=error.context, errors=errors)
    return problem_response(problem, headers)


def _fields_of(error: GreenlightError) -> list[FieldError] | None:
    """What is wrong field by field, where the error says so."""
    match error.context:
        case {"field": str(field)}:
            return [FieldError(field=field, message=error.detail)]
        case {"fields": Mapping() as fields}:
            return [FieldError(field=str(k), message=str(v)) for k, v in fields.items()]
        case _:
            return None


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [
        FieldError(field=_field_name(each["loc"]), message=plain_message(each["msg"]))
        for each in error.errors()
    ]
    named = ", ".join(dict.fromkeys(each.field for each in fields))
    return problem_response(coded(ErrorCode.INVALID_INPUT, f"not valid: {named}", errors=fields))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            problem = coded(ErrorCode.NOT_FOUND, f"there is nothing at {request.url.path}")
        case 405:
            problem = transport(
                "METHOD_NOT_ALLOWED",
                405,
                "Method not allowed",
                f"{request.method} is not possible on {request.url.path}",
                "See the API description for what is.",
            )
        case status:
            problem = transport(
                "BAD_REQUEST",
                status,
                "Request not understood",
                str(error.detail),
                "Correct the request.",
            )
    return problem_response(problem, error.headers)


def _type_of(code: str) -> str:
    return f"urn:greenlight:problem:{code.lower().replace('_', '-')}"


def _field_name(location: Sequence[Any]) -> str:
    parts = [str(part) for part in location]
    named = parts[1:] if len(parts) > 1 and parts[0] in _SOURCES else parts
    return ".".join(named)


def _plain(value: object) -> Any:
    """A context value as JSON; numbers stay numbers, everything unusual becomes its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)

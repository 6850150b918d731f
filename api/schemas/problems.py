"""How every refusal and failure is told (RFC 9457)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from domain.errors import ErrorCode

MEDIA_TYPE = "application/problem+json"

# What HTTP itself can go wrong with; everything the desk refuses has a code of its own.
TransportCode = Literal["BAD_REQUEST", "METHOD_NOT_ALLOWED", "INTERNAL_ERROR"]


class FieldError(BaseModel):
    field: str = Field(description="dotted path of the field, e.g. `limit_price`")
    message: str


class Problem(BaseModel):
    type: str = Field(description="stable URI of the code")
    title: str
    status: int
    detail: str
    code: ErrorCode | TransportCode
    advice: str = Field(description="what to do next, in plain words")
    errors: list[FieldError] | None = None
    context: dict[str, Any] | None = None
    request_id: str | None = Field(default=None, description="names this request in the log")

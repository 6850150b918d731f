"""Keyset pagination: a cursor names the last row seen, never a page number."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import ErrorCode, GreenlightError

R = TypeVar("R")
C = TypeVar("C", bound=BaseModel)

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Cursor(BaseModel):
    """Base of every list's cursor: the sort key of the last row of a page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def encode(self) -> str:
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")


def decode_cursor(kind: type[C], text: str | None) -> C | None:
    """The cursor in ``text``. GreenlightError INVALID_INPUT if it is none of this list's."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return kind.model_validate(orjson.loads(raw))
    except (binascii.Error, ValueError, ValidationError) as error:
        raise GreenlightError(
            ErrorCode.INVALID_INPUT, "the cursor is not one of this list", field="cursor"
        ) from error


class Rows(Generic[R]):
    """One page of rows, and the cursor to the next if there is more."""

    def __init__(self, rows: Sequence[R], limit: int, cursor_of: Callable[[R], Cursor]) -> None:
        """``rows`` holds up to ``limit + 1``: the extra one only proves that more follows."""
        self.items = list(rows[:limit])
        self.next_cursor = cursor_of(self.items[-1]).encode() if len(rows) > limit else None

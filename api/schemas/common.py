"""What every answer is made of: exact decimals, UTC times, pages, accounts and contracts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Generic, Self, TypeVar, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    model_validator,
)
from pydantic_core import to_json

from domain.instruments import Right, SecType, Side, plain
from infra.db.models import GatewayKind

T = TypeVar("T")

# Money and prices as text, without the trailing zeros of a database column: "4.15".
Exact = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


def _begins_with_a_day(value: object) -> object:
    """Pydantic would take a number, also one in a query, for seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _DAY.match(value)):
        return value
    raise ValueError("a day is written as 2026-03-20, a moment as 2026-03-20T14:30:00Z")


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
# What is asked for.
Day = Annotated[date, BeforeValidator(_begins_with_a_day)]
Moment = Annotated[AwareDatetime, BeforeValidator(_begins_with_a_day)]


class Answer(BaseModel):
    """Base of everything the API says. A float that is not finite is written as null."""

    model_config = ConfigDict(frozen=True, from_attributes=True, ser_json_inf_nan="null")


# More digits than any figure of the desk has; written out, 1E+999999999 would fill the memory.
_MOST_DIGITS = 28


class Ask(BaseModel):
    """Base of everything the API is told.

    Unknown fields, numbers that are not finite, and decimals of absurd size are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _decimals_have_a_size(self) -> Self:
        for name in type(self).model_fields:
            if not _has_a_size(getattr(self, name)):
                raise ValueError(f"{name} holds a number of more than {_MOST_DIGITS} digits")
        return self


def _has_a_size(value: object) -> bool:
    match value:
        case Decimal():
            written = value.as_tuple()
            assert isinstance(written.exponent, int), "only finite decimals come this far"
            return max(value.adjusted() + 1, -written.exponent) <= _MOST_DIGITS
        case BaseModel():
            return all(_has_a_size(getattr(value, name)) for name in type(value).model_fields)
        case list() | tuple():
            return all(map(_has_a_size, cast("Iterable[object]", value)))
        case _:
            return True


ETAG = "of what an edit changes; `If-Match` of the next"


def tag_of(*facts: object) -> str:
    """A strong ETag of what an edit changes; see ``api.entity_tags``."""
    said = to_json(facts, by_alias=True)
    return f'"{hashlib.blake2b(said, digest_size=12).hexdigest()}"'


class Page(Answer, Generic[T]):
    """Up to ``limit`` rows; ``next_cursor`` asks for what follows, null at the end."""

    items: list[T]
    next_cursor: str | None


class AccountBrief(Answer):
    id: UUID
    code: str
    label: str
    kind: GatewayKind


class ContractBrief(Answer):
    """One listed option."""

    symbol: str
    trading_class: str
    expiry: date
    strike: Exact
    right: Right
    multiplier: Exact
    con_id: int | None
    description: str


class LegBrief(Answer):
    """One leg of a trade: ``ratio`` contracts of it per unit of the quantity."""

    side: Side
    ratio: int
    contract: ContractBrief


class InstrumentBrief(Answer):
    """Anything that can be traded; the option fields are null for shares and indexes."""

    sec_type: SecType
    symbol: str
    trading_class: str | None
    expiry: date | None
    strike: Exact | None
    right: Right | None
    multiplier: Exact
    con_id: int | None
    description: str

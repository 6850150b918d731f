"""What every answer is made of: exact decimals, UTC times, pages, accounts and contracts."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from domain.instruments import Right, SecType, Side, plain
from infra.db.models import GatewayKind

T = TypeVar("T")

# Money and prices as text, without the trailing zeros of a database column: "4.15".
Exact = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


class Answer(BaseModel):
    """Base of everything the API says. A float that is not finite is written as null."""

    model_config = ConfigDict(frozen=True, from_attributes=True, ser_json_inf_nan="null")


class Ask(BaseModel):
    """Base of everything the API is told: unknown fields and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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

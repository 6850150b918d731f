"""Limits: what one scope says, and what binds an account once every scope was heard."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, computed_field

from api.schemas.common import ETAG, Answer, Ask, UtcTime, tag_of
from domain.risk.limits import Limits, LimitScope, LimitsRef


class LimitInForce(Answer):
    """One limit that binds."""

    name: str
    description: str
    value: Any = Field(description="null is no limit; amounts and fractions are text")
    sources: list[LimitScope] = Field(description="who says so; empty for the default")
    said: dict[LimitScope, Any] = Field(description="by each scope that says anything about it")


class LimitsAnswer(Answer):
    limits: list[LimitInForce]
    versions: list[LimitsRef] = Field(description="of every scope that was heard")


class LimitsForm(Answer):
    """What can be limited: the JSON schema a form is drawn from.

    Each property carries ``title``, ``description``, ``group``, ``unit``, bounds, and ``tighter``:
    which of two values binds (``lower``, ``higher``, or of lists ``union`` and ``common``).
    """

    schema_: dict[str, Any] = Field(alias="schema", serialization_alias="schema")
    defaults: dict[str, Any]


class ScopeLimits(Answer):
    """What one scope says. Version 0 says nothing yet."""

    scope: LimitScope
    owner_id: UUID | None
    version: int
    limits: dict[str, Any] = Field(description="only those that the scope sets")
    author: str | None
    reason: str | None
    changed_at: UtcTime | None
    may_change: bool = Field(description="by who is asking")

    @computed_field(description=ETAG)
    @property
    def etag(self) -> str:
        return tag_of(self.version)


class ChangeLimitsAsk(Ask):
    """All that the scope is to say from now on; what is left out it no longer says."""

    based_on: Annotated[int, Field(ge=0, description="the version that was on screen")]
    limits: Limits
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

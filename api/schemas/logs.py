"""Logs: what strategies stumbled over, what the broker said, who did what."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import AccountBrief, Answer, Ask, UtcTime
from infra.db.models import RunStatus


class StrategyErrorRow(Answer):
    """A run that had errors."""

    id: UUID
    strategy_id: UUID
    strategy: str
    status: RunStatus
    started_at: UtcTime
    errors: list[str]
    workflow_url: str
    account: AccountBrief


class BrokerMessageRow(Answer):
    """Something the broker said in words."""

    id: UUID
    at: UtcTime = Field(description="when it arrived")
    gateway: str
    code: int | None = Field(description="the broker's own number for it")
    message: str
    refused: bool = Field(description="it could not be recorded as what it was")
    order_id: UUID | None = Field(description="null for what belongs to no order of ours")
    symbol: str | None
    account: AccountBrief | None


class AuditRow(Answer):
    """One link of the audit trail."""

    seq: int = Field(description="its place in the chain: 1, 2, 3, … without a gap")
    at: UtcTime
    actor: str
    address: str
    action: str
    entity: str
    entity_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class VerifyAsk(Ask):
    known_head: Annotated[
        str | None,
        StringConstraints(pattern=r"^[0-9a-f]{64}$"),
        Field(description="a hash noted at an earlier verification, which must occur"),
    ] = None


class AuditVerification(Answer):
    """Whether the trail is what was written. Note the hash somewhere else for the next time."""

    entries: int
    head: str
    broken: str | None = Field(description="what is wrong with the first link that is")

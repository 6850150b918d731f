"""Things a person should know."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import AccountBrief, Answer, Ask, UtcTime
from infra.db.models import AlertState, Severity


class AlertRow(Answer):
    id: UUID
    code: str
    severity: Severity
    state: AlertState
    title: str
    detail: str
    subject: str
    raised_at: UtcTime
    cleared_at: UtcTime | None
    acknowledged_at: UtcTime | None
    acknowledged_by: str | None
    note: str = Field(description="of whoever acknowledged it")
    account: AccountBrief | None
    recommendation_id: UUID | None = Field(description="the trade it is about, if it is about one")


class AcknowledgeAsk(Ask):
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""

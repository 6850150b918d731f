"""Things a person should know."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, UtcTime
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
    account: AccountBrief | None
    recommendation_id: UUID | None = Field(description="the trade it is about, if it is about one")

"""Differences between the broker's books and the desk's record."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, Ask, UtcTime
from domain.discrepancies import DiscrepancyType
from domain.severity import Severity


class DiscrepancyRow(Answer):
    """``expected`` is the desk's record, ``actual`` the broker's word, both as text."""

    id: UUID
    type: DiscrepancyType
    severity: Severity
    title: str
    advice: str
    detail: str
    subject: str
    con_id: int | None
    expected: str
    actual: str
    first_seen_at: UtcTime
    last_seen_at: UtcTime
    raised_at: UtcTime
    cleared_at: UtcTime | None
    account: AccountBrief | None
    can_accept: bool = Field(description="whether this person may accept the broker's figure")


class AcceptFigureAsk(Ask):
    """The figure the person saw, and why it is right."""

    actual: str = Field(min_length=1, max_length=64)
    note: str = Field(min_length=3, max_length=500)

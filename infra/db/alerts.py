"""Raising and clearing alerts: one row per subject while the trouble lasts, never repeated."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import Alert, AlertState, Severity


async def raise_alert(
    session: AsyncSession,
    code: str,
    subject: str,
    severity: Severity,
    title: str,
    *,
    detail: str = "",
    account_id: UUID | None = None,
    context: dict[str, Any] | None = None,
) -> None:
    """Open an alert, or bring the one already open on ``subject`` up to date."""
    values = {
        "code": code,
        "subject": subject,
        "severity": severity,
        "title": title,
        "detail": detail,
        "broker_account_id": account_id,
        "context": context or {},
        "raised_at": datetime.now(UTC),
    }
    statement = insert(Alert).values(state=AlertState.OPEN, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Alert.code, Alert.subject],
            index_where=text("state <> 'CLEARED'"),
            set_={
                "detail": statement.excluded.detail,
                "severity": statement.excluded.severity,
                "title": statement.excluded.title,
                "context": statement.excluded.context,
            },
            # Saying the same thing again is no news.
            where=Alert.detail.is_distinct_from(statement.excluded.detail)
            | Alert.severity.is_distinct_from(statement.excluded.severity),
        )
    )


async def clear_alert(session: AsyncSession, code: str, subject: str) -> None:
    await session.execute(
        update(Alert)
        .where(Alert.code == code, Alert.subject == subject, Alert.state != AlertState.CLEARED)
        .values(state=AlertState.CLEARED, cleared_at=datetime.now(UTC))
    )


async def clear_alerts_but(
    session: AsyncSession, code: str, account_id: UUID, subjects: Collection[str]
) -> None:
    """Clear an account's alerts of one code, except on ``subjects``: what is over is over."""
    await session.execute(
        update(Alert)
        .where(
            Alert.code == code,
            Alert.broker_account_id == account_id,
            Alert.subject.not_in(subjects),
            Alert.state != AlertState.CLEARED,
        )
        .values(state=AlertState.CLEARED, cleared_at=datetime.now(UTC))
    )

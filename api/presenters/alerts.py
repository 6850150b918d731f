"""Alerts, as the API words them."""

from __future__ import annotations

from api.presenters.common import account_brief
from api.schemas.alerts import AlertRow
from infra.db.queries.columns import AnyRow


def alert_row(row: AnyRow) -> AlertRow:
    return AlertRow(
        id=row.id,
        code=row.code,
        severity=row.severity,
        state=row.state,
        title=row.title,
        detail=row.detail,
        subject=row.subject,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        note=row.note,
        account=None if row.account_id is None else account_brief(row),
        recommendation_id=row.recommendation_id,
    )

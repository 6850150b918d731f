"""Discrepancies, as the API words them."""

from __future__ import annotations

from api.presenters.common import account_brief
from api.schemas.discrepancies import DiscrepancyRow
from domain.discrepancies import WORDS
from infra.db.accepting import ACCEPTABLE
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer


def discrepancy_row(row: AnyRow, viewer: Viewer) -> DiscrepancyRow:
    words = WORDS[row.type]
    may_accept = (
        row.type in ACCEPTABLE
        and row.cleared_at is None
        and row.account_id is not None
        and viewer.may_operate_for(row.client_id, row.account_portfolio_id)
    )
    return DiscrepancyRow(
        id=row.id,
        type=row.type,
        severity=row.severity,
        title=words.title,
        advice=words.advice,
        detail=row.detail,
        subject=row.subject,
        con_id=row.con_id,
        expected=row.expected,
        actual=row.actual,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
        account=None if row.account_id is None else account_brief(row),
        can_accept=may_accept,
    )

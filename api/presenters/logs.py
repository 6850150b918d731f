"""Logs, as the API words them."""

from __future__ import annotations

from api.links import workflow_url
from api.presenters.common import account_brief
from api.schemas.logs import BrokerMessageRow, StrategyErrorRow
from infra.db.queries.columns import AnyRow
from infra.settings import Settings


def strategy_error_row(row: AnyRow, settings: Settings) -> StrategyErrorRow:
    return StrategyErrorRow(
        id=row.id,
        strategy_id=row.strategy_id,
        strategy=row.strategy,
        status=row.status,
        started_at=row.started_at,
        errors=[str(error) for error in row.errors],
        workflow_url=workflow_url(settings, row.workflow_id),
        account=account_brief(row),
    )


def broker_message_row(row: AnyRow) -> BrokerMessageRow:
    code = row.payload.get("code")
    return BrokerMessageRow(
        id=row.id,
        at=row.created_at,
        gateway=row.gateway,
        code=code if isinstance(code, int) else None,
        message=str(row.payload.get("message", "")),
        refused=row.kind == "refused_message",
        order_id=row.order_id,
        symbol=row.symbol,
        account=None if row.account_id is None else account_brief(row),
    )

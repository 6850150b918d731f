"""The enabled strategies and how they fared last."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import (
    RunMode,
    Strategy,
    StrategyInstance,
    StrategyRun,
    StrategyVersion,
)
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, with_account


async def enabled_strategies(
    session: AsyncSession, account_ids: Sequence[UUID]
) -> Sequence[AnyRow]:
    """Instances that run for these accounts, each with its latest live run, by name."""
    latest = (
        select(
            StrategyRun.started_at,
            StrategyRun.status,
            func.jsonb_array_length(StrategyRun.errors).label("errors_count"),
        )
        .where(
            StrategyRun.strategy_instance_id == StrategyInstance.id,
            StrategyRun.mode == RunMode.LIVE,
        )
        .order_by(StrategyRun.started_at.desc())
        .limit(1)
        .lateral("latest")
    )
    statement: Rowed = select(
        StrategyInstance.id,
        StrategyInstance.name,
        Strategy.name.label("strategy_name"),
        latest.c.started_at.label("last_run_at"),
        latest.c.status.label("last_run_status"),
        latest.c.errors_count.label("last_run_errors"),
        *ACCOUNT,
    ).select_from(StrategyInstance)
    statement = (
        with_account(statement, StrategyInstance.broker_account_id)
        .join(StrategyVersion, StrategyVersion.id == StrategyInstance.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .outerjoin(latest, true())
        .where(StrategyInstance.enabled, StrategyInstance.broker_account_id.in_(account_ids))
        .order_by(StrategyInstance.name)
    )
    return (await session.execute(statement)).all()

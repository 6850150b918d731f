"""Strategy instances as the desk shows them: their state, their config and their runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.recommendations import RecommendationState
from infra.db.models import (
    BrokerAccount,
    Client,
    Gateway,
    Portfolio,
    Recommendation,
    RunMode,
    RunStatus,
    Strategy,
    StrategyConfigVersion,
    StrategyInstance,
    StrategyRun,
    StrategyVersion,
)
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, with_account
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

STRATEGIES = Ordering(
    StrategyInstance.id,
    "name",
    name=StrategyInstance.name,
    strategy=Strategy.name,
    account=BrokerAccount.code,
    portfolio=Portfolio.name,
    enabled=StrategyInstance.enabled,
    created_at=StrategyInstance.created_at,
)
RUNS = Ordering(
    StrategyRun.id,
    "-created_at",
    nullable=("finished_at", "market_at"),
    created_at=StrategyRun.id,  # keys are ordered by time
    status=StrategyRun.status,
    started_at=StrategyRun.started_at,
    finished_at=StrategyRun.finished_at,
    market_at=StrategyRun.market_at,
)
_RUN = (
    StrategyRun.id,
    StrategyRun.status,
    StrategyRun.workflow_id,
    StrategyRun.started_at,
    StrategyRun.finished_at,
    StrategyRun.market_at,
    StrategyRun.stats,
    StrategyRun.errors,
)


def _config_version() -> Any:
    return (
        select(func.coalesce(func.max(StrategyConfigVersion.version), 1))
        .where(StrategyConfigVersion.strategy_instance_id == StrategyInstance.id)
        .scalar_subquery()
        .label("config_version")
    )


def _waiting() -> Any:
    return (
        select(func.count())
        .where(
            Recommendation.strategy_instance_id == StrategyInstance.id,
            Recommendation.state == RecommendationState.PROPOSED,
        )
        .scalar_subquery()
        .label("waiting")
    )


def _visible(viewer: Viewer, *extra: Any) -> Rowed:
    last = (
        select(*(column.label(f"run_{column.key}") for column in _RUN))
        .where(
            StrategyRun.strategy_instance_id == StrategyInstance.id,
            StrategyRun.mode == RunMode.LIVE,
        )
        .order_by(StrategyRun.started_at.desc())
        .limit(1)
        .lateral("last_run")
    )
    statement: Rowed = select(
        StrategyInstance.id,
        StrategyInstance.name,
        StrategyInstance.enabled,
        StrategyInstance.config,
        StrategyInstance.strategy_version_id,
        StrategyVersion.version,
        StrategyVersion.code_ref,
        Strategy.slug,
        Strategy.name.label("strategy_name"),
        Portfolio.name.label("portfolio_name"),
        Gateway.session_open,
        Gateway.connection,
        *ACCOUNT,
        _config_version(),
        _waiting(),
        *last.c,
        *extra,
    )
    statement = (
        statement.select_from(StrategyInstance)
        .join(StrategyVersion, StrategyVersion.id == StrategyInstance.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
    )
    statement = with_account(statement, StrategyInstance.broker_account_id)
    return statement.outerjoin(last, true()).where(viewer.sees(StrategyInstance.broker_account_id))


async def strategy_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    enabled: bool | None,
    page: PageAsk,
) -> Rows[AnyRow]:
    """Instances by name, each with its latest run."""
    statement = _visible(viewer)
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(StrategyInstance.broker_account_id == account_id)
    if enabled is not None:
        statement = statement.where(StrategyInstance.enabled.is_(enabled))
    return await page_rows(session, statement, STRATEGIES, page)


async def strategy_detail(
    session: AsyncSession, viewer: Viewer, instance_id: UUID
) -> AnyRow | None:
    """One instance, or None if it does not exist or the viewer may not see it."""
    statement = _visible(viewer, Client.two_people_configure)
    statement = statement.join(Client, Client.id == Portfolio.client_id)
    statement = statement.where(StrategyInstance.id == instance_id)
    return (await session.execute(statement)).one_or_none()


async def run_rows(
    session: AsyncSession,
    instance_id: UUID,
    *,
    statuses: Collection[RunStatus],
    page: PageAsk,
) -> Rows[AnyRow]:
    """The live runs of an instance already found to be visible, newest first."""
    statement: Rowed = select(*_RUN).where(
        StrategyRun.strategy_instance_id == instance_id, StrategyRun.mode == RunMode.LIVE
    )
    if statuses:
        statement = statement.where(StrategyRun.status.in_(statuses))
    return await page_rows(session, statement, RUNS, page)


async def config_history(session: AsyncSession, instance_id: UUID, limit: int) -> Sequence[AnyRow]:
    """Every config of an instance already found to be visible, newest first."""
    statement: Rowed = (
        select(
            StrategyConfigVersion.version,
            StrategyConfigVersion.config,
            StrategyConfigVersion.author,
            StrategyConfigVersion.reason,
            StrategyConfigVersion.created_at,
        )
        .where(StrategyConfigVersion.strategy_instance_id == instance_id)
        .order_by(StrategyConfigVersion.version.desc())
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def strategy_versions(session: AsyncSession) -> Sequence[AnyRow]:
    """What can be made an instance of: the same for everybody."""
    statement: Rowed = (
        select(
            StrategyVersion.id,
            StrategyVersion.version,
            StrategyVersion.code_ref,
            Strategy.slug,
            Strategy.name,
            Strategy.description,
        )
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .order_by(Strategy.name, StrategyVersion.version.desc())
    )
    return (await session.execute(statement)).all()


async def owner_of_account(
    session: AsyncSession, viewer: Viewer, account_id: UUID
) -> AnyRow | None:
    """Whose account it is; None if it does not exist or the viewer may not see it."""
    statement: Rowed = (
        select(Portfolio.client_id, Portfolio.id.label("portfolio_id"))
        .join(BrokerAccount, BrokerAccount.portfolio_id == Portfolio.id)
        .where(BrokerAccount.id == account_id, viewer.sees(BrokerAccount.id))
    )
    return (await session.execute(statement)).one_or_none()

"""Backtests and sweeps, newest first, for those who may see them.

One that is for no client belongs to the whole desk: who operates it sees it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from infra.db.models import Backtest, BacktestSweep, Client, RunStatus, StrategyRun
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Column, Viewer


class BacktestSource(StrEnum):
    """Where a backtest was started."""

    DESK = "DESK"
    COMMAND_LINE = "COMMAND_LINE"
    TEMPORAL = "TEMPORAL"


def _source(
    user_id: InstrumentedAttribute[UUID | None], workflow_id: InstrumentedAttribute[str]
) -> ColumnElement[str]:
    return case(
        (user_id.is_not(None), BacktestSource.DESK.value),
        (workflow_id.like("command-line-%"), BacktestSource.COMMAND_LINE.value),
        else_=BacktestSource.TEMPORAL.value,
    )


_SOURCE = _source(Backtest.user_id, StrategyRun.workflow_id)

_COLUMNS = (
    StrategyRun.id.label("id"),
    Backtest.name,
    Backtest.strategy,
    Backtest.author,
    Backtest.sweep_id,
    Backtest.position,
    Backtest.key,
    Backtest.progress,
    Backtest.data_label,
    Backtest.data_digest,
    Backtest.result_digest,
    Client.slug.label("client_slug"),
    Backtest.client_id,
    StrategyRun.workflow_id,
    StrategyRun.status,
    StrategyRun.started_at,
    StrategyRun.finished_at,
    StrategyRun.stats,
    StrategyRun.errors,
    _SOURCE.label("source"),
)


BACKTESTS = Ordering(
    StrategyRun.id,
    "-created_at",
    nullable=("finished_at",),
    created_at=StrategyRun.id,  # keys are ordered by time
    name=Backtest.name,
    strategy=Backtest.strategy,
    author=Backtest.author,
    status=StrategyRun.status,
    started_at=StrategyRun.started_at,
    finished_at=StrategyRun.finished_at,
)
SWEEPS = Ordering(
    BacktestSweep.id,
    "-created_at",
    nullable=("finished_at",),
    created_at=BacktestSweep.id,
    name=BacktestSweep.name,
    strategy=BacktestSweep.strategy,
    author=BacktestSweep.author,
    status=BacktestSweep.status,
    total=BacktestSweep.total,
    started_at=BacktestSweep.started_at,
    finished_at=BacktestSweep.finished_at,
)


def _seen(viewer: Viewer, column: Column) -> ColumnElement[bool]:
    own = viewer.sees_client(column)
    return or_(column.is_(None), own) if viewer.operates else own


def _visible(viewer: Viewer, *extra: Any) -> Rowed:
    statement: Rowed = select(*_COLUMNS, *extra)
    return (
        statement.select_from(Backtest)
        .join(StrategyRun, StrategyRun.id == Backtest.strategy_run_id)
        .outerjoin(Client, Client.id == Backtest.client_id)
        .where(_seen(viewer, Backtest.client_id))
    )


@dataclass(frozen=True, slots=True)
class WantedBacktests:
    """Which of them: those of sweeps only where ``in_sweeps``, or of one sweep."""

    sweep_id: UUID | None = None
    in_sweeps: bool = False
    statuses: Collection[RunStatus] = ()
    strategy: str | None = None
    sources: Collection[BacktestSource] = ()


async def backtest_rows(
    session: AsyncSession,
    viewer: Viewer,
    wanted: WantedBacktests,
    *,
    client_id: UUID | None,
    page: PageAsk,
) -> Rows[AnyRow]:
    """Backtests, newest first."""
    statement = _visible(viewer)
    if client_id is not None:
        statement = statement.where(Backtest.client_id == client_id)
    if wanted.sweep_id is not None:
        statement = statement.where(Backtest.sweep_id == wanted.sweep_id)
    elif not wanted.in_sweeps:
        statement = statement.where(Backtest.sweep_id.is_(None))
    if wanted.statuses:
        statement = statement.where(StrategyRun.status.in_(wanted.statuses))
    if wanted.strategy is not None:
        statement = statement.where(Backtest.strategy == wanted.strategy)
    if wanted.sources:
        statement = statement.where(_SOURCE.in_([each.value for each in wanted.sources]))
    return await page_rows(session, statement, BACKTESTS, page)


async def backtest_detail(session: AsyncSession, viewer: Viewer, run_id: UUID) -> AnyRow | None:
    statement = _visible(viewer, Backtest.request).where(StrategyRun.id == run_id)
    return (await session.execute(statement)).one_or_none()


async def compared(session: AsyncSession, viewer: Viewer, run_ids: Sequence[UUID]) -> list[AnyRow]:
    """Those of ``run_ids`` that can be seen, in the order asked for."""
    statement = _visible(viewer, Backtest.request).where(StrategyRun.id.in_(run_ids))
    found = {row.id: row for row in (await session.execute(statement)).all()}
    return [found[each] for each in run_ids if each in found]


async def backtest_document(session: AsyncSession, viewer: Viewer, run_id: UUID) -> AnyRow | None:
    """``document``, None while there is none yet; no row for what cannot be seen."""
    statement: Rowed = (
        select(Backtest.document, StrategyRun.status)
        .join(StrategyRun, StrategyRun.id == Backtest.strategy_run_id)
        .where(Backtest.strategy_run_id == run_id, _seen(viewer, Backtest.client_id))
    )
    return (await session.execute(statement)).one_or_none()


async def sweep_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    statuses: Collection[RunStatus] = (),
    page: PageAsk,
) -> Rows[AnyRow]:
    statement = _sweeps(viewer)
    if statuses:
        statement = statement.where(BacktestSweep.status.in_(statuses))
    if client_id is not None:
        statement = statement.where(BacktestSweep.client_id == client_id)
    return await page_rows(session, statement, SWEEPS, page)


async def sweep_detail(session: AsyncSession, viewer: Viewer, sweep_id: UUID) -> AnyRow | None:
    statement = _sweeps(viewer, BacktestSweep.request).where(BacktestSweep.id == sweep_id)
    return (await session.execute(statement)).one_or_none()


def _sweeps(viewer: Viewer, *extra: Any) -> Rowed:
    statement: Rowed = select(
        BacktestSweep.id,
        BacktestSweep.name,
        BacktestSweep.strategy,
        BacktestSweep.author,
        BacktestSweep.workflow_id,
        BacktestSweep.total,
        BacktestSweep.status,
        BacktestSweep.started_at,
        BacktestSweep.finished_at,
        BacktestSweep.errors,
        BacktestSweep.client_id,
        Client.slug.label("client_slug"),
        _in_status(RunStatus.COMPLETED).label("completed"),
        _in_status(RunStatus.FAILED).label("failed"),
        _in_status(RunStatus.RUNNING).label("running"),
        _source(BacktestSweep.user_id, BacktestSweep.workflow_id).label("source"),
        *extra,
    )
    return (
        statement.select_from(BacktestSweep)
        .outerjoin(Client, Client.id == BacktestSweep.client_id)
        .where(_seen(viewer, BacktestSweep.client_id))
    )


def _in_status(status: RunStatus) -> Any:
    return (
        select(func.count())
        .select_from(Backtest)
        .join(StrategyRun, StrategyRun.id == Backtest.strategy_run_id)
        .where(Backtest.sweep_id == BacktestSweep.id, StrategyRun.status == status)
        .correlate(BacktestSweep)
        .scalar_subquery()
    )

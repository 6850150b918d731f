"""Opportunities of runs, and what became of everything else the runs looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.recommendations import RecommendationAction
from infra.db.models import (
    BrokerAccount,
    Instrument,
    Opportunity,
    Portfolio,
    Recommendation,
    RunMode,
    RunStatus,
    Signal,
    Strategy,
    StrategyInstance,
    StrategyRun,
    StrategyVersion,
)
from infra.db.queries.columns import (
    ACCOUNT,
    INSTRUMENT,
    AnyRow,
    Rowed,
    with_account,
    with_instrument,
)
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

_METRICS = ("dte", "delta", "iv", "ror", "ror_annualised", "pop", "open_interest")
OPPORTUNITIES = Ordering(
    Opportunity.id,
    "-run",
    "rank",
    nullable=_METRICS,
    run=Opportunity.strategy_run_id,  # keys are ordered by time
    rank=Opportunity.rank,
    score=Opportunity.score,
    symbol=Instrument.symbol,
    action=Opportunity.action,
    strategy=StrategyInstance.name,
    account=BrokerAccount.code,
    bid=Opportunity.bid,
    ask=Opportunity.ask,
    **{name: Opportunity.metrics[name].as_float() for name in _METRICS},
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose opportunities, of which run (every instance's last if None), and which of them."""

    client_id: UUID | None = None
    account_id: UUID | None = None
    instance_id: UUID | None = None
    run_id: UUID | None = None
    symbol: str | None = None
    action: RecommendationAction | None = None
    recommended: bool | None = None


_OWNER = (
    StrategyInstance.id.label("strategy_instance_id"),
    StrategyInstance.name.label("strategy_name"),
    Strategy.slug.label("strategy_slug"),
)


def _latest_runs() -> Any:
    """The last completed live run of each instance over a universe, not over one contract."""
    return (
        select(StrategyRun.id)
        .ext(distinct_on(StrategyRun.strategy_instance_id))
        .where(
            StrategyRun.mode == RunMode.LIVE,
            StrategyRun.status == RunStatus.COMPLETED,
            # A look for a denied trade's successor sees a single contract.
            StrategyRun.workflow_id.not_like("%/successor"),
        )
        .order_by(StrategyRun.strategy_instance_id, StrategyRun.started_at.desc())
    )


async def opportunity_rows(
    session: AsyncSession,
    viewer: Viewer,
    wanted: Wanted,
    *,
    page: PageAsk,
) -> Rows[AnyRow]:
    """Those of one run, or of every instance's last; by run, newest first, then by rank."""
    offered: Rowed = (
        select(Recommendation.id, Recommendation.state, Recommendation.opportunity_id)
        .ext(distinct_on(Recommendation.opportunity_id))
        .where(Recommendation.opportunity_id == Opportunity.id)
        .order_by(Recommendation.opportunity_id, Recommendation.id.desc())
    )
    latest = offered.lateral("offered")
    statement: Rowed = select(
        Opportunity.id,
        Opportunity.strategy_run_id,
        Opportunity.action,
        Opportunity.side,
        Opportunity.rank,
        Opportunity.score,
        Opportunity.bid,
        Opportunity.ask,
        Opportunity.metrics,
        Opportunity.rules,
        Opportunity.recommended,
        Opportunity.why_not,
        StrategyRun.market_at,
        latest.c.id.label("recommendation_id"),
        latest.c.state.label("recommendation_state"),
        *_OWNER,
        *ACCOUNT,
        *INSTRUMENT,
    )
    statement = _owned(
        statement.select_from(Opportunity)
        .join(StrategyRun, StrategyRun.id == Opportunity.strategy_run_id)
        .outerjoin(latest, latest.c.opportunity_id == Opportunity.id),
        viewer,
    )
    statement = with_instrument(statement, Opportunity.instrument_id)
    statement = _narrowed(statement, wanted)
    if wanted.symbol is not None:
        statement = statement.where(Instrument.symbol == wanted.symbol)
    if wanted.action is not None:
        statement = statement.where(Opportunity.action == wanted.action)
    if wanted.recommended is not None:
        statement = statement.where(Opportunity.recommended.is_(wanted.recommended))
    return await page_rows(session, statement, OPPORTUNITIES, page)


async def last_runs(
    session: AsyncSession,
    viewer: Viewer,
    wanted: Wanted,
) -> Sequence[AnyRow]:
    """The last completed run of each instance, or the one named, with its counts."""
    statement: Rowed = select(
        StrategyRun.id,
        StrategyRun.market_at,
        StrategyRun.stats,
        StrategyRun.errors,
        _counted(Opportunity.id.isnot(None)).label("opportunities"),
        _counted(Opportunity.recommended).label("recommended"),
        *_OWNER,
        *ACCOUNT,
    )
    statement = _owned(statement.select_from(StrategyRun), viewer)
    statement = _narrowed(statement, wanted)
    return (await session.execute(statement.order_by(StrategyInstance.name))).all()


async def signals_of(session: AsyncSession, run_ids: Sequence[UUID]) -> dict[UUID, list[AnyRow]]:
    """What runs already found to be visible saw, underlying by underlying."""
    statement: Rowed = (
        select(Signal.strategy_run_id, Signal.symbol, Signal.kind, Signal.summary)
        .where(Signal.strategy_run_id.in_(run_ids))
        .order_by(Signal.id)
    )
    found: dict[UUID, list[AnyRow]] = {run_id: [] for run_id in run_ids}
    for row in await session.execute(statement):
        found[row.strategy_run_id].append(row)
    return found


def _owned(statement: Rowed, viewer: Viewer) -> Rowed:
    statement = (
        statement.join(StrategyInstance, StrategyInstance.id == StrategyRun.strategy_instance_id)
        .join(StrategyVersion, StrategyVersion.id == StrategyInstance.strategy_version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
    )
    statement = with_account(statement, StrategyInstance.broker_account_id)
    return statement.where(
        viewer.sees(StrategyInstance.broker_account_id), StrategyRun.mode == RunMode.LIVE
    )


def _narrowed(statement: Rowed, wanted: Wanted) -> Rowed:
    if wanted.client_id is not None:
        statement = statement.where(Portfolio.client_id == wanted.client_id)
    if wanted.account_id is not None:
        statement = statement.where(StrategyInstance.broker_account_id == wanted.account_id)
    if wanted.instance_id is not None:
        statement = statement.where(StrategyInstance.id == wanted.instance_id)
    if wanted.run_id is not None:
        return statement.where(StrategyRun.id == wanted.run_id)
    return statement.where(StrategyRun.id.in_(_latest_runs()))


def _counted(condition: Any) -> Any:
    return (
        select(func.count().cast(Integer))
        .where(Opportunity.strategy_run_id == StrategyRun.id, condition)
        .scalar_subquery()
    )

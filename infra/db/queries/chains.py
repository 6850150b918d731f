"""Recorded chains, and what the strategies made of them."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.market import OptionChain
from infra.db.models import (
    IbkrContract,
    Instrument,
    Opportunity,
    Portfolio,
    RecordedChain,
    RunMode,
    RunStatus,
    StrategyInstance,
    StrategyRun,
)
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer


class Pick(NamedTuple):
    """What a strategy's latest run thought of one contract."""

    instance: str
    rank: int
    score: float
    recommended: bool
    why_not: str


async def recorded_underlyings(session: AsyncSession) -> Sequence[AnyRow]:
    """Every underlying with a recorded chain, its latest one told, by symbol."""
    latest = (
        select(
            Instrument.symbol,
            RecordedChain.as_of,
            RecordedChain.underlying_price,
            RecordedChain.contracts,
        )
        .join(Instrument, Instrument.id == RecordedChain.instrument_id)
        .ext(distinct_on(Instrument.symbol))
        .order_by(Instrument.symbol, RecordedChain.as_of.desc())
    )
    return (await session.execute(latest)).all()


async def latest_chain(session: AsyncSession, symbol: str) -> OptionChain | None:
    """The chain of ``symbol`` as last recorded."""
    columns = await session.scalar(
        select(RecordedChain.columns)
        .join(Instrument, Instrument.id == RecordedChain.instrument_id)
        .where(Instrument.symbol == symbol)
        .order_by(RecordedChain.as_of.desc())
        .limit(1)
    )
    return None if columns is None else OptionChain.from_json(gzip.decompress(columns))


async def latest_picks(
    session: AsyncSession, viewer: Viewer, symbol: str, client_id: UUID | None
) -> dict[int, list[Pick]]:
    """By conId, what the latest completed run of each visible strategy made of the contract."""
    runs = (
        select(StrategyRun.id, StrategyInstance.name)
        .join(StrategyInstance, StrategyInstance.id == StrategyRun.strategy_instance_id)
        .where(
            StrategyRun.mode == RunMode.LIVE,
            StrategyRun.status == RunStatus.COMPLETED,
            StrategyInstance.enabled,
            viewer.sees(StrategyInstance.broker_account_id),
        )
        .ext(distinct_on(StrategyRun.strategy_instance_id))
        .order_by(StrategyRun.strategy_instance_id, StrategyRun.started_at.desc())
    )
    if client_id is not None:
        ours = select(Portfolio.id).where(Portfolio.client_id == client_id)
        runs = runs.where(StrategyInstance.portfolio_id.in_(ours))
    latest = runs.subquery("latest")
    rows = await session.execute(
        select(
            IbkrContract.con_id,
            latest.c.name,
            Opportunity.rank,
            Opportunity.score,
            Opportunity.recommended,
            Opportunity.why_not,
        )
        .join(latest, latest.c.id == Opportunity.strategy_run_id)
        .join(Instrument, Instrument.id == Opportunity.instrument_id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .where(Instrument.symbol == symbol)
        .order_by(latest.c.name, Opportunity.rank)
    )
    picks: defaultdict[int, list[Pick]] = defaultdict(list)
    for row in rows:
        pick = Pick(row.name, row.rank, row.score, row.recommended, row.why_not)
        picks[row.con_id].append(pick)
    return picks

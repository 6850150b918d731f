"""What an account has on offer or under way; what competes with it is decided in ``domain``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.offers import Standing
from domain.recommendations import RecommendationState, Terms
from infra.db.models import Instrument, Recommendation, StrategyInstance


async def standing(
    session: AsyncSession, broker_account_id: UUID, symbols: set[str]
) -> list[Standing[Recommendation]]:
    """What the account has on offer or under way on ``symbols``; what still waits is locked."""
    rows = await session.execute(
        select(Recommendation, StrategyInstance.name)
        .join(Instrument, Instrument.id == Recommendation.instrument_id)
        .join(StrategyInstance, StrategyInstance.id == Recommendation.strategy_instance_id)
        .where(
            Recommendation.broker_account_id == broker_account_id,
            Recommendation.state.in_((RecommendationState.PROPOSED, RecommendationState.APPROVED)),
            # Of a package this is the leg it is filed under: all legs share the underlying.
            Instrument.symbol.in_(symbols),
        )
        .order_by(Recommendation.id)
        .with_for_update(of=Recommendation)
    )
    return [_standing(row, name) for row, name in rows]


def _standing(row: Recommendation, instance_name: str) -> Standing[Recommendation]:
    return Standing(
        key=row,
        terms=Terms.model_validate(row.terms),
        instance_id=row.strategy_instance_id,
        instance_name=instance_name,
        is_waiting=row.state is RecommendationState.PROPOSED,
    )

"""What reconciliation looks for: decisions nobody read, recommendations nobody waits for."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, func, or_, select

from domain.ports import RecommendationBrief, UndeliveredDecision
from domain.recommendations import RecommendationState
from infra.db.clock import host_now
from infra.db.models import BrokerAccount, Decision, Gateway, Recommendation
from infra.db.recommendations import PostgresRecommendations
from infra.db.session import Sessions

# Younger ones are still on their way by the ordinary path.
GRACE = timedelta(seconds=5)
BATCH = 200


class PostgresBacklog:
    """``domain.ports.RecommendationBacklog`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._recommendations = PostgresRecommendations(sessions)

    async def undelivered_decisions(self) -> list[UndeliveredDecision]:
        """Decisions that no workflow has read, oldest first, at most ``BATCH``."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(Decision.recommendation_id, Decision.id, Decision.action)
                .where(Decision.delivered_at.is_(None), Decision.decided_at < host_now() - GRACE)
                .order_by(Decision.decided_at)
                .limit(BATCH)
            )
            return [
                UndeliveredDecision(
                    recommendation_id=recommendation, decision_id=id_, action=action
                )
                for recommendation, id_, action in rows
            ]

    async def without_workflow(self) -> list[RecommendationBrief]:
        """Open recommendations whose workflow may be missing, at most ``BATCH``.

        Those it never took up, those past their deadline in market time, and approved ones not
        concluded. Starting a workflow that runs already changes nothing, so a doubt is enough.
        """
        overdue = Recommendation.deadline < Gateway.market_at - GRACE
        never_taken_up = and_(
            Recommendation.workflow_seen_at.is_(None),
            Recommendation.created_at < func.now() - GRACE,
        )
        under_way = and_(
            Recommendation.state == RecommendationState.APPROVED,
            Recommendation.updated_at < func.now() - GRACE,
        )
        async with self._sessions() as session:
            ids = await session.scalars(
                select(Recommendation.id)
                .join(BrokerAccount, BrokerAccount.id == Recommendation.broker_account_id)
                .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
                .where(
                    Recommendation.state.in_(
                        [RecommendationState.PROPOSED, RecommendationState.APPROVED]
                    ),
                    or_(overdue, never_taken_up, under_way),
                )
                .order_by(Recommendation.created_at)
                .limit(BATCH)
            )
            found = list(ids)
        return [await self._recommendations.brief(each) for each in found]

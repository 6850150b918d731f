"""Recommendations in our own records: what is offered, whether it still waits, how it ended."""

from __future__ import annotations

from uuid import UUID

from temporalio import activity

from activities.crash_points import crash_point
from domain.errors import ErrorCode
from domain.instruments import Frozen
from domain.ports import DeadlineCheck, RecommendationBrief, RecommendationStore
from domain.recommendations import DecisionAction, RecommendationState


class RecommendationRef(Frozen):
    recommendation_id: UUID


class DecisionRef(Frozen):
    recommendation_id: UUID
    decision_id: UUID


class Conclusion(Frozen):
    recommendation_id: UUID
    state: RecommendationState
    code: ErrorCode | None = None
    reason: str = ""


class RecommendationActivities:
    def __init__(self, store: RecommendationStore) -> None:
        self._store = store

    @activity.defn
    async def read_recommendation(self, request: RecommendationRef) -> RecommendationBrief:
        """What is offered; from now on its workflow is known to be there."""
        brief = await self._store.take_up(request.recommendation_id)
        crash_point("recommendation.taken_up")
        return brief

    @activity.defn
    async def check_deadline(self, request: RecommendationRef) -> DeadlineCheck:
        """Expire the recommendation if its time, in market time, is over."""
        return await self._store.check_deadline(request.recommendation_id)

    @activity.defn
    async def read_decision(self, request: DecisionRef) -> DecisionAction | None:
        """What was decided, or None where no such decision is on record."""
        action = await self._store.decision_action(request.recommendation_id, request.decision_id)
        crash_point("rejection.read")
        return action

    @activity.defn
    async def conclude_recommendation(self, request: Conclusion) -> None:
        """Write the final state of an approved recommendation; repeating it changes nothing."""
        crash_point("recommendation.concluding")
        await self._store.conclude(
            request.recommendation_id, request.state, request.code, request.reason
        )
        crash_point("recommendation.concluded")

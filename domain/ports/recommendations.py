"""The ports to recommendations, and to handing them to their workflows."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pydantic import Field

from domain.errors import ErrorCode
from domain.instruments import Frozen
from domain.recommendations import DecisionAction, RecommendationState, Terms


class RecommendationBrief(Frozen):
    """What a recommendation's workflow needs to know of it."""

    id: UUID
    state: RecommendationState
    terms: Terms
    gateway: str
    strategy: str
    summary: str
    withdrawn: bool = Field(default=False, description="a person asked for no further attempt")


class DeadlineCheck(Frozen):
    """Whether a recommendation still waits, and for how many host seconds it may."""

    state: RecommendationState
    host_seconds_left: float = Field(ge=0)
    decision_id: UUID | None = Field(default=None, description="the approval, once there is one")


class RecommendationStore(Protocol):
    async def brief(self, recommendation_id: UUID) -> RecommendationBrief: ...

    async def take_up(self, recommendation_id: UUID) -> RecommendationBrief:
        """The brief, with a note that the recommendation's workflow has it."""
        ...

    async def check_deadline(self, recommendation_id: UUID) -> DeadlineCheck:
        """Expire a waiting recommendation whose deadline has passed in market time."""
        ...

    async def decision_action(
        self, recommendation_id: UUID, decision_id: UUID
    ) -> DecisionAction | None:
        """APPROVE or REJECT if that decision is on record for that recommendation."""
        ...

    async def conclude(
        self,
        recommendation_id: UUID,
        state: RecommendationState,
        code: ErrorCode | None,
        reason: str,
    ) -> None:
        """Move an approved recommendation to its final state; repeating it changes nothing."""
        ...


class UndeliveredDecision(Frozen):
    """A decision on record whose workflow has not read it."""

    recommendation_id: UUID
    decision_id: UUID
    action: DecisionAction


class RecommendationBacklog(Protocol):
    """What reconciliation finds left lying in our own records."""

    async def without_workflow(self) -> list[RecommendationBrief]: ...
    async def undelivered_decisions(self) -> list[UndeliveredDecision]: ...


class DecisionDelivery(Protocol):
    """Handing work to recommendation workflows. Every call may be repeated."""

    async def start(self, brief: RecommendationBrief) -> None: ...
    async def deliver(self, decision: UndeliveredDecision) -> None: ...

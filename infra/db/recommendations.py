"""Recommendations as their workflows see them: read, expire, conclude."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.ports import DeadlineCheck, RecommendationBrief
from domain.recommendations import (
    RECOMMENDATION_TRANSITIONS,
    DecisionAction,
    RecommendationState,
    Terms,
)
from infra.db.alerts import raise_alert
from infra.db.audit import Actor, audit
from infra.db.clock import account_clock, host_now
from infra.db.models import (
    BrokerAccount,
    Decision,
    Recommendation,
    Severity,
    StrategyInstance,
)
from infra.db.session import Sessions

WORKFLOW = Actor(name="recommendation workflow")
APPROVAL_DENIED = "APPROVAL_DENIED"
"""Code of the alert on an approval that came to no order; its subject is the recommendation."""
# While market time is unknown nothing expires; the deadline is looked at again this much later.
CLOCKLESS_SECONDS = 10.0


class PostgresRecommendations:
    """``domain.ports.RecommendationStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def take_up(self, recommendation_id: UUID) -> RecommendationBrief:
        """The brief, with a note that the recommendation's workflow has it."""
        async with self._sessions.begin() as session:
            await session.execute(
                update(Recommendation)
                .where(
                    Recommendation.id == recommendation_id,
                    Recommendation.workflow_seen_at.is_(None),
                )
                .values(workflow_seen_at=host_now())
            )
        return await self.brief(recommendation_id)

    async def brief(self, recommendation_id: UUID) -> RecommendationBrief:
        async with self._sessions() as session:
            row = await session.scalar(
                select(Recommendation)
                .where(Recommendation.id == recommendation_id)
                .options(
                    joinedload(Recommendation.broker_account).joinedload(BrokerAccount.gateway),
                    joinedload(Recommendation.strategy_instance).load_only(StrategyInstance.name),
                )
            )
            if row is None:
                raise GreenlightError(ErrorCode.NOT_FOUND, "no such recommendation")
            return RecommendationBrief(
                id=row.id,
                state=row.state,
                terms=Terms.model_validate(row.terms),
                gateway=row.broker_account.gateway.slug,
                strategy=row.strategy_instance.name,
                summary=row.summary,
                withdrawn=row.withdrawn_at is not None,
            )

    async def check_deadline(self, recommendation_id: UUID) -> DeadlineCheck:
        """Expire a waiting recommendation whose deadline has passed.

        The row lock decides between an approval and the deadline: whichever commits first.
        """
        async with self._sessions.begin() as session:
            row = await _lock(session, recommendation_id)
            if row.state is not RecommendationState.PROPOSED:
                decision_id = await session.scalar(
                    select(Decision.id).where(Decision.recommendation_id == row.id)
                )
                return DeadlineCheck(state=row.state, host_seconds_left=0, decision_id=decision_id)
            try:
                clock = await account_clock(session, row.broker_account_id)
            except BrokerUnavailable:
                return DeadlineCheck(state=row.state, host_seconds_left=CLOCKLESS_SECONDS)
            left = clock.host_seconds_until(row.deadline, host_now())
            if left <= 0:
                _move(session, row, RecommendationState.EXPIRED, ErrorCode.RECOMMENDATION_EXPIRED,
                      "nobody decided before the deadline")  # fmt: skip
            return DeadlineCheck(state=row.state, host_seconds_left=left)

    async def decision_action(
        self, recommendation_id: UUID, decision_id: UUID
    ) -> DecisionAction | None:
        async with self._sessions.begin() as session:
            decision = await session.get(Decision, decision_id)
            if decision is None or decision.recommendation_id != recommendation_id:
                return None
            if decision.delivered_at is None:
                decision.delivered_at = host_now()
            return decision.action

    async def conclude(
        self,
        recommendation_id: UUID,
        state: RecommendationState,
        code: ErrorCode | None,
        reason: str,
    ) -> None:
        async with self._sessions.begin() as session:
            row = await _lock(session, recommendation_id)
            if row.state is state:
                return
            _move(session, row, state, code, reason)
            if state is RecommendationState.DENIED:
                await _tell_denial(session, row)


async def _lock(session: AsyncSession, recommendation_id: UUID) -> Recommendation:
    row = await session.get(
        Recommendation, recommendation_id, with_for_update=True, populate_existing=True
    )
    if row is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such recommendation")
    return row


async def _tell_denial(session: AsyncSession, row: Recommendation) -> None:
    """Whoever approved it may have turned to the next card long ago, and takes it for traded."""
    await raise_alert(
        session,
        APPROVAL_DENIED,
        str(row.id),
        Severity.WARNING,
        f"Approved, but not traded: {row.summary}",
        detail=row.reason,
        account_id=row.broker_account_id,
        context={"recommendation_id": str(row.id), "reason_code": row.reason_code},
    )


def _move(
    session: AsyncSession,
    row: Recommendation,
    state: RecommendationState,
    code: ErrorCode | None,
    reason: str,
) -> None:
    allowed = RECOMMENDATION_TRANSITIONS.get(row.state, frozenset())
    if state not in allowed:
        raise GreenlightError(
            ErrorCode.ILLEGAL_TRANSITION,
            f"a recommendation that is {row.state} cannot become {state}",
        )
    before = row.state
    row.state = state
    row.reason_code = code
    row.reason = reason
    row.concluded_at = host_now()
    audit(
        session,
        WORKFLOW,
        f"recommendation.{state.value.lower()}",
        "recommendation",
        row.id,
        before={"state": before.value},
        after={"state": state.value, "code": code, "reason": reason},
    )

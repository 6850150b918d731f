"""One recommendation, from the offer to the last doubt about its order."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.orders import Prepared, PreparedOutcome
    from activities.recommendations import (
        Conclusion,
        DecisionRef,
        RecommendationActivities,
        RecommendationRef,
    )
    from activities.strategies import SuccessorActivities
    from domain.errors import ErrorCode
    from domain.ports import DeadlineCheck, RecommendationBrief
    from domain.recommendations import DecisionAction, RecommendationState
    from workflows import policies
    from workflows.ids import broker_queue, recommendation_workflow_id
    from workflows.messages import (
        DecisionMessage,
        OrderMessage,
        RecommendationInput,
        RecommendationResult,
        RecommendationStatus,
    )
    from workflows.order_work import JUDGE_AND_SEND, ApprovedTradeWork, Ending, OrderHints
    from workflows.visibility import Visibility, WaitingOn, history_is_long

# What a fresh look at the market may mend; any other denial would only be repeated.
_MENDED_BY_FRESH_TERMS = frozenset(
    {
        ErrorCode.PRICE_OUTSIDE_FLOOR,
        ErrorCode.PRICE_COLLAR,
        ErrorCode.UNDERLYING_DRIFTED,
        ErrorCode.TERMS_CHANGED,
        ErrorCode.ASSIGNMENT_CASH,
        ErrorCode.BUYING_POWER,
        ErrorCode.RECOMMENDATION_EXPIRED,
    }
)

PACKAGES_SUCCEEDED = "packages-succeeded"
"""The patch by which a denied package has a successor, too; once only single options had."""


@dataclass(frozen=True)
class _Told:
    """A decision as a signal or the record told of it."""

    decision_id: UUID
    is_approval: bool


@workflow.defn
class RecommendationWorkflow:
    """Waits for a person, then carries the approved trade until nothing about it is in doubt.

    Signals are hints: what was decided, ordered and filled is always read again from Postgres.
    """

    def __init__(self) -> None:
        self._decisions: deque[_Told] = deque()
        self._looked_at_again = False
        self._hints = OrderHints()
        self._visibility = Visibility()
        self._work: ApprovedTradeWork | None = None
        self._attempt: Prepared | None = None

    @workflow.run
    async def run(self, request: RecommendationInput) -> RecommendationResult:
        brief = await workflow.execute_activity_method(
            RecommendationActivities.read_recommendation,
            RecommendationRef(recommendation_id=request.recommendation_id),
            summary="read the recommendation",
            **policies.RECORDS,
        )
        terms = brief.terms
        self._visibility.describe(
            terms.account_code, terms.contract.symbol, brief.strategy, terms.deadline
        )
        if request.progress is not None:
            self._work = ApprovedTradeWork.resumed(
                brief, request.progress, self._visibility, self._hints
            )
            return await self._carry_out(brief, self._work, await self._work.current())
        waited = await self._until_decided(brief)
        if self._work is None or self._attempt is None:
            self._visibility.show(waited, WaitingOn.NOTHING, f"{waited}: {brief.summary}")
            return RecommendationResult(state=waited)
        return await self._carry_out(brief, self._work, self._attempt)

    # --- signals and queries -----------------------------------------------------------------

    @workflow.signal
    def approve(self, message: DecisionMessage) -> None:
        """A decision is on record; which one and what it says is read from Postgres."""
        self._decisions.append(_Told(message.decision_id, is_approval=True))

    @workflow.signal
    def reject(self, message: DecisionMessage) -> None:
        self._decisions.append(_Told(message.decision_id, is_approval=False))

    @workflow.signal
    def recommendation_changed(self) -> None:
        """Superseded, or changed by reconciliation: look again."""
        self._looked_at_again = True

    @workflow.signal
    def order_changed(self, message: OrderMessage) -> None:
        """The listener wrote something about one of our orders."""
        self._hints.order_changed = True

    @workflow.signal
    def withdraw(self) -> None:
        """A person wants the order cancelled and no further attempt made."""
        self._hints.withdrawn = True

    @workflow.query
    def status(self) -> RecommendationStatus:
        return RecommendationStatus(
            state=self._visibility.state,
            waiting_on=self._visibility.waiting_on.value,
            detail=self._visibility.detail,
            order_keys=() if self._work is None else tuple(self._work.order_keys),
        )

    # --- waiting for a person ----------------------------------------------------------------

    async def _until_decided(self, brief: RecommendationBrief) -> RecommendationState:
        """The state in which the waiting ended; after an approval the first attempt was made."""
        while True:
            check = await self._check_deadline(brief)
            if check.state is RecommendationState.APPROVED and check.decision_id is not None:
                # Approved before this run began, or the signal was lost.
                self._decisions.append(_Told(check.decision_id, is_approval=True))
            elif check.state is not RecommendationState.PROPOSED:
                return check.state
            self._visibility.show(
                RecommendationState.PROPOSED,
                WaitingOn.HUMAN,
                f"Waiting for a decision: {brief.summary}. "
                f"Deadline {brief.terms.deadline:%Y-%m-%d %H:%M} UTC market time",
            )
            if history_is_long():
                workflow.continue_as_new(RecommendationInput(recommendation_id=brief.id))
            await self._until_told(timedelta(seconds=max(check.host_seconds_left, 0.2)))
            while self._decisions:
                if await self._take_up(brief, self._decisions.popleft()):
                    return RecommendationState.APPROVED

    async def _until_told(self, at_most: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: bool(self._decisions) or self._looked_at_again,
                timeout=at_most,
                timeout_summary="deadline for the decision",
            )
        self._looked_at_again = False

    async def _check_deadline(self, brief: RecommendationBrief) -> DeadlineCheck:
        return await workflow.execute_activity_method(
            RecommendationActivities.check_deadline,
            RecommendationRef(recommendation_id=brief.id),
            summary="does it still wait?",
            **policies.RECORDS,
        )

    async def _take_up(self, brief: RecommendationBrief, told: _Told) -> bool:
        """Make the first attempt at the trade a decision authorises; False if it authorises none.

        A signal authorises nothing: whoever judges the trade reads the decision from Postgres
        first. Only where nothing is found approved is it read once more by itself, to tell an
        approval that was withdrawn from a signal with nothing behind it.
        """
        work = ApprovedTradeWork(brief, told.decision_id, self._visibility, self._hints)
        attempt: Prepared | None = None
        if told.is_approval and workflow.patched(JUDGE_AND_SEND):
            attempt = await work.attempt()
            if attempt.outcome is not PreparedOutcome.NOT_APPROVED:
                self._work, self._attempt = work, attempt
                return True
        action = await workflow.execute_local_activity_method(
            RecommendationActivities.read_decision,
            DecisionRef(recommendation_id=brief.id, decision_id=told.decision_id),
            start_to_close_timeout=timedelta(seconds=10),
        )
        if action is not DecisionAction.APPROVE:
            if action is None:
                workflow.logger.warning("no decision %s on this recommendation", told.decision_id)
            return False
        self._work, self._attempt = work, attempt or await work.attempt()
        return True

    # --- carrying it out ---------------------------------------------------------------------

    async def _carry_out(
        self, brief: RecommendationBrief, work: ApprovedTradeWork, prepared: Prepared
    ) -> RecommendationResult:
        ending = await work.carry_out(prepared)
        await workflow.execute_activity_method(
            RecommendationActivities.conclude_recommendation,
            Conclusion(
                recommendation_id=brief.id,
                state=ending.state,
                code=ending.code,
                reason=ending.reason,
            ),
            summary=f"record the ending: {ending.state}",
            **policies.RECORDS,
        )
        self._visibility.show(
            ending.state,
            WaitingOn.NOTHING,
            f"{ending.state}: {brief.summary}" + (f" ({ending.reason})" if ending.reason else ""),
        )
        await self._offer_successor(brief, ending)
        return RecommendationResult(
            state=ending.state,
            code=ending.code,
            reason=ending.reason,
            filled=work.filled,
            order_keys=tuple(work.order_keys),
        )

    async def _offer_successor(self, brief: RecommendationBrief, ending: Ending) -> None:
        """After a denial that fresh terms may mend: the same trade, offered anew."""
        denied = ending.state is RecommendationState.DENIED
        if not denied or ending.code not in _MENDED_BY_FRESH_TERMS:
            return
        if brief.terms.is_package and not workflow.patched(PACKAGES_SUCCEEDED):
            return
        try:
            outcome = await workflow.execute_activity_method(
                SuccessorActivities.propose_successor,
                RecommendationRef(recommendation_id=brief.id),
                task_queue=broker_queue(brief.gateway),
                summary="look for a successor on fresh terms",
                **policies.COMPUTE,
            )
        except ActivityError as error:
            workflow.logger.warning("no successor could be sought: %s", error.cause)
            return
        for number, successor in enumerate(outcome.proposed):
            try:
                await workflow.start_child_workflow(
                    RecommendationWorkflow.run,
                    RecommendationInput(recommendation_id=successor),
                    id=recommendation_workflow_id(successor),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=outcome.summary_of(number),
                )
            except WorkflowAlreadyStartedError:
                workflow.logger.info("%s was started by reconciliation", successor)

"""Running strategies: every instance for itself, its recommendations started as workflows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
)
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.ingestion import IngestionActivities
    from activities.strategies import BeginRun, FailedRun, GenerateRequest, StrategyActivities
    from domain.ports import RunOutcome, RunPlan
    from workflows import policies
    from workflows.ids import (
        broker_queue,
        recommendation_workflow_id,
        strategy_run_workflow_id,
    )
    from workflows.messages import (
        RecommendationInput,
        StrategyRunInput,
        StrategyRunsInput,
        StrategyRunsReport,
    )
    from workflows.recommendation import RecommendationWorkflow


ASK_AGAIN_AFTER = timedelta(seconds=3)


@workflow.defn
class StrategyRunsWorkflow:
    """Runs the instances asked for, or all that can run now; one failing stops no other."""

    @workflow.run
    async def run(self, request: StrategyRunsInput) -> StrategyRunsReport:
        instances = await self._runnable()
        give_up_at = workflow.now() + timedelta(seconds=request.patience_seconds)
        while not instances and workflow.now() < give_up_at:
            await workflow.sleep(ASK_AGAIN_AFTER, summary="for a broker and an open market")
            instances = await self._runnable()
        if request.instance_ids:
            instances = [each for each in instances if each in request.instance_ids]
        results = await asyncio.gather(*(self._run_one(each) for each in instances))
        return StrategyRunsReport(outcomes=tuple(filter(None, results)), ran=len(instances))

    async def _runnable(self) -> list[UUID]:
        return await workflow.execute_activity_method(
            StrategyActivities.runnable_instances,
            summary="which instances can run now?",
            **policies.RECORDS,
        )

    async def _run_one(self, instance_id: UUID) -> RunOutcome | None:
        try:
            return await workflow.execute_child_workflow(
                StrategyRunWorkflow.run,
                StrategyRunInput(instance_id=instance_id),
                id=strategy_run_workflow_id(workflow.info().workflow_id, instance_id),
            )
        except ChildWorkflowError as error:
            workflow.logger.warning("run of %s failed: %s", instance_id, error.cause)
            return None


@workflow.defn
class StrategyRunWorkflow:
    """One instance: read its market, let the strategy look, offer what it found."""

    @workflow.run
    async def run(self, request: StrategyRunInput) -> RunOutcome:
        plan = await workflow.execute_activity_method(
            StrategyActivities.begin_strategy_run,
            BeginRun(instance_id=request.instance_id),
            summary="what does this run look at?",
            **policies.RECORDS,
        )
        try:
            outcome = await self._look(plan)
        except ActivityError as error:
            reason = str(error.cause or error)
            await workflow.execute_activity_method(
                StrategyActivities.fail_strategy_run,
                FailedRun(run_id=plan.run_id, errors=(reason,)),
                summary="record the failure",
                **policies.RECORDS,
            )
            raise ApplicationError(reason, non_retryable=True) from error
        await self._offer(outcome)
        return outcome

    async def _look(self, plan: RunPlan) -> RunOutcome:
        market = await workflow.execute_activity_method(
            IngestionActivities.capture_market,
            plan,
            task_queue=broker_queue(plan.gateway),
            summary=f"option chains of {', '.join(plan.universe)}",
            **policies.MARKET_READ,
        )
        return await workflow.execute_activity_method(
            StrategyActivities.generate_recommendations,
            GenerateRequest(plan=plan, chain_ids=market.chain_ids, errors=market.errors),
            summary="signals, opportunities, recommendations",
            **policies.COMPUTE,
        )

    async def _offer(self, outcome: RunOutcome) -> None:
        """Start the new recommendations' workflows and tell the superseded ones."""
        for number, proposed in enumerate(outcome.proposed):
            try:
                await workflow.start_child_workflow(
                    RecommendationWorkflow.run,
                    RecommendationInput(recommendation_id=proposed),
                    id=recommendation_workflow_id(proposed),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=outcome.summary_of(number),
                )
            except WorkflowAlreadyStartedError:
                workflow.logger.info("%s was started by reconciliation", proposed)
        for superseded in outcome.superseded:
            handle = workflow.get_external_workflow_handle_for(
                RecommendationWorkflow.run, recommendation_workflow_id(superseded)
            )
            try:
                await handle.signal(RecommendationWorkflow.recommendation_changed)
            except ApplicationError as error:
                # Not running any more; its row says SUPERSEDED all the same.
                workflow.logger.info("%s could not be told: %s", superseded, error)

"""What would a strategy find now? A run that offers nothing and keeps nothing."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.dry_runs import DryLook, DryRunActivities
    from activities.ingestion import IngestionActivities
    from domain.ports import DryRunFindings, DryRunRequest
    from workflows import policies
    from workflows.ids import broker_queue


@workflow.defn
class StrategyDryRunWorkflow:
    """Reads the market as a run would, lets the strategy look, and answers what it saw."""

    @workflow.run
    async def run(self, request: DryRunRequest) -> DryRunFindings:
        try:
            return await self._look(request)
        except ActivityError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError):
                # The code and the words, for the person who asked.
                raise ApplicationError(
                    cause.message, type=cause.type, non_retryable=True
                ) from error
            raise

    async def _look(self, request: DryRunRequest) -> DryRunFindings:
        plan = await workflow.execute_activity_method(
            DryRunActivities.plan_dry_run,
            request,
            summary="what does this dry run look at?",
            **policies.RECORDS,
        )
        market = await workflow.execute_activity_method(
            IngestionActivities.capture_market,
            plan,
            task_queue=broker_queue(plan.gateway),
            summary=f"option chains of {', '.join(plan.universe)}",
            **policies.MARKET_READ,
        )
        return await workflow.execute_activity_method(
            DryRunActivities.look_dryly,
            DryLook(request=request, plan=plan, chain_ids=market.chain_ids, errors=market.errors),
            summary="what the strategy would find",
            **policies.COMPUTE,
        )

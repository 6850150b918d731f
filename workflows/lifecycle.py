"""Watching what is coming for the options held: expiry, assignment, ex-dividend days."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.ingestion import IngestionActivities, MarketRequest, SyncRequest
    from activities.lifecycle import LifecycleActivities
    from domain.ports.lifecycle import LifecycleReport, TriggeredRuns
    from workflows import policies
    from workflows.ids import broker_queue
    from workflows.messages import LifecycleInput, StrategyRunsInput
    from workflows.strategy_run import StrategyRunsWorkflow
    from workflows.visibility import Visibility, WaitingOn, history_is_long

PATIENCE_SECONDS = 120
"""For a market that is about to open, or a gateway that is connecting."""


@workflow.defn
class LifecycleWorkflow:
    """One gateway's options, watched for as long as the desk runs.

    Between looks it waits on a durable timer, at the latest for the next moment that matters: the
    open of a last trading day, hours before its close, the afternoon before an ex-date, the
    morning after. What has just come up has the strategies concerned look at once.
    """

    def __init__(self) -> None:
        self._visibility = Visibility()

    @workflow.run
    async def run(self, request: LifecycleInput) -> None:
        while not history_is_long():
            report = await self._look(request.gateway)
            if report.runs.instance_ids:
                await self._have_strategies_look(report.runs)
            self._show(report)
            await workflow.sleep(
                timedelta(seconds=report.next_look_seconds), summary=report.next_look_for
            )
        workflow.continue_as_new(request)

    async def _look(self, gateway: str) -> LifecycleReport:
        about = SyncRequest(gateway=gateway)
        plan = await workflow.execute_activity_method(
            LifecycleActivities.plan_lifecycle_look,
            about,
            summary="which options have to be priced?",
            **policies.RECORDS,
        )
        if plan.options:
            try:
                await workflow.execute_activity_method(
                    IngestionActivities.sync_ibkr_market,
                    MarketRequest(gateway=gateway, plan=plan),
                    task_queue=broker_queue(gateway),
                    summary=f"quotes of {len(plan.options)} options held",
                    **policies.INGESTION,
                )
            except ActivityError as error:
                # An old price is judged as such; what is coming by date is coming all the same.
                workflow.logger.warning("options held were not priced: %s", error.cause)
        return await workflow.execute_activity_method(
            LifecycleActivities.look_ahead,
            about,
            summary="what is coming, and what is over?",
            **policies.RECORDS,
        )

    async def _have_strategies_look(self, runs: TriggeredRuns) -> None:
        await workflow.start_child_workflow(
            StrategyRunsWorkflow.run,
            StrategyRunsInput(instance_ids=runs.instance_ids, patience_seconds=PATIENCE_SECONDS),
            id=f"{workflow.info().workflow_id}/run-{workflow.uuid4()}",
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary=f"because: {'; '.join(runs.reasons)}"[:200],
        )

    def _show(self, report: LifecycleReport) -> None:
        lines = [f"{report.open} alerts stand; next look: {report.next_look_for}"]
        lines += [f"raised: {each}" for each in report.runs.reasons]
        lines += report.errors
        self._visibility.show("WATCHING", WaitingOn.MARKET, "\n".join(lines))

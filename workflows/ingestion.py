"""Keeping accounts, positions and the market current, gateway by gateway."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.ingestion import (
        IngestionActivities,
        IngestionPlanner,
        MarketReport,
        MarketRequest,
        SyncReport,
        SyncRequest,
    )
    from activities.portfolio import PortfolioActivities, RiskReviewRequest
    from activities.reconciliation import ExecutionsReport, GatewayRef, ReconciliationActivities
    from workflows import policies
    from workflows.ids import broker_queue
    from workflows.messages import IngestionInput, IngestionReport, MarketReadingInput


@workflow.defn
class IngestionWorkflow:
    """One pass over every account of one gateway: positions, account values, executions.

    Then the risk of what is on record is reviewed, also where nothing could be read: that the
    figures grow old is one of the things it tells.
    """

    @workflow.run
    async def run(self, request: IngestionInput) -> IngestionReport:
        try:
            report = await self._read(request)
        except ActivityError:
            await self._review(request.gateway)
            raise
        await self._review(request.gateway)
        return report

    async def _review(self, gateway: str) -> None:
        if not workflow.patched("review-risk"):
            return
        try:
            await workflow.execute_activity_method(
                PortfolioActivities.review_risk,
                RiskReviewRequest(gateway=gateway),
                summary="risk alerts of every account",
                **policies.REVIEW,
            )
        except ActivityError as error:
            # What was read is on record all the same; the next pass reviews it.
            workflow.logger.warning("the risk review failed: %s", error.cause)

    async def _read(self, request: IngestionInput) -> IngestionReport:
        positions = SyncReport(accounts={})
        snapshots = SyncReport(accounts={})
        executions: ExecutionsReport | None = None
        queue = broker_queue(request.gateway)
        if request.only_when_due and not await self._is_due(request.gateway):
            return IngestionReport(positions=positions, snapshots=snapshots, is_due=False)
        if request.positions:
            positions = await workflow.execute_activity_method(
                IngestionActivities.sync_ibkr_positions,
                SyncRequest(gateway=request.gateway),
                task_queue=queue,
                summary="positions of every account",
                **policies.INGESTION,
            )
        if request.account_snapshots:
            snapshots = await workflow.execute_activity_method(
                IngestionActivities.sync_ibkr_account_snapshot,
                SyncRequest(gateway=request.gateway),
                task_queue=queue,
                summary="account values of every account",
                **policies.INGESTION,
            )
        if request.executions:
            executions = await workflow.execute_activity_method(
                ReconciliationActivities.sync_ibkr_executions,
                GatewayRef(gateway=request.gateway),
                task_queue=queue,
                summary="today's orders and executions",
                **policies.INGESTION,
            )
        return IngestionReport(positions=positions, snapshots=snapshots, executions=executions)

    async def _is_due(self, gateway: str) -> bool:
        return await workflow.execute_activity_method(
            IngestionPlanner.is_ingestion_due,
            SyncRequest(gateway=gateway),
            summary=f"is {gateway} connected, and its market open?",
            **policies.RECORDS,
        )


@workflow.defn
class MarketReadingWorkflow:
    """Contracts, quotes and dividends of what the strategies look at and the accounts hold."""

    @workflow.run
    async def run(self, request: MarketReadingInput) -> MarketReport:
        plan = await workflow.execute_activity_method(
            IngestionPlanner.plan_market_reading,
            SyncRequest(gateway=request.gateway),
            summary="which symbols and options, if the market is open?",
            **policies.RECORDS,
        )
        if not plan.chains and not plan.options:
            return MarketReport()
        report = await workflow.execute_activity_method(
            IngestionActivities.sync_ibkr_market,
            MarketRequest(gateway=request.gateway, plan=plan),
            task_queue=broker_queue(request.gateway),
            summary=f"{len(plan.chains)} chains and {len(plan.options)} options held",
            **policies.MARKET_READ,
        )
        workflow.set_current_details(
            "\n".join([f"{report.contracts} contracts brought up to date", *report.errors])
        )
        return report

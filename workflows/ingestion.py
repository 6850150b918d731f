"""Keeping accounts and positions current, gateway by gateway."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ingestion import IngestionActivities, SyncReport, SyncRequest
    from workflows import policies
    from workflows.ids import broker_queue
    from workflows.messages import IngestionInput, IngestionReport


@workflow.defn
class IngestionWorkflow:
    """One pass over every account of one gateway: positions, then account values."""

    @workflow.run
    async def run(self, request: IngestionInput) -> IngestionReport:
        positions = SyncReport(accounts={})
        snapshots = SyncReport(accounts={})
        if request.positions:
            positions = await workflow.execute_activity_method(
                IngestionActivities.sync_ibkr_positions,
                SyncRequest(gateway=request.gateway),
                task_queue=broker_queue(request.gateway),
                summary="positions of every account",
                **policies.INGESTION,
            )
        if request.account_snapshots:
            snapshots = await workflow.execute_activity_method(
                IngestionActivities.sync_ibkr_account_snapshot,
                SyncRequest(gateway=request.gateway),
                task_queue=broker_queue(request.gateway),
                summary="account values of every account",
                **policies.INGESTION,
            )
        return IngestionReport(positions=positions, snapshots=snapshots)

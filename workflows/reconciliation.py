"""The regular look for what was left lying."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import DeliveryActivities, RedeliveryReport
    from workflows import policies


@workflow.defn
class ReconciliationWorkflow:
    """Delivers decisions that were recorded but not read, and starts workflows that are missing."""

    @workflow.run
    async def run(self) -> RedeliveryReport:
        return await workflow.execute_activity_method(
            DeliveryActivities.redeliver,
            summary="deliver what was recorded but not read",
            **policies.RECORDS,
        )

"""The regular looks: at the broker's books, and for what was left lying in our own record."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import (
        DeliveryActivities,
        GatewayRef,
        ReconciliationActivities,
        ReconciliationPlanner,
        RedeliveryReport,
    )
    from domain.ports.reconciliation import ReconciliationReport
    from workflows import policies
    from workflows.ids import broker_queue
    from workflows.messages import ReconciliationInput

# What one look shows and the next does not was the broker between two of its own books.
LOOK_AGAIN_AFTER = timedelta(seconds=3)
LOOKS = 3


@workflow.defn
class ReconciliationWorkflow:
    """Compares one gateway's orders, executions, positions and cash with our record of them.

    None where the market's hours did not ask for a look.
    """

    @workflow.run
    async def run(self, request: ReconciliationInput) -> ReconciliationReport | None:
        gateway = GatewayRef(gateway=request.gateway)
        if request.only_when_due and not await workflow.execute_activity_method(
            ReconciliationPlanner.is_reconciliation_due,
            gateway,
            summary=f"is {request.gateway} connected, and its market open?",
            **policies.RECORDS,
        ):
            return None
        report = await self._look(gateway)
        for _ in range(LOOKS - 1):
            if not report.unconfirmed and report.is_steady:
                break
            await workflow.sleep(LOOK_AGAIN_AFTER, summary="to confirm what differs")
            report = _together(report, await self._look(gateway))
        workflow.set_current_details(_words(report))
        return report

    async def _look(self, gateway: GatewayRef) -> ReconciliationReport:
        return await workflow.execute_activity_method(
            ReconciliationActivities.reconcile,
            gateway,
            task_queue=broker_queue(gateway.gateway),
            summary="orders, executions, positions and cash against the record",
            **policies.INGESTION,
        )


def _together(first: ReconciliationReport, last: ReconciliationReport) -> ReconciliationReport:
    """How things stand after the last look, with everything that happened on the way."""
    return last.model_copy(
        update={
            "raised": first.raised + last.raised,
            "cleared": first.cleared + last.cleared,
            "events": first.events + last.events,
            "changed_orders": first.changed_orders + last.changed_orders,
        }
    )


def _words(report: ReconciliationReport) -> str:
    what = "discrepancy" if report.open == 1 else "discrepancies"
    lines = [f"{report.open} open {what} on {', '.join(report.accounts)}"]
    lines += [f"raised: {each}" for each in report.raised]
    lines += [f"cleared: {each}" for each in report.cleared]
    lines += [f"recognised: {each}" for each in report.events]
    return "\n".join(lines)


@workflow.defn
class RedeliveryWorkflow:
    """Delivers decisions that were recorded but not read, and starts workflows that are missing."""

    @workflow.run
    async def run(self) -> RedeliveryReport:
        return await workflow.execute_activity_method(
            DeliveryActivities.redeliver,
            summary="deliver what was recorded but not read",
            **policies.RECORDS,
        )

"""Telling people what waits for them."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notifications import NotificationActivities, NotificationReport
    from workflows import policies


@workflow.defn
class NotificationWorkflow:
    """Sends what is due on people's channels."""

    @workflow.run
    async def run(self) -> NotificationReport:
        return await workflow.execute_activity_method(
            NotificationActivities.notify,
            summary="tell people what waits for them",
            **policies.NOTIFY,
        )

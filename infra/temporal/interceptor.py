"""What every activity gets: its ids in the log, and coded errors that Temporal understands."""

from __future__ import annotations

from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from domain.errors import GreenlightError

_LOGGED_FIELDS = (
    "recommendation_id",
    "decision_id",
    "order_key",
    "gateway",
    "account_code",
    "instance_id",
)


class DeskInterceptor(Interceptor):
    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002 - the SDK's name
    ) -> ActivityInboundInterceptor:
        return _DeskActivity(next)


class _DeskActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        request = input.args[0] if input.args else None
        ids = {
            name: str(value)
            for name in _LOGGED_FIELDS
            if (value := getattr(request, name, None)) is not None
        }
        with structlog.contextvars.bound_contextvars(
            workflow_id=info.workflow_id,
            run_id=info.workflow_run_id,
            activity=info.activity_type,
            attempt=info.attempt,
            **ids,
        ):
            try:
                return await super().execute_activity(input)
            except GreenlightError as error:
                # The code becomes the failure's type; what time cannot mend is not retried.
                raise ApplicationError(
                    error.detail,
                    {key: str(value) for key, value in error.context.items()},
                    type=error.code.value,
                    non_retryable=not error.is_transient,
                ) from error

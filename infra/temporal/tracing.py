"""How a trace passes through Temporal, and through a workflow that was begun by another one.

The SDK's interceptor gives every activity of a workflow the trace of whoever started it. A
recommendation is started by a strategy run, hours before a person approves it: what follows from
the click belongs to the click. So a person's signal hands its trace to all that the workflow does
from then on, also after a replay, for signals carry theirs in the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from opentelemetry import context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio import client, worker, workflow
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.converter import PayloadConverter

from infra.tracing import provider

HEADER = "_tracer-data"
"""Where the SDK's interceptor puts a trace."""
PERSONAL_SIGNALS = frozenset({"approve", "reject", "withdraw"})
"""Signals that a person's click sends."""
_PROPAGATOR = TraceContextTextMapPropagator()


def tracing_interceptors() -> list[client.Interceptor]:
    """For ``Client.connect``; workers of the client use them, too. None while tracing is off."""
    chosen = provider()
    if chosen is None:
        return []
    # What the later one does to a workflow's calls comes before what the earlier one does.
    return [TracingInterceptor(chosen.get_tracer("greenlight.temporal")), ClickInterceptor()]


class ClickInterceptor(client.Interceptor, worker.Interceptor):
    def workflow_interceptor_class(
        self,
        input: worker.WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[worker.WorkflowInboundInterceptor]:
        return _FollowsClicks


class _FollowsClicks(worker.WorkflowInboundInterceptor):
    """Remembers the trace of the last click."""

    def __init__(self, next: worker.WorkflowInboundInterceptor) -> None:  # noqa: A002
        super().__init__(next)
        self._carrier: dict[str, str] | None = None

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(_InTheTraceOfTheClick(outbound, self))

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:  # noqa: A002
        header = input.headers.get(HEADER)
        if header is not None and input.signal in PERSONAL_SIGNALS:
            (self._carrier,) = PayloadConverter.default.from_payloads([header])
        await super().handle_signal(input)

    @contextmanager
    def trace(self) -> Iterator[None]:
        """The click's trace, or the workflow's own while nobody has clicked."""
        if self._carrier is None:
            yield
            return
        token = context.attach(_PROPAGATOR.extract(self._carrier))
        try:
            yield
        finally:
            context.detach(token)


class _InTheTraceOfTheClick(worker.WorkflowOutboundInterceptor):
    def __init__(
        self,
        next: worker.WorkflowOutboundInterceptor,  # noqa: A002 - the SDK's name
        click: _FollowsClicks,
    ) -> None:
        super().__init__(next)
        self._click = click

    def start_activity(self, input: worker.StartActivityInput) -> workflow.ActivityHandle:  # noqa: A002
        with self._click.trace():
            return super().start_activity(input)

    def start_local_activity(
        self,
        input: worker.StartLocalActivityInput,  # noqa: A002
    ) -> workflow.ActivityHandle:
        with self._click.trace():
            return super().start_local_activity(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:  # noqa: A002
        with self._click.trace():
            super().continue_as_new(input)

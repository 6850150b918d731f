"""OpenTelemetry tracing, by a switch: one trace from a click to the fill it led to.

Off unless ``GREENLIGHT_TRACING_ENDPOINT`` names a collector; what exports and instruments is the
extra ``tracing``. Requests, SQL statements and Temporal's signals and activities are spans. How a
trace passes through a workflow: `infra.temporal.tracing`.
"""

# ruff: noqa: PLC0415 (what tracing needs is loaded where it is on, and installed as an extra)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from structlog.types import EventDict, WrappedLogger

from infra.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import Sampler
    from sqlalchemy.ext.asyncio import AsyncEngine

_NOT_TRACED = "healthz,readyz,api/stream"
"""Probes, and a request that lasts for hours."""
_provider: TracerProvider | None = None


class TracingUnavailableError(RuntimeError):
    """Tracing is asked for, and what it needs is not installed."""


def start_tracing(settings: Settings, component: str) -> None:
    """Send this process's spans to the collector of the settings, if they name one.

    Raises TracingUnavailableError where the extra ``tracing`` is not installed.
    """
    if settings.tracing_endpoint is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise TracingUnavailableError(
            "GREENLIGHT_TRACING_ENDPOINT is set: install greenlight-desk[tracing]"
        ) from error
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.namespace": "greenlight", "service.name": component})
    exporter = OTLPSpanExporter(f"{settings.tracing_endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(sampler=work_of_ours(), resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _use(provider)


def stop_tracing() -> None:
    """Send what has not been sent yet."""
    if _provider is not None:
        _provider.shutdown()
    _use(None)


def provider() -> TracerProvider | None:
    """What makes this process's spans; None while tracing is off."""
    return _provider


@contextmanager
def tracing_to(chosen: TracerProvider) -> Iterator[None]:
    """Trace to ``chosen`` for as long as the block runs: what is built in it is traced."""
    before = _provider
    _use(chosen)
    try:
        yield
    finally:
        _use(before)


def work_of_ours() -> Sampler:
    """Keeps traces that begin with a request or an activity.

    A statement or a hint that nobody asked for, such as the lease's renewal, is no trace.
    """
    from opentelemetry.sdk.trace import sampling

    class BegunByWork(sampling.Sampler):
        def should_sample(
            self, parent_context, trace_id, name, kind=None, attributes=None, links=None
        ):
            is_work = kind is trace.SpanKind.SERVER
            chosen = sampling.ALWAYS_ON if is_work else sampling.ALWAYS_OFF
            return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links)

        def get_description(self) -> str:
            return "BegunByWork"

    return sampling.ParentBased(BegunByWork())


def trace_requests(app: FastAPI) -> None:
    """A span for every request, while tracing is on. The first thing around an application."""
    if _provider is None:
        return
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=_provider,
        excluded_urls=_NOT_TRACED,
        exclude_spans=["receive", "send"],
    )


def trace_statements(engine: AsyncEngine) -> None:
    """A span for every statement, while tracing is on: its text, never its parameters."""
    if _provider is None:
        return
    from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
    from opentelemetry.metrics import NoOpMeter

    no_count = NoOpMeter("greenlight.sql").create_up_down_counter("connections")
    EngineTracer(_provider.get_tracer("greenlight.sql"), engine.sync_engine, no_count)


def add_trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor: the trace that a line belongs to, if any."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def _use(chosen: TracerProvider | None) -> None:
    global _provider  # noqa: PLW0603 - one switch a process
    _provider = chosen

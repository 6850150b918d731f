"""One trace from the click to the fill it led to; none at all while tracing is off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.client import Client

from api.signals import TemporalSignals
from domain.orders import OrderState
from domain.recommendations import DecisionAction, RecommendationState
from infra.settings import Settings
from infra.temporal.client import connect
from infra.tracing import provider, tracing_to, work_of_ours
from tests.integration.api.client import ApiWorld, running_api
from tests.integration.api.test_api_decisions import approve
from tests.workflows.fake_desk import FakeDesk, view
from workflows.messages import OrderMessage
from workflows.recommendation import RecommendationWorkflow

pytestmark = pytest.mark.integration


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    collector = TracerProvider(sampler=work_of_ours())
    collector.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing_to(collector):
        yield exporter
    collector.shutdown()


@pytest.fixture
async def api(
    spans: InMemorySpanExporter, database_url: str, tmp_path: Path
) -> AsyncIterator[ApiWorld]:
    async with running_api(database_url, tmp_path) as world:
        yield world


class Approvals(dict[UUID, DecisionAction]):
    """Every decision is an approval: its id is made by the API."""

    def get(self, *_: object) -> DecisionAction:  # type: ignore[override] - for any id at all
        return DecisionAction.APPROVE


def trace_of(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """Every span of the trace that has one of this name."""
    found = [span for span in spans.get_finished_spans() if span.name == name]
    assert found, {span.name for span in spans.get_finished_spans()}
    traces = {span.context.trace_id for span in found}
    assert len(traces) == 1, f"{name} is in {len(traces)} traces"
    return [each for each in spans.get_finished_spans() if each.context.trace_id in traces]


async def until_delivered(signals: TemporalSignals) -> None:
    signals.start()
    await asyncio.wait_for(signals.until_connected(), 30)


async def test_a_click_its_order_and_its_fill_are_one_trace_though_a_run_began_the_workflow(
    spans: InMemorySpanExporter, api: ApiWorld, temporal_address: str, tmp_path: Path
):
    waiting = api.world.a.waiting
    desk = FakeDesk()
    desk.recommendation_id, desk.decisions = waiting.id, Approvals()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.FILLED, filled=2))
    settings = Settings(home=tmp_path, temporal_address=temporal_address)
    client: Client = await connect(settings)
    signals = TemporalSignals(settings)
    await until_delivered(signals)
    api.signals.decision = signals.decision
    async with desk.open(client):
        # Begun by a strategy run, in a trace of its own.
        collector = provider()
        assert collector is not None
        with collector.get_tracer("test").start_as_current_span("strategy run"):
            handle = await desk.start(client)
        async with api.signed_in("approver_a") as browser:
            assert (await approve(browser, waiting)).status_code == 200
        await handle.signal(RecommendationWorkflow.order_changed, OrderMessage(order_key="k1"))
        result = await asyncio.wait_for(handle.result(), 30)
    await signals.stop()
    assert result.state is RecommendationState.COMPLETED

    click = "POST /api/recommendations/{recommendation_id}/approve/"
    names = [span.name for span in trace_of(spans, click)]
    wanted = {
        *("SignalWithStartWorkflow:RecommendationWorkflow", "RunActivity:judge_and_send"),
        *("RunActivity:read_order", "RunActivity:conclude_recommendation"),
    }
    assert wanted <= set(names), names
    assert any(name.startswith("INSERT") for name in names), names
    assert "RunActivity:read_recommendation" not in names
    statements = [
        str(value)
        for span in spans.get_finished_spans()
        for value in (span.attributes or {}).values()
    ]
    assert not any("first-click-0001" in each for each in statements), "parameters are not told"


async def test_probes_and_what_nobody_asked_for_leave_no_trace(
    spans: InMemorySpanExporter, api: ApiWorld, temporal_address: str
):
    async with api.browser() as browser:
        await browser.get("/readyz")
    client = await connect(Settings(temporal_address=temporal_address))
    await client.start_workflow("Nobody", id="untraced", task_queue="nobody")
    await client.get_workflow_handle("untraced").terminate()
    assert [span.name for span in spans.get_finished_spans()] == []


async def test_nothing_is_traced_until_a_collector_is_named(database_url: str, tmp_path: Path):
    assert Settings().tracing_endpoint is None
    assert provider() is None
    async with running_api(database_url, tmp_path) as api, api.browser() as browser:
        assert (await browser.get("/healthz")).status_code == 200
        assert not getattr(api.app, "_is_instrumented_by_opentelemetry", False)

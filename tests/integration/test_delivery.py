"""Delivering decisions to workflows that have ended or were lost, on a real Temporal server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.recommendations import DecisionAction
from infra.temporal.delivery import deliver_decision, start_recommendation
from workflows.ids import CORE_QUEUE, recommendation_workflow_id
from workflows.messages import DecisionMessage, RecommendationInput

pytestmark = pytest.mark.integration


@workflow.defn(name="RecommendationWorkflow")
class TakesOneDecision:
    """Ends with the decision it was told: what delivery must reach, and nothing more."""

    def __init__(self) -> None:
        self._told: tuple[str, UUID] | None = None

    @workflow.run
    async def run(self, request: RecommendationInput) -> str:
        await workflow.wait_condition(lambda: self._told is not None)
        assert self._told is not None
        return f"{self._told[0]} {self._told[1]}"

    @workflow.signal
    def approve(self, message: DecisionMessage) -> None:
        self._told = ("approve", message.decision_id)

    @workflow.signal
    def reject(self, message: DecisionMessage) -> None:
        self._told = ("reject", message.decision_id)


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await Client.connect(temporal_address, data_converter=pydantic_data_converter)


@asynccontextmanager
async def working(client: Client) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=CORE_QUEUE,
        workflows=[TakesOneDecision],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


def latest(client: Client, recommendation_id: UUID) -> WorkflowHandle[object, object]:
    return client.get_workflow_handle(recommendation_workflow_id(recommendation_id))


async def test_a_decision_restarts_a_workflow_that_has_completed(client: Client):
    recommendation, first, again = uuid4(), uuid4(), uuid4()
    async with working(client):
        await deliver_decision(client, recommendation, first, DecisionAction.REJECT)
        assert await latest(client, recommendation).result() == f"reject {first}"
        ended = (await latest(client, recommendation).describe()).run_id
        await deliver_decision(client, recommendation, again, DecisionAction.APPROVE)
        assert await latest(client, recommendation).result() == f"approve {again}"
        assert (await latest(client, recommendation).describe()).run_id != ended


async def test_a_decision_starts_a_workflow_that_was_lost(client: Client):
    recommendation, decision = uuid4(), uuid4()
    async with working(client):
        await start_recommendation(client, recommendation)
        await latest(client, recommendation).terminate("lost with its server")
        await deliver_decision(client, recommendation, decision, DecisionAction.APPROVE)
        assert await latest(client, recommendation).result() == f"approve {decision}"


@pytest.mark.parametrize("is_running", [True, False])
async def test_a_decision_reaches_a_workflow_that_runs_or_never_did_without_a_second_run(
    client: Client, is_running: bool
):
    recommendation, decision = uuid4(), uuid4()
    if is_running:
        await start_recommendation(client, recommendation)
    await deliver_decision(client, recommendation, decision, DecisionAction.APPROVE)
    await deliver_decision(client, recommendation, decision, DecisionAction.APPROVE)
    async with working(client):
        assert await latest(client, recommendation).result() == f"approve {decision}"

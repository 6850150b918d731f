"""The servers that tests share keep their promises: isolation, real schema, skipped time."""

from __future__ import annotations

import time
from datetime import timedelta

import psycopg
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from infra.embedded.temporal import is_serving

pytestmark = pytest.mark.integration


@workflow.defn
class Nap:
    @workflow.run
    async def run(self, length: timedelta) -> str:
        await workflow.sleep(length)
        return "rested"


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_has_a_migrated_database_of_its_own(database_url: str, turn: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        migrated = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
        connection.execute("CREATE TABLE mine (id int)")
    assert migrated == (1,)


async def test_the_shared_temporal_server_serves(temporal_address: str) -> None:
    assert await is_serving(temporal_address)
    assert (await Client.connect(temporal_address)).namespace == "default"


async def test_a_workflow_that_only_waits_does_not_take_its_time(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    began = time.monotonic()
    async with Worker(
        time_skipping_env.client,
        task_queue="naps",
        workflows=[Nap],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        outcome = await time_skipping_env.client.execute_workflow(
            Nap.run, timedelta(days=1), id="nap", task_queue="naps"
        )
    assert outcome == "rested"
    assert time.monotonic() - began < 30

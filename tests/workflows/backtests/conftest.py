from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.client import Client

from infra.temporal.setup import add_search_attributes
from tests.workflows.backtests.desk import Engine, Records, computing, core


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client: Client, records: Records, engine: Engine) -> AsyncIterator[Client]:
    await add_search_attributes(client)
    async with core(client, records, engine), computing(client, records, engine):
        yield client

"""The campaigns' own world: a desk in one process carries approvals to their fills, unharmed.

Without a fault it is an ordinary integration test; it also notices when a renamed constant or a
changed signature would keep the long campaigns from running.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.faults.servers import Servers
from tests.faults.world import WorldOptions, open_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    servers = Servers()
    yield servers
    await servers.stop()


async def test_approvals_are_carried_to_their_fills_past_a_worker_that_stands_by(servers: Servers):
    async with open_world(servers, WorldOptions(accounts=3)) as world:
        world.start_broker("standing by")
        offers = await world.offer(1, 6)
        await world.approve_all(offers)
        await world.settle()
        verdict = await world.judge()
        # Taken by a worker without the lease, which could only give it up.
        abandoned = await world.rows("SELECT 1 FROM orders WHERE reason_code = 'SEND_ABANDONED'")
    assert verdict.broken == []
    assert verdict.is_clean
    assert verdict.endings == {"COMPLETED": 6}
    assert abandoned == []

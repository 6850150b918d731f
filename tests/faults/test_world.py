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


async def test_a_campaigns_world_carries_approvals_to_their_fills(servers: Servers):
    async with open_world(servers, WorldOptions(accounts=3)) as world:
        offers = await world.offer(1, 6)
        await world.approve_all(offers)
        await world.settle()
        verdict = await world.judge()
    assert verdict.broken == []
    assert verdict.is_clean
    assert verdict.endings == {"COMPLETED": 6}

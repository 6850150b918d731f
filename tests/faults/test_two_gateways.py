"""Two gateways, each with a broker worker, on one database and one Temporal.

Neither worker may touch what is the other's; the gateways' own ledgers say who sent what.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from infra.db.models import GatewayKind
from infra.gateways import NewGateway, Outcome, add_gateway
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.ledger import Ledger
from infra.temporal.setup import setup
from infra.temporal.worker import run_broker
from tests.faults.furniture import furnish
from tests.faults.offers import Offer, Offers, read_chain
from tests.faults.servers import Servers
from tests.faults.world import GATEWAY, MONDAY_10, World, WorldOptions, open_world
from workflows.ids import broker_queue, recommendation_workflow_id

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
OTHER, OTHER_ACCOUNT = "other", "DU2000001"


class TwoGateways(World):
    """The campaigns' world, and a second gateway that was added while it ran."""

    other: SimulatedGateway
    other_offers: Offers

    async def start(self, stack: AsyncExitStack) -> None:
        await super().start(stack)
        self.other = await stack.enter_async_context(
            SimulatedGateway(
                GatewayOptions(
                    data_dir=self.servers.new_directory(),
                    port=0,
                    speed=self.options.speed,
                    seed=self.options.market_seed,
                    start=MONDAY_10,
                    accounts=(OTHER_ACCOUNT,),
                )
            )
        )
        wanted = NewGateway(
            slug=OTHER,
            kind=GatewayKind.SIMULATED,
            host="127.0.0.1",
            port=self.other.port,
            client_id=17,
        )
        assert await add_gateway(self.settings, wanted) is Outcome.ADDED
        await setup(self.settings)
        first = self.furniture
        self.furniture = await furnish(self.sessions, OTHER, self.other.port, [OTHER_ACCOUNT])
        await self._serve_api(stack)
        self._start(OTHER, lambda stop: run_broker(self.settings, OTHER, stop))
        stack.push_async_callback(self.stop_worker, OTHER)
        assert await self.until(self._both_trade, 60), "not both broker workers connected"
        reading = await read_chain(self.other.port)
        self.other_offers = Offers(self.sessions, self.furniture, reading)
        self.furniture = first

    async def _both_trade(self) -> bool:
        rows = await self.rows(
            "SELECT 1 FROM gateways WHERE connection = 'CONNECTED' AND session_open"
        )
        return len(rows) == 2

    async def offer_on_both(self, seed: int, each: int) -> tuple[list[Offer], list[Offer]]:
        here = await self.offer(seed, each)
        ours, self.offers = self.offers, self.other_offers
        try:
            return here, await self.offer(seed, each)
        finally:
            self.offers = ours

    async def keys(self, offers: list[Offer]) -> list[str]:
        rows = await self.rows(
            "SELECT order_key FROM orders WHERE recommendation_id = ANY(:ids)",
            ids=[offer.recommendation_id for offer in offers],
        )
        return [row["order_key"] for row in rows]

    async def broker_queues(self, offer: Offer) -> set[str]:
        """Queues, but for the core's, on which the offer's activities ran."""
        handle = self.temporal.get_workflow_handle(
            recommendation_workflow_id(offer.recommendation_id)
        )
        scheduled = [
            event.activity_task_scheduled_event_attributes.task_queue.name
            for event in (await handle.fetch_history()).events
            if event.HasField("activity_task_scheduled_event_attributes")
        ]
        return {queue for queue in scheduled if queue.startswith("broker:")}


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    servers = Servers()
    yield servers
    await servers.stop()


async def test_each_gateways_approvals_are_carried_by_its_own_worker_to_their_fills(
    servers: Servers,
):
    world = TwoGateways(servers, WorldOptions(accounts=1))
    async with open_world(servers, world=world):
        here, there = await world.offer_on_both(3, 2)
        await world.approve_all([*here, *there])
        await world.settle()
        endings = await world.rows("SELECT state, reason FROM recommendations")
        assert [row["state"] for row in endings] == ["COMPLETED"] * 4, endings
        for offers, slug, own, foreign in (
            (here, GATEWAY, world.gateway.ledger, world.other.ledger),
            (there, OTHER, world.other.ledger, world.gateway.ledger),
        ):
            for offer in offers:
                assert await world.broker_queues(offer) == {broker_queue(slug)}
            keys = await world.keys(offers)
            assert sum(traded(own, key) for key in keys) == sum(offer.quantity for offer in offers)
            assert sum(len(foreign.orders(key)) for key in keys) == 0
            recorded = await world.rows(
                "SELECT sum(e.quantity) AS quantity, array_agg(DISTINCT a.code) AS accounts"
                " FROM executions e JOIN orders o ON o.id = e.order_id"
                " JOIN broker_accounts a ON a.id = e.broker_account_id"
                " JOIN gateways g ON g.id = e.gateway_id"
                " WHERE o.order_key = ANY(:keys) AND g.slug = :slug",
                keys=keys,
                slug=slug,
            )
            assert recorded == [
                {
                    "quantity": sum(offer.quantity for offer in offers),
                    "accounts": [offers[0].account.code],
                }
            ]


def traded(ledger: Ledger, key: str) -> int:
    """Contracts that the gateway filled under that key."""
    return int(sum(order.filled for order in ledger.orders(key)))

"""A real simulated gateway, a real session on it, and the desk's rows: one process, no Temporal.

Market time stands still until a test moves it. The gateway's own ledger is the oracle of what
was really sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from ib_async import Option
from temporalio.testing import ActivityEnvironment

from activities.orders import (
    NextPrice,
    OrderActivities,
    OrderRef,
    OrderView,
    Prepared,
    PrepareOrder,
)
from domain.instruments import OptionContract
from domain.orders import OrderState
from infra.db.session import Sessions
from infra.ibkr.client import GatewayAddress
from infra.ibkr.mapping import option_contract
from infra.ibkr.session import GatewaySession
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.records import OrderRecord
from tests.integration.trading_world import (
    ACCOUNT,
    CLIENT_NUMBER,
    MONDAY_10,
    SLUG,
    Approval,
    TradingWorld,
)

PLACE_ORDER, CANCEL_ORDER, COMPLETED_ORDERS = 3, 4, 99
"""Ids of messages on the wire."""
FAR_ABOVE = Decimal("1.5")
"""Of the ask: a sale at this limit rests."""


class BrokerWorld:
    """One gateway, one broker worker's parts, and the verbs under test."""

    def __init__(self, gateway: SimulatedGateway, sessions: Sessions) -> None:
        self.gateway = gateway
        self.sessions = sessions
        self.desk = TradingWorld(sessions)
        self.announced: list[str] = []
        self._holding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """A fresh broker worker, as after a restart; returns once it is synced."""

        async def announce(order_key: str) -> None:
            self.announced.append(order_key)

        address = GatewayAddress("127.0.0.1", self.gateway.port, CLIENT_NUMBER)
        self.session = GatewaySession(SLUG, address, self.sessions, announce)
        self.orders = OrderActivities(
            self.session.broker, self.session.ledger, self.session.changes
        )
        self._holding = asyncio.create_task(self.session.run())
        await self.synced()

    async def stop(self) -> None:
        """The worker ends; its lease is given up."""
        if self._holding is not None:
            self._holding.cancel()
            with suppress(asyncio.CancelledError):
                await self._holding
            self._holding = None

    async def synced(self) -> None:
        client = self.session.client
        async with asyncio.timeout(20):
            # A line that has just dropped is not yet known to be down.
            while not (client.ready.is_set() and client.ib.isConnected()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def connected_anew(self, line: object) -> None:
        """Until the session is ready on another connection than ``line`` of the gateway's."""

        async def ready() -> bool:
            is_gone = line not in self.gateway.faults.connections
            return is_gone and self.session.client.ready.is_set()

        await self.until(ready, 15)

    # --- making ----------------------------------------------------------------------------

    async def put(self, strike: int = 640) -> OptionContract:
        details = await self.session.client.ib.reqContractDetailsAsync(
            Option("SPY", "20261218", strike, "P", "SMART")
        )
        assert details[0].contract is not None
        return option_contract(details[0].contract)

    async def approve(self, *, resting: bool = True, strike: int = 640, **terms: Any) -> Approval:
        """An approved sale of one put, at the bid or at a limit that rests."""
        return await self.desk.decide(await self.propose(resting=resting, strike=strike, **terms))

    async def propose(self, *, resting: bool = True, strike: int = 640, **terms: Any) -> UUID:
        """The offer of such a sale."""
        contract = await self.put(strike)
        quote = await self.session.broker.quote(contract)
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.underlying_price is not None
        cent = Decimal("0.01")
        limit = (quote.ask * FAR_ABOVE).quantize(cent) if resting else quote.bid
        fields: dict[str, Any] = {
            "quantity": 1,
            "limit_price": limit,
            "floor_price": cent,
            "reference_underlying_price": quote.underlying_price,
            "reference_bid": quote.bid,
            "reference_ask": quote.ask,
            "deadline": MONDAY_10 + timedelta(days=2),
        }
        return await self.desk.propose(contract, **fields | terms)

    async def ready(self, *, resting: bool = True, **terms: Any) -> str:
        """The key of an order ready to be sent."""
        approval = await self.approve(resting=resting, **terms)
        return await self.desk.ready(self.session.ledger, approval)

    async def working(self) -> str:
        """The key of an order that rests at the broker."""
        key = await self.ready()
        view = await self.place(key)
        assert view.state is OrderState.WORKING, view
        return key

    # --- the verbs -------------------------------------------------------------------------

    async def prepare(self, approval: Approval, **asked: Any) -> Prepared:
        request = _first_price(approval, **asked)
        return await ActivityEnvironment().run(self.orders.prepare_order, request)

    async def next_price(self, approval: Approval, step: int) -> NextPrice:
        request = _first_price(approval).model_copy(update={"price_step": step})
        return await ActivityEnvironment().run(self.orders.next_price, request)

    async def judge_and_send(self, approval: Approval) -> Prepared:
        return await ActivityEnvironment().run(self.orders.judge_and_send, _first_price(approval))

    async def place(self, key: str) -> OrderView:
        return await ActivityEnvironment().run(self.orders.place_order, OrderRef(order_key=key))

    async def resolve(self, key: str) -> OrderView:
        return await ActivityEnvironment().run(self.orders.resolve_order, OrderRef(order_key=key))

    async def cancel(self, key: str) -> OrderView:
        return await ActivityEnvironment().run(self.orders.cancel_order, OrderRef(order_key=key))

    # --- looking ---------------------------------------------------------------------------

    def at_broker(self, key: str) -> list[OrderRecord]:
        """Every order the gateway ever accepted under that key."""
        return self.gateway.ledger.orders(key)

    async def until(self, condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - rows offer no event
                await asyncio.sleep(0.02)

    async def until_state(self, key: str, *states: OrderState) -> None:
        async def reached() -> bool:
            return await self.desk.state(key) in states

        await self.until(reached)

    def trade_until_filled(self, key: str) -> None:
        """Move market time until the order has filled at the gateway."""
        for _ in range(600):
            self.gateway.clock.advance(timedelta(seconds=1))
            if self.at_broker(key)[0].status.value == "Filled":
                return
        raise AssertionError(f"{key} does not fill")


@asynccontextmanager
async def broker_world(
    data_dir: Path, sessions: Sessions, accounts: tuple[str, ...] = (ACCOUNT,)
) -> AsyncIterator[BrokerWorld]:
    """``accounts`` are those the login serves; the desk is told of the first alone."""
    options = GatewayOptions(data_dir=data_dir, port=0, speed=0, start=MONDAY_10, accounts=accounts)
    async with SimulatedGateway(options) as gateway:
        world = BrokerWorld(gateway, sessions)
        await world.desk.build(gateway.port)
        await world.start()
        try:
            yield world
        finally:
            await world.stop()


def then(first: Callable[[], None], send: Callable[..., Awaitable[None]]) -> Any:
    """``send``, with something done just before it."""

    async def both(*args: object) -> None:
        first()
        await send(*args)

    return both


def _first_price(approval: Approval, **asked: Any) -> PrepareOrder:
    return PrepareOrder(
        recommendation_id=approval.recommendation_id,
        decision_id=approval.decision_id,
        price_step=1,
        price_steps=4,
        **asked,
    )

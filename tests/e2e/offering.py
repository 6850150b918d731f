"""Offers to decide on, made within a second by the code that a strategy run ends in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID, uuid4

from domain import offers as domain_offers
from domain.offers import Contest
from domain.ports import ChainReading
from domain.recommendations import Terms
from infra.db.clock import account_clock, host_now
from infra.db.ingestion import PostgresIngestion
from infra.db.recommendations import PostgresRecommendations
from infra.db.session import Sessions, create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from infra.temporal.delivery import start_recommendation
from tests.approver import Approver
from tests.desk import Desk, in_own_loop
from tests.e2e.person import Offer
from tests.faults.furniture import Account, Furniture, add_instance
from tests.faults.offers import OfferShape, read_chain, result_of

LONG_ENOUGH = 7200.0
LEAST_BID = 0.5
"""Enough for a limit to have steps above it."""


class Offering:
    """Puts on SPY, each another contract, read from the gateway once.

    They belong to a strategy instance of their own, which the schedule leaves alone. No strategy
    of the demo offers a put on SPY, for one is held.
    """

    def __init__(self, desk: Desk, approver: Approver) -> None:
        self._desk = desk
        self._approver = approver
        self._reading: ChainReading | None = None
        self._instance = UUID(int=0)
        self._rows: Iterator[int] = iter(())
        self._row_of: dict[str, int] = {}

    def make(self, *, market_seconds: float = LONG_ENOUGH) -> Offer:
        """A put nobody was offered before, with so long left to decide."""
        return self._offered(None, 1, market_seconds)

    def renew(self, offer: Offer, *, quantity: int) -> Offer:
        """Other terms of the same contract, which take the place of the offer's."""
        return self._offered(self._row_of[offer.id], quantity, LONG_ENOUGH)

    def _offered(self, row: int | None, quantity: int, market_seconds: float) -> Offer:
        # The desk offers one trade on a name at a time; here each test has a contract of its own.
        with patch.object(domain_offers, "contests", _of_its_contract):
            made = in_own_loop(self._make(row, quantity, market_seconds))
        return Offer.read(self._approver, str(made))

    async def _make(self, row: int | None, quantity: int, market_seconds: float) -> UUID:
        shape = OfferShape(quantity=quantity, minutes=max(round(market_seconds / 60), 1))
        async with self._sessions() as made:
            account = self._account()
            reading = self._reading or await self._prepare(made, account)
            if row is None:
                row = next(self._rows)
            async with made() as session:
                now = (await account_clock(session, account.id)).now(host_now())
            quoted_at = now + timedelta(seconds=market_seconds, minutes=-shape.minutes)
            chain = reading.chain.model_copy(update={"as_of": quoted_at})
            store = PostgresStrategies(made)
            plan = await store.begin_run(self._instance, f"offer {uuid4().hex[:8]}")
            outcome = await store.save_result(plan, result_of(chain, row, account, shape), ())
            (identity,) = outcome.proposed
            self._row_of[str(identity)] = row
            brief = await PostgresRecommendations(made).brief(identity)
            await start_recommendation(await self._desk.temporal(), identity, brief.summary)
            return identity

    @asynccontextmanager
    async def _sessions(self) -> AsyncIterator[Sessions]:
        engine = create_engine(self._desk.database_url)
        try:
            yield sessions(engine)
        finally:
            await engine.dispose()

    def _account(self) -> Account:
        row = self._desk.one("SELECT code, id, portfolio_id FROM broker_accounts")
        return Account(**row, approvers=(self._desk.email, self._desk.email))

    async def _prepare(self, made: Sessions, account: Account) -> ChainReading:
        """Read the chain, keep its instruments, and set up the instance that offers them."""
        addresses = json.loads(self._desk.home.addresses.read_text("utf-8"))
        gateway, port = addresses["GREENLIGHT_GATEWAY_SLUG"], addresses["GREENLIGHT_GATEWAY_PORT"]
        reading = await read_chain(int(port))
        await PostgresIngestion(made).save_chain(gateway, reading)
        version = self._desk.one(
            "SELECT strategy_version_id AS id FROM strategy_instances WHERE enabled"
        )
        async with made.begin() as session:
            furniture = Furniture(gateway, version["id"])
            self._instance = await add_instance(session, furniture, account, "Offers to test with")
        chain = reading.chain
        self._rows = iter([row for row in range(len(chain)) if chain.bid[row] > LEAST_BID])
        self._reading = reading
        return reading


def _of_its_contract(terms: Terms) -> frozenset[Contest]:
    return frozenset({Contest("contract", str(terms.contract.con_id))})

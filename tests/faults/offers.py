"""Offering trades for approval in bulk, through the same code a strategy run uses."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import UUID, uuid4

from domain import offers
from domain.instruments import Side
from domain.market import OptionChain
from domain.ports import ChainReading
from domain.proposals import OfferPolicy, TradeIdea, build_proposal, build_terms
from domain.recommendations import RecommendationAction, Terms
from domain.strategies.base import ChainWindow, Opportunity, OpportunityMetrics, StrategyResult
from infra.db.clock import host_now
from infra.db.ingestion import PostgresIngestion
from infra.db.session import Sessions
from infra.db.strategy_runs import PostgresStrategies
from infra.ibkr.broker import IbkrBroker
from infra.ibkr.client import GatewayAddress, IbkrClient
from tests.faults.furniture import Account, Furniture, add_instance

READER_CLIENT = 99
"""API client id of the campaign's own look at the market."""
WINDOW = ChainWindow(min_dte=20, max_dte=26, min_moneyness=0.95, max_moneyness=1.0)


@dataclass(frozen=True)
class Offer:
    """One recommendation that waits for a decision."""

    recommendation_id: UUID
    terms_hash: str
    account: Account
    quantity: int
    limit_price: Decimal


@dataclass(frozen=True)
class OfferShape:
    """What all offers of a round have in common. ``minutes`` (market) until the deadline."""

    quantity: int = 2
    minutes: int = 240
    concession: Decimal = Decimal("0.6")
    """How far the price may be walked, of mid: far enough that every order fills."""
    max_drift: Decimal = Decimal("0.2")


async def read_chain(port: int, symbol: str = "SPY", window: ChainWindow = WINDOW) -> ChainReading:
    """The puts of one weekly expiry, near the money unless told otherwise, read over the wire."""
    async with _reading(port) as broker:
        return await broker.chain(symbol, window)


async def _host_time() -> datetime:
    return host_now()


@asynccontextmanager
async def _reading(port: int) -> AsyncIterator[IbkrBroker]:
    async def ignore_state(_: str, __: str) -> None: ...
    async def nothing_to_compare() -> None: ...

    client = IbkrClient(
        GatewayAddress("127.0.0.1", port, READER_CLIENT), ignore_state, nothing_to_compare
    )
    await client.ib.connectAsync(
        "127.0.0.1", port, clientId=READER_CLIENT, timeout=20, raiseSyncErrors=True
    )
    client.ready.set()
    try:
        yield IbkrBroker(client, _host_time)
    finally:
        client.ready.clear()
        client.ib.disconnect()


class Offers:
    """Makes offers on one chain: one contract once per account, all accounts alike."""

    def __init__(self, sessions: Sessions, furniture: Furniture, reading: ChainReading) -> None:
        self._sessions = sessions
        self._furniture = furniture
        self._reading = reading
        self._store = PostgresStrategies(sessions)
        self._numbers = itertools.count(1)

    async def make(self, seed: int, count: int, shape: OfferShape | None = None) -> list[Offer]:
        """``count`` offers, drawn by ``seed`` and spread evenly over the accounts."""
        chain = self._reading.chain
        accounts = self._furniture.accounts
        draw = random.Random(f"offers {seed}")
        rows = [row for row in range(len(chain)) if chain.bid[row] > 0.05]
        each = -(-count // len(accounts))
        assert each <= len(rows), f"{len(rows)} contracts are too few for {each} offers each"
        await PostgresIngestion(self._sessions).save_chain(self._furniture.gateway, self._reading)
        wanted = [(account, row) for account in accounts for row in draw.sample(rows, each)]
        draw.shuffle(wanted)
        return [
            await self._offer(account, row, shape or OfferShape())
            for account, row in wanted[:count]
        ]

    async def _offer(self, account: Account, row: int, shape: OfferShape) -> Offer:
        chain = self._reading.chain
        async with self._sessions.begin() as session:
            name = f"offer {next(self._numbers)} {uuid4().hex[:8]}"
            instance_id = await add_instance(session, self._furniture, account, name)
        plan = await self._store.begin_run(instance_id, name)
        # The desk offers one trade on a name at a time; a campaign needs tens in flight.
        with patch.object(offers, "contests", lambda _: frozenset()):
            outcome = await self._store.save_result(plan, result_of(chain, row, account, shape), ())
        (recommendation_id,) = outcome.proposed
        terms = terms_of(chain, row, account, shape)
        return Offer(recommendation_id, terms.hash, account, terms.quantity, terms.limit_price)


def terms_of(chain: OptionChain, row: int, account: Account, shape: OfferShape) -> Terms:
    idea = TradeIdea.from_chain(
        chain, row, account.code, Side.SELL, RecommendationAction.OPEN, shape.quantity
    )
    policy = OfferPolicy(
        concession=shape.concession,
        max_drift=shape.max_drift,
        decision_minutes=shape.minutes,
    )
    close = chain.as_of + timedelta(minutes=shape.minutes + 1)
    return build_terms(idea, policy, chain.as_of, close)


def result_of(chain: OptionChain, row: int, account: Account, shape: OfferShape) -> StrategyResult:
    terms = terms_of(chain, row, account, shape)
    mid = (terms.reference_bid + terms.reference_ask) / 2
    contract = terms.contract
    metrics = OpportunityMetrics(
        bid=terms.reference_bid,
        ask=terms.reference_ask,
        mid=mid,
        underlying_price=terms.reference_underlying_price,
        dte=int(chain.dte(chain.as_of.date())[row]),
        delta=None,
        iv=None,
        ror=0.01,
        ror_annualised=0.1,
        pop=None,
        breakeven=contract.strike - mid,
        max_loss=contract.strike * contract.multiplier,
        collateral=contract.strike * contract.multiplier,
        spread_fraction=0.01,
        open_interest=None,
        volume=None,
    )
    opportunity = Opportunity(
        contract=contract,
        side=Side.SELL,
        action=RecommendationAction.OPEN,
        rank=1,
        score=0.5,
        metrics=metrics,
        rules=(),
        recommended=True,
    )
    proposal = build_proposal(opportunity, terms, ("a campaign's offer",), 0.5)
    return StrategyResult(opportunities=(opportunity,), proposals=(proposal,))

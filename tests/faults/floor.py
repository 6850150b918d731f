"""What a round does with a desk, whoever runs it: offer, click, wait, have it judged."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from temporalio.client import Client

from infra.db.recommendations import PostgresRecommendations
from infra.db.session import Sessions
from infra.simulator.ledger import Ledger
from infra.temporal.delivery import TemporalDelivery
from tests.faults.furniture import Furniture
from tests.faults.judge import ENDED, judge, read_records, unsettled
from tests.faults.offers import Offer, Offers, OfferShape
from tests.faults.people import Person
from tests.faults.rounds import Verdict

POLL_SECONDS = 0.4
CONNECT_SECONDS = 180.0
"""For a world's workers to start: on a full machine their imports alone take a minute."""
SETTLE_SECONDS = 300.0
"""For the desk to bring all that is in flight to its end, on a busy machine."""


class Floor(ABC):
    """A desk that trades, and the people at it."""

    sessions: Sessions
    temporal: Client
    furniture: Furniture
    offers: Offers

    def __init__(self) -> None:
        self.receipts: dict[UUID, UUID] = {}
        """Decision id by recommendation, of every approval that was answered with 2xx."""
        self.people: dict[str, Person] = {}

    @abstractmethod
    def ledger(self) -> Ledger:
        """The gateway's own books, as they are now."""

    def check_alive(self) -> None:  # noqa: B027 - processes are watched by their supervisor
        """Raise what ended a part of the desk that should be running."""

    # --- offering and deciding -------------------------------------------------------------

    async def offer(
        self, seed: int, count: int, shape: OfferShape | None = None, *, waiting: bool = True
    ) -> list[Offer]:
        """``count`` recommendations on distinct contracts; their workflows run if ``waiting``."""
        made = await self.offers.make(seed, count, shape)
        if waiting:
            store = PostgresRecommendations(self.sessions)
            delivery = TemporalDelivery(self.temporal)
            for offer in made:
                await delivery.start(await store.brief(offer.recommendation_id))
        return made

    def person(self, offer: Offer, which: int = 0) -> Person:
        """Whoever may decide on the offer: the first or the second approver of its account."""
        return self.people[offer.account.approvers[which]]

    async def approve(
        self, offer: Offer, which: int = 0, *, key: str | None = None, **fields: Any
    ) -> httpx.Response:
        """Click; a 2xx answer is remembered as a promise."""
        answer = await self.person(offer, which).approve(offer, key=key, **fields)
        if answer.is_success:
            receipt = answer.json()
            if receipt["action"] == "APPROVE":
                self.receipts[offer.recommendation_id] = UUID(receipt["decision_id"])
        return answer

    async def approve_all(self, offers: Sequence[Offer], **fields: Any) -> None:
        """Approve every offer at once; all must be accepted."""
        answers = await asyncio.gather(*(self.approve(offer, **fields) for offer in offers))
        refused = [answer.text for answer in answers if not answer.is_success]
        assert not refused, refused

    # --- looking ---------------------------------------------------------------------------

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of one query on the desk's database."""
        async with self.sessions.begin() as session:
            found = await session.execute(text(query), parameters)
            return [dict(row._mapping) for row in found]

    async def until(
        self,
        condition: Callable[[], Awaitable[bool]],
        seconds: float,
        *,
        every: float = POLL_SECONDS,
    ) -> bool:
        """Whether the condition came true in time; a worker that ended is raised."""
        deadline = time.monotonic() + seconds
        while not await self._holds(condition):
            self.check_alive()
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(every)
        return True

    async def _holds(self, condition: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await condition()
        except (DBAPIError, OSError):
            # The database may be what was killed; it comes back.
            return False

    async def until_trading(self) -> None:
        async def connected() -> bool:
            return bool(
                await self.rows(
                    "SELECT 1 FROM gateways WHERE connection = 'CONNECTED' AND session_open"
                )
            )

        assert await self.until(connected, CONNECT_SECONDS), "the broker worker did not connect"

    async def order_states(self) -> dict[str, str]:
        """State by order key, as on record."""
        rows = await self.rows("SELECT order_key, state FROM orders")
        return {row["order_key"]: row["state"] for row in rows}

    async def order_id_at_broker(self, offer: Offer) -> UUID | None:
        """The row id of the offer's newest order once it was claimed; None if it came to none."""
        found: list[UUID] = []

        async def claimed() -> bool:
            rows = await self.rows(
                "SELECT r.state AS ending, o.id, o.state FROM recommendations r"
                " LEFT JOIN orders o ON o.recommendation_id = r.id WHERE r.id = :id"
                " ORDER BY o.attempt DESC NULLS LAST LIMIT 1",
                id=offer.recommendation_id,
            )
            (row,) = rows
            if row["state"] not in (None, "READY", "DENIED"):
                found.append(row["id"])
            return bool(found) or row["ending"] in ENDED

        await self.until(claimed, SETTLE_SECONDS)
        return found[0] if found else None

    async def in_flight(self, offers: Sequence[Offer]) -> int:
        """How many of the offers are approved and have not ended; 0 while nobody can tell."""
        try:
            rows = await self.rows(
                "SELECT count(*) AS n FROM recommendations"
                " WHERE state = 'APPROVED' AND id = ANY(:ids)",
                ids=[offer.recommendation_id for offer in offers],
            )
        except (DBAPIError, OSError):
            return 0
        return rows[0]["n"]

    async def settle(
        self, seconds: float = SETTLE_SECONDS, only: Collection[UUID] | None = None
    ) -> None:
        """Until every approval has ended or waits for a person, or the time is over."""
        receipts = set(self.receipts) if only is None else set(self.receipts) & set(only)

        async def settled() -> bool:
            return not unsettled(await read_records(self.sessions, only), receipts)

        await self.until(settled, seconds, every=1.0)

    async def judge(self, only: Collection[UUID] | None = None) -> Verdict:
        """The verdict on everything that was done here, or on some of it."""
        receipts = {
            recommendation_id: decision_id
            for recommendation_id, decision_id in self.receipts.items()
            if only is None or recommendation_id in only
        }
        ledger = self.ledger()
        return judge(ledger, await read_records(self.sessions, only), receipts)

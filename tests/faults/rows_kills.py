"""Kills of processes with tens of orders in flight: at random instants, and at labelled ones."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from domain.errors import ErrorCode
from domain.risk.limits import TradingState
from infra.db.trading_state import StateChange, change_trading_state
from infra.users import COMMAND_LINE
from tests.faults.furniture import Account
from tests.faults.offers import Offer
from tests.faults.processes import RESTART_SECONDS, Processes
from tests.faults.rounds import Round, Row
from tests.faults.servers import Servers

ORDERS = 60
STRIKES = 6
"""Per round, one after the other: each meets what is in flight at its instant."""
LOGS = Path(__file__).parents[1] / "output"
"""Where the logs go of a desk that broke a promise."""
STRIKE_SECONDS = 60.0
"""How long the process may take to come by a crash point."""
FEW = 8
"""With fewer approvals in flight a strike would prove little."""

BROKER_POINTS = (
    "decision.read",
    "prepare_order.judged",
    "prepare_order.stored",
    "place_order.claiming",
    "claim.uncommitted",
    "place_order.claimed",
    "place_order.searched",
    "place_order.sent",
    "place_order.acknowledged",
    "listener.received.order",
    "listener.stored.order",
    "listener.received.status",
    "listener.received.execution",
    "execution.uncommitted",
    "listener.stored.execution",
    "listener.received.commission",
    "listener.stored.commission",
    "resolve_order.read",
    "resolve_order.folded",
    "cancel_order.requested",
    "cancel_order.sent",
    "cancel_order.proven",
    "cancel_order.folded",
    "lease.renewed",
)
RESTART_POINTS = ("lease.acquired", "session.books_read", "session.books_folded")
"""Passed by a broker worker that starts: it is killed first, and again there."""
SWITCH_POINTS = ("kill_switch.uncommitted", "kill_switch.committed")
"""Passed by the API as somebody presses the kill switch."""
PASSED_ONCE = (*RESTART_POINTS, *SWITCH_POINTS)
CORE_POINTS = (
    "recommendation.concluding",
    "recommendation.concluded",
    "recommendation.taken_up",
    "rejection.read",
    "redeliver.started",
    "redeliver.delivered",
)
API_POINTS = (
    "decision.uncommitted",
    "decision.committed",
    "decision.signalled",
    "withdrawal.uncommitted",
    "withdrawal.committed",
    "withdrawal.signalled",
    *SWITCH_POINTS,
)
LOST_SIGNAL = "decision.committed"
"""The API that dies here leaves a decision for the core worker to deliver."""


class KillRow(Row):
    """Rounds on one long-lived desk; it keeps what earlier rounds left in it."""

    process: ClassVar[str]
    clicking_seconds: ClassVar[float] = 5.0
    """Over which the clicks of a round are spread; the desk works at them for a good while."""
    regretted: ClassVar[int] = 5
    """One approval in so many is withdrawn."""
    rejected: ClassVar[int] = 0
    """So many recommendations are rejected, besides."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self._struck: list[str] = []

    async def round(self, seed: int) -> Round:
        desk = await self.servers.processes()
        await desk.until_serving()
        draw = random.Random(f"{self.name} {seed}")
        await desk.look_at_market()
        offers = await desk.offer(seed, ORDERS + self.rejected)
        ids = {offer.recommendation_id for offer in offers}
        clicking = asyncio.create_task(self._click(desk, offers, draw))
        met: list[int] = []
        for _ in range(STRIKES):
            await self._until_under_way(desk, offers, clicking)
            pid = desk.pid(self.process)
            struck = await self._strike(desk, offers, draw)
            if struck is not None:
                met.append(struck)
                await desk.until_restarted(self.process, pid)
            if clicking.done() and await desk.in_flight(offers) < FEW:
                break
        began = time.monotonic()
        await desk.until_serving()
        await clicking
        await desk.settle(only=ids)
        await self._until_rejected(desk, offers[ORDERS:])
        seconds = time.monotonic() - began
        verdict = await desk.judge(ids)
        if not verdict.is_clean:
            desk.keep_logs(LOGS / f"{self.process.replace(' ', '-')}-{seed}")
        notes = f"{', '.join(self._struck)}; settled {seconds:.0f} s after the last"
        self._struck.clear()
        return Round(sum(met), verdict, len(met), notes)

    async def _until_under_way(
        self, desk: Processes, offers: list[Offer], clicking: asyncio.Task[None]
    ) -> None:
        async def enough() -> bool:
            return clicking.done() or await desk.in_flight(offers) >= FEW

        await desk.until(enough, RESTART_SECONDS)

    async def _strike(
        self, desk: Processes, offers: list[Offer], draw: random.Random
    ) -> int | None:
        """Kill at an instant drawn by lot. How many approvals it met; None if nothing was hit."""
        await asyncio.sleep(draw.uniform(0.2, 6))
        met = await desk.in_flight(offers)
        self._struck.append(self.process)
        return met if desk.kill(self.process) else None

    async def _click(self, desk: Processes, offers: list[Offer], draw: random.Random) -> None:
        """Approve everything, and change one's mind about some."""

        async def decide(offer: Offer, after: float, regret: float | None) -> None:
            await asyncio.sleep(after)
            key = uuid4().hex
            answer = await desk.insist(lambda: desk.approve(offer, key=key))
            halted = answer.is_client_error and answer.json()["code"] == ErrorCode.TRADING_HALTED
            assert answer.is_success or halted, answer.text
            if regret is None or halted:
                return
            order_id = await desk.order_id_at_broker(offer)
            await asyncio.sleep(regret)
            if order_id is not None:
                await desk.insist(lambda: desk.person(offer).withdraw(order_id))

        async def reject(offer: Offer, after: float) -> None:
            await asyncio.sleep(after)
            key = uuid4().hex
            answer = await desk.insist(lambda: desk.person(offer).reject(offer, key=key))
            assert answer.is_success, answer.text

        await asyncio.gather(
            *(
                decide(
                    offer,
                    draw.uniform(0, self.clicking_seconds),
                    draw.uniform(0, 2) if number % self.regretted == 0 else None,
                )
                for number, offer in enumerate(offers[:ORDERS])
            ),
            *(reject(offer, draw.uniform(0, self.clicking_seconds)) for offer in offers[ORDERS:]),
        )

    async def _until_rejected(self, desk: Processes, offers: list[Offer]) -> None:
        """No rejection is lost either."""
        ids = [offer.recommendation_id for offer in offers]

        async def ended() -> bool:
            rows = await desk.rows(
                "SELECT count(*) AS n FROM recommendations"
                " WHERE state <> 'REJECTED' AND id = ANY(:ids)",
                ids=ids,
            )
            return rows[0]["n"] == 0

        assert await desk.until(ended, RESTART_SECONDS), "a rejection was lost"


class LabelledKillRow(KillRow):
    """The kills come at the crash points of one process, in turn; the passing is drawn by lot."""

    points: ClassVar[tuple[str, ...]]
    clicking_seconds = 60.0
    """Some points are passed as a decision is taken up: every strike needs fresh clicks."""
    regretted = 3
    """Others only by an order that is withdrawn."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers)
        self._due: deque[str] = deque()

    async def round(self, seed: int) -> Round:
        # By the round's number, so that a campaign run in pieces covers them all; what the last
        # round did not come by is tried again first.
        turns = range(seed * STRIKES, (seed + 1) * STRIKES)
        self._due.extend(self.points[turn % len(self.points)] for turn in turns)
        return await super().round(seed)

    async def _strike(
        self, desk: Processes, offers: list[Offer], draw: random.Random
    ) -> int | None:
        label = self._due.popleft()
        restarts = label in RESTART_POINTS
        desk.order_strike(label, 0 if label in PASSED_ONCE else draw.randint(0, 3))
        if restarts:
            desk.kill(self.process)
        if not await desk.until_struck(STRIKE_SECONDS):
            self._due.append(label)
            return None
        self._struck.append(label)
        return await desk.in_flight(offers)


class BrokerKills(KillRow):
    name = "kill: broker worker"
    process = "broker worker"
    goal = 300


class CoreKills(KillRow):
    name = "kill: core worker"
    process = "core worker"
    goal = 300


class ApiKills(KillRow):
    name = "kill: api"
    process = "api"
    goal = 300


class TemporalKills(KillRow):
    name = "kill: temporal"
    process = "temporal"
    goal = 100


class PostgresKills(KillRow):
    name = "kill: postgres"
    process = "postgres"
    goal = 100


class GatewayKills(KillRow):
    name = "kill: gateway"
    process = "gateway"
    goal = 100


class BrokerPoints(LabelledKillRow):
    name = "crash points: broker worker"
    process = "broker worker"
    points = (*BROKER_POINTS, *RESTART_POINTS)
    goal = 300


class CorePoints(LabelledKillRow):
    name = "crash points: core worker"
    process = "core worker"
    points = CORE_POINTS
    goal = 300
    rejected = 20

    async def _strike(
        self, desk: Processes, offers: list[Offer], draw: random.Random
    ) -> int | None:
        if self._due[0] == "redeliver.delivered":
            desk.order_strike(LOST_SIGNAL, 0)
            await desk.until_struck(STRIKE_SECONDS)
        return await super()._strike(desk, offers, draw)


class ApiPoints(LabelledKillRow):
    name = "crash points: api"
    process = "api"
    points = API_POINTS
    goal = 300

    async def _strike(
        self, desk: Processes, offers: list[Offer], draw: random.Random
    ) -> int | None:
        if self._due[0] not in SWITCH_POINTS:
            return await super()._strike(desk, offers, draw)
        account = draw.choice(desk.furniture.accounts)
        pressing = asyncio.create_task(self._press(desk, account))
        try:
            return await super()._strike(desk, offers, draw)
        finally:
            await pressing
            active = StateChange(account_id=account.id, state=TradingState.ACTIVE, reason="go on")
            async with desk.sessions.begin() as session:
                await change_trading_state(session, active, COMMAND_LINE)

    async def _press(self, desk: Processes, account: Account) -> None:
        """Halt the account and withdraw what is under way in it, until that is answered."""
        browser = desk.people[account.approvers[0]].browser
        which = {"account": str(account.id)}
        preview = await desk.insist(lambda: browser.get("/api/kill-switch/preview/", params=which))
        assert preview.is_success, preview.text
        ask = {**which, "digest": preview.json()["digest"], "reason": "a drill"}
        key = {"Idempotency-Key": uuid4().hex}
        answer = await desk.insist(lambda: browser.post("/api/kill-switch/", json=ask, headers=key))
        assert answer.is_success, answer.text


KILL_ROWS: tuple[type[Row], ...] = (
    BrokerPoints,
    CorePoints,
    ApiPoints,
    BrokerKills,
    CoreKills,
    ApiKills,
    TemporalKills,
    PostgresKills,
    GatewayKills,
)

"""What goes wrong between the desk and its gateway: cuts, dead and slow lines, lost connectivity,
restarts that forget, callbacks that repeat, reorder, go missing or are corrected.

Every round sends tens of approved orders through one desk while faults, drawn from the round's
seed, strike the wire. Each strike meets the approvals that have not ended at its instant.
"""

from __future__ import annotations

import asyncio
import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import ClassVar

from infra.simulator.faults import Faults
from infra.simulator.records import ExecutionRecord
from infra.simulator.shaping import ORDER_CALLBACKS, Aim
from tests.faults.rounds import Round, Row
from tests.faults.world import World, WorldOptions, open_world

PLACE_ORDER, CANCEL_ORDER = 3, 4
ORDERS = 40
ACCOUNTS = 40
SPEED = 12.0
"""An order at the mid fills within two seconds on average: most prices need not be walked."""
WATCH_SECONDS = 0.02
SETTLE_SECONDS = 300.0
"""Many rounds end with orders that wait for a person: those need three looks each."""


class Storm:
    """The faults of one round; each strike meets the approvals in flight at its instant."""

    def __init__(self, world: World, draw: random.Random) -> None:
        self.world = world
        self.draw = draw
        self.in_flight = 0

    @property
    def faults(self) -> Faults:
        return self.world.gateway.faults

    @property
    def struck(self) -> int:
        """How many faults are on the gateway's record."""
        return len(self.world.gateway.ledger.faults())

    async def strike(self, fault: Callable[[], object], seconds: float = 30.0) -> bool:
        """Set a fault up and wait for it to strike; False when it found nothing in time."""
        before = self.struck
        fault()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.struck == before:  # noqa: ASYNC110 - the ledger offers no event
                    await asyncio.sleep(WATCH_SECONDS)
        if self.struck == before:
            return False
        rows = await self.world.rows("SELECT id FROM recommendations WHERE state = 'APPROVED'")
        self.in_flight += len({row["id"] for row in rows} & set(self.world.receipts))
        return True

    async def until_sent(self, count: int, seconds: float = 40.0) -> None:
        """Until so many orders have reached the broker."""

        async def sent() -> bool:
            return len(self.world.gateway.ledger.orders()) >= count

        await self.world.until(sent, seconds)

    async def until_back(self, seconds: float = 45.0) -> None:
        """Until the desk holds a living connection again."""

        async def back() -> bool:
            sessions = await self.world.rows(
                "SELECT 1 FROM gateways WHERE connection = 'CONNECTED'"
            )
            alive = [c for c in self.faults.connections if c.client_id is not None and not c.deaf]
            return bool(sessions and alive)

        await self.world.until(back, seconds)


class WireRow(Row):
    """One kind of trouble on the wire. ``weather`` runs while approvals become orders."""

    lasts_until_settled: ClassVar[bool] = False
    """Whether the faults stay in force until everything has ended."""

    async def round(self, seed: int) -> Round:
        async with open_world(self.servers, WorldOptions(accounts=ACCOUNTS, speed=SPEED)) as world:
            storm = Storm(world, random.Random(f"{self.name} {seed}"))
            storm.faults.reseed(seed)
            offers = await world.offer(seed, ORDERS)
            raging = asyncio.create_task(self.weather(storm))
            await world.approve_all(offers)
            await raging
            if not self.lasts_until_settled:
                storm.faults.clear()
            await world.settle(SETTLE_SECONDS)
            storm.faults.clear()
            verdict = await world.judge()
            return Round(storm.in_flight, verdict, storm.struck, await self._notes(world))

    async def _notes(self, world: World) -> str:
        """Which faults struck, and what the desk raised alerts about."""
        faults = Counter(fault.kind for fault in world.gateway.ledger.faults())
        alerts = await world.rows("SELECT code, count(*) AS times FROM alerts GROUP BY 1")
        told = {row["code"]: row["times"] for row in alerts}
        return f"faults {dict(faults)}, alerts {told}"

    @abstractmethod
    async def weather(self, storm: Storm) -> None:
        """Set faults up; returns when no further one is to begin."""


class CutConnections(WireRow):
    """TCP cut around placeOrder, before and after acceptance, and at random bytes of both ways."""

    name = "TCP cuts"
    goal = 1000
    cuts = 12

    async def weather(self, storm: Storm) -> None:
        await storm.until_sent(1)
        for _ in range(self.cuts):
            if not await storm.strike(self._cut(storm.faults, storm.draw)):
                return

    def _cut(self, faults: Faults, draw: random.Random) -> Callable[[], None]:
        nth = draw.randint(1, 4)
        count = draw.randint(0, 900)
        kind = draw.choice(["before", "after", "received", "sent"])
        if kind in {"before", "after"}:
            return lambda: faults.drop_connection(kind, PLACE_ORDER, nth)
        return lambda: faults.on_message(
            "before", PLACE_ORDER, nth, lambda: faults.cut_after_bytes(kind, count)
        )


class HalfOpen(WireRow):
    """The connection stays open and is dead, in one direction or both."""

    name = "half-open"
    goal = 200

    async def weather(self, storm: Storm) -> None:
        for _ in range(2):
            await storm.until_sent(len(storm.world.gateway.ledger.orders()) + 3)
            direction = storm.draw.choice([None, "received", "sent"])
            linger = storm.draw.choice([0.0, 1.0, 3.0])
            await storm.strike(lambda d=direction, s=linger: storm.faults.half_open(d, None, s))
            await storm.until_back()


class Delays(WireRow):
    """Orders reach the gateway late, callbacks reach the desk late."""

    name = "delay"
    goal = 200
    lasts_until_settled = True

    async def weather(self, storm: Storm) -> None:
        draw, faults = storm.draw, storm.faults
        orders = [PLACE_ORDER, CANCEL_ORDER]
        # One after the other: previews, orders and the heartbeat behind them share the line.
        faults.delay(draw.uniform(0, 0.02), draw.uniform(0, 0.06), orders, "received")
        late = draw.uniform(0, 1.0)
        await storm.strike(
            lambda: faults.delay(late, draw.uniform(0, 2.0), ORDER_CALLBACKS, "sent"), 30
        )
        await storm.until_sent(ORDERS // 2)


class Slices(WireRow):
    """Frames arrive in pieces, or many at once."""

    name = "slicing"
    goal = 200
    lasts_until_settled = True

    async def weather(self, storm: Storm) -> None:
        draw, faults = storm.draw, storm.faults
        await storm.until_sent(4)
        if draw.random() < 0.5:
            await storm.strike(lambda: faults.slice_frames(draw.randint(60, 400)), 30)
        else:
            await storm.strike(lambda: faults.coalesce(draw.uniform(0.05, 0.6)), 30)
        await storm.until_sent(ORDERS // 2)


class _LostConnectivity(WireRow):
    data_kept: ClassVar[bool]

    async def weather(self, storm: Storm) -> None:
        for _ in range(2):
            await storm.until_sent(len(storm.world.gateway.ledger.orders()) + 4)
            await storm.strike(storm.faults.lose_connectivity)
            # The outage is the fault; it has a length of its own.
            await asyncio.sleep(storm.draw.uniform(0.5, 6.0))
            missed_kept = storm.draw.random() < 0.3
            storm.faults.restore_connectivity(data_kept=self.data_kept, missed_kept=missed_kept)
            await storm.until_back()


class DataLost(_LostConnectivity):
    """1100, fills unseen, 1101: every subscription gone."""

    name = "1100 then 1101"
    goal = 100
    data_kept = False


class DataKept(_LostConnectivity):
    """1100, fills unseen, 1102."""

    name = "1100 then 1102"
    goal = 100
    data_kept = True


class NightlyRestart(WireRow):
    """Everyone is dropped and refused for a while; the day is remembered."""

    name = "nightly restart"
    goal = 100
    keep_day: ClassVar[bool] = True
    away_seconds: ClassVar[tuple[float, float]] = (0.5, 5.0)

    async def weather(self, storm: Storm) -> None:
        for _ in range(2):
            await storm.until_sent(len(storm.world.gateway.ledger.orders()) + 4)
            away = storm.draw.uniform(*self.away_seconds)
            await storm.strike(lambda seconds=away: storm.faults.drop_everyone(seconds))
            if not self.keep_day:
                # What fills while everybody is away is what a midnight takes with it.
                await asyncio.sleep(away * 0.9)
                storm.faults.forget_day()
            await storm.until_back()


class MidnightLoss(NightlyRestart):
    """The same, and completed orders and executions are forgotten before anyone is back."""

    name = "midnight loss"
    goal = 100
    keep_day = False
    away_seconds = (3.0, 8.0)


class Callbacks(WireRow):
    """Callbacks doubled, shuffled, lost, late, out of date; executions corrected and busted."""

    name = "callbacks"
    goal = 500
    lasts_until_settled = True
    corrections = 6

    async def weather(self, storm: Storm) -> None:
        draw, faults = storm.draw, storm.faults
        faults.drop_callbacks(Aim(ORDER_CALLBACKS, rate=draw.uniform(0.05, 0.25)))
        faults.late(draw.uniform(0.2, 3.0), Aim(frozenset({59}), rate=0.5))
        faults.regress_status(Aim(frozenset({3}), rate=0.5))
        faults.overtake(*draw.choice([(3, 5), (59, 11), (3, 11)]))
        faults.reorder(draw.randint(2, 8), draw.uniform(0.05, 0.6))
        for nth in draw.sample(range(1, ORDERS // 2), self.corrections):
            faults.on_execution(nth, self._correction(faults, draw))
        again_after = draw.choice([0.0, 0.0, 1.5])
        await storm.strike(
            lambda: faults.duplicate(Aim(ORDER_CALLBACKS, rate=0.3), again_after), 60
        )
        await storm.until_sent(ORDERS * 3 // 4, 90)

        async def corrected() -> bool:
            roots = {
                fault.detail.split(":")[0].rpartition(".")[0]
                for fault in storm.world.gateway.ledger.faults("correct_execution")
            }
            return len(roots) >= self.corrections

        await storm.world.until(corrected, 60)

    def _correction(
        self, faults: Faults, draw: random.Random
    ) -> Callable[[ExecutionRecord], object]:
        """A cent better, one contract fewer, or never done; some twice, some long afterwards."""
        again = draw.random() < 0.3
        seconds = draw.choice([0.0, 0.0, 1.0, 12.0])
        kind = draw.choice(["price", "quantity", "bust"])

        def correct(execution: ExecutionRecord) -> None:
            cent = Decimal("0.01")
            if kind == "price" or again:
                faults.correct_execution(execution.exec_id, price=execution.price + cent)
            if kind == "quantity":
                faults.correct_execution(execution.exec_id, execution.quantity - 1)
            if kind == "bust":
                faults.bust_execution(execution.exec_id)

        return lambda execution: faults.later(seconds, lambda: correct(execution))


WIRE_ROWS: tuple[type[WireRow], ...] = (
    CutConnections, HalfOpen, Delays, Slices, DataLost, DataKept, NightlyRestart, MidnightLoss,
    Callbacks,
)  # fmt: skip

"""Two broker workers on one gateway: processes that freeze, are robbed of the lease, and wake."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text

from activities.crash_points import VARIABLE
from infra.embedded.processes import tethered
from infra.settings import ENV_PREFIX
from tests.faults.rounds import Round, Row
from tests.faults.servers import Servers
from tests.faults.world import GATEWAY, World, WorldOptions, open_world

ORDERS = 40
FIGHTS = 4
"""Per round; each meets what is in flight at its instant."""
POINTS = (
    "place_order.claiming",
    "claim.uncommitted",
    "place_order.claimed",
    "place_order.searched",
    "place_order.sent",
    "cancel_order.requested",
    "lease.renewed",
)
"""Where a worker freezes: around the claim, the send, a cancel, a renewal."""
STRIKE_SECONDS = 40.0
TAKEOVER_SECONDS = 40.0


class RivalBrokers(World):
    """A world whose broker workers are two processes."""

    def __init__(self, servers: Servers, options: WorldOptions) -> None:
        super().__init__(servers, options)
        self._directory = servers.new_directory()
        self.order = self._directory / "strike"
        self.rivals: list[subprocess.Popen[bytes]] = []

    def start_broker(self, name: str = "broker") -> None:
        self.rivals = [self._launch(number) for number in range(2)]

    def check_alive(self) -> None:
        super().check_alive()
        ended = [rival.returncode for rival in self.rivals if rival.poll() is not None]
        assert not ended, f"a broker worker ended by itself: {ended}"

    async def fight(self, label: str | None) -> bool:
        """Freeze a worker at the label, or rob it while it runs; wake it once it has a successor.

        Whether it came to that.
        """
        before = await self._epoch()
        if label is None:
            return await self._until_taken(before, rob=True)
        self._order_freeze(label)
        deadline = time.monotonic() + STRIKE_SECONDS
        while self.order.exists() and time.monotonic() < deadline:  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.02)
        if self.order.exists():
            self.order.unlink(missing_ok=True)
            return False
        taken = await self._until_taken(before)
        for rival in self.rivals:
            rival.send_signal(signal.SIGCONT)
        return taken

    def end_rivals(self) -> None:
        for rival in self.rivals:
            with suppress(ProcessLookupError):
                rival.kill()
            rival.wait()

    async def _stop_everything(self) -> None:
        self.end_rivals()
        await super()._stop_everything()

    def _order_freeze(self, label: str) -> None:
        whole = self.order.with_suffix(".new")
        whole.write_text(f"{label} 0 STOP", "utf-8")
        os.replace(whole, self.order)

    async def _rob(self) -> None:
        """As if the lease had run out under a holder that is still at work."""
        async with self.sessions.begin() as session:
            await session.execute(
                text("UPDATE gateways SET lease_until = clock_timestamp() - interval '1 second'")
            )

    async def _epoch(self) -> int:
        (row,) = await self.rows("SELECT lease_epoch FROM gateways")
        return row["lease_epoch"]

    async def _until_taken(self, before: int, *, rob: bool = False) -> bool:
        async def taken() -> bool:
            if rob:
                # Again and again: a holder that renews in time keeps it.
                await self._rob()
            return await self._epoch() > before

        return await self.until(taken, TAKEOVER_SECONDS)

    def _launch(self, number: int) -> subprocess.Popen[bytes]:
        settings = self.settings
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)},
            "GREENLIGHT_HOME": str(self._directory),
            "GREENLIGHT_DATABASE_URL": settings.database_url,
            "GREENLIGHT_TEMPORAL_ADDRESS": settings.temporal_address,
            VARIABLE: str(self.order),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        command = [sys.executable, "-P", "-m", "tests.faults.hurried"]
        with (self._directory / f"broker-{number}.log").open("wb") as log:
            return subprocess.Popen(
                tethered([*command, "worker", "broker", "--gateway", GATEWAY]),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


class LeaseFights(Row):
    """Freezes and robberies, mid-claim and mid-send, while orders flow."""

    name = "two brokers on one lease"
    goal = 200

    async def round(self, seed: int) -> Round:
        world = RivalBrokers(self.servers, WorldOptions())
        async with open_world(self.servers, world=world):
            draw = random.Random(f"{self.name} {seed}")
            offers = await world.offer(seed, ORDERS)
            met: list[int] = []
            labels: list[str] = []
            for wave in range(FIGHTS):
                label = draw.choice((*POINTS, None))
                clicking = asyncio.create_task(world.approve_all(offers[wave::FIGHTS]))
                if label is None:
                    # It strikes at once: let some of the wave get under way.
                    await asyncio.sleep(draw.uniform(0.5, 3))
                if await world.fight(label):
                    met.append(await world.in_flight(offers))
                    labels.append(label or "robbed")
                await clicking
            await world.settle()
            verdict = await world.judge()
            return Round(sum(met), verdict, len(met), ", ".join(labels))

"""The simulated gateway as a whole: its options, its life, and running it as a program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from domain.calendar import TradingCalendar
from infra.calendars import trading_calendar
from infra.history.canonical import HistoryError
from infra.simulator.accounts import Account, value_account
from infra.simulator.agenda import Agenda
from infra.simulator.clock import MarketClock
from infra.simulator.earnings_file import write_earnings
from infra.simulator.exchange import Exchange
from infra.simulator.fault_plan import FaultPlan
from infra.simulator.faults import Faults
from infra.simulator.gateway import Gateway
from infra.simulator.history_pacing import PacingScope
from infra.simulator.ledger import Ledger
from infra.simulator.market import Market
from infra.simulator.market_events import EventPlan, ScriptedEvent
from infra.simulator.quality import Quality, QualityBoard
from infra.simulator.records import MarginModel
from infra.simulator.reference import NEW_YORK, exchange_date
from infra.simulator.replay import ReplayMarket
from infra.simulator.resting import Resting
from infra.simulator.seeding import opening_account
from infra.simulator.server import Server
from infra.simulator.simulation import ClosedHours, Simulation, default_start
from infra.simulator.synthetic import SyntheticMarket
from infra.simulator.tws import TwsUser

log = logging.getLogger(__name__)

DEMO_ACCOUNT = "DU1000001"
FASTEST_TICK, SLOWEST_TICK = 0.25, 1.0
"""Wall seconds between looks at the market; slower where a look would show nothing new."""
FIRST_LOOK = timedelta(minutes=30)
"""After the open of a recording's first session."""
CLOCK_SAVED_EVERY = 5.0
"""Wall seconds between saves of market time while nothing else is saved."""


class GatewayStartError(Exception):
    """Why a gateway cannot run as asked, in words for the person who started it."""


class GatewayOptions(BaseModel):
    """How a simulated gateway runs. A data directory keeps its first seed, start and accounts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = Field(default=4002, ge=0, le=65535, description="0 picks a free one")
    market: Literal["synthetic", "replay"] = "synthetic"
    recording: Path | None = Field(default=None, description="what a replay plays")
    events: EventPlan | None = Field(
        default=None, description="market events of the first run beyond the ordinary calendar"
    )
    speed: float = Field(default=1.0, ge=0, description="market seconds per second; 0 is manual")
    seed: int = Field(default=7, ge=0)
    start: AwareDatetime | None = Field(default=None, description="market time of the first run")
    closed: ClosedHours = ClosedHours.SKIP
    nightly_reset: time | None = Field(
        default=None, description="New York time at which every client is dropped"
    )
    reset_seconds: float = Field(default=10, ge=0, description="how long a reset lasts, real time")
    accounts: tuple[str, ...] = Field(
        default=(DEMO_ACCOUNT,), min_length=1, description="codes, or code=regt, code=portfolio"
    )
    margin: MarginModel = Field(
        default=MarginModel.REGT, description="of the accounts that do not name their own"
    )
    quality: dict[str, Quality] = Field(
        default_factory=dict, description="of the quotes shown, by symbol or * for all"
    )
    quality_rate: float = Field(
        default=0, ge=0, le=1, description="chance of faulty quotes, by contract and minute"
    )
    resting: Resting = Field(
        default=Resting.HIT, description="what becomes of limits inside the spread"
    )
    market_data_lines: int = Field(default=100, ge=0, description="per client; 0 is unlimited")
    messages_per_second: int = Field(
        default=50, ge=0, description="beyond it clients are warned (100); 0 is unlimited"
    )
    history_pacing: PacingScope = Field(
        default=PacingScope.ALL, description="which historical requests IBKR's limits apply to"
    )
    faults: FaultPlan | None = Field(default=None, description="what is to go wrong, and when")

    @field_validator("accounts")
    @classmethod
    def _check_margin_models(cls, accounts: tuple[str, ...]) -> tuple[str, ...]:
        for account in accounts:
            code, _, model = account.partition("=")
            if not code or (model and model not in list(MarginModel)):
                raise ValueError(f"'{account}': write a code, code=regt or code=portfolio")
        return accounts

    @property
    def margin_models(self) -> dict[str, MarginModel]:
        """Account codes and how the margin of each is computed."""
        split = (account.partition("=") for account in self.accounts)
        return {code: MarginModel(model) if model else self.margin for code, _, model in split}


class SimulatedGateway:
    """A gateway in this process, for as long as the ``async with`` lasts.

    At speed 0 market time stands still until ``clock.advance``; otherwise a task moves it.
    """

    port: int
    clock: MarketClock
    market: Market
    quality: QualityBoard
    """How good the quotes are that clients are shown."""
    exchange: Exchange
    ledger: Ledger
    faults: Faults
    tws: TwsUser
    """A person who trades the same accounts by hand."""

    def __init__(self, options: GatewayOptions) -> None:
        self.options = options
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        options = self.options
        calendar = trading_calendar()
        self.ledger = Ledger(options.data_dir)
        start = options.start or default_start(calendar, datetime.now(UTC))
        first_run = self.ledger.get("clock") is None
        if first_run:
            session = calendar.current_or_next_session(start)
            if options.recording is not None:
                # A recording begins with its first session, in the morning.
                played = ReplayMarket(options.seed, calendar, options.recording, session.date)
                session = calendar.session_on(played.first_session)
                start = max(start, session.open_at + FIRST_LOOK)
            self._remember(start, session.date.isoformat())
        now = datetime.fromisoformat(self._recall("clock"))
        anchor = datetime.fromisoformat(self._recall("anchor")).date()
        self.clock = MarketClock(now, options.speed, monotonic)
        self.market = self._open_market(calendar, anchor)
        if isinstance(self.market, SyntheticMarket):
            write_earnings(options.data_dir, self.market.events, exchange_date(now))
        if first_run:
            self._open_accounts(now)
        self.exchange = Exchange(self.ledger, self.market, self.clock)
        self.exchange.resting = options.resting
        self.tws = TwsUser(self.exchange)
        self.faults = Faults(self.exchange, int(self._recall("seed")))
        simulation = Simulation(
            self.exchange,
            self.clock,
            calendar,
            options.closed,
            Agenda(calendar, options.nightly_reset),
            lambda: self.faults.drop_everyone(options.reset_seconds),
        )
        self.quality = QualityBoard(self.market, self.clock.now, options.quality_rate)
        for target, quality in options.quality.items():
            self.quality.set(target, quality, since=now)
        gateway = Gateway(
            self.exchange,
            self.market,
            self.quality,
            self.clock,
            self.faults,
            market_data_lines=options.market_data_lines,
            messages_per_second=options.messages_per_second,
            history_pacing=options.history_pacing,
        )
        simulation.ticked.append(gateway.on_tick)
        self._server = Server(gateway)
        self.port = await self._server.start(options.host, options.port)
        if options.faults is not None:
            options.faults.start(self.faults)
        if options.speed > 0:
            self._task = asyncio.create_task(self._run_market(simulation), name="market")
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.faults.close()
        await self._server.stop()
        self._save_clock()
        self.ledger.close()

    def _open_market(self, calendar: TradingCalendar, anchor: date) -> Market:
        seed, kind = int(self._recall("seed")), self.ledger.get("market") or "synthetic"
        if kind != self.options.market:
            raise GatewayStartError(
                f"{self.options.data_dir} holds a {kind} market; give another --data-dir"
            )
        if kind == "synthetic":
            plan = EventPlan.model_validate_json(self.ledger.get("events") or "{}")
            return SyntheticMarket(seed, calendar, anchor, plan)
        if self.options.recording is None:
            raise GatewayStartError("--market replay needs the path of a recording")
        return ReplayMarket(seed, calendar, self.options.recording, anchor)

    def schedule(self, event: ScriptedEvent) -> None:
        """Add a dividend, split, halt, jump … to the market's future; kept across restarts.

        ValueError for one that would change what has already been shown.
        """
        if not isinstance(self.market, SyntheticMarket):
            raise TypeError("only the synthetic market takes events")
        if event.begins <= exchange_date(self.clock.now()):
            raise ValueError(f"{event.kind}: {event.begins} is not after the market's today")
        self.market.schedule(event)
        with self.ledger.transaction():
            self.ledger.put("events", self.market.events.plan.model_dump_json())

    async def wait_failed(self) -> None:
        """Wait for as long as the market moves; raises what stopped it."""
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await asyncio.shield(self._task)

    def _remember(self, start: datetime, anchor: str) -> None:
        with self.ledger.transaction():
            self.ledger.put("seed", str(self.options.seed))
            self.ledger.put("anchor", anchor)
            self.ledger.put("market", self.options.market)
            self.ledger.put("events", (self.options.events or EventPlan()).model_dump_json())
            self.ledger.put("clock", start.astimezone(UTC).isoformat())
            self.ledger.put("agenda", start.astimezone(UTC).isoformat())

    def _recall(self, key: str) -> str:
        value = self.ledger.get(key)
        if value is None:
            raise RuntimeError(f"{self.ledger.path} has no {key}: not a gateway's ledger")
        return value

    def _open_accounts(self, now: datetime) -> None:
        with self.ledger.transaction():
            for name, margin in self.options.margin_models.items():
                demo = opening_account(name, self.market, now)
                account = Account(demo.model_copy(update={"margin": margin}))
                account.start_day(value_account(account, self.market, now).net_liquidation)
                self.ledger.save_account(account.record())

    def _save_clock(self) -> None:
        with self.ledger.transaction():
            self.ledger.put("clock", self.clock.simulated.isoformat())

    async def _run_market(self, simulation: Simulation) -> None:
        interval = min(max(1 / self.options.speed, FASTEST_TICK), SLOWEST_TICK)
        saved_at = monotonic()
        while True:
            await asyncio.sleep(interval)
            simulation.catch_up()
            if monotonic() - saved_at >= CLOCK_SAVED_EVERY:
                self._save_clock()
                saved_at = monotonic()


async def serve(options: GatewayOptions) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with SimulatedGateway(options) as gateway:
        at = gateway.clock.now().astimezone(NEW_YORK)
        print(  # noqa: T201 (the one line that tells a person where to connect)
            f"simulated gateway listening on {options.host}:{gateway.port}, "
            f"market time {at:%Y-%m-%d %H:%M:%S} New York, speed {options.speed:g}",
            flush=True,
        )
        stopped = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(gateway.wait_failed())
        done, _ = await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, failed):
            task.cancel()
        if failed in done:
            failed.result()


def run(options: GatewayOptions) -> None:
    """Run a gateway in this process, until told to stop by a signal."""
    try:
        asyncio.run(serve(options))
    except HistoryError as error:
        raise GatewayStartError(str(error)) from error
    except OSError as error:
        where = f"{options.host}:{options.port}"
        raise GatewayStartError(
            f"it cannot listen on {where}: {os.strerror(error.errno or 0)}"
        ) from error

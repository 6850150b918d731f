"""A desk on the simulated gateway whose market days pass in seconds: strategies through their life.

Every trade is what an enabled instance proposes and a person approves over HTTP. Books are compared
between the gateway's ledger, which knows nothing of the desk, and the desk's own rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx

from domain.strategies.registry import resolve_strategy
from domain.strategies.wheel_cycle import WheelCycle
from infra.calendars import exchange_date, trading_calendar
from infra.db import models as m
from infra.db.wheel_cycles import open_cycles
from infra.operations import reconcile, run_strategies, sync_ibkr, sync_ibkr_market
from infra.simulator.market_events import Jump
from tests.faults.hurry import swapped
from tests.faults.servers import Servers
from tests.faults.world import GATEWAY, World, WorldOptions, open_world
from tests.patience import PATIENCE

NEW_YORK = ZoneInfo("America/New_York")
SPEED = 5.0
"""Market seconds per second while trades are decided on and filled.

Gateway and desk share one process, and a faster market leaves a loaded machine no time for the
rest; days pass in a jump anyway.
"""
DECIDED_SECONDS = 240.0
CAUGHT_UP_SECONDS = 120.0
XSP_PUTS: dict[str, Any] = {
    "universe": ["XSP"],
    "min_dte": 24,
    "max_dte": 31,
    "min_delta": 0.10,
    "max_delta": 0.25,
    "min_ror_annualised": 0.001,
    "max_vix": None,
    "ladder_rungs": 1,
    "max_contracts": 1,
    # A chain of hundreds of index puts is read over minutes of a market this fast.
    "max_chain_age_minutes": 240,
    "max_new_trades": 1,
    "min_open_interest": 0,
    "price_concession": "0.3",
    "max_drift": "0.05",
    "decision_minutes": 240,
}
"""Theta on one index: one put, or spread, at a time."""
ENDED = ("COMPLETED", "LAPSED", "DENIED", "REJECTED", "EXPIRED", "SUPERSEDED")


@asynccontextmanager
async def cycle_world(recording: Path | None = None) -> AsyncIterator[CycleWorld]:
    """A desk with one account and nothing on it yet, until the block ends; its gateway plays the
    ``recording``, if there is one."""
    servers = Servers()
    world = CycleWorld(servers, recording)
    try:
        with swapped(PATIENCE):
            async with open_world(servers, world=world):
                yield world
    finally:
        await servers.stop()


class CycleWorld(World):
    """One account with one strategy."""

    def __init__(self, servers: Servers, recording: Path | None = None) -> None:
        super().__init__(servers, WorldOptions(accounts=1, speed=SPEED, recording=recording))

    async def enable(self, code_ref: str, **config: Any) -> UUID:
        """An enabled instance of the strategy on the account."""
        (account,) = self.furniture.accounts
        strategy = resolve_strategy(code_ref)
        chosen = strategy.Config.model_validate(config)
        async with self.sessions.begin() as session:
            kind = m.Strategy(slug=f"{strategy.slug}-{uuid4().hex[:6]}", name=strategy.title)
            session.add(kind)
            await session.flush()
            version = m.StrategyVersion(
                strategy_id=kind.id, version="cycle", code_ref=code_ref, config_schema={}
            )
            session.add(version)
            await session.flush()
            instance = m.StrategyInstance(
                strategy_version_id=version.id,
                portfolio_id=account.portfolio_id,
                broker_account_id=account.id,
                name=strategy.title,
                config=chosen.model_dump(mode="json"),
                enabled=True,
            )
            session.add(instance)
            await session.flush()
            return instance.id

    # --- time ------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        """The exchange date at the gateway."""
        return exchange_date(self.gateway.clock.now())

    def spot(self, symbol: str) -> float:
        """The gateway's price of the underlying, now."""
        return self.gateway.market.spot(symbol, self.gateway.clock.now())

    def jump(self, symbol: str, day: date, size: float) -> None:
        """Move the symbol at 11:00 of a day to come; ``size`` is the log move."""
        at = datetime.combine(day, time(11), NEW_YORK)
        self.gateway.schedule(Jump(symbol=symbol, at=at, size=size))

    def move_to(self, symbol: str, day: date, price: float) -> None:
        """Have the symbol jump on ``day`` to about ``price``, as seen from today's price."""
        self.jump(symbol, day, log(price / self.spot(symbol)))

    async def pass_to(self, day: date, hour: int = 12) -> None:
        """Let the market's days pass until ``hour`` New York time of ``day``, a session."""
        to = datetime.combine(day, time(hour), NEW_YORK)
        self.gateway.clock.advance(to - self.gateway.clock.now())

        async def caught_up() -> bool:
            (row,) = await self.rows(
                "SELECT connection, session_open, market_at FROM gateways WHERE slug = :slug",
                slug=GATEWAY,
            )
            return bool(
                row["connection"] == "CONNECTED"
                and row["session_open"]
                and row["market_at"] >= to - timedelta(hours=1)
            )

        assert await self.until(caught_up, CAUGHT_UP_SECONDS), "the desk's clock follows"

    async def carry_past(self, contract: dict[str, Any], *, in_the_money: float) -> None:
        """See the option expire so far in the money, and look at noon of the next session.

        The underlying moves to there on the eve of the expiry; a market known in advance by its
        seed then runs on for a day.
        """
        calendar, expiry = trading_calendar(), date.fromisoformat(contract["expiry"])
        await self.pass_to(calendar.add_sessions(expiry, -2))
        sign = 1 if contract["right"] == "C" else -1
        aim = float(contract["strike"]) * (1 + sign * in_the_money)
        self.move_to(contract["symbol"], calendar.add_sessions(expiry, -1), aim)
        await self.pass_to(calendar.add_sessions(expiry, 1))
        await self.look()

    # --- what the schedules do, now --------------------------------------------------------

    async def look(self) -> None:
        """Accounts, positions, market and the broker's books, as the schedules read them."""
        await sync_ibkr(self.settings, positions=True)
        await sync_ibkr(self.settings, positions=False)
        await sync_ibkr_market(self.settings)
        # A difference is believed once two looks agree.
        for _ in range(2):
            report = await reconcile(self.settings)
            assert report is not None

    async def propose(self) -> list[dict[str, Any]]:
        """Look, run the strategies, and give the recommendations that now wait."""
        await self.look()
        report = await run_strategies(self.settings)
        assert report.ran == 1
        failures = [error for outcome in report.outcomes for error in outcome.errors]
        assert not failures, failures
        return await self.rows(
            "SELECT id, action, summary, terms_hash, terms, rationale FROM recommendations"
            " WHERE state = 'PROPOSED' ORDER BY id"
        )

    async def why_nothing(self) -> str:
        """What the last runs said, and what waits or was under way."""
        said = await self.rows(
            "SELECT r.workflow_id, r.status, r.market_at, r.errors, r.stats,"
            " array_agg(s.kind || ': ' || s.summary) AS signals FROM strategy_runs r"
            " LEFT JOIN signals s ON s.strategy_run_id = r.id"
            " GROUP BY r.id ORDER BY r.id DESC LIMIT 3"
        )
        offers = await self.rows(
            "SELECT state, reason_code, summary FROM recommendations ORDER BY id"
        )
        return "\n".join(map(str, [*said, *offers]))

    async def approve_one(self, action: str) -> dict[str, Any]:
        """Run the strategies, approve the first proposal with the action, see it filled."""
        offered = [each for each in await self.propose() if each["action"] == action]
        assert offered, await self.why_nothing()
        await self.see_done(offered[0])
        return offered[0]

    async def see_done(self, chosen: dict[str, Any]) -> None:
        """Approve a recommendation as it is offered, and see it filled."""
        answer = await self._click(chosen)
        assert answer.status_code == 200, answer.text

        async def ended() -> bool:
            (row,) = await self.rows(
                "SELECT state FROM recommendations WHERE id = :id", id=chosen["id"]
            )
            return row["state"] in ENDED

        assert await self.until(ended, DECIDED_SECONDS), f"{chosen['summary']} ends"
        (row,) = await self.rows(
            "SELECT state, reason_code, reason FROM recommendations WHERE id = :id",
            id=chosen["id"],
        )
        assert row["state"] == "COMPLETED", (chosen["summary"], row)

    async def _click(self, offered: dict[str, Any]) -> httpx.Response:
        (account,) = self.furniture.accounts
        person = self.people[account.approvers[0]]
        return await person.browser.post(
            f"/api/recommendations/{offered['id']}/approve/",
            json={"terms_hash": offered["terms_hash"]},
            headers={"Idempotency-Key": uuid4().hex},
        )

    # --- the books -------------------------------------------------------------------------

    async def held(self, symbol: str) -> dict[str, Decimal]:
        """Signed quantities on an underlying by security type, as last ingested."""
        rows = await self.rows(
            "SELECT i.sec_type, sum(p.quantity) AS quantity FROM positions p"
            " JOIN instruments i ON i.id = p.instrument_id WHERE i.symbol = :symbol GROUP BY 1",
            symbol=symbol,
        )
        return {row["sec_type"]: row["quantity"] for row in rows}

    async def contracts(self, symbol: str) -> dict[int, Decimal]:
        """Signed quantities of the options on an underlying by conId, as last ingested."""
        rows = await self.rows(
            "SELECT c.con_id, p.quantity FROM positions p"
            " JOIN instruments i ON i.id = p.instrument_id"
            " JOIN ibkr_contracts c ON c.instrument_id = i.id"
            " WHERE i.symbol = :symbol AND i.sec_type = 'OPT' AND p.quantity <> 0",
            symbol=symbol,
        )
        return {row["con_id"]: row["quantity"] for row in rows}

    async def cycle(self, symbol: str) -> WheelCycle | None:
        """The turn of the wheel under way on the symbol."""
        (account,) = self.furniture.accounts
        async with self.sessions() as session:
            return (await open_cycles(session, account.id, [symbol])).get(symbol)

    async def assert_books_agree(self) -> None:
        """Ledger and database, position by position and to the cent."""
        (theirs,) = self.gateway.ledger.accounts()
        ours = await self.rows(
            "SELECT c.con_id, p.quantity FROM positions p"
            " JOIN ibkr_contracts c ON c.instrument_id = p.instrument_id"
        )
        assert {row["con_id"]: row["quantity"] for row in ours} == {
            each.con_id: each.quantity for each in theirs.holdings if each.quantity
        }
        (snapshot,) = await self.rows("SELECT cash FROM account_snapshots ORDER BY id DESC LIMIT 1")
        assert abs(snapshot["cash"] - theirs.cash) < Decimal("0.01")
        executed = self.gateway.ledger.effective_executions()
        kept = await self.rows(
            "SELECT exec_id, quantity, price, commission FROM executions WHERE NOT superseded"
        )
        assert {row["exec_id"]: (row["quantity"], row["price"]) for row in kept} == {
            each.exec_id: (each.quantity, each.price) for each in executed
        }
        open_doubts = await self.rows(
            "SELECT type, detail FROM discrepancies WHERE cleared_at IS NULL"
        )
        assert not open_doubts


def contract_of(recommendation: dict[str, Any]) -> dict[str, Any]:
    """The one contract that is traded."""
    (leg,) = recommendation["terms"]["legs"]
    return leg["contract"]


def units_of(recommendation: dict[str, Any]) -> dict[int, int]:
    """What one unit of the trade changes, signed, by conId."""
    return {
        leg["contract"]["con_id"]: leg["ratio"] * (1 if leg["side"] == "BUY" else -1)
        for leg in recommendation["terms"]["legs"]
    }

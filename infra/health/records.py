"""What Postgres tells: itself, the gateways, the age of their data, and orders in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.gateways import GatewayKind
from domain.orders import OrderState
from infra.db.clock import clock_of, database_now
from infra.db.migrate import is_at_head
from infra.db.models import (
    BrokerAccount,
    ConnectionState,
    Decision,
    Discrepancy,
    Gateway,
    Order,
)
from infra.health.checks import Check, degraded, failed, ok

CLOCK_STALE = timedelta(seconds=15)
"""The broker worker reads the gateway's clock every second."""
SKEW = timedelta(seconds=5)
DATA_LATE = timedelta(minutes=5)
DATA_STALE = timedelta(minutes=30)
UNDELIVERED = timedelta(minutes=1)
SLOW_SECONDS = 0.5


async def database_checks(session: AsyncSession, now: datetime) -> list[Check]:
    """That it answers, at the newest schema, by a clock like this host's."""
    await session.connection()  # made before the clock starts: a pool's first is no slow answer
    began = monotonic()
    at = await database_now(session)
    seconds = monotonic() - began
    words = f"answers in {seconds * 1000:.0f} ms"
    checks = [
        ok("database", "postgres", words)
        if seconds < SLOW_SECONDS
        else degraded("database", "postgres", words, "Look at its load and its disk.")
    ]
    at_head = await session.run_sync(lambda own: is_at_head(own.connection()))
    checks.append(
        ok("database", "migrations", "every migration is applied")
        if at_head
        else failed("database", "migrations", "not at this code's schema", "greenlight migrate")
    )
    checks.append(_skew("database", at - now))
    return checks


async def gateway_checks(session: AsyncSession, now: datetime) -> list[Check]:
    """Of every gateway: connection, lease, clock, and how old what was read through it is."""
    oldest = {
        row.gateway_id: row
        for row in await session.execute(
            select(
                BrokerAccount.gateway_id,
                func.min(BrokerAccount.positions_synced_at).label("positions"),
                func.min(BrokerAccount.snapshot_synced_at).label("values"),
                func.bool_and(BrokerAccount.snapshot_synced_at.is_not(None)).label("all_read"),
            ).group_by(BrokerAccount.gateway_id)
        )
    }
    checks: list[Check] = []
    for gateway in await session.scalars(select(Gateway).order_by(Gateway.slug)):
        checks += [_connection(gateway), _lease(gateway, now), _clock(gateway, now)]
        checks.append(_data(gateway, oldest.get(gateway.id), now))
    return checks


async def order_checks(session: AsyncSession, now: datetime) -> list[Check]:
    """Orders in doubt, open discrepancies, decisions that no workflow has read."""
    doubtful = Order.state.in_([OrderState.UNKNOWN, OrderState.QUARANTINE])
    unknown, since = (
        await session.execute(select(func.count(), func.min(Order.updated_at)).where(doubtful))
    ).one()
    unresolved = await session.scalar(
        select(func.count()).where(
            Discrepancy.raised_at.is_not(None), Discrepancy.cleared_at.is_(None)
        )
    )
    undelivered = await session.scalar(
        select(func.count()).where(
            Decision.delivered_at.is_(None), Decision.decided_at < now - UNDELIVERED
        )
    )
    return [
        ok("orders", "in doubt", "none")
        if not unknown
        else degraded(
            "orders",
            "in doubt",
            f"{unknown}, the oldest for {_age(now - since)}",
            "See the runbook on UNKNOWN orders.",
        ),
        ok("orders", "discrepancies", "none open")
        if not unresolved
        else degraded(
            "orders",
            "discrepancies",
            f"{unresolved} open",
            "See the runbook on discrepancies.",
        ),
        ok("orders", "decisions", "every decision has reached its workflow")
        if not undelivered
        else failed(
            "orders",
            "decisions",
            f"{undelivered} have not reached their workflow",
            "Check that Temporal answers and that a core worker runs.",
        ),
    ]


def _connection(gateway: Gateway) -> Check:
    state = gateway.connection
    words = f"{state}: {gateway.connection_detail}" if gateway.connection_detail else str(state)
    if state is ConnectionState.CONNECTED:
        return ok("gateway", gateway.slug, words)
    if state is ConnectionState.SYNCING:
        return degraded("gateway", gateway.slug, words, "Wait: the books are being read.")
    return failed("gateway", gateway.slug, words, "See the runbook on a gateway that is down.")


def _lease(gateway: Gateway, now: datetime) -> Check:
    name = f"{gateway.slug} lease"
    if gateway.lease_until is None or gateway.lease_until < now:
        return failed(
            "gateway",
            name,
            "no broker worker holds it",
            f"greenlight worker broker --gateway {gateway.slug}",
        )
    return ok("gateway", name, f"held by {gateway.lease_owner}, epoch {gateway.lease_epoch}")


def _clock(gateway: Gateway, now: datetime) -> Check:
    name = f"{gateway.slug} clock"
    clock = clock_of(gateway)
    if clock is None:
        return degraded("gateway", name, "never read", "Start its broker worker.")
    age = now - clock.observed_at
    if age > CLOCK_STALE:
        return degraded(
            "gateway", name, f"read {_age(age)} ago", "Look at the broker worker's log."
        )
    if gateway.kind is GatewayKind.SIMULATED:
        return ok("gateway", name, f"{clock.now(now):%Y-%m-%d %H:%M:%S} UTC, simulated")
    return _skew(name, clock.now(now) - now)


def _skew(of: str, skew: timedelta) -> Check:
    words = f"{skew.total_seconds():+.1f} s from this host's clock"
    if abs(skew) <= SKEW:
        return ok("clock", of, words)
    return degraded("clock", of, words, "Synchronise the hosts' clocks (NTP).")


def _data(gateway: Gateway, oldest: Any, now: datetime) -> Check:
    name = f"{gateway.slug} data"
    if oldest is None:
        return ok("data", name, "no account is set up on it")
    clock = clock_of(gateway)
    if clock is None or not oldest.all_read or oldest.positions is None:
        return degraded("data", name, "an account was never read", "Wait a minute for ingestion.")
    age = clock.now(now) - min(oldest.positions, oldest.values)
    words = f"positions and values at most {_age(age)} old, in market time"
    if not gateway.session_open or age <= DATA_LATE * max(1.0, gateway.clock_rate):
        return ok("data", name, words)
    advice = "Look at the ingestion schedule in Temporal Web and at the broker worker's log."
    if age <= DATA_STALE * max(1.0, gateway.clock_rate):
        return degraded("data", name, words, advice)
    return failed("data", name, words, advice)


def _age(age: timedelta) -> str:
    seconds = max(0, round(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"

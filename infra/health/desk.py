"""Every check of a running desk, none of which can hold up or fail another."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client

from infra.db.models import Gateway
from infra.db.session import Sessions
from infra.health.checks import Check, disk_check, failed
from infra.health.records import database_checks, gateway_checks, order_checks
from infra.health.temporal import temporal_checks
from infra.settings import Settings

_DATABASE_SECONDS = 5.0
_TEMPORAL_SECONDS = 10.0


async def desk_health(
    settings: Settings,
    sessions: Sessions,
    client: Client | None,
    now: datetime,
    *,
    unreached: str = "not reached yet",
) -> list[Check]:
    """How each part is. ``client`` is None while Temporal was not reached; ``unreached``: why."""
    checks, gateways = await _records(sessions, now)
    try:
        async with asyncio.timeout(_TEMPORAL_SECONDS):
            checks += await temporal_checks(client, gateways, now, unreached)
    except TimeoutError:
        checks.append(failed("temporal", "server", "does not answer", "Look at its log."))
    return [*checks, disk_check(settings.home)]


async def _records(sessions: Sessions, now: datetime) -> tuple[list[Check], list[str]]:
    checks: list[Check] = []
    try:
        async with asyncio.timeout(_DATABASE_SECONDS), sessions() as session:
            checks += await database_checks(session, now)
            checks += await gateway_checks(session, now)
            checks += await order_checks(session, now)
            slugs = await session.scalars(select(Gateway.slug).order_by(Gateway.slug))
            return checks, list(slugs)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        advice = "Start Postgres, or correct GREENLIGHT_DATABASE_URL."
        return [*checks, failed("database", "postgres", words, advice)], []

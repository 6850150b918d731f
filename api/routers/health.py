"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Desk, Resources, SignalsDep, SignedIn
from api.schemas.common import Answer, UtcTime
from infra.db.migrate import is_at_head
from infra.health import Check, HealthState, desk_health, overall

router = APIRouter(tags=["health"])
in_depth = APIRouter(prefix="/health", tags=["health"])

_DATABASE_SECONDS = 3.0


class Health(BaseModel):
    status: str


class DeskHealth(Answer):
    """How the desk is, part by part; the worst part says how it is as a whole."""

    state: HealthState
    checked_at: UtcTime
    checks: list[Check] = Field(description="worst first")


class Readiness(BaseModel):
    """Each part by itself, so that the answer says which one is missing."""

    ready: bool
    database: bool
    migrations: bool
    temporal: bool


@router.get("/healthz")
async def healthz() -> Health:
    """The process is up and answers."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(response: Response, desk: Desk, signals: SignalsDep) -> Readiness:
    """The database answers, every migration is applied, Temporal is reachable."""
    (database, migrations), temporal = await asyncio.gather(_database(desk), signals.is_reachable())
    ready = database and migrations and temporal
    if not ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return Readiness(ready=ready, database=database, migrations=migrations, temporal=temporal)


@in_depth.get("/")
async def get_desk_health(desk: Desk, signals: SignalsDep, viewer: SignedIn) -> DeskHealth:
    """Database, Temporal, workers, schedules, gateways, data, orders in doubt, clocks, disk."""
    now = desk.clock.now()
    checks = await desk_health(desk.settings, desk.sessions, signals.client, now)
    worst_first = list(HealthState)[::-1]
    return DeskHealth(
        state=overall(checks),
        checked_at=now,
        checks=sorted(checks, key=lambda check: worst_first.index(check.state)),
    )


async def _database(desk: Resources) -> tuple[bool, bool]:
    def at_head(session: Any) -> bool:
        return is_at_head(session.connection())

    try:
        async with asyncio.timeout(_DATABASE_SECONDS), desk.sessions.begin() as session:
            checked: AsyncSession = session
            return True, await checked.run_sync(at_head)
    except (SQLAlchemyError, OSError, TimeoutError):
        return False, False

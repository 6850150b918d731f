"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response, status
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Desk, Resources, SignalsDep
from infra.db.migrate import is_at_head

router = APIRouter(tags=["health"])

_DATABASE_SECONDS = 3.0


class Health(BaseModel):
    status: str


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


async def _database(desk: Resources) -> tuple[bool, bool]:
    def at_head(session: Any) -> bool:
        return is_at_head(session.connection())

    try:
        async with asyncio.timeout(_DATABASE_SECONDS), desk.sessions.begin() as session:
            checked: AsyncSession = session
            return True, await checked.run_sync(at_head)
    except (SQLAlchemyError, OSError, TimeoutError):
        return False, False

"""Engines and sessions. A repository flushes; whoever opened the session commits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from infra.settings import Settings

Sessions = async_sessionmaker[AsyncSession]


def create_engine(database_url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine that notices a restarted Postgres instead of failing on a dead connection."""
    return create_async_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
    )


def engine(settings: Settings) -> AsyncEngine:
    return create_engine(settings.database_url)


def sessions(bound_to: AsyncEngine) -> Sessions:
    return async_sessionmaker(bound_to, expire_on_commit=False)


@asynccontextmanager
async def own_sessions(settings: Settings) -> AsyncGenerator[Sessions]:
    """Sessions for one command's work."""
    opened = engine(settings)
    try:
        yield sessions(opened)
    finally:
        await opened.dispose()


@asynccontextmanager
async def own_connections(of: Sessions) -> AsyncGenerator[Sessions]:
    """Sessions on the same database over connections that nobody else can take."""
    bound_to = of.kw["bind"]
    engine = create_engine(bound_to.url.render_as_string(hide_password=False), pool_size=1)
    try:
        yield sessions(engine)
    finally:
        await engine.dispose()


def may_pass(error: BaseException) -> bool:
    """Whether a failure lies in reaching Postgres, not in what was to be stored."""
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return isinstance(error, PoolTimeoutError | OSError)


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=_fallback).decode()


def _fallback(value: Any) -> Any:
    as_json: Callable[..., Any] | None = getattr(value, "model_dump", None)
    if as_json is not None:
        return as_json(mode="json")
    return str(value)

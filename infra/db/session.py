"""Engines and sessions. A repository flushes; whoever opened the session commits."""

from __future__ import annotations

import select as polling
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from psycopg.pq import ConnStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Insert, Update, literal, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from infra.settings import Settings
from infra.tracing import trace_statements

Sessions = async_sessionmaker[AsyncSession]


def create_engine(database_url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine that notices a restarted Postgres instead of failing on a dead connection.

    The connection used last is used next, so that a few are warm and know their statements.
    """
    engine = create_async_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_use_lifo=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
    )
    _ping_only_when_in_doubt(engine)
    trace_statements(engine)
    return engine


def _ping_only_when_in_doubt(engine: AsyncEngine) -> None:
    """Ask Postgres whether a connection lives only where something has arrived on it.

    Nothing arrives on an idle connection but its end, so silence tells what a question would, and
    costs no round trip: a click opens half a dozen sessions one after the other.
    """
    dialect = engine.dialect
    ask = dialect.do_ping

    def ping(dbapi_connection: Any) -> bool:
        postgres: PGconn = dbapi_connection.driver_connection.pgconn
        return _is_silent(postgres) or ask(dbapi_connection)

    dialect.do_ping = ping


def _is_silent(postgres: PGconn) -> bool:
    if postgres.status != ConnStatus.OK:
        return False
    waiting = polling.poll()
    waiting.register(postgres.socket, polling.POLLIN)
    return not waiting.poll(0)


def engine(settings: Settings) -> AsyncEngine:
    return create_engine(settings.database_url)


def sessions(bound_to: AsyncEngine) -> Sessions:
    return async_sessionmaker(bound_to, expire_on_commit=False)


def reading(of: Sessions) -> Sessions:
    """Sessions on the same connections in which every statement stands by itself.

    For what one statement reads, or several that need not agree: no round trips for BEGIN and
    ROLLBACK around them.
    """
    return async_sessionmaker(
        of.kw["bind"].execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
    )


async def write_together(session: AsyncSession, *writes: Insert | Update) -> None:
    """Writes that do not depend on each other as one statement: somebody waits for each trip.

    Rows to be inserted bring their own ids; what is pending in the session is not among them.
    """
    ctes = (write.cte(f"write_{number}") for number, write in enumerate(writes))
    await session.execute(select(literal(1)).add_cte(*ctes))


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

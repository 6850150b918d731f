"""What the desk reads most, a hundred rows at a time: from the session to the bytes of the answer.

Ours is the route's own query, its wording and its serialisation, without HTTP and sign-in, which
cost the same whatever is read. The floors read with the very statement that ours sent, the driver
as text and SQLAlchemy as the select it was, and dump what came: nothing is worded, no permission
and no cursor worked out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Executable, event, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.fast_lists import page_answer
from api.presenters import orders as order_words
from api.presenters import positions as position_words
from api.presenters import recommendations as recommendation_words
from domain.instruments import SecType
from domain.recommendations import RecommendationState
from infra.db import models as m
from infra.db.queries import orders as order_queries
from infra.db.queries import positions as position_queries
from infra.db.queries import recommendations as recommendation_queries
from infra.db.queries.orders import WantedTrades
from infra.db.queries.paging import PageAsk
from infra.db.queries.recommendations import WantedRecommendations
from infra.db.queries.viewer import Viewer
from infra.db.session import Sessions, create_engine, sessions
from infra.settings import Settings
from tests.bench.harness import OURS, Bench, Timings
from tests.integration.api.world import build_world

pytestmark = pytest.mark.bench

ROWS = 100
ROUNDS = 60
WARM_UP = 10
RAW = "raw psycopg pool + orjson"
PLAIN = "SQLAlchemy's session + orjson"
Read = Callable[[], Awaitable[bytes]]


@dataclass
class Reader:
    """A database with a hundred rows of each kind, and who looks."""

    engine: AsyncEngine
    sessions: Sessions
    pool: AsyncConnectionPool[AsyncConnection[Any]]
    viewer: Viewer
    settings: Settings

    async def recommendations(self) -> bytes:
        async with self.sessions() as session:
            rows = await recommendation_queries.recommendation_rows(
                session,
                self.viewer,
                WantedRecommendations(states=[RecommendationState.PROPOSED]),
                PageAsk(limit=ROWS),
            )  # fmt: skip
            items = map(recommendation_words.recommendation_fields, rows.items)
            return bytes(page_answer(items, rows.next_cursor).body)

    async def orders(self) -> bytes:
        async with self.sessions() as session:
            rows = await order_queries.order_rows(
                session, self.viewer, WantedTrades(), PageAsk(limit=ROWS)
            )
            items = (
                order_words.order_fields(row, self.viewer, self.settings) for row in rows.items
            )
            return bytes(page_answer(items, rows.next_cursor).body)

    async def executions(self) -> bytes:
        async with self.sessions() as session:
            rows = await order_queries.execution_rows(
                session, self.viewer, WantedTrades(), PageAsk(limit=ROWS)
            )
            items = map(order_words.execution_fields, rows.items)
            return bytes(page_answer(items, rows.next_cursor).body)

    async def positions(self) -> bytes:
        async with self.sessions() as session:
            rows = await position_queries.position_rows(session, self.viewer, PageAsk(limit=ROWS))
            items = map(position_words.position_fields, rows.items)
            return bytes(page_answer(items, rows.next_cursor).body)

    async def raw(self, statement: str, parameters: Any) -> bytes:
        async with self.pool.connection() as connection:
            answer = await connection.execute(statement, parameters)  # type: ignore[arg-type]
            return orjson.dumps(await answer.fetchall(), default=str)

    async def plain(self, statement: Executable) -> bytes:
        async with self.sessions() as session:
            found = await session.execute(statement)
            return orjson.dumps([tuple(row) for row in found], default=str)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    engine = create_engine(database_url)
    made = sessions(engine)
    async with made.begin() as session:
        world = await build_world(session)
        await _copies(session, m.Recommendation, world.a.waiting.id, {})
        await _copies(
            session,
            m.Order,
            world.a.order.id,
            {
                "attempt": "attempt + n",
                "order_key": "order_key || n",
                "broker_order_id": "broker_order_id + n",
                "state": "'CANCELLED'",
            },
        )
        await _copies(session, m.Execution, world.a.execution.id, {"exec_id": "exec_id || n"})
        held = await session.scalar(select(m.Position))
        assert held is not None
        await _copies(session, m.Instrument, held.instrument_id, {"key": "key || n"})
        unheld = (
            select(m.Instrument.id)
            .outerjoin(m.Position, m.Position.instrument_id == m.Instrument.id)
            .where(m.Position.id.is_(None), m.Instrument.sec_type == SecType.OPTION)
        )
        session.add_all(
            m.Position(
                broker_account_id=held.broker_account_id,
                instrument_id=instrument_id,
                quantity=held.quantity,
                average_cost=held.average_cost,
                market_price=held.average_cost / 100,
                market_value=held.quantity * held.average_cost,
                unrealized_pnl=held.average_cost,
                as_of=held.as_of,
            )
            for instrument_id in await session.scalars(unheld)
        )
        user = world.users["approver_a"]
    plain = make_url(database_url).set(drivername="postgresql")
    address = plain.render_as_string(hide_password=False)
    async with AsyncConnectionPool[AsyncConnection[Any]](address, open=False) as pool:
        viewer = Viewer(
            user.id,
            user.email,
            user.name,
            is_admin=True,
            session_id=user.id,
            authenticated_at=datetime.now(UTC),
        )
        yield Reader(engine, made, pool, viewer, Settings())
    await engine.dispose()


async def _copies(session: Any, model: type[m.Base], row_id: Any, changed: dict[str, str]) -> None:
    """A hundred copies of a row, ``changed`` telling columns by an expression of their number."""
    columns = {name: name for name in model.__table__.columns.keys()}  # noqa: SIM118
    quoted = {f'"{name}"': f'"{name}"' for name in columns}
    quoted |= {'"id"': "gen_random_uuid()"} | {f'"{name}"': how for name, how in changed.items()}
    await session.execute(
        text(
            f"INSERT INTO {model.__tablename__} ({', '.join(quoted)})"
            f" SELECT {', '.join(quoted.values())}"
            f" FROM {model.__tablename__}, generate_series(1, {ROWS}) AS n WHERE id = :id"
        ),
        {"id": row_id},
    )


async def _statement_of(engine: AsyncEngine, read: Read) -> tuple[str, Any, Executable]:
    """The last statement that a read sends: as text with its parameters, and as a select."""
    seen: list[tuple[str, Any]] = []
    selects: list[Executable] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    def note_select(_: Any, statement: Executable, *__: Any) -> None:
        selects.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    event.listen(engine.sync_engine, "before_execute", note_select)
    await read()
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    event.remove(engine.sync_engine, "before_execute", note_select)
    return *seen[-1], selects[-1]


async def _timed(contenders: dict[str, Read]) -> Timings:
    timings = Timings()
    for turn in range(ROUNDS + WARM_UP):
        if turn == WARM_UP:
            timings = Timings()
        for name, read in contenders.items():
            with timings.of(name):
                await read()
    return timings


async def _compare(reader: Reader, read: Read) -> Timings:
    statement, parameters, select = await _statement_of(reader.engine, read)
    assert len(orjson.loads(await reader.raw(statement, parameters))) >= ROWS
    assert len(orjson.loads(await read())["items"]) == ROWS
    return await _timed(
        {
            OURS: read,
            RAW: lambda: reader.raw(statement, parameters),
            PLAIN: lambda: reader.plain(select),
        }
    )


async def test_hot_lists_cost_at_most_twice_the_bare_driver(reader: Reader, bench: Bench):
    for read in (reader.recommendations, reader.orders, reader.positions):
        timings = await _compare(reader, read)
        bench.at_most(f"read {ROWS} {read.__name__}", timings, peer=RAW, ratio=2)


async def test_other_lists_cost_little_more_than_plain_sqlalchemy(reader: Reader, bench: Bench):
    timings = await _compare(reader, reader.executions)
    bench.at_most(f"read {ROWS} executions", timings, peer=PLAIN, ratio=1.2)

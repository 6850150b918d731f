"""Ingestion of 10,000 rows, side by side with the same upsert written out in raw psycopg."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import SecType
from domain.market import QuoteQuality
from infra.db import models as m
from infra.db.bulk import upsert
from infra.db.session import Sessions, create_engine, sessions
from tests.bench.harness import OURS, Bench, Timings
from tests.integration.trading_world import MONDAY_10

pytestmark = pytest.mark.bench
ROWS = 10_000
ROUNDS = 9
FLOOR = "raw binary COPY upsert"
FIELDS = ("instrument_id", "as_of", "quality", "bid", "ask", "iv", "delta")
TYPES = ("uuid", "timestamptz", "text", "numeric", "numeric", "float8", "float8")
Ids = list[UUID]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[tuple[Sessions, str]]:
    engine = create_engine(database_url)
    plain = make_url(database_url).set(drivername="postgresql")
    yield sessions(engine), plain.render_as_string(hide_password=False)
    await engine.dispose()


async def instruments(session: AsyncSession) -> Ids:
    rows = [
        {
            "key": f"STK:S{number}:USD",
            "sec_type": SecType.STOCK,
            "symbol": f"S{number}",
            "currency": "USD",
            "name": "",
            "multiplier": Decimal(1),
        }
        for number in range(ROWS)
    ]
    await upsert(session, m.Instrument, rows, key=("key",))
    return list(await session.scalars(select(m.Instrument.id)))


def quotes(ids: Ids, turn: int) -> list[dict[str, Any]]:
    """10,000 quotes which all differ from those of the turn before."""
    at = MONDAY_10 + timedelta(minutes=turn)
    return [
        {
            "instrument_id": each,
            "as_of": at,
            "quality": QuoteQuality.LIVE,
            "bid": Decimal(number % 997) / 100 + turn,
            "ask": Decimal(number % 997) / 100 + turn + 1,
            "iv": 0.2,
            "delta": -0.25,
        }
        for number, each in enumerate(ids)
    ]


async def ours(database: Sessions, rows: list[dict[str, Any]]) -> None:
    async with database.begin() as session:
        await upsert(session, m.Quote, rows, key=("instrument_id",), update=FIELDS[1:])


async def raw(connection: psycopg.AsyncConnection[Any], rows: list[dict[str, Any]]) -> None:
    """The floor: the statements by hand, without counting what was written."""
    async with connection.transaction():
        await connection.execute(
            f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {', '.join(FIELDS)} "
            "FROM quotes WITH NO DATA"
        )
        async with (
            connection.cursor() as cursor,
            cursor.copy("COPY staged FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(TYPES)
            for row in rows:
                await copy.write_row([row[field] for field in FIELDS])
        taken = ", ".join(f"{field} = EXCLUDED.{field}" for field in FIELDS[1:])
        await connection.execute(
            f"INSERT INTO quotes ({', '.join(FIELDS)}) SELECT * FROM staged "
            f"ON CONFLICT (instrument_id) DO UPDATE SET {taken}"
        )


async def test_ten_thousand_rows_take_at_most_1_3_times_the_raw_upsert(
    database: tuple[Sessions, str], bench: Bench
):
    desk, conninfo = database
    async with desk.begin() as session:
        ids = await instruments(session)
    timings = Timings()
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        for turn in range(ROUNDS + 1):
            by_us, by_hand = quotes(ids, 2 * turn), quotes(ids, 2 * turn + 1)
            if turn == 1:  # the round before warmed up both
                timings = Timings()
            with timings.of(OURS):
                await ours(desk, by_us)
            with timings.of(FLOOR):
                await raw(connection, by_hand)
    bench.at_most(f"upsert of {ROWS:,} quotes, all changed", timings, peer=FLOOR, ratio=1.3)

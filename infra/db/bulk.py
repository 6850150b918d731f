"""Writing many rows at once: binary COPY into a temporary table, then one INSERT … ON CONFLICT.

Ten times as fast as inserting values, and idempotent: a row that says nothing new is not written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from infra.db.models import Base

Row = Mapping[str, Any]
# Types as psycopg names them, where that is not what Postgres's DDL says.
_NAMES = {
    "VARCHAR": "text",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "FLOAT": "float8",
    "DOUBLE PRECISION": "float8",
    "BIGINT": "int8",
    "INTEGER": "int4",
    "BOOLEAN": "bool",
}


class Upserted(NamedTuple):
    inserted: int
    updated: int
    unchanged: int


async def upsert(
    session: AsyncSession,
    model: type[Base],
    rows: Sequence[Row],
    *,
    key: Sequence[str] = (),
    update: Sequence[str] = (),
    news: Sequence[str] | None = None,
) -> Upserted:
    """Insert ``rows``, or bring the rows with the same ``key`` up to date, in the session's
    transaction.

    Every row has the same fields. ``key`` names a unique constraint's columns; left out, it means
    any, and rows on record stay as they are. ``update`` are the fields taken over where one of
    ``news`` (``update`` itself, if left out) differs. Keys and times come from Postgres. Raises
    psycopg.Error, not SQLAlchemy's, e.g. where two of ``rows`` share a key to update by.
    """
    if not rows:
        return Upserted(0, 0, 0)
    columns = list(rows[0])
    # What the session has not written yet could be what these rows refer to.
    await session.flush()
    pooled = await (await session.connection()).get_raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, AsyncConnection)
    table = model.__tablename__
    staged = sql.Identifier(f"staged_{table}")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    await connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {staged} ON COMMIT DROP AS SELECT {names} FROM {table} "
            "WITH NO DATA"
        ).format(staged=staged, names=names, table=sql.Identifier(table))
    )
    try:
        await _copy(connection, staged, names, model, rows, columns)
        result = await connection.execute(
            _merge(table, staged, names, key, update, update if news is None else news)
        )
        written = [is_new for (is_new,) in await result.fetchall()]
    finally:
        if not connection.broken and connection.info.transaction_status.name != "INERROR":
            await connection.execute(sql.SQL("DROP TABLE {}").format(staged))
    inserted = sum(written)
    return Upserted(inserted, len(written) - inserted, len(rows) - len(written))


async def _copy(
    connection: AsyncConnection[Any],
    staged: sql.Identifier,
    names: sql.Composed,
    model: type[Base],
    rows: Sequence[Row],
    columns: Sequence[str],
) -> None:
    types = [model.__table__.c[column].type for column in columns]
    wrapped = [column for column, kind in zip(columns, types, strict=True) if _is_json(kind)]
    async with (
        connection.cursor() as cursor,
        cursor.copy(
            sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(staged, names)
        ) as copy,
    ):
        copy.set_types([_type_name(kind) for kind in types])
        for row in rows:
            values = dict(row)
            for name in wrapped:
                values[name] = Jsonb(row[name])
            await copy.write_row([values[column] for column in columns])


def _is_json(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind, JSONB)


def _type_name(kind: TypeEngine[Any]) -> str:
    """The type as psycopg's registry knows it."""
    ddl = kind.compile(dialect=postgresql.dialect()).partition("(")[0].strip()
    return _NAMES.get(ddl, ddl.lower())


def _merge(
    table: str,
    staged: sql.Identifier,
    names: sql.Composed,
    key: Sequence[str],
    update: Sequence[str],
    news: Sequence[str],
) -> sql.Composed:
    target = sql.Identifier(table)

    def of(owner: sql.Composable, fields: Sequence[str]) -> sql.Composed:
        return sql.SQL(", ").join(
            sql.SQL("{}.{}").format(owner, sql.Identifier(field)) for field in fields
        )

    action: sql.Composable = sql.SQL("NOTHING")
    if update:
        taken = sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(field)) for field in update
        )
        action = sql.SQL(
            "UPDATE SET {taken}, updated_at = now() WHERE ({old}) IS DISTINCT FROM ({new})"
        ).format(taken=taken, old=of(target, news), new=of(sql.SQL("EXCLUDED"), news))
    keys = sql.SQL(", ").join(map(sql.Identifier, key))
    return sql.SQL(
        "INSERT INTO {target} ({names}) SELECT {names} FROM {staged} {ordered} "
        "ON CONFLICT {conflict} DO {action} RETURNING (xmax = 0)"
    ).format(
        target=target,
        names=names,
        staged=staged,
        conflict=sql.SQL("({})").format(keys) if key else sql.SQL(""),
        # In one order everywhere: two transactions that lock rows crosswise wait for each other.
        ordered=sql.SQL("ORDER BY {}").format(keys) if key else sql.SQL(""),
        action=action,
    )

"""The oracle: what the gateway accepted and executed, durable before any client is told.

SQLite in WAL mode with ``synchronous=FULL``: one transaction per exchange event makes orders,
positions and cash change together or not at all, and a commit survives ``kill -9`` and power
loss alike. Order events and executions are append-only, enforced by triggers. Other processes
may read while the gateway writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from infra.simulator.records import (
    AccountRecord,
    ExecutionRecord,
    FaultEvent,
    LifecycleEvent,
    OrderEvent,
    OrderRecord,
    OrderStatus,
    execution_root,
)

FILE_NAME = "ledger.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    perm_id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, order_id INTEGER NOT NULL,
    order_ref TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
    UNIQUE (client_id, order_id)
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_ref ON orders (order_ref);
CREATE TABLE IF NOT EXISTS order_events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, perm_id INTEGER NOT NULL, order_ref TEXT NOT NULL,
    at TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, filled TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS order_events_by_order ON order_events (perm_id);
CREATE TABLE IF NOT EXISTS executions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, exec_id TEXT NOT NULL UNIQUE,
    perm_id INTEGER NOT NULL, order_ref TEXT NOT NULL, at TEXT NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS executions_by_ref ON executions (order_ref);
CREATE INDEX IF NOT EXISTS executions_by_time ON executions (at);
CREATE TABLE IF NOT EXISTS lifecycle (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL,
    account TEXT NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS order_events_by_order ON order_events (perm_id);
CREATE TABLE IF NOT EXISTS faults (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL, client_id INTEGER
) STRICT;
"""

_APPEND_ONLY = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
"""


class Ledger:
    """One gateway's ledger in ``data_dir``. Not for use by several threads."""

    def __init__(self, data_dir: Path, *, read_only: bool = False) -> None:
        self.path = Path(data_dir) / FILE_NAME
        if read_only:
            self._db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        for table in ("order_events", "executions", "faults", "lifecycle"):
            for verb in ("update", "delete"):
                self._db.executescript(_APPEND_ONLY.format(table=table, verb=verb))

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become durable together, or none does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def orders(self, order_ref: str | None = None) -> list[OrderRecord]:
        """Every order ever accepted, oldest first; only those of one orderRef if given."""
        where, args = ("", ()) if order_ref is None else (" WHERE order_ref = ?", (order_ref,))
        rows = self._db.execute(f"SELECT record FROM orders{where} ORDER BY perm_id", args)  # noqa: S608  # nosec B608
        return [OrderRecord.model_validate_json(row[0]) for row in rows]

    def working_orders(self) -> list[OrderRecord]:
        rows = self._db.execute(
            "SELECT record FROM orders WHERE status IN (?, ?) ORDER BY perm_id",
            (OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED),
        )
        return [OrderRecord.model_validate_json(row[0]) for row in rows]

    def completed_orders(self, since: datetime) -> list[OrderRecord]:
        """Orders that reached their end at or after ``since``, oldest first.

        What the API has been made to forget (``forget_day``) is left out.
        """
        rows = self._db.execute(
            "SELECT record FROM orders WHERE status NOT IN (?, ?)"
            " AND json_extract(record, '$.completed_at') >= ?"
            " AND (SELECT max(sequence) FROM order_events AS e"
            " WHERE e.perm_id = orders.perm_id) > ?"
            " ORDER BY perm_id",
            (
                OrderStatus.PRE_SUBMITTED,
                OrderStatus.SUBMITTED,
                # Records write UTC with a Z: the bare second sorts before all of its instants.
                f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
                self._forgotten("order_events"),
            ),
        )
        return [OrderRecord.model_validate_json(row[0]) for row in rows]

    def order(self, perm_id: int) -> OrderRecord | None:
        row = self._db.execute("SELECT record FROM orders WHERE perm_id = ?", (perm_id,)).fetchone()
        return OrderRecord.model_validate_json(row[0]) if row else None

    def order_of(self, client_id: int, order_id: int) -> OrderRecord | None:
        row = self._db.execute(
            "SELECT record FROM orders WHERE client_id = ? AND order_id = ?", (client_id, order_id)
        ).fetchone()
        return OrderRecord.model_validate_json(row[0]) if row else None

    def executions(
        self, order_ref: str | None = None, since: datetime | None = None
    ) -> list[ExecutionRecord]:
        """Every execution, oldest first; of one orderRef, or at or after a time, if given."""
        query, args = "SELECT record FROM executions WHERE 1", []
        if order_ref is not None:
            query, args = query + " AND order_ref = ?", [*args, order_ref]
        if since is not None:
            query, args = query + " AND at >= ?", [*args, since.isoformat()]
        rows = self._db.execute(f"{query} ORDER BY sequence", args)
        return [ExecutionRecord.model_validate_json(row[0]) for row in rows]

    def visible_executions(self, since: datetime) -> list[ExecutionRecord]:
        """What the API still knows of the executions at or after ``since``."""
        rows = self._db.execute(
            "SELECT record FROM executions WHERE at >= ? AND sequence > ? ORDER BY sequence",
            (since.isoformat(), self._forgotten("executions")),
        )
        return [ExecutionRecord.model_validate_json(row[0]) for row in rows]

    def effective_executions(self, order_ref: str | None = None) -> list[ExecutionRecord]:
        """The latest revision of each execution, without those that were busted."""
        latest = {execution_root(e.exec_id): e for e in self.executions(order_ref)}
        return [execution for execution in latest.values() if execution.quantity]

    def forget_day(self) -> None:
        """Hide every completed order and execution so far from the API, for good.

        They stay on record here.
        """
        for table in ("order_events", "executions"):
            query = f"SELECT coalesce(max(sequence), 0) FROM {table}"  # noqa: S608  # nosec B608
            self.put(f"forgotten {table}", str(self._db.execute(query).fetchone()[0]))

    def _forgotten(self, table: str) -> int:
        return int(self.get(f"forgotten {table}") or 0)

    def faults(self, kind: str | None = None) -> list[FaultEvent]:
        """The faults that struck, in their order."""
        where, args = ("", ()) if kind is None else (" WHERE kind = ?", (kind,))
        rows = self._db.execute(f"SELECT * FROM faults{where} ORDER BY sequence", args)  # noqa: S608  # nosec B608
        names = list(FaultEvent.model_fields)
        return [FaultEvent.model_validate(dict(zip(names, row, strict=True))) for row in rows]

    def append_fault(
        self, kind: str, at: datetime, detail: str = "", client_id: int | None = None
    ) -> None:
        self._db.execute(
            "INSERT INTO faults (at, kind, detail, client_id) VALUES (?, ?, ?, ?)",
            (at.isoformat(), kind, detail, client_id),
        )

    def events(self, order_ref: str | None = None) -> list[OrderEvent]:
        """The history of orders in the order it happened."""
        where, args = ("", ()) if order_ref is None else (" WHERE order_ref = ?", (order_ref,))
        rows = self._db.execute(f"SELECT * FROM order_events{where} ORDER BY sequence", args)  # noqa: S608  # nosec B608
        names = list(OrderEvent.model_fields)
        return [OrderEvent.model_validate(dict(zip(names, row, strict=True))) for row in rows]

    def accounts(self) -> list[AccountRecord]:
        rows = self._db.execute("SELECT record FROM accounts ORDER BY account")
        return [AccountRecord.model_validate_json(row[0]) for row in rows]

    def next_order_id(self) -> int:
        """One more than any order id a client has used."""
        row = self._db.execute("SELECT max(order_id) FROM orders WHERE order_id > 0").fetchone()
        return (row[0] or 0) + 1

    def highest_order_ids(self) -> dict[int, int]:
        """The largest order id each client has used."""
        rows = self._db.execute("SELECT client_id, max(order_id) FROM orders GROUP BY client_id")
        return dict(rows.fetchall())

    def orders_in_groups(self) -> list[OrderRecord]:
        """Every order of a one-cancels-all group that has traded."""
        rows = self._db.execute(
            "SELECT record FROM orders WHERE json_extract(record, '$.terms.oca_group') <> ''"
            " AND json_extract(record, '$.filled') <> '0'"
        )
        return [OrderRecord.model_validate_json(row[0]) for row in rows]

    def next_manual_order_id(self) -> int:
        """One below any order id given to what was entered by hand: these are negative."""
        row = self._db.execute("SELECT min(order_id) FROM orders").fetchone()
        return min(row[0] or 0, 0) - 1

    def next_perm_id(self, first: int) -> int:
        row = self._db.execute("SELECT max(perm_id) FROM orders").fetchone()
        return first if row[0] is None else row[0] + 1

    def execution_count(self) -> int:
        return self._db.execute("SELECT count(*) FROM executions").fetchone()[0]

    def get(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def put(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def save_order(self, order: OrderRecord, kind: str, at: datetime, detail: str = "") -> None:
        """Record where an order stands and append the step to its history."""
        self._db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (perm_id) DO UPDATE SET"
            " order_ref = excluded.order_ref, status = excluded.status, record = excluded.record",
            (
                order.perm_id,
                order.client_id,
                order.order_id,
                order.order_ref,
                order.status,
                order.model_dump_json(),
            ),
        )
        self._db.execute(
            "INSERT INTO order_events (perm_id, order_ref, at, kind, status, filled, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                order.perm_id,
                order.order_ref,
                at.isoformat(),
                kind,
                order.status,
                str(order.filled),
                detail,
            ),
        )

    def append_execution(self, execution: ExecutionRecord) -> None:
        self._db.execute(
            "INSERT INTO executions (exec_id, perm_id, order_ref, at, record)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                execution.exec_id,
                execution.perm_id,
                execution.order_ref,
                execution.at.isoformat(),
                execution.model_dump_json(),
            ),
        )

    def append_lifecycle(self, event: LifecycleEvent) -> None:
        self._db.execute(
            "INSERT INTO lifecycle (at, kind, account, record) VALUES (?, ?, ?, ?)",
            (event.at.isoformat(), event.kind, event.account, event.model_dump_json()),
        )

    def lifecycle(self, kind: str | None = None) -> list[LifecycleEvent]:
        """What has changed accounts without orders, oldest first; of one kind if given."""
        where, args = ("", ()) if kind is None else (" WHERE kind = ?", (kind,))
        rows = self._db.execute(f"SELECT record FROM lifecycle{where} ORDER BY sequence", args)  # noqa: S608  # nosec B608
        return [LifecycleEvent.model_validate_json(row[0]) for row in rows]

    def save_account(self, account: AccountRecord) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?)",
            (account.account, account.model_dump_json()),
        )

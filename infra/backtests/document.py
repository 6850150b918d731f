"""A finished backtest as one document, and the tables it can be given out as.

The document is gzipped JSON, made once where the backtest ran and kept whole; CSV files and the
report are always made from it, so they cannot disagree. Decimals are text, times ISO 8601 in UTC,
what is not finite is null. Equal results give equal bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from domain.backtest.results import (
    BacktestResult,
    Denial,
    EquityCurve,
    Event,
    Fill,
    Skip,
    Trade,
)
from domain.instruments import plain
from domain.ports.backtests import BacktestRequest

VERSION = 1
_DERIVED = {Trade: ("credit", "return_on_risk"), Fill: ("cash",)}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of JSON values under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def column(self, name: str) -> list[Any]:
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def csv(self) -> str:
        """As RFC 4180 with a header; what is not known is empty."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()


class TableName(StrEnum):
    EQUITY = "equity"
    TRADES = "trades"
    FILLS = "fills"
    EVENTS = "events"
    DENIALS = "denials"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    description: str
    equity: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class BacktestDocument:
    """All of a finished backtest."""

    title: str
    strategy: str
    request: Mapping[str, Any]
    data_label: str
    data_digest: str
    result_digest: str
    stats: Mapping[str, Any]
    tables: Mapping[TableName, Table]
    benchmarks: tuple[Benchmark, ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...]

    def table(self, name: TableName) -> Table:
        return self.tables[name]

    def packed(self) -> bytes:
        content = {
            "version": VERSION,
            "tables": {
                name.value: {"columns": table.columns, "rows": table.rows}
                for name, table in self.tables.items()
            },
            "benchmarks": [[each.name, each.description, each.equity] for each in self.benchmarks],
            **{name: getattr(self, name) for name in _PLAIN_FIELDS},
        }
        return gzip.compress(orjson.dumps(content), compresslevel=6, mtime=0)

    @classmethod
    def unpacked(cls, packed: bytes) -> BacktestDocument:
        content = orjson.loads(gzip.decompress(packed))
        return cls(
            tables={
                TableName(name): Table(tuple(table["columns"]), tuple(map(tuple, table["rows"])))
                for name, table in content["tables"].items()
            },
            benchmarks=tuple(
                Benchmark(name, description, tuple(equity))
                for name, description, equity in content["benchmarks"]
            ),
            errors=tuple(content["errors"]),
            notes=tuple(content["notes"]),
            **{name: content[name] for name in _PLAIN_FIELDS if name not in ("errors", "notes")},
        )


_PLAIN_FIELDS = tuple(
    each.name for each in fields(BacktestDocument) if each.name not in ("tables", "benchmarks")
)


def document_of(
    request: BacktestRequest, result: BacktestResult, data_digest: str
) -> BacktestDocument:
    """``result`` as a document; its figures are those of the result, unrounded."""
    return BacktestDocument(
        title=request.title,
        strategy=result.strategy,
        request=request.engine().model_dump(mode="json"),
        data_label=result.label,
        data_digest=data_digest,
        result_digest=result.digest,
        stats=as_json(result.stats),
        tables={
            TableName.EQUITY: _curve(result.curve),
            TableName.TRADES: _table(Trade, result.trades),
            TableName.FILLS: _table(Fill, result.fills),
            TableName.EVENTS: _table(Event, result.events),
            TableName.DENIALS: _table(Denial, result.denials),
            TableName.SKIPPED: _table(Skip, result.skipped),
        },
        benchmarks=tuple(
            Benchmark(each.name, each.description, tuple(as_json(each.equity)))
            for each in result.benchmarks
        ),
        errors=tuple(result.errors),
        notes=tuple(result.notes),
    )


def as_json(value: Any) -> Any:
    """``value`` in JSON's own terms: decimals as text, what is not finite as None."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case StrEnum():
            return value.value
        case None | str() | bool() | int():
            return value
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Mapping():
            return {str(as_json(key)): as_json(each) for key, each in value.items()}
        case Iterable():
            return [as_json(each) for each in value]
        case _:
            return _number(value)


def _number(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    item = getattr(value, "item", None)
    return as_json(item()) if item is not None else str(value)


def _curve(curve: EquityCurve) -> Table:
    names = tuple(each.name for each in fields(EquityCurve))
    columns: Sequence[Sequence[Any]] = [getattr(curve, name) for name in names]
    rows = tuple(tuple(as_json(each) for each in row) for row in zip(*columns, strict=True))
    return Table(names, rows)


def _table(kind: type[NamedTuple], records: Iterable[Any]) -> Table:
    own: tuple[str, ...] = kind._fields
    derived = _DERIVED.get(kind, ())  # type: ignore[call-overload]
    rows = tuple(
        tuple(as_json(getattr(record, name)) for name in (*own, *derived)) for record in records
    )
    return Table((*own, *derived), rows)

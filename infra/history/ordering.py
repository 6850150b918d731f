"""Rows of all files in one order, each contract under its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from domain.backtest.recorded import OptionClass, contract_numbers
from domain.expiration import SettlementTime, settlement_time
from domain.market import BoolArray, FloatArray, IntArray
from infra.history.canonical import HistoryError, Span
from infra.history.encoding import Encoded, encode
from infra.history.reading import Reading, batches, read_tables
from infra.history.times import Times

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Rows:
    """Every row by moment and contract; ``at`` in microseconds since 1970-01-01 UTC.

    ``option_class`` counts from 1 in the classes; ``listed`` is the expiry as recorded, ``expiry``
    the last trading day, both in days since 1970-01-01.
    """

    at: IntArray
    con_id: IntArray
    option_class: IntArray
    expiry: IntArray
    listed: IntArray
    is_call: BoolArray
    floats: dict[str, FloatArray]

    def taken(self, rows: IntArray | BoolArray) -> Rows:
        """These rows in their order. Each float column of this object is given up for its
        successor: there is no memory for a second copy of a long history."""
        floats = self.floats
        return Rows(
            self.at[rows],
            self.con_id[rows],
            self.option_class[rows],
            self.expiry[rows],
            self.listed[rows],
            self.is_call[rows],
            {name: floats.pop(name)[rows] for name in list(floats)},
        )


@dataclass(frozen=True)
class OrderedRows:
    """``classes`` by underlying, name and multiplier; ``layouts`` as they were recognised."""

    rows: Rows
    classes: tuple[OptionClass, ...]
    layouts: tuple[str, ...]


def read_rows(files: Sequence[Path], how: Reading, span: Span, times: Times) -> OrderedRows:
    """Every row of ``files`` within ``span``, none left out; HistoryError where there is none."""
    encoded = _encoded(files, how, span, times)
    if not any(len(part) for part in encoded.at):
        where = " in the span asked for" if span != Span() else ""
        others = f", nor have the {len(files) - 1} files beside it" if len(files) > 1 else ""
        raise HistoryError(files[0], f"has no rows{where}{others}")
    classes = sorted(encoded.classes, key=lambda c: (c.underlying, c.name, c.multiplier))
    renumbered = np.zeros(len(classes) + 1, dtype=np.int64)
    for number, option_class in enumerate(classes, start=1):
        renumbered[encoded.classes[option_class]] = number
    option_class = _joined(encoded.option_class)
    if (np.diff(renumbered) != 1).any():
        option_class = renumbered[option_class]
    at, listed, is_call = (
        _joined(encoded.at),
        _joined(encoded.listed),
        _joined(encoded.is_call),
    )
    floats = {name: _joined(parts) for name, parts in encoded.floats.items()}
    expiry = _last_trading_days(listed, option_class, classes, times)
    try:
        con_id = contract_numbers(option_class, expiry, floats["strike"], is_call)
    except ValueError as error:
        raise HistoryError(files[0], str(error)) from None
    rows = Rows(at, con_id, option_class, expiry, listed, is_call, floats)
    return OrderedRows(_ordered(rows), tuple(classes), tuple(encoded.layouts))


def _encoded(files: Sequence[Path], how: Reading, span: Span, times: Times) -> Encoded:
    together = batches(files)
    try:
        return _of_batches(together, how, span, times)
    except HistoryError:
        if len(together) == len(files):
            raise
        return _of_batches([[file] for file in files], how, span, times)


def _of_batches(parts: Sequence[Sequence[Path]], how: Reading, span: Span, times: Times) -> Encoded:
    encoded = Encoded()
    for part in parts:
        for table in read_tables(part, how, span):
            encode(table, encoded, times, span)
    return encoded


def _ordered(rows: Rows) -> Rows:
    """By moment and contract; what is so already is not copied."""
    at, con_id = rows.at, rows.con_id
    is_later, is_same = at[1:] > at[:-1], at[1:] == at[:-1]
    if (is_later | (is_same & (con_id[1:] >= con_id[:-1]))).all():
        return rows
    return rows.taken(np.lexsort((rows.con_id, rows.at)))


def _last_trading_days(
    listed: IntArray, option_class: IntArray, classes: Sequence[OptionClass], times: Times
) -> IntArray:
    """From expiries as listed: a holiday's, or an old Saturday's, is the session before it, and
    what settles in the morning trades for the last time on the session before that."""
    low = int(listed.min())
    present = np.flatnonzero(np.bincount(listed - low))
    tables = np.zeros((2, int(present[-1]) + 1), dtype=np.int64)
    is_morning = np.array(
        [False] + [settlement_time(each.name) is SettlementTime.AM for each in classes]
    )
    for day in present.tolist():
        tables[0, day] = times.last_session(low + day)
        if is_morning.any():
            tables[1, day] = times.last_session(int(tables[0, day]) - 1)
    if not is_morning.any():
        return tables[0][listed - low]
    return tables[is_morning[option_class].astype(np.int64), listed - low]


def _joined(parts: list[NDArray[Scalar]]) -> NDArray[Scalar]:
    """The parts as one, and ``parts`` empty: their memory is needed for the next column."""
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    parts.clear()
    return whole

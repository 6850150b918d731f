"""Keyset pagination in any order a list allows: a cursor names the last row seen, never a number.

Each list says in its ``Ordering`` what it may be sorted by. Rows that are equal in that come by
their key, so that every order is total: pages neither repeat nor miss a row.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Protocol, TypeVar

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, and_, func, literal, or_
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from infra.db.queries.columns import AnyRow, Rowed

R = TypeVar("R")
C = TypeVar("C", bound=BaseModel)

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 50
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


@dataclass(frozen=True, slots=True)
class PageAsk:
    """Which page of a list: up to ``limit`` rows after ``cursor``, in the order ``sort`` names."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    sort: str | None = None


class Cursor(BaseModel):
    """Base of every list's cursor: what the last row of a page is sorted by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def encode(self) -> str:
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")


def decode_cursor(kind: type[C], text: str | None) -> C | None:
    """The cursor in ``text``. GreenlightError INVALID_INPUT if it is none of this list's."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return kind.model_validate(orjson.loads(raw))
    except (binascii.Error, ValueError, ValidationError) as error:
        raise foreign_cursor() from error


class Rows(Generic[R]):
    """One page of rows, and the cursor to the next if there is more."""

    def __init__(self, rows: Sequence[R], limit: int, cursor_of: Callable[[R], Cursor]) -> None:
        """``rows`` holds up to ``limit + 1``: the extra one only proves that more follows."""
        self.items = list(rows[:limit])
        self.next_cursor = cursor_of(self.items[-1]).encode() if len(rows) > limit else None


class SortCursor(Cursor):
    """The last row's values of what the rows are sorted by, and what that was."""

    sort: str | None = None
    after: list[Any]


@dataclass(frozen=True, slots=True)
class _Step:
    column: ColumnElement[Any]
    descending: bool
    nullable: bool = False

    def ordered(self) -> ColumnElement[Any]:
        directed = self.column.desc() if self.descending else self.column.asc()
        # Only where there can be one: an index of what is never null has no such order.
        return directed.nulls_last() if self.nullable else directed

    def same(self, value: Any) -> ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == self._bound(value)

    def beyond(self, value: Any) -> ColumnElement[bool] | None:
        """What comes after ``value``; None where nothing does, for nulls come last."""
        if value is None:
            return None
        bound = self._bound(value)
        further = self.column < bound if self.descending else self.column > bound
        return or_(further, self.column.is_(None)) if self.nullable else further

    def _bound(self, value: Any) -> ColumnElement[Any]:
        return literal(value, self.column.type)

    def read(self, value: Any) -> Any:
        """A value of a cursor as the column's. Raises ValidationError."""
        if value is None and self.nullable:
            return None
        kind = self.column.type.python_type
        return TypeAdapter(_BOUNDED.get(kind, kind)).validate_python(value)


# What a cursor may hold: nothing that a column could not.
_BOUNDED: dict[type[Any], Any] = {
    datetime: AwareDatetime,
    Decimal: Annotated[Decimal, Field(max_digits=40, decimal_places=20, allow_inf_nan=False)],
    float: Annotated[float, Field(allow_inf_nan=False)],
    int: Annotated[int, Field(ge=-(2**63), lt=2**63)],
    str: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")],
}


class Sortable(Protocol):
    """Names of what a list may be sorted by, and what it is sorted by otherwise."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def default(self) -> str: ...


class Ordering:
    """What a list may be sorted by, and what it is sorted by unless asked for something else."""

    def __init__(
        self,
        key: ColumnElement[Any],
        *default: str,
        nullable: Collection[str] = (),
        **columns: ColumnElement[Any],
    ) -> None:
        """``key`` is unique; ``default`` names columns, ``-`` before one for its end first.

        A column that is the key itself (``created_at``: keys are ordered by time) needs no other.
        ``nullable`` names those that may be null; nulls come last, whatever the direction.
        """
        self._key = key
        self._default = default
        self._nullable = frozenset(nullable)
        self._columns: Mapping[str, ColumnElement[Any]] = columns

    @property
    def names(self) -> tuple[str, ...]:
        """What ``sort`` may say."""
        return tuple(f"{sign}{name}" for name in self._columns for sign in ("", "-"))

    @property
    def default(self) -> str:
        return ", ".join(self._default) or "the order of the queue"

    def steps(self, sort: str | None) -> list[_Step]:
        steps = [self._step(name) for name in ((sort,) if sort else self._default)]
        if all(step.column is not self._key for step in steps):
            steps.append(_Step(self._key, steps[-1].descending))
        return steps

    def _step(self, said: str) -> _Step:
        name = said.removeprefix("-")
        return _Step(self._columns[name], said.startswith("-"), name in self._nullable)


async def _through_session(session: AsyncSession, statement: Rowed) -> Sequence[AnyRow]:
    return (await session.execute(statement)).all()


async def page_rows(
    session: AsyncSession,
    statement: Rowed,
    ordering: Ordering,
    page: PageAsk,
    fetch: Callable[[AsyncSession, Rowed], Awaitable[Sequence[AnyRow]]] = _through_session,
) -> Rows[AnyRow]:
    """One page of ``statement`` in the order asked for. GreenlightError INVALID_INPUT: the cursor.

    Every row has its sorting values, as ``sort_0`` and so on, beside its own columns.
    """
    steps = ordering.steps(page.sort)
    after = decode_cursor(SortCursor, page.cursor)
    if after is not None:
        statement = statement.where(_after(steps, _values(steps, after, page.sort)))
    names = [f"sort_{number}" for number in range(len(steps))]
    statement = statement.add_columns(
        *(step.column.label(name) for step, name in zip(steps, names, strict=True))
    ).order_by(*(step.ordered() for step in steps))
    rows = await fetch(session, statement.limit(page.limit + 1))

    def cursor_of(row: AnyRow) -> Cursor:
        values = [to_jsonable_python(getattr(row, name)) for name in names]
        return SortCursor(sort=page.sort, after=values)

    return Rows(rows, page.limit, cursor_of)


def _values(steps: Sequence[_Step], cursor: SortCursor, sort: str | None) -> list[Any]:
    if cursor.sort != sort or len(cursor.after) != len(steps):
        raise foreign_cursor()
    try:
        return [step.read(value) for step, value in zip(steps, cursor.after, strict=True)]
    except ValidationError as error:
        raise foreign_cursor() from error


def foreign_cursor() -> GreenlightError:
    return GreenlightError(
        ErrorCode.INVALID_INPUT, "the cursor is not one of this list and order", field="cursor"
    )


def _after(steps: Sequence[_Step], values: Sequence[Any]) -> ColumnElement[bool]:
    one_way = len({step.descending for step in steps}) == 1
    if one_way and not any(step.nullable for step in steps):
        # What an index can seek.
        here = func.row(*(step.column for step in steps))
        last = func.row(
            *(literal(value, step.column.type) for step, value in zip(steps, values, strict=True))
        )
        return here < last if steps[0].descending else here > last
    clauses: list[ColumnElement[bool]] = []
    for number, step in enumerate(steps):
        beyond = step.beyond(values[number])
        if beyond is not None:
            same = [each.same(value) for each, value in zip(steps[:number], values, strict=False)]
            clauses.append(and_(*same, beyond))
    return or_(*clauses)

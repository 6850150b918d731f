"""A calendar of earnings dates, brought as a CSV file: IBKR's API gives none for free.

One row per announcement: ``symbol,date[,until]``. ``until`` says until when no other announcement
is to be expected; without it, nothing is known beyond the date itself.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import Frozen
from domain.strategies.base import Symbol
from infra.db.audit import Actor, audit
from infra.db.bulk import upsert
from infra.db.models import EarningsDate
from infra.db.session import engine, sessions
from infra.settings import Settings
from infra.users import COMMAND_LINE

REQUIRED, OPTIONAL = ("symbol", "date"), ("until",)
SHOWN_FAULTS = 20
_SYMBOL = TypeAdapter[str](Symbol)


class EarningsFileError(ValueError):
    """A file that cannot be used: each fault names file, line, column and reason."""

    def __init__(self, faults: Sequence[str]) -> None:
        shown = [*faults[:SHOWN_FAULTS]]
        if len(faults) > SHOWN_FAULTS:
            shown.append(f"and {len(faults) - SHOWN_FAULTS} more")
        super().__init__("\n".join(shown))
        self.faults = tuple(faults)


class Announcement(Frozen):
    symbol: str
    day: date
    known_to: date


async def import_earnings(settings: Settings, path: Path) -> int:
    """Take over a file; how many dates it has. EarningsFileError leaves all as it was."""
    calendar = read_earnings(path)
    database = engine(settings)
    try:
        async with sessions(database).begin() as session:
            await keep_earnings(session, calendar, COMMAND_LINE, path.name)
    finally:
        await database.dispose()
    return len(calendar)


async def keep_earnings(
    session: AsyncSession, calendar: Sequence[Announcement], actor: Actor, source: str
) -> None:
    """Write ``calendar`` over what was known of its symbols from their first date in it on.

    An announcement that was moved is thereby moved; dates before, and other symbols, stay.
    """
    for symbol, days in sorted(_days(calendar).items()):
        await session.execute(
            delete(EarningsDate).where(
                EarningsDate.symbol == symbol,
                EarningsDate.day >= min(days),
                EarningsDate.day.not_in(days),
            )
        )
    written = await upsert(
        session,
        EarningsDate,
        [each.model_dump() for each in calendar],
        key=("symbol", "day"),
        update=("known_to",),
    )
    if written.inserted or written.updated:
        after = {"dates": len(calendar), "new": written.inserted, "changed": written.updated}
        audit(session, actor, "earnings.imported", "earnings_dates", source, after=after)


def read_earnings(path: Path) -> list[Announcement]:
    """The announcements of a file. Raises EarningsFileError with every fault in it."""
    try:
        # utf-8-sig: spreadsheets put a mark at the beginning.
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return _parsed(path, csv.DictReader(lines))
    except UnicodeDecodeError:
        raise EarningsFileError([f"{path}: it is not UTF-8 text"]) from None
    except OSError as error:
        raise EarningsFileError([f"{path}: {error.strerror}"]) from None


def _parsed(path: Path, rows: csv.DictReader[str]) -> list[Announcement]:
    header = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = header
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        wrong = [f"column {name} is missing" for name in missing]
        wrong += [f"column {name} is not known" for name in unknown]
        raise EarningsFileError([f"{path}, line 1: {each}" for each in wrong])
    found: dict[tuple[str, date], Announcement] = {}
    faults: list[str] = []
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        try:
            announced = _announcement(row)
        except _FieldFault as fault:
            faults.append(f"{where}, column {fault.column}: {fault.reason}")
            continue
        if (announced.symbol, announced.day) in found:
            faults.append(f"{where}, column date: {announced.symbol} has this date already")
        found[announced.symbol, announced.day] = announced
    if not found and not faults:
        faults.append(f"{path}: it has no rows")
    if faults:
        raise EarningsFileError(faults)
    return list(found.values())


class _FieldFault(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def _announcement(row: Mapping[str, str | None]) -> Announcement:
    if None in row:
        raise _FieldFault("until", "there are more fields than columns")
    try:
        symbol = _SYMBOL.validate_python((row["symbol"] or "").strip().upper())
    except ValidationError:
        raise _FieldFault("symbol", f"{row['symbol']!r} is no symbol") from None
    day = _date(row, "date")
    known_to = _date(row, "until") if (row.get("until") or "").strip() else day
    if known_to < day:
        raise _FieldFault("until", f"{known_to} is before the date, {day}")
    return Announcement(symbol=symbol, day=day, known_to=known_to)


def _date(row: Mapping[str, str | None], column: str) -> date:
    text = (row[column] or "").strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _FieldFault(column, f"{text!r} is no date (YYYY-MM-DD)") from None


def _days(calendar: Iterable[Announcement]) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    for each in calendar:
        found.setdefault(each.symbol, []).append(each.day)
    return found

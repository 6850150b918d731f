"""Facts about underlyings as they are read: what is due, and keeping what was told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import SecType
from domain.market import decimal_of
from domain.market_facts import DailyHistory
from domain.ports import BrokerContract, FactsDue, FactsReading, IndexLevel
from infra.calendars import exchange_date, trading_calendar
from infra.db.bulk import upsert
from infra.db.instruments import InstrumentBook
from infra.db.models import HistoryDay, Instrument, Quote, UnderlyingFact
from infra.db.session import Sessions

WHOLE_HISTORY = 252
"""Sessions: a year of them is what ranks, averages and betas look at."""
OVERLAP = 5
"""Sessions read again with each reading: closes are corrected, and splits show."""
TRY_AGAIN_AFTER = timedelta(hours=1)
SPLIT_SHOWS = 0.05
"""A close that differs by so much from what was told before is of another number of shares."""
FUNDS = frozenset({"ETF", "ETN", "ETC", "ETP", "CLOSED-END FUND"})
"""IBKR's stock types of what is no company."""
INDEX = "INDEX"
"""Where IBKR has no stock type."""


class PostgresFacts:
    """``domain.ports.FactsStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def facts_due(
        self, symbols: Sequence[str], prices_only: Collection[str], market_at: datetime
    ) -> list[FactsDue]:
        async with self._sessions() as session:
            known = await facts_by_symbol(session, symbols)
        last = trading_calendar().previous_session(market_at).date
        due: list[FactsDue] = []
        for symbol in symbols:
            fact = known.get(symbol)
            wants_volatility = symbol not in prices_only
            if fact is None:
                volatility = WHOLE_HISTORY if wants_volatility else 0
                due.append(
                    FactsDue(
                        symbol=symbol,
                        price_sessions=WHOLE_HISTORY,
                        volatility_sessions=volatility,
                    )
                )
                continue
            prices = _sessions_due(fact.prices_to, last)
            volatility = _sessions_due(fact.volatility_to, last) if wants_volatility else 0
            refused_lately = (
                fact.refused_at is not None and abs(market_at - fact.refused_at) < TRY_AGAIN_AFTER
            )
            if (prices or volatility) and not refused_lately:
                due.append(
                    FactsDue(symbol=symbol, price_sessions=prices, volatility_sessions=volatility)
                )
        return due

    async def save_facts(self, reading: FactsReading, market_at: datetime) -> bool:
        async with self._sessions.begin() as session:
            instrument_id = await InstrumentBook(session).ensure(reading.underlying)
            fact = await session.scalar(
                select(UnderlyingFact)
                .where(UnderlyingFact.instrument_id == instrument_id)
                .with_for_update()
            )
            if fact is None:
                fact = UnderlyingFact(instrument_id=instrument_id)
                session.add(fact)
            _describe(fact, reading, market_at)
            is_split = reading.prices is not None and await _is_split(
                session, instrument_id, reading.prices
            )
            if is_split:
                await _forget_prices(session, fact)
            elif reading.prices is not None:
                await _keep(session, instrument_id, reading.prices, "close", _prices)
                await _keep_opens(session, instrument_id, reading.prices)
                fact.prices_to = _to(reading.prices)
            if reading.volatilities is not None:
                await _keep(session, instrument_id, reading.volatilities, "iv", list)
                fact.volatility_to = _to(reading.volatilities)
        return not is_split

    async def save_level(self, level: IndexLevel) -> None:
        async with self._sessions.begin() as session:
            instrument_id = await InstrumentBook(session).ensure(level.index)
            row = {
                "instrument_id": instrument_id,
                "as_of": level.as_of,
                "quality": level.quality,
                "underlying_price": level.level,
            }
            told = ("as_of", "quality", "underlying_price")
            await upsert(session, Quote, [row], key=("instrument_id",), update=told)


async def facts_by_symbol(
    session: AsyncSession, symbols: Collection[str]
) -> dict[str, UnderlyingFact]:
    """The rows on record of underlyings called so."""
    rows = await session.execute(
        select(Instrument.symbol, UnderlyingFact)
        .join(UnderlyingFact, UnderlyingFact.instrument_id == Instrument.id)
        .where(Instrument.symbol.in_(symbols), Instrument.sec_type != SecType.OPTION)
    )
    return dict(rows.all())


def sector_of(contract: BrokerContract) -> str:
    """IBKR's industry of a company; of funds, which have none, that they are funds."""
    if contract.industry:
        return contract.industry
    return "Funds" if contract.stock_type.upper() in FUNDS else ""


def _describe(fact: UnderlyingFact, reading: FactsReading, market_at: datetime) -> None:
    fact.sector = sector_of(reading.underlying)
    is_index = reading.underlying.sec_type is SecType.INDEX
    fact.stock_type = INDEX if is_index else reading.underlying.stock_type.upper()
    fact.refused_at = None if reading.is_complete else market_at
    if reading.dividends is None:
        return
    announced = reading.dividends.announced
    fact.dividends_read_on = exchange_date(market_at)
    fact.dividend_next_12_months = reading.dividends.next_12_months
    fact.dividend_ex_date = None if announced is None else announced.ex_date
    fact.dividend_amount = None if announced is None else announced.amount


def _sessions_due(read_to: date | None, last: date) -> int:
    """How many sessions to ask for, those read again included; 0 when nothing is missing."""
    if read_to is None:
        return WHOLE_HISTORY
    if read_to >= last:
        return 0
    missing = len(trading_calendar().sessions_between(read_to, last)) - 1
    return min(missing + OVERLAP, WHOLE_HISTORY)


async def _is_split(session: AsyncSession, instrument_id: UUID, told: DailyHistory) -> bool:
    """Whether closes on record are of another number of shares than those told now."""
    rows = await session.scalars(
        select(HistoryDay).where(
            HistoryDay.instrument_id == instrument_id, HistoryDay.day.in_(told.days)
        )
    )
    on_record = {row.day: float(row.close) for row in rows if row.close is not None}
    return any(
        abs(on_record[day] / value - 1) > SPLIT_SHOWS
        for day, value in zip(told.days, told.values, strict=True)
        if day in on_record
    )


async def _forget_prices(session: AsyncSession, fact: UnderlyingFact) -> None:
    """They are due anew, at once; volatility does not change with the number of shares."""
    await session.execute(
        update(HistoryDay)
        .where(HistoryDay.instrument_id == fact.instrument_id)
        .values(close=None, open=None)
    )
    fact.prices_to = fact.refused_at = None


async def _keep(
    session: AsyncSession,
    instrument_id: UUID,
    told: DailyHistory,
    column: str,
    as_stored: Any,
) -> None:
    rows: Iterable[Mapping[str, Any]] = (
        {"instrument_id": instrument_id, "day": day, column: value}
        for day, value in zip(told.days, as_stored(told.values), strict=True)
    )
    await upsert(session, HistoryDay, list(rows), key=("instrument_id", "day"), update=(column,))


async def _keep_opens(session: AsyncSession, instrument_id: UUID, told: DailyHistory) -> None:
    rows = [
        {"instrument_id": instrument_id, "day": day, "open": decimal_of(round(value, 6))}
        for day, value in zip(told.days, told.opens, strict=False)
        if value is not None
    ]
    await upsert(session, HistoryDay, rows, key=("instrument_id", "day"), update=("open",))


def _prices(values: Iterable[float]) -> list[Decimal]:
    return [decimal_of(round(value, 6)) for value in values]


def _to(told: DailyHistory) -> date | None:
    return told.days[-1] if told.days else None

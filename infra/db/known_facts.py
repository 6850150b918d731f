"""Facts about underlyings as strategies and risk are shown them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.corporate_actions import AnnouncedDividend
from domain.instruments import SecType
from domain.market_facts import DividendOutlook, beta, dividends_ahead
from domain.underlyings import ComingDividend, UnderlyingFacts
from infra.calendars import exchange_date
from infra.db.facts import FUNDS, INDEX, facts_by_symbol
from infra.db.models import EarningsDate, HistoryDay, Instrument, Quote, UnderlyingFact

BROAD_MARKET, ITS_FUND, VIX = "SPX", "SPY", "VIX"
NO_EARNINGS = FUNDS | {INDEX}
NEVER_ANNOUNCES_FOR = timedelta(days=365)
VIX_FRESH_FOR = timedelta(minutes=15)
_EPOCH = date(1970, 1, 1)


async def known_facts(
    session: AsyncSession, symbols: Collection[str], as_of: datetime
) -> dict[str, UnderlyingFacts]:
    """What is on record of each symbol at market time ``as_of``; one never read is absent."""
    today = exchange_date(as_of)
    known = await facts_by_symbol(session, {*symbols, BROAD_MARKET, ITS_FUND})
    histories = await _histories(session, [fact.instrument_id for fact in known.values()], today)
    earnings = await _earnings(session, symbols)
    market = known.get(BROAD_MARKET) or known.get(ITS_FUND)
    market_history = None if market is None else histories.get(market.instrument_id)
    found: dict[str, UnderlyingFacts] = {}
    for symbol in symbols:
        fact = known.get(symbol)
        if fact is None:
            continue
        history = histories.get(fact.instrument_id, _NO_HISTORY)
        dividends, dividends_known_to = _dividends(fact, today)
        next_earnings, earnings_known_to = _next_earnings(earnings[symbol], fact, today)
        found[symbol] = UnderlyingFacts(
            symbol=symbol,
            as_of=as_of,
            sessions=history.sessions,
            close=history.close,
            iv=history.iv,
            next_earnings=next_earnings,
            earnings_known_to=earnings_known_to,
            dividends=dividends,
            dividends_known_to=dividends_known_to,
            sector=fact.sector or None,
            beta=None if market_history is None else history.beta_to(market_history),
        )
    return found


async def vix_level(session: AsyncSession, as_of: datetime) -> float | None:
    """The VIX as quoted around ``as_of`` (market time); None when it was not."""
    quoted = await session.scalar(
        select(Quote)
        .join(Instrument, Instrument.id == Quote.instrument_id)
        .where(Instrument.symbol == VIX, Instrument.sec_type == SecType.INDEX)
    )
    if quoted is None or quoted.underlying_price is None:
        return None
    if abs(as_of - quoted.as_of) > VIX_FRESH_FOR:
        return None
    return float(quoted.underlying_price)


class _History:
    """Columns of one underlying's past: shape (sessions,) each, ascending."""

    def __init__(self, days: Iterable[HistoryDay]) -> None:
        rows = [(d.day, d.close, d.iv) for d in days if d.close is not None]
        self.sessions = np.array([(day - _EPOCH).days for day, _, _ in rows], dtype=np.int64)
        self.close = np.array([float(close) for _, close, _ in rows], dtype=np.float64)
        self.iv = np.array([np.nan if iv is None else iv for _, _, iv in rows], dtype=np.float64)

    def beta_to(self, market: _History) -> float | None:
        return beta(self.sessions, self.close, market.sessions, market.close)


_NO_HISTORY = _History(())


async def _histories(
    session: AsyncSession, instrument_ids: Collection[UUID], today: date
) -> dict[UUID, _History]:
    rows = await session.scalars(
        select(HistoryDay)
        .where(
            HistoryDay.instrument_id.in_(instrument_ids),
            HistoryDay.day < today,
            HistoryDay.day >= today - timedelta(days=2 * 365),
        )
        .order_by(HistoryDay.instrument_id, HistoryDay.day)
    )
    by_instrument = groupby(rows, key=lambda row: row.instrument_id)
    return {instrument_id: _History(days) for instrument_id, days in by_instrument}


async def _earnings(
    session: AsyncSession, symbols: Collection[str]
) -> Mapping[str, list[EarningsDate]]:
    rows = await session.scalars(
        select(EarningsDate).where(EarningsDate.symbol.in_(symbols)).order_by(EarningsDate.day)
    )
    found: defaultdict[str, list[EarningsDate]] = defaultdict(list)
    for row in rows:
        found[row.symbol].append(row)
    return found


def _next_earnings(
    dates: Collection[EarningsDate], fact: UnderlyingFact, today: date
) -> tuple[date | None, date | None]:
    """The next announcement, and until when nothing else is to be expected."""
    if not dates and fact.stock_type in NO_EARNINGS:
        return None, today + NEVER_ANNOUNCES_FOR
    ahead = [each.day for each in dates if each.day >= today]
    known_to = max((each.known_to for each in dates), default=None)
    # A calendar that has run out says nothing of today.
    if known_to is None or known_to < today:
        return None, None
    return (min(ahead) if ahead else None), known_to


def _dividends(fact: UnderlyingFact, today: date) -> tuple[tuple[ComingDividend, ...], date | None]:
    if fact.dividends_read_on is None:
        return (), None
    announced = None
    if fact.dividend_ex_date is not None and fact.dividend_amount:
        announced = AnnouncedDividend(
            con_id=0, ex_date=fact.dividend_ex_date, amount=fact.dividend_amount
        )
    outlook = DividendOutlook(next_12_months=fact.dividend_next_12_months, announced=announced)
    coming, known_to = dividends_ahead(outlook, fact.dividends_read_on)
    return tuple(each for each in coming if each.ex_date >= today), known_to

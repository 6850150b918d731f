"""What the decision card says of a recommendation's future, and of those like it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.instruments import Right, SecType, Settlement
from domain.market import Quote as MarketQuote
from domain.market import QuoteQuality
from domain.recommendations import RecommendationState, Terms
from domain.risk.outlook import Basis
from domain.risk.own_margin import QuotedTrade
from infra.db.accounts import market_quote
from infra.db.models import (
    IbkrContract,
    Instrument,
    Order,
    Quote,
    Recommendation,
)
from infra.db.queries.columns import AnyRow, Rowed
from infra.db.queries.viewer import Viewer

MOST_SIMILAR = 8


@dataclass(frozen=True, slots=True)
class Offered:
    """A visible recommendation's terms, and whose they are."""

    terms: Terms
    metrics: dict[str, Any]
    """Of the opportunity it was made of."""
    account_id: UUID
    instance_id: UUID
    instrument_id: UUID


@dataclass(frozen=True, slots=True)
class Market:
    """The trade at the latest quotes, and the moment of the oldest of them (market time)."""

    trade: QuotedTrade
    as_of: datetime
    is_live: bool
    """Whether every leg has been quoted since the proposal; else the proposal's own quote."""


async def offered(session: AsyncSession, viewer: Viewer, recommendation_id: UUID) -> Offered | None:
    statement: Rowed = select(
        Recommendation.terms,
        Recommendation.metrics,
        Recommendation.broker_account_id,
        Recommendation.strategy_instance_id,
        Recommendation.instrument_id,
    ).where(
        Recommendation.id == recommendation_id,
        viewer.sees(Recommendation.broker_account_id),
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    return Offered(
        Terms.model_validate(row.terms),
        row.metrics,
        row.broker_account_id,
        row.strategy_instance_id,
        row.instrument_id,
    )


async def market_of(session: AsyncSession, terms: Terms) -> Market:
    """The legs at their latest quotes; those of the proposal where the desk has none."""
    under = aliased(Instrument)
    rows = await session.execute(
        select(IbkrContract.con_id, Quote, under.sec_type)
        .join(Instrument, Instrument.id == IbkrContract.instrument_id)
        .outerjoin(Quote, Quote.instrument_id == Instrument.id)
        .outerjoin(under, under.id == Instrument.underlying_id)
        .where(IbkrContract.con_id.in_([leg.contract.con_id for leg in terms.legs]))
    )
    known: dict[int, tuple[Quote | None, SecType | None]] = {
        con_id: (quote, kind) for con_id, quote, kind in rows
    }
    quotes: list[MarketQuote] = []
    is_live = True
    for leg in terms.legs:
        row, _ = known.get(leg.contract.con_id, (None, None))
        if row is not None and row.underlying_price is not None:
            quotes.append(market_quote(row))
        else:
            is_live = False
            quotes.append(_as_proposed(terms))
    is_index = any(kind is SecType.INDEX for _, kind in known.values())
    settlement = Settlement.CASH if is_index else Settlement.PHYSICAL
    trade = QuotedTrade(terms.legs, quotes, terms.quantity, settlement)
    as_of = min(quote.as_of for quote in quotes)
    return Market(trade, as_of, is_live)


def _as_proposed(terms: Terms) -> MarketQuote:
    """Of a package only its net price was recorded: its legs then have no price of their own."""
    is_one = not terms.is_package
    return MarketQuote(
        bid=terms.reference_bid if is_one else None,
        ask=terms.reference_ask if is_one else None,
        underlying_price=terms.reference_underlying_price,
        quality=QuoteQuality.LIVE,
        as_of=terms.quoted_at,
    )


def basis_of(wanted: Offered) -> Basis | None:
    """What its return was reckoned from; None where a record does not tell."""
    mid, breakeven = wanted.metrics.get("mid"), wanted.metrics.get("breakeven")
    if mid is None or breakeven is None:
        return None
    premium = Decimal(str(mid))
    # A call is only ever written on shares: it breaks even where they have paid for themselves.
    is_call = wanted.terms.contract.right is Right.CALL
    return Basis(premium=premium, share_cost=Decimal(str(breakeven)) + premium if is_call else None)


def net_market(terms: Terms, market: Market) -> tuple[Decimal | None, Decimal | None]:
    """Bid and ask of the whole trade, a package's net as its terms word it."""
    bid, ask = Decimal(0), Decimal(0)
    if not terms.is_package:
        quote = market.trade.quotes[0]
        return quote.bid, quote.ask
    for leg, quote in zip(terms.legs, market.trade.quotes, strict=True):
        if quote.bid is None or quote.ask is None:
            return None, None
        near, far = (quote.bid, quote.ask) if leg.side.sign > 0 else (-quote.ask, -quote.bid)
        bid, ask = bid + leg.ratio * near, ask + leg.ratio * far
    return bid, ask


async def similar(
    session: AsyncSession, viewer: Viewer, recommendation_id: UUID, wanted: Offered
) -> Sequence[AnyRow]:
    """Earlier ones of the same strategy on the same underlying, newest first."""
    average = (
        select(Order.average_price)
        .where(Order.recommendation_id == Recommendation.id, Order.average_price.isnot(None))
        .order_by(Order.attempt.desc())
        .limit(1)
        .scalar_subquery()
        .label("average_price")
    )
    statement: Rowed = (
        select(
            Recommendation.id,
            Recommendation.state,
            Recommendation.summary,
            Recommendation.proposed_at,
            Recommendation.limit_price,
            Recommendation.reason,
            average,
        )
        .join(Instrument, Instrument.id == Recommendation.instrument_id)
        .where(
            viewer.sees(Recommendation.broker_account_id),
            Recommendation.broker_account_id == wanted.account_id,
            Recommendation.strategy_instance_id == wanted.instance_id,
            Recommendation.action == wanted.terms.action,
            Instrument.symbol == wanted.terms.contract.symbol,
            Recommendation.id < recommendation_id,
            # One that was replaced before anybody looked says nothing.
            Recommendation.state != RecommendationState.SUPERSEDED,
        )
        .order_by(Recommendation.id.desc())
        .limit(MOST_SIMILAR)
    )
    return (await session.execute(statement)).all()

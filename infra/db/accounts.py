"""An account's state, built from what was last ingested."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.corporate_actions import CorporateActionKind
from domain.errors import ErrorCode, GreenlightError
from domain.instruments import OptionContract, SecType, Settlement
from domain.market import Quote as MarketQuote
from domain.portfolio import AccountState, AccountValues, PositionState, UnderlyingState
from domain.portfolio import build_account_state as build
from domain.risk.valuation import with_greeks
from domain.underlyings import ComingDividend, UnderlyingFacts
from infra.calendars import exchange_date
from infra.db.known_facts import BROAD_MARKET, ITS_FUND, known_facts
from infra.db.models import (
    AccountSnapshot,
    BrokerAccount,
    CorporateAction,
    Gateway,
    IbkrContract,
    Instrument,
    Position,
    Quote,
)
from infra.db.session import Sessions


async def build_account_state(sessions: Sessions, broker_account_id: UUID) -> AccountState:
    """The account as last ingested; see ``account_state``."""
    async with sessions() as session:
        return await account_state(session, broker_account_id)


async def account_state(session: AsyncSession, broker_account_id: UUID) -> AccountState:
    """Values and positions of one account, with quotes, greeks and the underlyings' facts.

    Raises GreenlightError NOT_FOUND for an account that is not set up and ACCOUNT_STALE for one
    that was never ingested. ``values.as_of`` tells how old the figures are.
    """
    account = await session.get(BrokerAccount, broker_account_id)
    if account is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such account")
    snapshot = await session.scalar(
        select(AccountSnapshot)
        .where(AccountSnapshot.broker_account_id == broker_account_id)
        .order_by(AccountSnapshot.as_of.desc())
        .limit(1)
    )
    if snapshot is None:
        raise GreenlightError(
            ErrorCode.ACCOUNT_STALE, f"account {account.code} has not been ingested yet"
        )
    values = _values(account.code, snapshot, account.snapshot_synced_at or snapshot.as_of)
    holdings = await read_holdings(session, account, values)
    # Beside the event loop: a large account takes a while, and a first one loads the library.
    return await asyncio.to_thread(with_greeks, holdings)


async def read_holdings(
    session: AsyncSession, account: BrokerAccount, values: AccountValues
) -> AccountState:
    """The account's positions with the latest look at their markets and underlyings."""
    underlying, spot = aliased(Instrument), aliased(Quote)
    rows = await session.execute(
        select(Position, Instrument, IbkrContract.con_id, Quote, underlying.sec_type)
        .join(Instrument, Instrument.id == Position.instrument_id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .outerjoin(Quote, Quote.instrument_id == Instrument.id)
        .outerjoin(underlying, underlying.id == Instrument.underlying_id)
        .where(Position.broker_account_id == account.id)
    )
    positions = [_position(*row) for row in rows]
    held = await session.execute(
        select(underlying, spot)
        .outerjoin(spot, spot.instrument_id == underlying.id)
        .where(
            underlying.id.in_(
                select(func.coalesce(Instrument.underlying_id, Instrument.id))
                .join(Position, Position.instrument_id == Instrument.id)
                .where(Position.broker_account_id == account.id)
            )
        )
    )
    known = [(instrument, quote) for instrument, quote in held]
    dividends = await _coming_dividends(session, [each.id for each, _ in known], values.as_of)
    facts = await known_facts(session, {each.symbol for each, _ in known}, values.as_of)
    state = build(
        values,
        positions,
        [
            _underlying(each, quote, facts.get(each.symbol), dividends.get(each.id, ()))
            for each, quote in known
        ],
    )
    return state.model_copy(update={"benchmark": await _benchmark(session)})


async def _benchmark(session: AsyncSession) -> UnderlyingState | None:
    """The S&P 500, else a fund on it, at its latest price; None while neither has one."""
    rows = await session.execute(
        select(Instrument, Quote)
        .join(Quote, Quote.instrument_id == Instrument.id)
        .where(
            Instrument.symbol.in_((BROAD_MARKET, ITS_FUND)),
            Instrument.sec_type != SecType.OPTION,
            Quote.underlying_price.is_not(None),
        )
    )
    priced = {instrument.symbol: (instrument, quote) for instrument, quote in rows}
    found = priced.get(BROAD_MARKET) or priced.get(ITS_FUND)
    return None if found is None else _underlying(*found, None, ())


async def lock_account(session: AsyncSession, gateway: str, code: str) -> BrokerAccount:
    """The account's row, locked until the transaction ends; LookupError where it is not set up."""
    account = await session.scalar(
        select(BrokerAccount)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .where(Gateway.slug == gateway, BrokerAccount.code == code)
        .with_for_update(of=BrokerAccount)
    )
    if account is None:
        raise LookupError(f"account {code} is not set up on gateway {gateway}")
    return account


def _values(code: str, snapshot: AccountSnapshot, as_of: datetime) -> AccountValues:
    return AccountValues(
        account_code=code,
        currency=snapshot.currency,
        net_liquidation=snapshot.net_liquidation,
        cash=snapshot.cash,
        equity_with_loan=snapshot.equity_with_loan,
        buying_power=snapshot.buying_power,
        available_funds=snapshot.available_funds,
        excess_liquidity=snapshot.excess_liquidity,
        init_margin=snapshot.init_margin,
        maint_margin=snapshot.maint_margin,
        gross_position_value=snapshot.gross_position_value,
        as_of=as_of,
    )


def option_of(instrument: Instrument, con_id: int) -> OptionContract | None:
    """The option an instrument row describes; None for an underlying."""
    if instrument.sec_type is not SecType.OPTION:
        return None
    assert instrument.expiry is not None
    assert instrument.strike is not None
    assert instrument.right is not None
    return OptionContract(
        symbol=instrument.symbol,
        trading_class=instrument.trading_class or instrument.symbol,
        expiry=instrument.expiry,
        strike=_trimmed(instrument.strike),
        right=instrument.right,
        multiplier=_trimmed(instrument.multiplier),
        currency=instrument.currency,
        con_id=con_id,
    )


def _trimmed(value: Decimal) -> Decimal:
    """A stored number without the column's trailing zeros: 560, not 560.000000."""
    return value.normalize() + Decimal(0)


def _position(
    position: Position,
    instrument: Instrument,
    con_id: int,
    quote: Quote | None,
    underlying_type: SecType | None,
) -> PositionState:
    return PositionState(
        key=instrument.key,
        description=str(instrument),
        symbol=instrument.symbol,
        currency=instrument.currency,
        sec_type=instrument.sec_type,
        option=option_of(instrument, con_id),
        settlement=Settlement.CASH if underlying_type is SecType.INDEX else Settlement.PHYSICAL,
        quantity=position.quantity,
        average_cost=position.average_cost,
        multiplier=instrument.multiplier,
        market_price=position.market_price,
        market_value=position.market_value,
        unrealized_pnl=position.unrealized_pnl,
        daily_pnl=position.daily_pnl,
        delta=None if quote is None else quote.delta,
        quote=None if quote is None else market_quote(quote),
        open_interest=None if quote is None else quote.open_interest,
    )


def market_quote(row: Quote) -> MarketQuote:
    return MarketQuote(
        bid=row.bid,
        ask=row.ask,
        underlying_price=row.underlying_price,
        iv=row.iv,
        delta=row.delta,
        quality=row.quality,
        grade=row.grade,
        forward=row.forward,
        rate=row.rate,
        as_of=row.as_of,
    )


def _underlying(
    instrument: Instrument,
    quote: Quote | None,
    facts: UnderlyingFacts | None,
    announced: Sequence[ComingDividend],
) -> UnderlyingState:
    """Dividends are those of the facts, else those the broker announced on their own."""
    return UnderlyingState(
        symbol=instrument.symbol,
        is_index=instrument.sec_type is SecType.INDEX,
        price=None if quote is None else quote.underlying_price,
        quality=None if quote is None else quote.quality,
        as_of=None if quote is None else quote.as_of,
        sector=None if facts is None else facts.sector,
        beta=None if facts is None else facts.beta,
        dividends=tuple(facts.dividends if facts is not None and facts.dividends else announced),
        dividends_known_to=None if facts is None else facts.dividends_known_to,
    )


async def _coming_dividends(
    session: AsyncSession, instrument_ids: Sequence[UUID], at: datetime
) -> dict[UUID, list[ComingDividend]]:
    """Announced dividends whose ex-date lies ahead, by instrument and in their order."""
    rows = await session.execute(
        select(CorporateAction.instrument_id, CorporateAction.ex_date, CorporateAction.amount)
        .where(
            CorporateAction.instrument_id.in_(instrument_ids),
            CorporateAction.kind == CorporateActionKind.DIVIDEND,
            CorporateAction.ex_date > exchange_date(at),
            CorporateAction.amount > 0,
        )
        .order_by(CorporateAction.ex_date)
    )
    coming: dict[UUID, list[ComingDividend]] = {}
    for instrument_id, ex_date, amount in rows:
        if amount is not None:
            dividend = ComingDividend(ex_date=ex_date, amount=amount)
            coming.setdefault(instrument_id, []).append(dividend)
    return coming

"""An account's state, built from what was last ingested."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import OptionContract, SecType, Settlement
from domain.portfolio import AccountState, AccountValues, PositionState
from domain.portfolio import build_account_state as build
from infra.db.models import (
    AccountSnapshot,
    BrokerAccount,
    Gateway,
    IbkrContract,
    Instrument,
    Position,
)
from infra.db.session import Sessions


async def build_account_state(sessions: Sessions, broker_account_id: UUID) -> AccountState:
    """The account as last ingested; see ``account_state``."""
    async with sessions() as session:
        return await account_state(session, broker_account_id)


async def account_state(session: AsyncSession, broker_account_id: UUID) -> AccountState:
    """Values and positions of one account.

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
    underlying = aliased(Instrument)
    rows = await session.execute(
        select(Position, Instrument, IbkrContract, underlying.sec_type)
        .join(Instrument, Instrument.id == Position.instrument_id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .outerjoin(underlying, underlying.id == Instrument.underlying_id)
        .where(Position.broker_account_id == broker_account_id)
    )
    return build(values, [_position(*row) for row in rows])


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
    contract: IbkrContract,
    underlying_type: SecType | None,
) -> PositionState:
    return PositionState(
        key=instrument.key,
        description=str(instrument),
        symbol=instrument.symbol,
        currency=instrument.currency,
        sec_type=instrument.sec_type,
        option=option_of(instrument, contract.con_id),
        settlement=Settlement.CASH if underlying_type is SecType.INDEX else Settlement.PHYSICAL,
        quantity=position.quantity,
        average_cost=position.average_cost,
        multiplier=instrument.multiplier,
        market_price=position.market_price,
        market_value=position.market_value,
        unrealized_pnl=position.unrealized_pnl,
    )

"""The accounts a person looks at, with their books, and what their values have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.portfolio import AccountState
from infra.db.accounts import account_state
from infra.db.models import AccountSnapshot, BrokerAccount, Gateway, Portfolio
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed
from infra.db.queries.viewer import Viewer

_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Period(StrEnum):
    """How far back, counted from the latest figures in market time."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


_SPANS: dict[Period, tuple[timedelta, timedelta]] = {
    Period.DAY: (timedelta(days=1), timedelta(minutes=5)),
    Period.WEEK: (timedelta(days=7), timedelta(minutes=30)),
    Period.MONTH: (timedelta(days=31), timedelta(hours=4)),
    Period.YEAR: (timedelta(days=366), timedelta(days=1)),
}
"""Reach and step: at most some 370 points each."""


@dataclass(frozen=True, slots=True)
class ValuePoint:
    """The values of all accounts together, each at its last figures by then."""

    at: datetime
    net_liquidation: Decimal
    maint_margin: Decimal
    equity_with_loan: Decimal
    excess_liquidity: Decimal


async def viewed_accounts(
    session: AsyncSession, viewer: Viewer, client_id: UUID | None, account_id: UUID | None
) -> Sequence[AnyRow]:
    """Visible accounts by portfolio and code, with whatever ``ACCOUNT`` names."""
    statement: Rowed = select(
        *ACCOUNT,
        Gateway.slug.label("gateway"),
        BrokerAccount.trading_state,
        BrokerAccount.currency.label("account_currency"),
    ).select_from(BrokerAccount)
    statement = (
        statement.join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .where(viewer.sees(BrokerAccount.id))
        .order_by(Portfolio.name, BrokerAccount.code)
    )
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(BrokerAccount.id == account_id)
    return (await session.execute(statement)).all()


async def book_of(session: AsyncSession, account_id: UUID) -> AccountState | None:
    """The account as last ingested; None where it never was."""
    try:
        return await account_state(session, account_id)
    except GreenlightError as error:
        if error.code is not ErrorCode.ACCOUNT_STALE:
            raise
        return None


async def value_history(
    session: AsyncSession, account_ids: Sequence[UUID], period: Period
) -> list[ValuePoint]:
    """Values over time, oldest first, from the moment on at which every account is known.

    An account that came later would look like a gain; the line starts with it instead.
    """
    here = AccountSnapshot.broker_account_id.in_(account_ids)
    latest = await session.scalar(select(func.max(AccountSnapshot.as_of)).where(here))
    if latest is None:
        return []
    reach, step = _SPANS[period]
    since = latest - reach
    bucket = func.date_bin(step, AccountSnapshot.as_of, _EPOCH)
    columns = (
        AccountSnapshot.broker_account_id,
        AccountSnapshot.as_of,
        AccountSnapshot.net_liquidation,
        AccountSnapshot.maint_margin,
        AccountSnapshot.equity_with_loan,
        AccountSnapshot.excess_liquidity,
    )
    of_account = AccountSnapshot.broker_account_id
    before = (
        select(*columns)
        .where(here, AccountSnapshot.as_of < since)
        .ext(distinct_on(of_account))
        .order_by(of_account, AccountSnapshot.as_of.desc())
    )
    within = (
        select(*columns)
        .where(here, AccountSnapshot.as_of >= since)
        .ext(distinct_on(of_account, bucket))
        .order_by(of_account, bucket, AccountSnapshot.as_of.desc())
    )
    earlier = (await session.execute(before)).all()
    rows = sorted((await session.execute(within)).all(), key=lambda row: row.as_of)
    return _summed(rows, {row.broker_account_id: row for row in earlier}, len(account_ids), step)


def _summed(
    rows: Sequence[AnyRow], known: dict[UUID, AnyRow], accounts: int, step: timedelta
) -> list[ValuePoint]:
    """One point per step, at the time of its last row."""
    points: dict[int, ValuePoint] = {}
    for row in rows:
        known[row.broker_account_id] = row
        if len(known) < accounts:
            continue
        held = known.values()
        points[int((row.as_of - _EPOCH) / step)] = ValuePoint(
            at=row.as_of,
            net_liquidation=sum((each.net_liquidation for each in held), Decimal(0)),
            maint_margin=sum((each.maint_margin for each in held), Decimal(0)),
            equity_with_loan=sum((each.equity_with_loan for each in held), Decimal(0)),
            excess_liquidity=sum((each.excess_liquidity for each in held), Decimal(0)),
        )
    return list(points.values())

"""What accounts hold, as last ingested: rows alone, without anything that is worked out of them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import BrokerAccount, Instrument, Portfolio, Position
from infra.db.queries.columns import (
    ACCOUNT,
    INSTRUMENT,
    AnyRow,
    Rowed,
    rows_of,
    with_account,
    with_instrument,
)
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

POSITIONS = Ordering(
    Position.id,
    "symbol",
    nullable=("market_price", "market_value", "unrealized_pnl", "realized_pnl", "daily_pnl"),
    symbol=Instrument.symbol,
    account=BrokerAccount.code,
    quantity=Position.quantity,
    average_cost=Position.average_cost,
    market_price=Position.market_price,
    market_value=Position.market_value,
    unrealized_pnl=Position.unrealized_pnl,
    realized_pnl=Position.realized_pnl,
    daily_pnl=Position.daily_pnl,
    as_of=Position.as_of,
)
_COLUMNS = (
    Position.id,
    Position.quantity,
    Position.average_cost,
    Position.market_price,
    Position.market_value,
    Position.unrealized_pnl,
    Position.realized_pnl,
    Position.daily_pnl,
    Position.as_of,
    *ACCOUNT,
    *INSTRUMENT,
)


def _all() -> Rowed:
    statement: Rowed = select(*_COLUMNS).select_from(Position).where(Position.quantity != 0)
    statement = with_account(statement, Position.broker_account_id)
    return with_instrument(statement, Position.instrument_id)


_ALL = _all()


async def position_rows(
    session: AsyncSession,
    viewer: Viewer,
    page: PageAsk,
    *,
    client_id: UUID | None = None,
    account_id: UUID | None = None,
    symbol: str | None = None,
) -> Rows[AnyRow]:
    """Positions, by underlying unless asked for otherwise; ``symbol`` names one."""
    statement = _ALL.where(viewer.sees(Position.broker_account_id))
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(Position.broker_account_id == account_id)
    if symbol is not None:
        statement = statement.where(Instrument.symbol == symbol.upper())
    return await page_rows(session, statement, POSITIONS, page, rows_of)

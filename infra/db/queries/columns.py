"""Columns that several read models select alike, under the same labels."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, case
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.severity import Severity
from infra.db.models import BrokerAccount, Gateway, IbkrContract, Instrument, Portfolio
from infra.db.queries.viewer import Column

ACCOUNT = (
    BrokerAccount.id.label("account_id"),
    BrokerAccount.code.label("account_code"),
    BrokerAccount.alias.label("account_alias"),
    Gateway.kind.label("account_kind"),
    Portfolio.client_id.label("client_id"),
    Portfolio.id.label("account_portfolio_id"),
)
INSTRUMENT = (
    Instrument.sec_type.label("sec_type"),
    Instrument.symbol.label("symbol"),
    Instrument.trading_class.label("trading_class"),
    Instrument.expiry.label("expiry"),
    Instrument.strike.label("strike"),
    Instrument.right.label("right"),
    Instrument.multiplier.label("multiplier"),
    Instrument.currency.label("instrument_currency"),
    IbkrContract.con_id.label("contract_con_id"),
)

# Read models select many columns; their names are what counts, see each ``_COLUMNS``.
Rowed = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]


async def rows_of(session: AsyncSession, statement: Rowed) -> Sequence[AnyRow]:
    """The rows of a statement that selects columns alone.

    On the session's connection and in its transaction, but past the session itself: what it does
    for objects, to each value of each row, costs a long list as much as the query. They are named
    tuples, which have the attributes of SQLAlchemy's own rows and tell them in a tenth of the time.
    """
    found = await (await session.connection()).execute(statement)
    make = _row_of(tuple(found.keys()))
    return cast("Sequence[AnyRow]", [make(row) for row in found])


@lru_cache(maxsize=64)
def _row_of(names: tuple[str, ...]) -> Callable[[Iterable[Any]], tuple[Any, ...]]:
    return namedtuple("PlainRow", names)._make


def severity_rank(column: InstrumentedAttribute[Severity]) -> ColumnElement[int]:
    """For sorting: how bad it is, not how it is spelt."""
    return case({each: rank for rank, each in enumerate(Severity)}, value=column)


def with_account(statement: Rowed, account_column: Column, *, optional: bool = False) -> Rowed:
    """Join what ``ACCOUNT`` selects; ``optional`` where a row may belong to no account."""
    return (
        statement.join(BrokerAccount, BrokerAccount.id == account_column, isouter=optional)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id, isouter=optional)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id, isouter=optional)
    )


def with_instrument(
    statement: Rowed, instrument_column: Column, *, optional: bool = False
) -> Rowed:
    """Join what ``INSTRUMENT`` selects. IBKR's contract may be missing."""
    return statement.join(Instrument, Instrument.id == instrument_column, isouter=optional).join(
        IbkrContract, IbkrContract.instrument_id == Instrument.id, isouter=True
    )

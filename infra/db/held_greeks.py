"""Sensitivities of what an account holds, as an approved trade is judged by.

The quotes behind them are those of the last market reading, minutes old at most while it runs.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import SecType
from domain.risk.held_greeks import quoted_greeks
from domain.risk.limits import Limits
from domain.risk.pretrade_inputs import HeldGreeks
from infra.calendars import exchange_date
from infra.db.accounts import account_state, option_of
from infra.db.models import IbkrContract, Instrument, Position, Quote


async def held_greeks(
    session: AsyncSession, account_id: UUID, limits: Limits
) -> dict[str, HeldGreeks] | None:
    """By position key, of what was last ingested; None where nothing ever was.

    Where a limit depends on them, positions are valued in full. Where none does, the card still
    says what delta and vega come to: the broker's own figures, in one statement, have to do then,
    for an order waits for this.
    """
    if limits.max_delta_fraction is None and limits.max_vega_fraction is None:
        return await _quoted(session, account_id)
    try:
        account = await account_state(session, account_id)
    except GreenlightError as error:
        if error.code is not ErrorCode.ACCOUNT_STALE:
            raise
        return None
    return {
        position.key: HeldGreeks(
            delta=position.greeks.delta,
            vega=position.greeks.vega,
            underlying_price=underlying.price,
        )
        for position in account.positions
        if position.greeks is not None
        and (underlying := account.underlyings.get(position.symbol)) is not None
        and underlying.price is not None
    }


async def _quoted(session: AsyncSession, account_id: UUID) -> dict[str, HeldGreeks]:
    rows = await session.execute(
        select(Instrument, IbkrContract.con_id, Quote)
        .join(Position, Position.instrument_id == Instrument.id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .join(Quote, Quote.instrument_id == Instrument.id)
        .where(Position.broker_account_id == account_id, Instrument.sec_type == SecType.OPTION)
    )
    found: dict[str, HeldGreeks] = {}
    for instrument, con_id, quote in rows:
        option, day = option_of(instrument, con_id), exchange_date(quote.as_of)
        assert option is not None
        unit = quoted_greeks(option, quote.delta, quote.iv, quote.underlying_price, day)
        if unit is not None:
            found[instrument.key] = unit
    return found

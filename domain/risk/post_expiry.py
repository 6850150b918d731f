"""Margin once the options of this week have expired and those in the money have become shares."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, SecType, instrument_key
from domain.portfolio import ZERO, AccountState, PositionState
from domain.risk.expiries import in_the_money, settlement_of
from domain.risk.margin_estimate import estimate_portfolio_margin
from domain.risk.margin_inputs import margin_legs
from domain.risk.margin_regt import regt_margin
from domain.risk.valuation import Book, PricingAssumptions, exchange_today, value_book


class ShareChange(Frozen):
    symbol: str
    shares: Decimal


class PostExpiryMargin(Frozen):
    """Our estimate at today's prices; the broker's own post-expiry figure governs.

    The exchange settles everything that is in the money by a cent or more. Prices of the
    underlyings stand still until then.
    """

    through: date = Field(description="the last expiry that is looked at")
    expiring: tuple[str, ...] = Field(description="keys of the options that expire until then")
    shares: tuple[ShareChange, ...] = Field(description="change of the shares held")
    cash_change: Decimal
    cash_after: Decimal
    reg_t_maintenance: float
    portfolio_maintenance: float
    unknown: tuple[str, ...] = Field(
        description="keys of expiring options whose underlying's price is not known; kept as held"
    )


def post_expiry_margin(
    account: AccountState, book: Book, assumptions: PricingAssumptions
) -> PostExpiryMargin | None:
    """The account after this week's expiries (Saturday included); None where nothing expires."""
    today = exchange_today(account.as_of)
    through = today + timedelta(days=6 - today.weekday())
    inside = dict(zip((p.key for p in book.positions), in_the_money(book).tolist(), strict=True))
    expiring = [p for p in book.positions if p.option is not None and p.option.expiry <= through]
    if not expiring:
        return None
    settled = [position for position in expiring if np.isfinite(inside[position.key])]
    shares: dict[str, Decimal] = defaultdict(lambda: ZERO)
    cash = ZERO
    for position in settled:
        if inside[position.key] > 0:
            delivered, paid = settlement_of(position, inside[position.key])
            shares[position.symbol] += delivered
            cash += paid
    gone = {position.key for position in settled}
    left = [position for position in account.positions if position.key not in gone]
    spots = {
        position.symbol: spot
        for position, spot in zip(book.positions, book.spot.tolist(), strict=True)
        if np.isfinite(spot)
    }
    for symbol, change in sorted(shares.items()):
        left = _with_shares(left, symbol, change, Decimal(repr(spots[symbol])))
    after = value_book(account.model_copy(update={"positions": tuple(left)}), assumptions)
    return PostExpiryMargin(
        through=through,
        expiring=tuple(position.key for position in expiring),
        shares=tuple(ShareChange(symbol=s, shares=n) for s, n in sorted(shares.items()) if n),
        cash_change=cash,
        cash_after=account.values.cash + cash,
        reg_t_maintenance=regt_margin(margin_legs(after)).maintenance,
        portfolio_maintenance=estimate_portfolio_margin(after).maintenance,
        unknown=tuple(position.key for position in expiring if position.key not in gone),
    )


def _with_shares(
    positions: list[PositionState], symbol: str, change: Decimal, price: Decimal
) -> list[PositionState]:
    held = next((p for p in positions if p.symbol == symbol and p.option is None), None)
    others = [position for position in positions if position is not held]
    quantity = change + (ZERO if held is None else held.quantity)
    if not quantity:
        return others
    if held is not None:
        return [*others, held.model_copy(update={"quantity": quantity, "market_value": None})]
    fresh = PositionState(
        key=instrument_key(SecType.STOCK, symbol, "USD"),
        symbol=symbol,
        sec_type=SecType.STOCK,
        quantity=quantity,
        average_cost=price,
        market_price=price,
    )
    return [*others, fresh]

"""What a trade would do, before anybody approves it: pay-off, stress, margin, concentration.

Estimates of ours on the latest quotes; the broker's own preview is asked for after an approval and
governs then.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, Leg, Side
from domain.market import FloatArray
from domain.portfolio import AccountState
from domain.recommendations import Terms
from domain.risk.own_margin import QuotedTrade, quoted_accounts, trade_margin
from domain.risk.ratios import ratio
from domain.risk.scenarios import stress
from domain.risk.stress import StressGrid
from domain.risk.trade_margin import TradeMargin
from domain.risk.usage import margin_usage
from domain.risk.valuation import Book, profits, value_book

REACH = 0.30
STEPS = 121
TOLD_MOVES = (-0.30, -0.20, -0.10, -0.05, 0.05, 0.10, 0.20)


class PayOff(Frozen):
    """Profit or loss of the trade alone, whole quantity, at its limit and before commissions."""

    spots: tuple[float, ...]
    at_expiry: tuple[float, ...]
    today: tuple[float, ...] | None = Field(description="None where a leg cannot be valued")
    breakevens: tuple[float, ...] = Field(description="spots at expiry with neither gain nor loss")
    spot: float = Field(description="now")
    max_profit: float = Field(description="within the spots shown")
    max_loss: float = Field(description="zero or less; the underlying going to zero included")


class StressRow(Frozen):
    """The account's result if every underlying moved so; volatility unchanged."""

    spot_move: float
    before: float
    after: float


class TradeOutlook(Frozen):
    """Everything the decision card says of the future. Amounts in the account's currency."""

    pay_off: PayOff | None = Field(description="None for a trade that only closes")
    margin: TradeMargin
    pm_usage_before: Decimal | None = Field(description="the broker's maintenance over equity")
    pm_usage_after: Decimal | None = Field(description="with our estimate of the change added")
    stress: tuple[StressRow, ...]
    worst_before: float
    worst_after: float
    left_out: tuple[str, ...] = Field(description="positions that cannot be valued")
    concentration_before: Decimal | None = Field(description="of net liquidation value")
    concentration_after: Decimal | None
    cash: Decimal
    short_put_cash_before: Decimal = Field(description="if every short put held were assigned")
    short_put_cash_after: Decimal


def trade_outlook(account: AccountState, trade: QuotedTrade, terms: Terms) -> TradeOutlook:
    """What ``terms`` would do to ``account`` at the quotes of ``trade``; never raises for what has
    no price: it is named in ``left_out``."""
    margin = trade_margin(account, trade)
    before, after = quoted_accounts(account, trade)
    now, then = stress(value_book(before)), stress(value_book(after))
    flat = now.vol_shifts.index(0.0)
    symbol = terms.contract.symbol
    equity = account.values.net_liquidation
    values = account.values
    change = Decimal(str(margin.portfolio_maintenance.change))
    return TradeOutlook(
        pay_off=_pay_off(after, trade, terms),
        margin=margin,
        pm_usage_before=margin_usage(account).pm_usage,
        pm_usage_after=ratio(values.maint_margin + change, values.equity_with_loan),
        stress=tuple(
            StressRow(spot_move=move, before=now.pnl[row][flat], after=then.pnl[row][flat])
            for row, move in enumerate(now.spot_moves)
            if move in TOLD_MOVES
        ),
        worst_before=now.ordinary.pnl,
        worst_after=then.ordinary.pnl,
        left_out=tuple(sorted({*now.left_out, *then.left_out})),
        concentration_before=ratio(before.exposure_by_underlying.get(symbol, Decimal(0)), equity),
        concentration_after=ratio(after.exposure_by_underlying.get(symbol, Decimal(0)), equity),
        cash=values.cash,
        short_put_cash_before=before.assignment_cash,
        short_put_cash_after=after.assignment_cash,
    )


def _pay_off(after: AccountState, trade: QuotedTrade, terms: Terms) -> PayOff | None:
    """Of the legs the trade opens; a roll's credit or debit is theirs."""
    opened = terms.opening_legs
    price = trade.quotes[0].underlying_price
    if not opened or price is None:
        return None
    spot = float(price)
    spots = np.linspace(spot * (1 - REACH), spot * (1 + REACH), STEPS)
    strikes = [float(leg.contract.strike) for leg in opened]
    spots = np.unique(np.concatenate([spots, [s for s in strikes if spots[0] < s < spots[-1]]]))
    received = _received(terms)
    at_expiry = _at_expiry(opened, trade.quantity, spots) + received
    wide = np.unique(np.concatenate([[0.0], spots]))
    widest = _at_expiry(opened, trade.quantity, wide) + received
    today = _today(after, opened, trade, spots, received)
    return PayOff(
        spots=tuple(np.round(spots, 4).tolist()),
        at_expiry=tuple(np.round(at_expiry, 2).tolist()),
        today=None if today is None else tuple(np.round(today, 2).tolist()),
        breakevens=tuple(_crossings(wide, widest)),
        spot=spot,
        max_profit=float(at_expiry.max()),
        max_loss=float(min(widest.min(), 0.0)),
    )


def _received(terms: Terms) -> float:
    """At the limit; a package is bought, at a price below zero when it brings a credit."""
    amount = float(terms.limit_price * terms.contract.multiplier * terms.quantity)
    return amount if terms.side is Side.SELL else -amount


def _at_expiry(legs: Sequence[Leg], quantity: int, spots: FloatArray) -> FloatArray:
    value = np.zeros_like(spots)
    for leg in legs:
        strike = float(leg.contract.strike)
        intrinsic = spots - strike if leg.contract.right.value == "C" else strike - spots
        units = leg.side.sign * leg.ratio * quantity * float(leg.contract.multiplier)
        value += units * np.maximum(intrinsic, 0.0)
    return value


def _today(
    after: AccountState,
    legs: Sequence[Leg],
    trade: QuotedTrade,
    spots: FloatArray,
    received: float,
) -> FloatArray | None:
    """The trade's own value now at other spots, by the model behind every greek of the desk."""
    keys = {leg.contract.key: leg for leg in legs}
    alone = tuple(
        position.model_copy(
            update={
                "quantity": Decimal(
                    keys[position.key].side.sign * keys[position.key].ratio * trade.quantity
                )
            }
        )
        for position in after.positions
        if position.key in keys
    )
    book = value_book(after.model_copy(update={"positions": alone}))
    if len(alone) < len(keys) or not book.is_priced.all():
        return None
    return _moved(book, spots) + received


def _moved(book: Book, spots: FloatArray) -> FloatArray:
    spot = float(book.spot[0])
    grid = StressGrid(spot_moves=tuple((spots / spot - 1.0).tolist()))
    one = np.zeros(len(book.units), dtype=np.int64)
    change = profits(book, grid, one, 1)[0, :, 0]
    # From where the market is, not from where the model would have it.
    here = np.where(np.isfinite(book.mark), book.mark, book.value)
    return change + float((book.units * here).sum())


def _crossings(spots: FloatArray, values: FloatArray) -> list[float]:
    """Where the pay-off changes sign; it is straight between neighbouring ``spots``."""
    found: list[float] = []
    for left in range(len(spots) - 1):
        low, high = values[left], values[left + 1]
        if (low < 0 <= high) or (low >= 0 > high):
            share = low / (low - high)
            found.append(round(float(spots[left] + share * (spots[left + 1] - spots[left])), 4))
    return found

"""What a trade would do, before anybody approves it: pay-off, stress, margin, concentration.

Estimates of ours on the latest quotes; the broker's own preview is asked for after an approval and
governs then.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, Leg, Right, Side
from domain.market import FloatArray
from domain.portfolio import AccountState
from domain.recommendations import RecommendationAction, Terms
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


class Basis(Frozen):
    """What the strategy reckoned a trade's return and break-even from. Prices per share."""

    premium: Decimal = Field(description="of what is opened by itself, at its mid when proposed")
    share_cost: Decimal | None = Field(
        default=None, description="of the shares that a call is written on; None without them"
    )


class PayOff(Frozen):
    """Profit or loss of what the trade opens, whole quantity, before commissions.

    An ordinary trade counts from its limit. What a roll opens counts by itself, from its own
    premium: the roll's net price holds what the old option has earned or lost as well. A covered
    call counts with its shares, for what they have cost.
    """

    spots: tuple[float, ...]
    at_expiry: tuple[float, ...]
    today: tuple[float, ...] | None = Field(description="None where a leg cannot be valued")
    breakevens: tuple[float, ...] = Field(description="spots at expiry with neither gain nor loss")
    spot: float = Field(description="now")
    max_profit: float = Field(description="within the spots shown")
    max_loss: float = Field(description="zero or less; the underlying going to zero included")
    premium: float | None = Field(description="per share, of what a roll opens; None for others")
    shares: int = Field(description="counted in, as a call is written on them")
    share_cost: float | None = Field(description="per share; None without shares")


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


def trade_outlook(
    account: AccountState, trade: QuotedTrade, terms: Terms, basis: Basis | None = None
) -> TradeOutlook:
    """What ``terms`` would do to ``account`` at the quotes of ``trade``; never raises for what has
    no price: it is named in ``left_out``. Without a ``basis`` a call counts as if by itself."""
    margin = trade_margin(account, trade)
    before, after = quoted_accounts(account, trade)
    now, then = stress(value_book(before)), stress(value_book(after))
    flat = now.vol_shifts.index(0.0)
    symbol = terms.contract.symbol
    equity = account.values.net_liquidation
    values = account.values
    change = Decimal(str(margin.portfolio_maintenance.change))
    return TradeOutlook(
        pay_off=_pay_off(after, trade, terms, basis),
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


def _pay_off(
    after: AccountState, trade: QuotedTrade, terms: Terms, basis: Basis | None
) -> PayOff | None:
    opened = terms.opening_legs
    price = trade.quotes[0].underlying_price
    if not opened or price is None:
        return None
    spot = float(price)
    spots = np.linspace(spot * (1 - REACH), spot * (1 + REACH), STEPS)
    strikes = [float(leg.contract.strike) for leg in opened]
    spots = np.unique(np.concatenate([spots, [s for s in strikes if spots[0] < s < spots[-1]]]))
    received, premium = _received(terms, basis)
    shares, cost = _shares(opened, trade.quantity, basis)

    def at_expiry(at: FloatArray) -> FloatArray:
        return _at_expiry(opened, trade.quantity, at) + received + shares * (at - (cost or 0.0))

    shown = at_expiry(spots)
    wide = np.unique(np.concatenate([[0.0], spots]))
    widest = at_expiry(wide)
    today = _today(after, opened, trade, spots, received)
    if today is not None:
        today = today + shares * (spots - (cost or 0.0))
    return PayOff(
        spots=tuple(np.round(spots, 4).tolist()),
        at_expiry=tuple(np.round(shown, 2).tolist()),
        today=None if today is None else tuple(np.round(today, 2).tolist()),
        breakevens=tuple(_crossings(wide, widest)),
        spot=spot,
        max_profit=float(shown.max()),
        max_loss=float(min(widest.min(), 0.0)),
        premium=premium,
        shares=shares,
        share_cost=cost,
    )


def _shares(opened: Sequence[Leg], quantity: int, basis: Basis | None) -> tuple[int, float | None]:
    """Those that a call is written on, and the cost of each."""
    leg = opened[0]
    is_call = len(opened) == 1 and leg.side is Side.SELL and leg.contract.right is Right.CALL
    if not is_call or basis is None or basis.share_cost is None:
        return 0, None
    return int(leg.contract.multiplier * leg.ratio * quantity), float(basis.share_cost)


def _received(terms: Terms, basis: Basis | None) -> tuple[float, float | None]:
    """For what is opened; and what that is per share, where it is a part of the trade only.

    A package is bought, at a price below zero when it brings a credit.
    """
    units = terms.contract.multiplier * terms.quantity
    if terms.action is RecommendationAction.ROLL and basis is not None:
        return float(basis.premium * units), float(basis.premium)
    amount = float(terms.limit_price * units)
    return (amount if terms.side is Side.SELL else -amount), None


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

"""What the account of a backtest must keep: strategy-based margin and the portfolio estimate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from domain.backtest.book import Holding
from domain.backtest.config import MarginModel
from domain.instruments import Right, Settlement
from domain.market import FloatArray
from domain.pricing import european
from domain.pricing.implied_vol import implied_vol
from domain.risk.margin_estimate import INITIAL_OVER_MAINTENANCE, LEAST_PER_UNIT, MOVES
from domain.risk.margin_regt import Requirement, regt_requirement
from domain.risk.margin_strategies import MarginLeg
from domain.risk.products import RANGES, product_group
from domain.risk.stress import StressGrid
from domain.risk.valuation import (
    SECONDS_PER_YEAR,
    STANDARD,
    Book,
    expiry_moment,
    profits,
)

BUYING_POWER = {MarginModel.REG_T: Decimal(4), MarginModel.PORTFOLIO: 1 / Decimal("0.15")}
"""Stock that may be bought per unit of available funds: intraday Reg-T, or the equity range."""


def margin_leg(held: Holding, spot: float) -> MarginLeg:
    instrument = held.instrument
    option = instrument.option
    mark = float("nan") if held.mark is None else float(held.mark)
    is_index = instrument.settlement is Settlement.CASH
    quantity, multiplier = float(held.quantity), float(instrument.multiplier)
    if option is None:
        return MarginLeg(instrument.symbol, quantity, mark, spot, multiplier=multiplier)
    return MarginLeg(
        symbol=instrument.symbol,
        quantity=quantity,
        mark=mark,
        spot=spot,
        right=option.right,
        strike=instrument.strike,
        expiry=option.expiry,
        multiplier=multiplier,
        is_index=is_index,
        is_standard=instrument.is_standard,
    )


def strategy_based(legs: Sequence[MarginLeg]) -> Requirement:
    return _strategy_based(tuple(legs))


# What a fill asks for was asked a moment before, when the order was previewed.
@lru_cache(maxsize=16)
def _strategy_based(legs: tuple[MarginLeg, ...]) -> Requirement:
    return regt_requirement(legs) if legs else Requirement(0.0, 0.0)


class ModelRow(NamedTuple):
    """One position in one slice, as the portfolio estimate needs it."""

    slice: int
    symbol: str
    units: float
    mark: float
    spot: float
    strike: float
    """nan for shares."""
    years: float
    is_call: bool
    is_american: bool


def model_row(held: Holding, spot: float, at: datetime, number: int) -> ModelRow:
    instrument = held.instrument
    option = instrument.option
    mark = float("nan") if held.mark is None else float(held.mark)
    units = float(held.units)
    if option is None:
        return ModelRow(number, instrument.symbol, units, mark, spot, np.nan, np.nan, False, False)
    left = (expiry_moment(option.expiry) - at).total_seconds()
    return ModelRow(
        slice=number,
        symbol=instrument.symbol,
        units=units,
        mark=mark,
        spot=spot,
        strike=instrument.strike,
        years=max(left, 0.0) / SECONDS_PER_YEAR,
        is_call=option.right is Right.CALL,
        is_american=instrument.settlement is Settlement.PHYSICAL,
    )


def portfolio_maintenance(rows: Sequence[ModelRow], slices: int) -> FloatArray:
    """The TIMS-like estimate of ``domain.risk.margin_estimate`` for many slices at once.

    Shape ``(slices,)``. Dividends before expiry are left out; what cannot be priced asks for its
    least.
    """
    needed = np.zeros(slices)
    if not rows:
        return needed
    book = _book(rows)
    groups = [product_group(row.symbol) for row in rows]
    pairs = {(row.slice, group): 0 for row, group in zip(rows, groups, strict=True)}
    pairs = {pair: number for number, pair in enumerate(pairs)}
    index = np.array([pairs[row.slice, group] for row, group in zip(rows, groups, strict=True)])
    kinds = np.array([group.kind for _, group in pairs])
    counted = np.where(book.is_option, np.abs(book.units), 0.0) * LEAST_PER_UNIT
    asked = np.bincount(index, counted, minlength=len(pairs))
    for kind, reach in RANGES.items():
        of_kind = kinds == kind
        if of_kind.any():
            moves = np.linspace(reach.down, reach.up, MOVES)
            pnl = profits(book, StressGrid(tuple(moves.tolist())), index, len(pairs))[:, :, 0]
            asked[of_kind] = np.maximum(asked, -pnl.min(axis=1))[of_kind]
    np.add.at(needed, [number for number, _ in pairs], asked)
    return needed


def portfolio_requirement(rows: Sequence[ModelRow]) -> Requirement:
    """The estimate for one slice, whose number must be 0."""
    maintenance = float(portfolio_maintenance(rows, 1)[0])
    return Requirement(INITIAL_OVER_MAINTENANCE * maintenance, maintenance)


def _book(rows: Sequence[ModelRow]) -> Book:
    _, _, units, mark, spot, strike, years, is_call, is_american = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    is_option = np.isfinite(strike)
    unknown = np.where(is_option, np.nan, 0.0)
    book = Book(
        positions=(),
        rate=np.full(len(rows), STANDARD.rate),
        units=units,
        is_option=is_option,
        is_call=is_call,
        is_american=is_american,
        spot=spot,
        strike=strike,
        years=years,
        dividend_yield=np.zeros(len(rows)),
        mark=mark,
        iv=np.full(len(rows), np.nan),
        value=mark,
        delta=np.where(is_option, np.nan, 1.0),
        gamma=unknown,
        vega=unknown,
        theta_per_day=unknown,
    )
    return _with_volatility(book) if is_option.any() else book


def _with_volatility(book: Book) -> Book:
    """By the European formula, which is quick: early exercise enters where the book is stressed."""
    rows = book.is_option
    terms = (book.spot, book.strike, book.years, book.rate, book.dividend_yield)
    with np.errstate(all="ignore"):
        iv = implied_vol(book.mark, *terms, book.is_call)
        found = european.greeks(*terms, iv, book.is_call)
    sane = rows & (book.spot > 0) & np.isfinite(iv) & (iv < european.MAX_VOL)

    def mixed(figures: FloatArray, otherwise: FloatArray) -> FloatArray:
        return np.where(rows, np.where(sane, figures, np.nan), otherwise)

    return book._replace(
        iv=np.where(rows, iv, np.nan),
        value=mixed(found.price, book.value),
        delta=mixed(found.delta, book.delta),
        gamma=mixed(found.gamma, book.gamma),
        vega=mixed(found.vega, book.vega),
        theta_per_day=mixed(found.theta_per_day, book.theta_per_day),
    )

"""Our own value and greeks of what an account holds.

The one place where risk meets the pricing library: everything else in ``domain.risk`` reads the
columns built here. What cannot be priced stays ``nan`` in every figure and is named; it never
counts as zero in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import lru_cache
from math import exp, isfinite, log
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, OptionContract, Right, SecType, Settlement
from domain.market import BoolArray, FloatArray, IntArray
from domain.portfolio import AccountState, PositionGreeks, PositionState, UnderlyingState
from domain.pricing import european
from domain.risk.stress import OptionBook, StressGrid, stress_options

EXCHANGE_ZONE = ZoneInfo("America/New_York")
OPEN, CLOSE = time(9, 30), time(16)
SECONDS_PER_YEAR = 365.0 * 86400.0


class PricingAssumptions(Frozen):
    """What no quote tells."""

    rate: float = Field(
        default=0.04, ge=-0.5, le=1, description="risk-free, continuously compounded, a year"
    )


STANDARD = PricingAssumptions()


class Book(NamedTuple):
    """An account's positions column by column, shape ``(n,)``, in the order of ``positions``.

    ``nan`` marks what is not known. ``units`` is the signed quantity times the multiplier;
    ``mark`` the market price per share: the middle of a sound quote, else the broker's mark, else
    (of a stock) the underlying's price. ``spot`` is the underlying's. ``rate`` and
    ``dividend_yield`` of a European option lead to the forward that its chain implies, where it
    does; of others the rate is assumed, and the yield stands for the cash dividends before expiry:
    it takes their present value off the spot. ``value`` and the greeks are ours, of one long unit
    per share, an American option's with its dividends at their own dates.
    """

    positions: tuple[PositionState, ...]
    rate: FloatArray
    units: FloatArray
    is_option: BoolArray
    is_call: BoolArray
    is_american: BoolArray
    spot: FloatArray
    strike: FloatArray
    years: FloatArray
    dividend_yield: FloatArray
    mark: FloatArray
    iv: FloatArray
    value: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta_per_day: FloatArray

    @property
    def is_priced(self) -> BoolArray:
        """Whether the greeks of a position are known."""
        return np.isfinite(self.value * self.delta * self.gamma * self.vega * self.theta_per_day)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The keys of the positions whose greeks are not known."""
        return tuple(
            position.key
            for position, known in zip(self.positions, self.is_priced, strict=True)
            if not known
        )


def value_book(account: AccountState, assumptions: PricingAssumptions = STANDARD) -> Book:
    """Every position valued at the account's own time; never raises, whatever is missing."""
    positions = account.positions
    is_option = _bools(position.option is not None for position in positions)
    spot = np.array([_spot(position, account) for position in positions], dtype=np.float64)
    mark = np.array([_mark(position, account) for position in positions], dtype=np.float64)
    options = [position.option for position in positions]
    expiries = _years_to_expiry(options, account.as_of)
    years = np.array([np.nan if o is None else expiries[o.expiry] for o in options])
    dividends = [_dividends(p, account) for p in positions]
    paid = np.array([_present_value(each, assumptions.rate) for each in dividends])
    rate = np.full(len(positions), assumptions.rate)
    with np.errstate(all="ignore"):
        dividend_yield = np.where(paid > 0, -np.log1p(-paid / spot) / years, 0.0)
    for row, position in enumerate(positions):
        implied = _implied_carry(position)
        if implied is not None:
            rate[row], dividend_yield[row] = implied
    book = Book(
        positions=positions,
        rate=rate,
        units=np.array([float(p.quantity) * float(p.multiplier) for p in positions]),
        is_option=is_option,
        is_call=_bools(o is not None and o.right is Right.CALL for o in options),
        is_american=_bools(
            p.option is not None and p.settlement is Settlement.PHYSICAL for p in positions
        ),
        spot=spot,
        strike=np.array([np.nan if o is None else float(o.strike) for o in options]),
        years=years,
        dividend_yield=dividend_yield,
        mark=mark,
        iv=np.array([_told_iv(position) for position in positions], dtype=np.float64),
        value=mark,
        delta=np.where(is_option, np.nan, 1.0),
        gamma=np.where(is_option, np.nan, 0.0),
        vega=np.where(is_option, np.nan, 0.0),
        theta_per_day=np.where(is_option, np.nan, 0.0),
    )
    return with_model_values(book, dividends) if is_option.any() else book


def with_greeks(account: AccountState, assumptions: PricingAssumptions = STANDARD) -> AccountState:
    """The account with our greeks on every position that can be priced."""
    book = value_book(account, assumptions)
    known = book.is_priced
    columns = (book.value, book.delta, book.gamma, book.vega, book.theta_per_day, book.iv)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    positions = tuple(
        position.model_copy(
            update={
                "greeks": PositionGreeks(
                    price=value,
                    delta=delta,
                    gamma=gamma,
                    vega=vega,
                    theta_per_day=theta,
                    iv=iv if position.option is not None else None,
                )
                if is_known
                else None
            }
        )
        for position, is_known, (value, delta, gamma, vega, theta, iv) in zip(
            book.positions, known.tolist(), rows, strict=True
        )
    )
    return account.model_copy(update={"positions": positions})


def option_book(book: Book, rows: BoolArray, underlying: IntArray) -> OptionBook:
    """The options in ``rows`` as the stress core takes them; ``underlying`` numbers all rows."""
    chosen = rows & book.is_option & book.is_priced
    ones = np.ones(int(chosen.sum()))
    return OptionBook(
        quantity=book.units[chosen],
        multiplier=ones,
        spot=book.spot[chosen],
        strike=book.strike[chosen],
        years=book.years[chosen],
        vol=book.iv[chosen],
        rate=book.rate[chosen],
        dividend_yield=book.dividend_yield[chosen],
        is_call=book.is_call[chosen],
        is_american=book.is_american[chosen],
        underlying=underlying[chosen],
    )


def profits(book: Book, grid: StressGrid, underlying: IntArray, count: int) -> FloatArray:
    """Profit or loss in every cell of the grid: ``(count, spot moves, vol shifts)``.

    ``underlying`` numbers the positions' underlyings, or groups of them, from 0 to ``count`` - 1.
    Positions in ``book.unpriced`` are in no sum.
    """
    everything = np.ones(len(book.units), dtype=np.bool_)
    result = stress_options(option_book(book, everything, underlying), grid, count).pnl
    stock = ~book.is_option & book.is_priced & np.isfinite(book.spot)
    value = np.bincount(underlying[stock], (book.units * book.spot)[stock], minlength=count)
    return result + value[:, None, None] * np.asarray(grid.spot_moves)[:, None]


@lru_cache(maxsize=4096)
def expiry_moment(expiry: date) -> datetime:
    """When an option's last session closes: 16:00 in New York on its last trading day."""
    return datetime.combine(expiry, CLOSE, EXCHANGE_ZONE)


def exchange_today(at: datetime) -> date:
    """The exchange's own date at ``at``."""
    return at.astimezone(EXCHANGE_ZONE).date()


class CashDividend(NamedTuple):
    """One dividend before an option's expiry."""

    years: float
    amount: float


def with_model_values(book: Book, dividends: Sequence[Sequence[CashDividend]]) -> Book:
    """The book with volatility, value and greeks of every option that can be priced.

    ``dividends`` are those before expiry, position by position.
    """
    # Compiled: loaded where something is valued, not by whoever imports this.
    from domain.pricing.options import (  # noqa: PLC0415
        CashDividends,
        OptionColumns,
        price_options,
        solve_vols,
    )

    rows = book.is_option
    sound = rows & (book.spot > 0) & np.isfinite(book.dividend_yield)
    ex_years, amounts = _columns_of(dividends)
    has_cash = np.array([len(each) > 0 for each in dividends], dtype=np.bool_)
    options = OptionColumns(
        spot=np.where(sound, book.spot, np.nan),
        strike=book.strike,
        years=book.years,
        rate=book.rate,
        dividend_yield=np.where(has_cash, 0.0, book.dividend_yield),
        vol=book.iv,
        is_call=book.is_call,
        is_american=book.is_american,
    )
    with np.errstate(all="ignore"):
        iv = book.iv
        untold = sound & ~(iv > 0)
        if untold.any():
            chosen = [np.asarray(column)[untold] for column in options]
            paid = CashDividends(ex_years[untold], amounts[untold])
            iv = iv.copy()
            iv[untold] = solve_vols(book.mark[untold], OptionColumns(*chosen), paid)
        sane = sound & np.isfinite(iv) & (iv < european.MAX_VOL)
        ours = price_options(
            options._replace(vol=np.where(sane, iv, np.nan)), CashDividends(ex_years, amounts)
        )

    def mixed(figures: FloatArray, otherwise: FloatArray) -> FloatArray:
        return np.where(rows, np.where(sane, figures, np.nan), otherwise)

    return book._replace(
        iv=np.where(rows, iv, np.nan),
        value=mixed(ours.price, book.value),
        delta=mixed(ours.delta, book.delta),
        gamma=mixed(ours.gamma, book.gamma),
        vega=mixed(ours.vega, book.vega),
        theta_per_day=mixed(ours.theta_per_day, book.theta_per_day),
    )


def _spot(position: PositionState, account: AccountState) -> float:
    """The underlying's price: its own where it is known, else the one its option was quoted at."""
    known = account.underlyings.get(position.symbol)
    quoted = position.quote.underlying_price if position.quote is not None else None
    if known is not None and known.price is not None:
        return float(known.price)
    if quoted is not None:
        return float(quoted)
    if position.sec_type is SecType.STOCK and position.market_price is not None:
        return float(position.market_price)
    return np.nan


def _mark(position: PositionState, account: AccountState) -> float:
    quote = position.quote
    if quote is not None and quote.mid is not None and not quote.is_crossed:
        return float(quote.mid)
    if position.market_price is not None:
        return float(position.market_price)
    if position.market_value is not None:
        return float(position.market_value / (position.quantity * position.multiplier))
    return np.nan if position.option is not None else _spot(position, account)


def _told_iv(position: PositionState) -> float:
    told = None if position.quote is None else position.quote.iv
    return np.nan if told is None else told


def _dividends(position: PositionState, account: AccountState) -> list[CashDividend]:
    """Cash dividends per share before an option's expiry, ascending; indexes pay none."""
    known: UnderlyingState | None = account.underlyings.get(position.symbol)
    if position.option is None or known is None or known.is_index:
        return []
    today = exchange_today(account.as_of)
    return sorted(
        CashDividend(_years_until(_ex_moment(each.ex_date), account.as_of), float(each.amount))
        for each in known.dividends
        if today < each.ex_date <= position.option.expiry
    )


def _ex_moment(ex_date: date) -> datetime:
    """When the price falls by the dividend: 09:30 in New York on its ex-date."""
    return datetime.combine(ex_date, OPEN, EXCHANGE_ZONE)


def _years_until(moment: datetime, now: datetime) -> float:
    return (moment - now).total_seconds() / SECONDS_PER_YEAR


def _present_value(dividends: Sequence[CashDividend], rate: float) -> float:
    return sum(each.amount * exp(-rate * each.years) for each in dividends)


def _columns_of(dividends: Sequence[Sequence[CashDividend]]) -> tuple[FloatArray, FloatArray]:
    """Times and amounts ``(positions, most dividends of one)``, nan where one has fewer."""
    shape = (len(dividends), max(1, *(len(each) for each in dividends)))
    years, amounts = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, paid in enumerate(dividends):
        for place, each in enumerate(paid):
            years[row, place], amounts[row, place] = each
    return years, amounts


def _implied_carry(position: PositionState) -> tuple[float, float] | None:
    """Rate and yield that lead from the spot to the forward its chain implied; None where unknown.

    Of cash-settled options alone: early exercise keeps parity from telling an American forward.
    """
    quote, option = position.quote, position.option
    if quote is None or option is None or position.settlement is not Settlement.CASH:
        return None
    if quote.forward is None or quote.rate is None or not quote.underlying_price:
        return None
    years = _years_until(expiry_moment(option.expiry), quote.as_of)
    ratio = quote.forward / float(quote.underlying_price)
    if not (years > 0 and ratio > 0 and isfinite(ratio + quote.rate)):
        return None
    return quote.rate, quote.rate - log(ratio) / years


def _years_to_expiry(options: Sequence[OptionContract | None], now: datetime) -> dict[date, float]:
    expiries = {option.expiry for option in options if option is not None}
    return {expiry: max(_years_until(expiry_moment(expiry), now), 0.0) for expiry in expiries}


def _bools(values: object) -> BoolArray:
    return np.array(list(values), dtype=np.bool_)  # type: ignore[call-overload]

"""Our own value and greeks of what an account holds.

The one place where risk meets the pricing library: everything else in ``domain.risk`` reads the
columns built here. What cannot be priced stays ``nan`` in every figure and is named; it never
counts as zero in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, OptionContract, Right, SecType, Settlement
from domain.market import BoolArray, FloatArray, IntArray
from domain.portfolio import AccountState, PositionGreeks, PositionState, UnderlyingState
from domain.pricing import european
from domain.pricing.implied_vol import implied_vol
from domain.risk.stress import OptionBook, StressGrid, stress_options

EXCHANGE_ZONE = ZoneInfo("America/New_York")
CLOSE = time(16)
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
    (of a stock) the underlying's price. ``spot`` is the underlying's; ``dividend_yield`` stands for
    the cash dividends before an option's expiry: it takes their present value off the spot.
    ``value`` and the greeks are ours, of one long unit per share.
    """

    positions: tuple[PositionState, ...]
    rate: float
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
    paid = np.array([_dividends(p, account, assumptions.rate) for p in positions])
    with np.errstate(all="ignore"):
        dividend_yield = np.where(paid > 0, -np.log1p(-paid / spot) / years, 0.0)
    book = Book(
        positions=positions,
        rate=assumptions.rate,
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
    return with_model_values(book) if is_option.any() else book


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
        rate=book.rate * ones,
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


def expiry_moment(expiry: date) -> datetime:
    """When an option's last session closes: 16:00 in New York on its last trading day."""
    return datetime.combine(expiry, CLOSE, EXCHANGE_ZONE)


def exchange_today(at: datetime) -> date:
    """The exchange's own date at ``at``."""
    return at.astimezone(EXCHANGE_ZONE).date()


def with_model_values(book: Book) -> Book:
    """The book with the volatility, value and greeks of every option that can be priced."""
    rows = book.is_option
    spot, strike, years, is_call = book.spot, book.strike, book.years, book.is_call
    rate, paid = book.rate, book.dividend_yield
    with np.errstate(all="ignore"):
        is_given = book.iv > 0
        iv = book.iv
        if np.any(rows & ~is_given):
            solved = implied_vol(book.mark, spot, strike, years, rate, paid, is_call)
            iv = np.where(is_given, book.iv, solved)
        greeks = european.greeks(spot, strike, years, rate, paid, iv, is_call)
    intrinsic = np.maximum(np.where(is_call, book.spot - strike, strike - book.spot), 0.0)
    value = np.where(book.is_american, np.fmax(greeks.price, intrinsic), greeks.price)
    sane = rows & (spot > 0) & np.isfinite(paid) & np.isfinite(iv) & (iv < european.MAX_VOL)

    def mixed(ours: FloatArray, otherwise: FloatArray) -> FloatArray:
        return np.where(rows, np.where(sane, ours, np.nan), otherwise)

    return book._replace(
        iv=np.where(rows, iv, np.nan),
        value=mixed(value, book.value),
        delta=mixed(greeks.delta, book.delta),
        gamma=mixed(greeks.gamma, book.gamma),
        vega=mixed(greeks.vega, book.vega),
        theta_per_day=mixed(greeks.theta_per_day, book.theta_per_day),
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


def _dividends(position: PositionState, account: AccountState, rate: float) -> float:
    """Discounted cash dividends per share before an option's expiry; indexes pay none."""
    known: UnderlyingState | None = account.underlyings.get(position.symbol)
    if position.option is None or known is None or known.is_index:
        return 0.0
    today = exchange_today(account.as_of)
    return sum(
        float(each.amount) * float(np.exp(-rate * (each.ex_date - today).days / 365.0))
        for each in known.dividends
        if today < each.ex_date <= position.option.expiry
    )


def _years_to_expiry(options: Sequence[OptionContract | None], now: datetime) -> dict[date, float]:
    expiries = {option.expiry for option in options if option is not None}
    return {
        expiry: max((expiry_moment(expiry) - now).total_seconds(), 0.0) / SECONDS_PER_YEAR
        for expiry in expiries
    }


def _bools(values: object) -> BoolArray:
    return np.array(list(values), dtype=np.bool_)  # type: ignore[call-overload]

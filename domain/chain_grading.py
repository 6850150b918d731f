"""What every row of a chain is worth as data: a quality code, and the forwards its quotes imply.

Done once, where a chain comes in; the codes then travel with it into the record, the strategies
and the account's quotes.

European chains are judged by the forward and rate of each expiry's own calls and puts; where the
quotes do not tell, the spot stands in for the forward. American options are bound by the value of
exercise at once, which no carry moves. Settled in the morning or by the close, an option's time is
counted to the close of its last trading day: the difference is below what a bound can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from domain.instruments import ExerciseStyle
from domain.market import (
    FloatArray,
    ImpliedCarry,
    IntArray,
    OptionChain,
    QuoteCode,
    QuoteQuality,
)
from domain.pricing.forwards import ForwardCode, implied_forward
from domain.pricing.quality import CodeArray, find_arbitrage, grade_quotes
from domain.risk.valuation import SECONDS_PER_YEAR, STANDARD, expiry_moment

_EPOCH = date(1970, 1, 1)


class Series(NamedTuple):
    """The rows of a chain that share a class and an expiry, in the chain's order."""

    trading_class: str
    expiry: int
    """Days since 1970-01-01."""
    rows: IntArray


def graded(chain: OptionChain, given_rate: float = STANDARD.rate) -> OptionChain:
    """The chain with ``code``, ``arbitrage`` and ``carries``; never raises on a number."""
    is_european = chain.style is ExerciseStyle.EUROPEAN
    years = years_to_expiry(chain)
    every = series_of(chain)
    carries: tuple[ImpliedCarry, ...] = ()
    rate, dividend_yield = np.zeros(len(chain)), np.zeros(len(chain))
    if is_european:
        rate += given_rate
        dividend_yield += given_rate
        told = tuple(implied_carries(chain, every, years, given_rate))
        carries = tuple(carry for _, carry in told)
        for series, carry in told:
            rate[series.rows] = carry.rate
            dividend_yield[series.rows] = yield_of(carry, chain, float(years[series.rows[0]]))
    code = _codes(chain, slice(None), years, rate, dividend_yield)
    flags = np.zeros(len(chain), dtype=np.int64)
    # Two classes may settle at different prices: only rows of one class can be set against another.
    for name in {series.trading_class for series in every}:
        rows = np.concatenate([series.rows for series in every if series.trading_class == name])
        flags[rows] = find_arbitrage(
            chain.expiry[rows],
            chain.strike[rows],
            chain.is_call[rows],
            chain.bid[rows],
            chain.ask[rows],
            is_american=not is_european,
        )
    return chain.model_copy(
        update={"code": code.astype(np.int64), "arbitrage": flags, "carries": carries}
    )


def code_of(chain: OptionChain, row: int, given_rate: float = STANDARD.rate) -> QuoteCode:
    """The code that ``graded`` gives the contract in ``row``: its own series tells it."""
    expiry, name = int(chain.expiry[row]), chain.trading_class[row]
    one = np.full(1, _years_to(chain, expiry))
    rate = dividend_yield = np.zeros(1)
    if chain.style is ExerciseStyle.EUROPEAN:
        rate = dividend_yield = np.full(1, given_rate)
        of_expiry = np.flatnonzero(chain.expiry == expiry)
        of_class = [chain.trading_class[each] == name for each in of_expiry.tolist()]
        series = Series(name, expiry, of_expiry[of_class])
        carry = _implied_carry(chain, series, float(one[0]), given_rate)
        if carry is not None:
            rate = np.full(1, carry.rate)
            dividend_yield = np.full(1, yield_of(carry, chain, float(one[0])))
    return QuoteCode(int(_codes(chain, slice(row, row + 1), one, rate, dividend_yield)[0]))


def _codes(
    chain: OptionChain,
    rows: slice,
    years: FloatArray,
    rate: FloatArray,
    dividend_yield: FloatArray,
) -> CodeArray:
    """Of ``rows``, to which the other columns belong."""
    return grade_quotes(
        chain.bid[rows],
        chain.ask[rows],
        chain.underlying_price,
        chain.strike[rows],
        years,
        rate,
        dividend_yield,
        chain.is_call[rows],
        is_stale=chain.quality is not QuoteQuality.LIVE,
        is_american=chain.style is not ExerciseStyle.EUROPEAN,
    )


def series_of(chain: OptionChain) -> list[Series]:
    """All of a chain, by class and expiry."""
    names = sorted(set(chain.trading_class))
    number = {name: place for place, name in enumerate(names)}
    classes = np.fromiter(map(number.__getitem__, chain.trading_class), np.int64, len(chain))
    order = np.lexsort((chain.expiry, classes))
    of_class, expiry = classes[order], chain.expiry[order]
    edges = np.flatnonzero((np.diff(of_class) != 0) | (np.diff(expiry) != 0)) + 1
    return [
        Series(names[int(classes[rows[0]])], int(chain.expiry[rows[0]]), rows)
        for rows in np.split(order, edges)
        if len(rows)
    ]


def years_to_expiry(chain: OptionChain) -> FloatArray:
    """Of every row, to the close of its last trading day; not positive once that is past."""
    expiries, place = np.unique(chain.expiry, return_inverse=True)
    left = [_years_to(chain, day) for day in expiries.tolist()]
    return np.array(left, dtype=np.float64)[place]


def _years_to(chain: OptionChain, expiry: int) -> float:
    left = expiry_moment(_EPOCH + timedelta(days=expiry)) - chain.as_of
    return left.total_seconds() / SECONDS_PER_YEAR


def implied_carries(
    chain: OptionChain, every: Sequence[Series], years: FloatArray, given_rate: float
) -> Iterator[tuple[Series, ImpliedCarry]]:
    """Forward and rate of each series whose calls and puts tell them."""
    for series in every:
        carry = _implied_carry(chain, series, float(years[series.rows[0]]), given_rate)
        if carry is not None:
            yield series, carry


def _implied_carry(
    chain: OptionChain, series: Series, years: float, given_rate: float
) -> ImpliedCarry | None:
    is_call = chain.is_call[series.rows]
    call, put = series.rows[is_call], series.rows[~is_call]
    strike, of_puts = chain.strike[call], chain.strike[put]
    # As chains usually come, each call has its put and strikes ascend: nothing need be sorted.
    if not (np.array_equal(strike, of_puts) and (strike[1:] > strike[:-1]).all()):
        strike, one, other = np.intersect1d(strike, of_puts, return_indices=True)
        call, put = call[one], put[other]
    implied = implied_forward(
        strike,
        chain.bid[call],
        chain.ask[call],
        chain.bid[put],
        chain.ask[put],
        spot=chain.underlying_price,
        years=years,
        given_rate=given_rate,
    )
    if not (implied.is_known and implied.forward > 0):
        return None
    return ImpliedCarry(
        trading_class=series.trading_class,
        expiry=series.expiry,
        forward=implied.forward,
        rate=implied.rate,
        is_rate_assumed=implied.code is ForwardCode.RATE_ASSUMED,
    )


def yield_of(carry: ImpliedCarry, chain: OptionChain, years: float) -> float:
    """The annualised yield that leads, with the carry's rate, from the spot to its forward."""
    return carry.rate - float(np.log(carry.forward / chain.underlying_price)) / years

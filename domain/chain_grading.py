"""What every row of a chain is worth as data: a quality code, and the forwards its quotes imply.

Done once, where a chain comes in; the codes then travel with it into the record, the strategies
and the account's quotes.

European chains are judged by the forward and rate of each expiry's own calls and puts; where the
quotes do not tell, the spot stands in for the forward. American options are bound by the value of
exercise at once, which no carry moves. Settled in the morning or by the close, an option's time is
counted to the close of its last trading day: the difference is below what a bound can tell.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from domain.instruments import ExerciseStyle
from domain.market import FloatArray, ImpliedCarry, OptionChain, QuoteQuality
from domain.pricing.forwards import ForwardCode, implied_forward
from domain.pricing.quality import find_arbitrage, grade_quotes
from domain.risk.valuation import SECONDS_PER_YEAR, STANDARD, expiry_moment

_EPOCH = date(1970, 1, 1)


def graded(chain: OptionChain, given_rate: float = STANDARD.rate) -> OptionChain:
    """The chain with ``code``, ``arbitrage`` and ``carries``; never raises on a number."""
    is_european = chain.style is ExerciseStyle.EUROPEAN
    years = years_to_expiry(chain)
    carries: tuple[ImpliedCarry, ...] = ()
    rate, dividend_yield = np.zeros(len(chain)), np.zeros(len(chain))
    if is_european:
        rate += given_rate
        dividend_yield += given_rate
        carries = implied_carries(chain, years, given_rate)
        for carry in carries:
            rows = _rows(chain, carry.trading_class, carry.expiry)
            rate[rows] = carry.rate
            dividend_yield[rows] = yield_of(carry, chain, float(years[rows][0]))
    code = grade_quotes(
        chain.bid,
        chain.ask,
        chain.underlying_price,
        chain.strike,
        years,
        rate,
        dividend_yield,
        chain.is_call,
        is_stale=chain.quality is not QuoteQuality.LIVE,
        is_american=not is_european,
    )
    flags = np.zeros(len(chain), dtype=np.int64)
    # Two classes may settle at different prices: only rows of one class can be set against another.
    for name in set(chain.trading_class):
        rows = _rows(chain, name)
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


def years_to_expiry(chain: OptionChain) -> FloatArray:
    """Of every row, to the close of its last trading day; not positive once that is past."""
    expiries, place = np.unique(chain.expiry, return_inverse=True)
    moments = [expiry_moment(_EPOCH + timedelta(days=int(day))) for day in expiries.tolist()]
    left = [(moment - chain.as_of).total_seconds() / SECONDS_PER_YEAR for moment in moments]
    return np.array(left, dtype=np.float64)[place]


def implied_carries(
    chain: OptionChain, years: FloatArray, given_rate: float
) -> tuple[ImpliedCarry, ...]:
    """Forward and rate of each class and expiry whose calls and puts tell them."""
    found: list[ImpliedCarry] = []
    for name in sorted(set(chain.trading_class)):
        for expiry in np.unique(chain.expiry[_rows(chain, name)]).tolist():
            rows = _rows(chain, name, expiry)
            calls, puts = rows[chain.is_call[rows]], rows[~chain.is_call[rows]]
            strike, one, other = np.intersect1d(
                chain.strike[calls], chain.strike[puts], return_indices=True
            )
            call, put = calls[one], puts[other]
            implied = implied_forward(
                strike,
                chain.bid[call],
                chain.ask[call],
                chain.bid[put],
                chain.ask[put],
                spot=chain.underlying_price,
                years=float(years[rows[0]]),
                given_rate=given_rate,
            )
            if implied.is_known and implied.forward > 0:
                found.append(
                    ImpliedCarry(
                        trading_class=name,
                        expiry=expiry,
                        forward=implied.forward,
                        rate=implied.rate,
                        is_rate_assumed=implied.code is ForwardCode.RATE_ASSUMED,
                    )
                )
    return tuple(found)


def _rows(chain: OptionChain, trading_class: str, expiry: int | None = None) -> np.ndarray:
    chosen = np.asarray(chain.trading_class, dtype=np.str_) == trading_class
    if expiry is not None:
        chosen &= chain.expiry == expiry
    return np.flatnonzero(chosen)


def yield_of(carry: ImpliedCarry, chain: OptionChain, years: float) -> float:
    """The annualised yield that leads, with the carry's rate, from the spot to its forward."""
    return carry.rate - float(np.log(carry.forward / chain.underlying_price)) / years

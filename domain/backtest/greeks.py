"""Volatility and delta of recorded options whose publisher gave none."""

from __future__ import annotations

import numpy as np

from domain.chain_grading import implied_carries, series_of, years_to_expiry, yield_of
from domain.market import OptionChain


def with_missing_greeks(chain: OptionChain, rate: float) -> OptionChain:
    """The chain with ``iv`` and ``delta`` worked out where they are nan; what was recorded stays.

    From the middle of a sound two-sided quote, by the European formula on the forward that the
    expiry's own calls and puts imply, or on the spot at ``rate`` (annualised) where they do not
    tell. Of American options that is an approximation, good out of the money, where strategies
    sell. A row without a sound quote, or worth less than its bound, keeps its nan.
    """
    lacking = ~(np.isfinite(chain.iv) & np.isfinite(chain.delta))
    if not lacking.any():
        return chain
    years = years_to_expiry(chain)
    with np.errstate(invalid="ignore"):
        wanted = np.flatnonzero(lacking & (chain.bid > 0) & (chain.ask >= chain.bid) & (years > 0))
    if not len(wanted):
        return chain
    # The compiled kernel is loaded where it works, not with every history.
    from domain.pricing.implied_vol import implied_greeks  # noqa: PLC0415

    rates, yields = np.full(len(chain), rate), np.zeros(len(chain))
    for series, carry in implied_carries(chain, series_of(chain), years, rate):
        rates[series.rows] = carry.rate
        yields[series.rows] = yield_of(carry, chain, float(years[series.rows[0]]))
    found = implied_greeks(
        chain.mid[wanted],
        chain.underlying_price,
        chain.strike[wanted],
        years[wanted],
        rates[wanted],
        yields[wanted],
        chain.is_call[wanted],
    )
    iv, delta = chain.iv.copy(), chain.delta.copy()
    iv[wanted] = np.where(np.isfinite(iv[wanted]), iv[wanted], found.vol)
    delta[wanted] = np.where(np.isfinite(delta[wanted]), delta[wanted], found.delta)
    return chain.model_copy(update={"iv": iv, "delta": delta})

"""What is wrong with a row of a chain, as a code: every row gets one, and only OK may be priced.

A quote is judged in the order of ``QuoteCode``, and the first fault found is the one told. A row
that is OK has an implied volatility. Whether the rows of a chain agree with each other is told
apart, as ``Arbitrage`` flags: such a quote may be right and its neighbour wrong.
"""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import numpy.typing as npt

from domain.market import QuoteCode
from domain.pricing.european import FloatArray, Floats

CodeArray = npt.NDArray[np.int8]
BoolArray = npt.NDArray[np.bool_]


class Arbitrage(IntFlag):
    """Static arbitrage at the quoted bids and asks between a row and its neighbours."""

    NONE = 0
    VERTICAL = 1
    """Two strikes: the nearer to the money is cheaper, or their difference exceeds the strikes'."""
    BUTTERFLY = 2
    """Three strikes: the middle one is bid above what its wings cost."""
    CALENDAR = 4
    """Two expiries of an American option: the later asks less than the earlier is bid."""


def grade_quotes(  # noqa: PLR0913  # a quote, its contract and its market
    bid: Floats,
    ask: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    is_call: npt.ArrayLike,
    *,
    is_stale: npt.ArrayLike = False,
    is_american: npt.ArrayLike = False,
) -> CodeArray:
    """The ``QuoteCode`` of every row, of the broadcast shape; never raises on a number."""
    floats = (bid, ask, spot, strike, years, rate, dividend_yield)
    arrays = [np.asarray(each, dtype=np.float64) for each in floats]
    flags = [np.asarray(each, dtype=np.bool_) for each in (is_call, is_stale, is_american)]
    columns = np.broadcast_arrays(*arrays, *flags)
    b, a, s, k, t, r, q = columns[:7]
    call, stale, american = columns[7:]
    with np.errstate(all="ignore"):
        middle = (b + a) / 2
        low, high = _bounds(s, k, t, r, q, call, american)
        faults = {
            QuoteCode.NAN_INPUT: ~np.isfinite(s + t + r + q),
            QuoteCode.BAD_SPOT: s <= 0,
            QuoteCode.BAD_STRIKE: ~(np.isfinite(k) & (k > 0)),
            QuoteCode.EXPIRED: t <= 0,
            QuoteCode.STALE: stale,
            QuoteCode.NO_ASK: ~(np.isfinite(a) & (a > 0)),
            QuoteCode.NO_BID: ~(np.isfinite(b) & (b > 0)),
            QuoteCode.CROSSED: b > a,
            QuoteCode.BELOW_INTRINSIC: ~(middle > low),
            QuoteCode.ABOVE_BOUND: ~(middle < high),
        }
    codes = np.zeros(middle.shape, dtype=np.int8)
    for code, is_faulty in reversed(faults.items()):
        codes[is_faulty] = code
    return codes


def find_arbitrage(
    expiry: npt.ArrayLike,
    strike: Floats,
    is_call: npt.ArrayLike,
    bid: Floats,
    ask: Floats,
    *,
    is_american: bool = False,
) -> npt.NDArray[np.int8]:
    """The ``Arbitrage`` flags of every row of a chain, shape ``(n,)``, neighbour by neighbour.

    Every row that takes part is flagged. Rows without both quotes, or crossed, are left out: they
    have a code of their own. Discounting is left out in the tester's favour: rates are taken for
    not negative.
    """
    days, call = np.asarray(expiry), np.asarray(is_call, dtype=np.bool_)
    k, b, a = (np.asarray(each, dtype=np.float64) for each in (strike, bid, ask))
    flags = np.zeros(k.shape, dtype=np.int8)
    rows = np.flatnonzero((b > 0) & (a >= b) & np.isfinite(a) & np.isfinite(k))
    by_strike = rows[np.lexsort((k[rows], call[rows], days[rows]))]
    one, two = by_strike[:-1], by_strike[1:]
    is_pair = (days[one] == days[two]) & (call[one] == call[two]) & (k[one] < k[two])
    near, far = np.where(call[one], one, two), np.where(call[one], two, one)
    too_cheap = a[near] < b[far]
    too_wide = b[near] - a[far] > k[two] - k[one]
    _flag(flags, is_pair & (too_cheap | too_wide), Arbitrage.VERTICAL, one, two)
    low, mid, high = by_strike[:-2], by_strike[1:-1], by_strike[2:]
    is_triple = is_pair[:-1] & is_pair[1:]
    with np.errstate(all="ignore"):
        share = (k[high] - k[mid]) / (k[high] - k[low])
    wings = share * a[low] + (1 - share) * a[high]
    _flag(flags, is_triple & (b[mid] > wings), Arbitrage.BUTTERFLY, low, mid, high)
    if is_american:
        by_expiry = rows[np.lexsort((days[rows], k[rows], call[rows]))]
        one, two = by_expiry[:-1], by_expiry[1:]
        is_pair = (k[one] == k[two]) & (call[one] == call[two]) & (days[one] < days[two])
        _flag(flags, is_pair & (a[two] < b[one]), Arbitrage.CALENDAR, one, two)
    return flags


def _flag(
    flags: npt.NDArray[np.int8], found: BoolArray, flag: Arbitrage, *legs: npt.NDArray[np.intp]
) -> None:
    for leg in legs:
        flags[leg[found]] |= flag.value


def _bounds(
    spot: FloatArray,
    strike: FloatArray,
    years: FloatArray,
    rate: FloatArray,
    dividend_yield: FloatArray,
    is_call: BoolArray,
    is_american: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Between which values an option's lies (Merton 1973)."""
    held, paid = spot * np.exp(-dividend_yield * years), strike * np.exp(-rate * years)
    at_expiry = np.where(is_call, held - paid, paid - held)
    now = np.where(is_call, spot - strike, strike - spot)
    low = np.maximum(np.where(is_american, np.maximum(now, at_expiry), at_expiry), 0.0)
    high = np.where(is_call, held, paid)
    never_more = np.where(is_call, np.maximum(spot, held), np.maximum(strike, paid))
    return low, np.where(is_american, never_more, high)

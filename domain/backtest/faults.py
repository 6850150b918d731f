"""What makes a recorded chain unfit to trade on: counts over all rows, and the one table of limits.

Counting is one pass over the columns, compiled, because a history has millions of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numba import njit

from domain.backtest.history import ChainFault, FaultCode
from domain.market import BoolArray, FloatArray, IntArray

SHARE_ALLOWED = {
    FaultCode.STALE_DUPLICATE: 0.90,
    FaultCode.WRONG_DATES: 0.01,
    FaultCode.DUPLICATE_ROWS: 0.01,
    FaultCode.CROSSED: 0.05,
    FaultCode.ONE_SIDED: 0.75,
    FaultCode.PARITY: 0.25,
}
"""By code, the share above which a chain must not be traded on. NOT_A_SESSION and
NO_UNDERLYING_PRICE have none: one such chain is one too many.

Of a living chain nearly every quote moves from one session to the next, so that nine in ten
repeated mean a copy. A third of an index chain may have no bid; three quarters mean that the market
was not open."""
LARGEST_CARRY = 0.10
"""Annual rate or dividend yield that parity allows for."""
PARITY_SLACK = 0.01
"""Share of the underlying's price by which it may have been recorded at another moment."""
NEAR_THE_MONEY = 0.20
DAYS_PER_YEAR = 365.0
FEWEST_TO_COMPARE = 8
"""Quotes in common with the day before, or calls with their puts: fewer prove nothing."""
ROWS, QUOTED, CROSSED, ONE_SIDED, PAIRS, PARITY, COMMON, SAME = range(8)
COUNTED = (
    "rows", "quoted", "crossed", "one_sided", "pairs", "parity", "common", "same",
)  # fmt: skip
"""Names of the counts, by their number."""
COUNTS = len(COUNTED)


@dataclass(frozen=True, slots=True)
class ChainCounts:
    """What was counted in one chain.

    ``quoted`` rows have both sides; ``one_sided`` ones lack a bid or an ask; ``pairs`` are calls
    with their puts near the money, ``parity`` those that disagree with the underlying's price;
    ``common`` rows were quoted in the session before as well, ``same`` of them alike.
    """

    rows: int
    quoted: int
    crossed: int
    one_sided: int
    pairs: int
    parity: int
    common: int
    same: int
    expired: int = 0
    """Rows dropped because their expiry lay before the quote."""
    duplicates: int = 0
    """Rows dropped because their contract had a row already."""
    conflicting: int = 0
    """Of the duplicates, those with another quote."""


def count_all(
    firsts: IntArray,
    ends: IntArray,
    previous: IntArray,
    spots: FloatArray,
    days: IntArray,
    columns: tuple[IntArray, IntArray, FloatArray, BoolArray, FloatArray, FloatArray],
) -> IntArray:
    """Counts of every chain, shape ``(chains, 8)``, in the order of ``ChainCounts``.

    A chain is rows ``firsts`` to ``ends``; ``previous`` is the number of the same underlying's
    last chain of the session before, or -1; ``days`` its date, in days since 1970-01-01.
    ``columns`` are con_id, expiry, strike, is_call, bid and ask, ascending by con_id in a chain,
    where a put comes before the call of its strike.
    """
    return _count(firsts, ends, previous, spots, days, *columns)


@njit(cache=True, nogil=True, inline="always")
def _disagrees(
    dearest: float, cheapest: float, spot: float, strike: float, years: float
) -> bool:  # pragma: no cover  # compiled
    """Whether buying or selling a call against its put contradicts the underlying's price.

    S·e^(-q·t) - K ≤ C - P ≤ S - K·e^(-r·t), for European and American options alike (Merton
    1973), with the largest r and q there may be.
    """
    discount = np.exp(-LARGEST_CARRY * years)
    slack = PARITY_SLACK * spot
    return dearest > spot - strike * discount + slack or cheapest < spot * discount - strike - slack


@njit(cache=True, nogil=True)
def _count(  # noqa: PLR0913, PLR0917  # one pass, and numba wants plain arguments
    firsts: IntArray,
    ends: IntArray,
    previous: IntArray,
    spots: FloatArray,
    days: IntArray,
    con_id: IntArray,
    expiry: IntArray,
    strike: FloatArray,
    is_call: BoolArray,
    bid: FloatArray,
    ask: FloatArray,
) -> IntArray:  # pragma: no cover  # compiled
    counts = np.zeros((len(firsts), COUNTS), dtype=np.int64)
    for chain in range(len(firsts)):
        spot = spots[chain]
        before = previous[chain]
        old, old_end = 0, 0
        if before >= 0:
            old, old_end = firsts[before], ends[before]
        for row in range(firsts[chain], ends[chain]):
            counts[chain, ROWS] += 1
            has_both = bid[row] > 0.0 and ask[row] > 0.0
            if not has_both:
                counts[chain, ONE_SIDED] += 1
            else:
                counts[chain, QUOTED] += 1
                if bid[row] > ask[row]:
                    counts[chain, CROSSED] += 1
            while old < old_end and con_id[old] < con_id[row]:
                old += 1
            if old < old_end and con_id[old] == con_id[row] and has_both:
                counts[chain, COMMON] += 1
                if bid[old] == bid[row] and ask[old] == ask[row]:
                    counts[chain, SAME] += 1
            # The right is the last bit of the number: a call follows its put.
            put = row - 1
            if not is_call[row] or put < firsts[chain] or con_id[put] != con_id[row] - 1:
                continue
            if not (has_both and bid[put] > 0.0 and ask[put] > 0.0 and spot > 0.0):
                continue
            if abs(strike[row] - spot) > NEAR_THE_MONEY * spot:
                continue
            counts[chain, PAIRS] += 1
            years = (expiry[row] - days[chain]) / DAYS_PER_YEAR
            dearest, cheapest = bid[row] - ask[put], ask[row] - bid[put]
            counts[chain, PARITY] += _disagrees(dearest, cheapest, spot, strike[row], years)
    return counts


def chain_faults(
    counts: ChainCounts, *, has_price: bool, is_session: bool, session_before: date | None
) -> tuple[ChainFault, ...]:
    """Why a chain must not be traded on; empty if it may be."""
    faults: list[ChainFault] = []
    if not is_session:
        faults.append(ChainFault(FaultCode.NOT_A_SESSION, "the exchange was closed"))
    if not has_price:
        detail = "no price of the underlying is recorded"
        faults.append(ChainFault(FaultCode.NO_UNDERLYING_PRICE, detail))
    total = counts.rows + counts.expired
    found = (
        (FaultCode.STALE_DUPLICATE, counts.same, counts.common, f"repeat {session_before}"),
        (FaultCode.WRONG_DATES, counts.expired, total, "had expired"),
        (FaultCode.DUPLICATE_ROWS, counts.conflicting, total, "contradict another row"),
        (FaultCode.CROSSED, counts.crossed, counts.quoted, "are crossed"),
        (FaultCode.ONE_SIDED, counts.one_sided, counts.rows, "lack a bid or an ask"),
        (FaultCode.PARITY, counts.parity, counts.pairs, "calls and puts contradict the underlying"),
    )
    faults += [
        ChainFault(code, f"{part} of {whole} {words}")
        for code, part, whole, words in found
        if part > SHARE_ALLOWED[code] * whole and _is_telling(code, whole)
    ]
    return tuple(faults)


def _is_telling(code: FaultCode, whole: int) -> bool:
    needs_many = code in {FaultCode.STALE_DUPLICATE, FaultCode.PARITY}
    return whole >= FEWEST_TO_COMPARE if needs_many else whole > 0


def summed(counts: Sequence[ChainCounts]) -> dict[str, int]:
    """Totals by name."""
    names = ChainCounts.__dataclass_fields__
    return {name: sum(getattr(each, name) for each in counts) for name in names}

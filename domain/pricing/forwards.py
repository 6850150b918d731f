"""The forward and the rate that a chain's own calls and puts agree on, expiry by expiry.

Put-call parity for European options: C - P = D·(F - K). The middles of both over the strikes near
the money lie on a line, whose slope gives the discount factor D and whose root gives the forward
F. Each strike weighs as much as its quotes are narrow, and strikes further off the line than their
own spreads allow are dropped. For American options early exercise bends the line: use it there only
near the money and close to expiry, or not at all.
"""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from typing import NamedTuple

import numpy as np

from domain.market import BoolArray
from domain.pricing.european import FloatArray

NEAR_THE_MONEY = 0.10
"""Strikes within this share of the spot count."""
FEWEST_STRIKES = 3
LARGEST_RATE_ERROR = 0.005
"""A rate known worse than this, as a standard error, is not used."""
LARGEST_RATE = 0.30
_ROUNDS = 8


class ForwardCode(StrEnum):
    OK = "OK"
    RATE_ASSUMED = "RATE_ASSUMED"
    """The quotes tell the forward, but not the rate: the given rate was used."""
    NO_QUOTES = "NO_QUOTES"
    """Fewer than FEWEST_STRIKES strikes near the money with a usable call and put."""
    INCONSISTENT = "INCONSISTENT"
    """Fewer than that agree within their spreads."""
    EXPIRED = "EXPIRED"
    BAD_INPUT = "BAD_INPUT"
    """The spot, term or given rate is not a usable number."""


class ImpliedForward(NamedTuple):
    """Nothing but the code may be used unless ``is_known``; numbers are nan then."""

    forward: float
    rate: float
    """Annualised, continuously compounded."""
    rate_error: float
    """Its standard error, as the scatter of the strikes tells it; nan for an assumed rate."""
    strikes: int
    """How many the line rests on."""
    code: ForwardCode

    @property
    def is_known(self) -> bool:
        return self.code in {ForwardCode.OK, ForwardCode.RATE_ASSUMED}

    def dividend_yield(self, spot: float, years: float) -> float:
        """The carry that leads from the spot to this forward at this rate."""
        return self.rate - float(np.log(self.forward / spot)) / years


def implied_forward(
    strike: FloatArray,
    call_bid: FloatArray,
    call_ask: FloatArray,
    put_bid: FloatArray,
    put_ask: FloatArray,
    *,
    spot: float,
    years: float,
    given_rate: float,
) -> ImpliedForward:
    """Of one expiry: arrays of shape ``(n,)``, one entry per strike; never raises on a number.

    ``given_rate`` stands in where the strikes do not tell the rate to within LARGEST_RATE_ERROR.
    """
    if not (isfinite(spot) and isfinite(years) and isfinite(given_rate) and spot > 0):
        return _unknown(ForwardCode.BAD_INPUT)
    if years <= 0:
        return _unknown(ForwardCode.EXPIRED)
    with np.errstate(all="ignore"):
        usable = _is_two_sided(call_bid, call_ask) & _is_two_sided(put_bid, put_ask)
        usable &= (strike > 0) & (np.abs(strike / spot - 1) <= NEAR_THE_MONEY)
    if int(usable.sum()) < FEWEST_STRIKES:
        return _unknown(ForwardCode.NO_QUOTES)
    k = strike[usable]
    difference = (call_bid + call_ask - put_bid - put_ask)[usable] / 2
    reach = (call_ask - call_bid + put_ask - put_bid)[usable] / 2
    reach = np.maximum(reach, 1e-4 * spot)
    assumed = float(np.exp(-given_rate * years))
    kept = _on_the_line(difference + assumed * k, reach)
    if int(kept.sum()) < FEWEST_STRIKES:
        return _unknown(ForwardCode.INCONSISTENT)
    return _fit(k[kept], difference[kept], reach[kept], spot, years, given_rate)


def _is_two_sided(bid: FloatArray, ask: FloatArray) -> BoolArray:
    return np.isfinite(bid) & np.isfinite(ask) & (bid > 0) & (ask >= bid)


def _on_the_line(level: FloatArray, reach: FloatArray) -> BoolArray:
    """The rows whose ``level``, D·F but for the rate's error, agrees within its own spread.

    Around the median, which up to half of the rows cannot move far.
    """
    kept = np.ones(len(level), dtype=np.bool_)
    for _ in range(_ROUNDS):
        if not kept.any():
            break
        still = np.abs(level - _median(level[kept])) <= reach
        if np.array_equal(still, kept):
            break
        kept = still
    return kept


def _median(values: FloatArray) -> float:
    """``np.median`` of finite values, of which there are some: it would look for others first."""
    ordered, middle = np.sort(values), len(values) // 2
    if len(values) % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) / 2)


def _fit(
    k: FloatArray,
    difference: FloatArray,
    reach: FloatArray,
    spot: float,
    years: float,
    given_rate: float,
) -> ImpliedForward:
    weight = 1 / reach**2
    total = weight.sum()
    centre = (weight * k).sum() / total
    level = (weight * difference).sum() / total
    spread = (weight * (k - centre) ** 2).sum()
    if spread > 0 and len(k) > FEWEST_STRIKES:
        discount = -float((weight * (k - centre) * difference).sum() / spread)
        rest = difference - level + discount * (k - centre)
        scatter = (weight * rest**2).sum() / (len(k) - 2)
        if discount > 0:
            rate = -float(np.log(discount)) / years
            error = float(np.sqrt(scatter / spread)) / (discount * years)
            if error <= LARGEST_RATE_ERROR and abs(rate) <= LARGEST_RATE:
                forward = float(centre + level / discount)
                return ImpliedForward(forward, rate, error, len(k), ForwardCode.OK)
    forward = float(centre + level * np.exp(given_rate * years))
    if not abs(forward / spot - 1) < 1:
        return _unknown(ForwardCode.INCONSISTENT)
    return ImpliedForward(forward, given_rate, np.nan, len(k), ForwardCode.RATE_ASSUMED)


def _unknown(code: ForwardCode) -> ImpliedForward:
    return ImpliedForward(np.nan, np.nan, np.nan, 0, code)

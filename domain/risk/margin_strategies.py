"""The combinations strategy-based margin knows, and what one unit of each asks for.

Source: Cboe Rule 10.3(c)(5) and the Cboe Margin Manual; the formulas are beside each strategy. All
amounts are in the currency of the prices, per contract (per share for stock alone).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product
from math import comb, isfinite
from typing import NamedTuple

import numpy as np

from domain.instruments import Right
from domain.market import FloatArray
from domain.risk.products import is_broad_index, product_group

STOCK_INITIAL = 0.50
LONG_STOCK_MAINTENANCE = 0.25
SHORT_STOCK_MAINTENANCE = 0.30
SHORT_STOCK_LEAST_PER_SHARE = 5.00
CHEAP_SHORT_STOCK_LEAST_PER_SHARE = 2.50
EQUITY_OPTION_RATE = 0.20
BROAD_INDEX_OPTION_RATE = 0.15
LEAST_OPTION_RATE = 0.10
HEDGED_STOCK_RATE = 0.10
# Beyond this many, spreads are not paired with spreads any more: never asks for too little.
MOST_SPREAD_PAIRS = 4000


class MarginLeg(NamedTuple):
    """One position as margin sees it. ``quantity`` is signed; prices are per share.

    ``right`` is None for stock; ``is_standard`` is False for options a corporate action changed,
    which deliver something else and pair with nothing.
    """

    symbol: str
    quantity: float
    mark: float
    spot: float
    right: Right | None = None
    strike: float = 0.0
    expiry: date | None = None
    multiplier: float = 1.0
    is_index: bool = False
    is_standard: bool = True

    @property
    def is_option(self) -> bool:
        return self.right is not None

    @property
    def is_usable(self) -> bool:
        known = isfinite(self.quantity * self.multiplier * self.mark * self.spot * self.strike)
        return known and self.spot >= 0 and self.mark >= 0

    @property
    def value(self) -> float:
        return self.quantity * self.multiplier * self.mark

    @property
    def in_the_money(self) -> float:
        """Per share, negative when out of the money."""
        return self.spot - self.strike if self.right is Right.CALL else self.strike - self.spot


class Strategy(NamedTuple):
    """One unit of a combination: ``amounts`` of each of ``legs`` (contracts, or shares)."""

    name: str
    legs: tuple[int, ...]
    amounts: tuple[float, ...]
    initial: float
    maintenance: float


def single(legs: Sequence[MarginLeg], index: int) -> Strategy:
    """A position standing alone."""
    leg = legs[index]
    if leg.is_option:
        needed = naked(leg) if leg.quantity < 0 else 0.0
        name = "short option" if leg.quantity < 0 else "long option"
        return Strategy(name, (index,), (1.0,), needed, needed)
    name = "long stock" if leg.quantity > 0 else "short stock"
    initial, maintenance = _stock(leg, 1.0)
    return Strategy(name, (index,), (1.0,), initial, maintenance)


def naked(option: MarginLeg) -> float:
    """A short option alone, per contract: market value plus the greater of two exposures."""
    is_broad = option.is_index and is_broad_index(option.symbol)
    rate = BROAD_INDEX_OPTION_RATE if is_broad else EQUITY_OPTION_RATE
    least_on = option.spot if option.right is Right.CALL else option.strike
    out_of_the_money = max(-option.in_the_money, 0.0)
    exposure = max(rate * option.spot - out_of_the_money, LEAST_OPTION_RATE * least_on)
    return (option.mark + exposure) * option.multiplier


def possible_strategies(legs: Sequence[MarginLeg]) -> list[Strategy]:
    """Every combination of these legs, all of one product group, that the rules give relief for."""
    standard = [index for index, leg in enumerate(legs) if leg.is_standard and leg.quantity]
    stock = [index for index in standard if not legs[index].is_option]
    shorts = [i for i in standard if legs[i].is_option and legs[i].quantity < 0]
    longs = [i for i in standard if legs[i].is_option and legs[i].quantity > 0]
    if not stock and not longs:
        return list(_strangles(legs, shorts))
    spreads = list(_spreads(legs, shorts, longs))
    return [
        *_stock_and_option(legs, stock, shorts, longs),
        *_collars(legs, stock, shorts, longs),
        *(_strategy_of(spread) for spread in spreads if spread.width < naked(legs[spread.short])),
        *_strangles(legs, shorts),
        *_spread_pairs(legs, spreads),
    ]


# --- stock, and options on it ---------------------------------------------------------------


def _stock(leg: MarginLeg, shares: float) -> tuple[float, float]:
    """Initial and maintenance of that many shares alone."""
    value = leg.spot * shares
    if leg.quantity > 0:
        return STOCK_INITIAL * value, LONG_STOCK_MAINTENANCE * value
    # FINRA 4210(c): short stock asks for 5.00 a share at least, below 5.00 for all of its price.
    if leg.spot >= SHORT_STOCK_LEAST_PER_SHARE:
        least = max(SHORT_STOCK_MAINTENANCE * value, SHORT_STOCK_LEAST_PER_SHARE * shares)
    else:
        least = max(value, CHEAP_SHORT_STOCK_LEAST_PER_SHARE * shares)
    return max(STOCK_INITIAL * value, least), least


def _shares_per_contract(option: MarginLeg, stock: MarginLeg) -> float | None:
    """Shares that stand against one contract; None where they do not cover it.

    An option on an index is covered by a fund that tracks it to the same market value
    (Rule 10.3(c)(5)(C)).
    """
    if stock.symbol == option.symbol:
        return option.multiplier
    if option.is_index and product_group(option.symbol) == product_group(stock.symbol):
        return option.multiplier * option.spot / stock.spot if stock.spot > 0 else None
    return None


def _stock_and_option(
    legs: Sequence[MarginLeg], stock: Sequence[int], shorts: Sequence[int], longs: Sequence[int]
) -> Iterator[Strategy]:
    for held in stock:
        for index in (*shorts, *longs):
            needed = _shares_per_contract(legs[index], legs[held])
            if needed is None:
                continue
            asked = _with_stock(legs[held], legs[index], needed)
            if asked is not None:
                name, initial, maintenance = asked
                yield Strategy(name, (held, index), (needed, 1.0), initial, maintenance)


def _with_stock(
    stock: MarginLeg, option: MarginLeg, shares: float
) -> tuple[str, float, float] | None:
    """Name, initial and maintenance of stock against one contract; None without relief."""
    initial, alone = _stock(stock, shares)
    is_call, is_long_stock = option.right is Right.CALL, stock.quantity > 0
    if option.quantity < 0:
        if is_call != is_long_stock:
            return None
        # The short option asks for nothing; stock counts at the strike at best, so what is beyond
        # it lends no value.
        beyond = max(option.in_the_money, 0.0) * option.multiplier
        if is_long_stock:
            counted = max(stock.spot * shares - beyond, 0.0)
            maintenance = LONG_STOCK_MAINTENANCE * counted + beyond
            return "covered call", max(initial, maintenance), maintenance
        return "covered put", max(initial, alone + beyond), alone + beyond
    if is_call == is_long_stock:
        return None
    # Protected: 10 % of the strike plus what the option is out of the money, or as if alone.
    name = "protective put" if is_long_stock else "protective call"
    return name, initial, min(_hedged(option), alone)


def _hedged(option: MarginLeg) -> float:
    out_of_the_money = max(-option.in_the_money, 0.0)
    return (HEDGED_STOCK_RATE * option.strike + out_of_the_money) * option.multiplier


def _collars(
    legs: Sequence[MarginLeg], stock: Sequence[int], shorts: Sequence[int], longs: Sequence[int]
) -> Iterator[Strategy]:
    """Long stock, long put, short call of one expiry (a conversion where the strikes are equal).

    Maintenance: the lesser of 10 % of the put's strike plus what it is out of the money, and 25 %
    of the call's strike; stock counts at the call's strike at best.
    """
    for held in (each for each in stock if legs[each].quantity > 0):
        for call in (each for each in shorts if legs[each].right is Right.CALL):
            for put in (each for each in longs if legs[each].right is Right.PUT):
                sold, bought = legs[call], legs[put]
                shares = _shares_per_contract(sold, legs[held])
                if shares is None or not _are_one_series(sold, bought):
                    continue
                if bought.strike > sold.strike:
                    continue
                beyond = max(sold.in_the_money, 0.0) * sold.multiplier
                by_call = LONG_STOCK_MAINTENANCE * sold.strike * sold.multiplier
                maintenance = min(_hedged(bought), by_call) + beyond
                initial = max(_stock(legs[held], shares)[0], maintenance)
                uses = (shares, 1.0, 1.0)
                yield Strategy("collar", (held, put, call), uses, initial, maintenance)


def _are_one_series(one: MarginLeg, other: MarginLeg) -> bool:
    """Same underlying, multiplier and expiry."""
    return (one.symbol, one.multiplier, one.expiry) == (
        other.symbol,
        other.multiplier,
        other.expiry,
    )


# --- options against options ----------------------------------------------------------------


class _Spread(NamedTuple):
    short: int
    long: int
    width: float
    """What it can lose at the short option's expiry, per contract; 0 where it cannot."""
    expiry: date | None
    """Of both; None where the long option lives longer."""


def _spreads(
    legs: Sequence[MarginLeg], shorts: Sequence[int], longs: Sequence[int]
) -> Iterator[_Spread]:
    """A short option and a long one of its right that expires no earlier."""
    for short in shorts:
        for long in longs:
            sold, bought = legs[short], legs[long]
            if (sold.symbol, sold.right, sold.multiplier) != (
                bought.symbol,
                bought.right,
                bought.multiplier,
            ):
                continue
            if bought.expiry is None or sold.expiry is None or bought.expiry < sold.expiry:
                continue
            gap = (bought.strike - sold.strike) * sold.multiplier
            width = max(gap if sold.right is Right.CALL else -gap, 0.0)
            expiry = sold.expiry if bought.expiry == sold.expiry else None
            yield _Spread(short, long, width, expiry)


def _strategy_of(spread: _Spread) -> Strategy:
    legs = (spread.short, spread.long)
    return Strategy("spread", legs, (1.0, 1.0), spread.width, spread.width)


def _strangles(legs: Sequence[MarginLeg], shorts: Sequence[int]) -> Iterator[Strategy]:
    """A short put and a short call: the greater requirement, and the other's market value."""
    puts = [index for index in shorts if legs[index].right is Right.PUT]
    calls = [index for index in shorts if legs[index].right is Right.CALL]
    if not puts or not calls:
        return
    needed = {index: naked(legs[index]) for index in shorts}
    for put, call in product(puts, calls):
        if (legs[put].symbol, legs[put].multiplier) != (legs[call].symbol, legs[call].multiplier):
            continue
        dear, cheap = (put, call) if needed[put] >= needed[call] else (call, put)
        asked = needed[dear] + legs[cheap].mark * legs[cheap].multiplier
        name = "straddle" if legs[put].strike == legs[call].strike else "strangle"
        yield Strategy(f"short {name}", (put, call), (1.0, 1.0), asked, asked)


def _spread_pairs(legs: Sequence[MarginLeg], spreads: Sequence[_Spread]) -> Iterator[Strategy]:
    """Two spreads of one expiry that cannot both lose: the most they can lose together.

    A put and a call spread (iron condor or butterfly), or one that loses below and one that
    loses above (condor, butterfly). Rule 10.3(c)(5)(A)(4)-(5).
    """
    series: dict[tuple[str, date], list[_Spread]] = defaultdict(list)
    for spread in spreads:
        if spread.expiry is not None:
            series[legs[spread.short].symbol, spread.expiry].append(spread)
    if sum(comb(len(members), 2) for members in series.values()) > MOST_SPREAD_PAIRS:
        return
    for members in series.values():
        if len(members) > 1:
            yield from _pairs_of_series(legs, members)


def _pairs_of_series(legs: Sequence[MarginLeg], spreads: Sequence[_Spread]) -> Iterator[Strategy]:
    """The pairs that ask for less than their spreads, or the short options, would alone."""
    alone = np.array([min(spread.width, naked(legs[spread.short])) for spread in spreads])
    values = _expiry_values(legs, spreads)
    first, second = np.triu_indices(len(spreads), k=1)
    # Piecewise linear, and level above the highest strike: the worst is at a strike, or at zero.
    most = np.maximum(-(values[first] + values[second]).min(axis=1), 0.0)
    useful = np.flatnonzero(most < alone[first] + alone[second])
    columns = (first[useful].tolist(), second[useful].tolist(), most[useful].tolist())
    pairs: list[tuple[int, int, float]] = list(zip(*columns, strict=True))
    for i, j, lost in pairs:
        one, other = spreads[i], spreads[j]
        if one.long == other.long:
            continue
        used = _merged((one.short, one.long, other.short, other.long))
        yield Strategy("spread pair", tuple(used), tuple(used.values()), lost, lost)


def _merged(indices: tuple[int, ...]) -> dict[int, float]:
    used: dict[int, float] = {}
    for index in indices:
        used[index] = used.get(index, 0.0) + 1.0
    return used


def _expiry_values(legs: Sequence[MarginLeg], spreads: Sequence[_Spread]) -> FloatArray:
    """What each spread is worth at expiry, at zero and at every strike: ``(spreads, prices)``."""
    sold = [legs[spread.short] for spread in spreads]
    bought = [legs[spread.long] for spread in spreads]
    side = np.array([1.0 if leg.right is Right.CALL else -1.0 for leg in sold])[:, None]
    sold_at = np.array([leg.strike for leg in sold])[:, None]
    bought_at = np.array([leg.strike for leg in bought])[:, None]
    prices = np.unique(np.concatenate([[0.0], sold_at.ravel(), bought_at.ravel()]))
    units = np.array([leg.multiplier for leg in sold])[:, None]
    worth_bought = np.maximum(side * (prices - bought_at), 0.0)
    worth_sold = np.maximum(side * (prices - sold_at), 0.0)
    return units * (worth_bought - worth_sold)

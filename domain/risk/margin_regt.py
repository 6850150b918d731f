"""Strategy-based (Regulation T) margin: the least that the exchange's rules let a broker ask for.

Rules: Cboe Rule 10.3 and FINRA Rule 4210(f)(2), as in Cboe's "Margin Requirement Examples". Stock
pays 50 % at first and 25 % (short: 30 %) afterwards; a long option is paid for in full and lends
nothing; a short option alone asks for its market value plus the greater of 20 % of the underlying
(15 % of a broad index) less what it is out of the money, and 10 % (of the strike for a put, of the
underlying for a call). Positions may be combined, and which combination is cheapest is a linear
assignment of contracts to ``margin_strategies``, solved exactly for each product group.

Contracts come whole, but spreads, strangles and stock against options form a network, whose linear
program has whole solutions by itself. So one linear program answers for all groups together, and
only a group whose answer is not whole (condors and collars may bring it about) is solved again by
an integer program of its own. Where there is but one way to combine, none is needed.

An estimate: brokers add house requirements of their own, and the broker's figure governs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib import import_module
from math import floor
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import block_diag, csc_array  # pyright: ignore

from domain.instruments import Frozen
from domain.market import FloatArray
from domain.risk.margin_strategies import (
    MarginLeg,
    Strategy,
    naked,
    possible_strategies,
    single,
)
from domain.risk.products import product_group

_WHOLE_WITHIN = 1e-6
"""Contracts: the solver's own tolerance."""


class StrategyMargin(Frozen):
    """One combination the requirement was computed for, in the currency of the prices."""

    strategy: str
    legs: tuple[int, ...]
    """Positions in the sequence that was asked about."""
    quantity: float
    """Contracts; shares of stock alone."""
    initial: float
    maintenance: float


class RegTMargin(Frozen):
    """Requirements of a whole account, in the currency of the prices.

    ``initial`` and ``maintenance`` are set against equity that counts no options: long options ask
    for nothing further once they are paid, short ones for their market value at least.
    """

    initial: float
    maintenance: float
    long_option_value: float
    short_option_value: float
    strategies: tuple[StrategyMargin, ...] = ()
    unmargined: tuple[int, ...] = ()
    """Positions whose mark or underlying price is unknown: they are in no figure."""

    @property
    def premium_included(self) -> float:
        """To open all of it: requirement and premiums to pay, before premiums taken in."""
        return self.initial + self.long_option_value

    @property
    def deposit(self) -> float:
        """To open all of it, with the premiums taken in put towards the requirement."""
        return self.premium_included - self.short_option_value


class Requirement(NamedTuple):
    """What an account must have at first, and keep afterwards, in the currency of the prices."""

    initial: float
    maintenance: float


def regt_margin(legs: Sequence[MarginLeg]) -> RegTMargin:
    """The least requirement of the positions together; never raises."""
    groups, unmargined = _groups(legs)
    chosen = _cheapest(groups, of_initial=False)
    initial, maintenance = _requirement(groups, chosen)
    options = [leg for group in groups for leg in group.legs if leg.is_option]
    return RegTMargin(
        initial=initial,
        maintenance=maintenance,
        long_option_value=sum(leg.value for leg in options if leg.quantity > 0),
        short_option_value=-sum(leg.value for leg in options if leg.quantity < 0),
        strategies=tuple(
            part for group, each in zip(groups, chosen, strict=True) for part in _parts(group, each)
        ),
        unmargined=tuple(unmargined),
    )


def regt_requirement(legs: Sequence[MarginLeg]) -> Requirement:
    """The two sums of ``regt_margin``, for who asks too often to be told their parts."""
    if _stand_alone(legs):
        needed = sum(abs(leg.quantity) * naked(leg) for leg in legs)
        return Requirement(needed, needed)
    groups, _ = _groups(legs)
    return _requirement(groups, _cheapest(groups, of_initial=False))


def _stand_alone(legs: Sequence[MarginLeg]) -> bool:
    """Short options of one right on one underlying: there is nothing to combine them with."""
    if not legs or not legs[0].is_option:
        return False
    symbol, right = legs[0].symbol, legs[0].right
    return all(
        leg.quantity < 0 and leg.right is right and leg.symbol == symbol and leg.is_usable
        for leg in legs
    )


def _groups(legs: Sequence[MarginLeg]) -> tuple[list[_Group], list[int]]:
    """The positions by product group, and those that cannot be margined."""
    members: dict[str, list[int]] = defaultdict(list)
    unmargined: list[int] = []
    for index, leg in enumerate(legs):
        if not leg.is_usable:
            unmargined.append(index)
        elif leg.quantity:
            members[product_group(leg.symbol).name].append(index)
    return [_group(legs, each) for each in members.values()], unmargined


def _requirement(groups: Sequence[_Group], chosen: Sequence[_Chosen]) -> Requirement:
    # Options alone ask for the same at first as afterwards.
    with_stock = [any(not leg.is_option for leg in group.legs) for group in groups]
    stocked = [group for group, has in zip(groups, with_stock, strict=True) if has]
    at_first = _cheapest(stocked, of_initial=True) if stocked else []
    maintenance = sum(amount * one.maintenance for each in chosen for one, amount in each)
    initial = sum(amount * one.initial for each in at_first for one, amount in each) + sum(
        amount * one.maintenance
        for has, each in zip(with_stock, chosen, strict=True)
        if not has
        for one, amount in each
    )
    return Requirement(initial=max(initial, maintenance), maintenance=maintenance)


class _Group(NamedTuple):
    """The positions of one product group, and every way to margin them: alone first."""

    members: tuple[int, ...]
    legs: tuple[MarginLeg, ...]
    strategies: tuple[Strategy, ...]

    @property
    def available(self) -> list[float]:
        return [abs(leg.quantity) for leg in self.legs]

    @property
    def combinations(self) -> int:
        return len(self.strategies) - len(self.legs)


def _group(legs: Sequence[MarginLeg], members: Sequence[int]) -> _Group:
    held = tuple(legs[index] for index in members)
    alone = (single(held, index) for index in range(len(held)))
    return _Group(tuple(members), held, (*alone, *possible_strategies(held)))


_Chosen = list[tuple[Strategy, float]]
"""How often each strategy of a group is used."""


def _cheapest(groups: Sequence[_Group], *, of_initial: bool) -> list[_Chosen]:
    """The cheapest way to combine the legs of each group."""
    programs = {
        index: _program(group, of_initial=of_initial)
        for index, group in enumerate(groups)
        if group.combinations > 1
    }
    solved = dict(zip(programs, _solve(list(programs.values())), strict=True))

    def amounts(index: int, group: _Group) -> Sequence[float]:
        if group.combinations == 1:
            return _combined_or_not(group, of_initial=of_initial)
        found = solved.get(index)
        # Without an answer nothing is combined: more than needed, never less.
        return group.available if found is None else found.tolist()

    return [_chosen(group, amounts(index, group)) for index, group in enumerate(groups)]


def _combined_or_not(group: _Group, *, of_initial: bool) -> list[float]:
    """How often each strategy is used where there is one combination: as often as its legs allow
    if it asks for less than they do alone, which needs no program."""

    def cost(strategy: Strategy) -> float:
        return strategy.initial if of_initial else strategy.maintenance

    combined, amounts = group.strategies[-1], group.available
    used = list(zip(combined.legs, combined.amounts, strict=True))
    times = 0
    if cost(combined) < sum(amount * cost(group.strategies[leg]) for leg, amount in used):
        times = floor(min(amounts[leg] / amount for leg, amount in used) + _WHOLE_WITHIN)
    for leg, amount in used:
        amounts[leg] -= times * amount
    return [*amounts, float(times)]


class _Program(NamedTuple):
    """Minimise ``costs · x`` where every leg is used up: ``uses @ x = available``."""

    costs: FloatArray
    """Scaled to one size, which keeps the solver's tolerances meaningful for any account."""
    uses: csc_array
    available: FloatArray
    whole: FloatArray
    """1 where a strategy comes in whole units only."""


def _program(group: _Group, *, of_initial: bool) -> _Program:
    strategies = group.strategies
    costs = np.array([each.initial if of_initial else each.maintenance for each in strategies])
    rows = [leg for strategy in strategies for leg in strategy.legs]
    columns = [j for j, strategy in enumerate(strategies) for _ in strategy.legs]
    amounts = [amount for strategy in strategies for amount in strategy.amounts]
    whole = np.ones(len(strategies))
    whole[: len(group.legs)] = 0.0
    return _Program(
        costs=costs / max(float(np.abs(costs).max()), 1e-9),
        uses=csc_array((amounts, (rows, columns)), shape=(len(group.legs), len(strategies))),
        available=np.array(group.available),
        whole=whole,
    )


def _solve(programs: Sequence[_Program]) -> list[FloatArray | None]:
    """Each program's solution; None where it has none that was found."""
    if not programs:
        return []
    together = _relaxed(programs)
    return [
        amounts if amounts is not None and _is_whole(program, amounts) else _in_integers(program)
        for program, amounts in zip(programs, together, strict=True)
    ]


def _relaxed(programs: Sequence[_Program]) -> list[FloatArray] | list[None]:
    """All programs in one, as if contracts could be divided."""
    solved = _solver().linprog(
        np.concatenate([program.costs for program in programs]),
        A_eq=block_diag([program.uses for program in programs], format="csc"),
        b_eq=np.concatenate([program.available for program in programs]),
        # By its simplex method: solutions are corners, and those of a network are whole.
        method="highs-ds",
    )
    if solved.x is None:
        return [None] * len(programs)
    edges = np.cumsum([len(program.costs) for program in programs])
    return np.split(np.asarray(solved.x, dtype=np.float64), edges[:-1])


def _is_whole(program: _Program, amounts: FloatArray) -> bool:
    counted = amounts[program.whole > 0]
    return bool(np.all(np.abs(counted - np.round(counted)) < _WHOLE_WITHIN))


def _in_integers(program: _Program) -> FloatArray | None:
    solver = _solver()
    solved = solver.milp(
        program.costs,
        constraints=solver.LinearConstraint(program.uses, program.available, program.available),
        integrality=program.whole,
        bounds=solver.Bounds(0, np.inf),
        options={"mip_rel_gap": 1e-9},
    )
    return None if solved.x is None else np.asarray(solved.x, dtype=np.float64)


def _solver() -> Any:
    """Half a second to import: only when asked for. It brings no types."""
    return import_module("scipy.optimize")


def _chosen(group: _Group, amounts: Sequence[float]) -> _Chosen:
    return [
        (strategy, amount)
        # Fewer amounts than strategies: the legs alone.
        for strategy, amount in zip(group.strategies, amounts, strict=False)
        if amount > _WHOLE_WITHIN
    ]


def _parts(group: _Group, chosen: _Chosen) -> Iterator[StrategyMargin]:
    for strategy, amount in chosen:
        yield StrategyMargin(
            strategy=strategy.name,
            legs=tuple(group.members[each] for each in strategy.legs),
            quantity=amount,
            initial=amount * strategy.initial,
            maintenance=amount * strategy.maintenance,
        )

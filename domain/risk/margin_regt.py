"""Strategy-based (Regulation T) margin: the least that the exchange's rules let a broker ask for.

Rules: Cboe Rule 10.3 and FINRA Rule 4210(f)(2), as in Cboe's "Margin Requirement Examples". Stock
pays 50 % at first and 25 % (short: 30 %) afterwards; a long option is paid for in full and lends
nothing; a short option alone asks for its market value plus the greater of 20 % of the underlying
(15 % of a broad index) less what it is out of the money, and 10 % (of the strike for a put, of the
underlying for a call). Positions may be combined, and which combination is cheapest is a linear
assignment of contracts to ``margin_strategies``, solved exactly for each product group.

An estimate: brokers add house requirements of their own, and the broker's figure governs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csc_array  # pyright: ignore[reportMissingTypeStubs]

from domain.instruments import Frozen
from domain.market import FloatArray
from domain.risk.margin_strategies import MarginLeg, Strategy, possible_strategies, single
from domain.risk.products import product_group


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


def regt_margin(legs: Sequence[MarginLeg]) -> RegTMargin:
    """The least requirement of the positions together; never raises."""
    groups: dict[str, list[int]] = defaultdict(list)
    unmargined: list[int] = []
    for index, leg in enumerate(legs):
        if not leg.is_usable:
            unmargined.append(index)
        elif leg.quantity:
            groups[product_group(leg.symbol).name].append(index)
    found: list[StrategyMargin] = []
    initial = maintenance = 0.0
    for members in groups.values():
        held = [legs[index] for index in members]
        least, parts = _least(held, of_initial=False)
        maintenance += least
        # Options alone ask for the same at first as afterwards.
        has_stock = any(not leg.is_option for leg in held)
        initial += _least(held, of_initial=True)[0] if has_stock else least
        found.extend(
            part.model_copy(update={"legs": tuple(members[each] for each in part.legs)})
            for part in parts
        )
    usable = [legs[index] for members in groups.values() for index in members]
    options = [leg for leg in usable if leg.is_option]
    return RegTMargin(
        initial=max(initial, maintenance),
        maintenance=maintenance,
        long_option_value=sum(leg.value for leg in options if leg.quantity > 0),
        short_option_value=-sum(leg.value for leg in options if leg.quantity < 0),
        strategies=tuple(found),
        unmargined=tuple(unmargined),
    )


class _Program(NamedTuple):
    """Minimise ``costs · x`` where every leg is used up: ``uses @ x = available``."""

    costs: FloatArray
    uses: csc_array
    available: FloatArray
    whole: FloatArray
    """1 where a strategy comes in whole units only."""


def _least(
    legs: Sequence[MarginLeg], *, of_initial: bool
) -> tuple[float, tuple[StrategyMargin, ...]]:
    """The cheapest way to combine the legs of one product group."""
    alone = [single(legs, index) for index in range(len(legs))]
    combined = possible_strategies(legs)
    available = np.array([abs(leg.quantity) for leg in legs])
    if not combined:
        return _summed(alone, available, of_initial=of_initial)
    strategies = [*alone, *combined]
    program = _Program(
        costs=np.array([each.initial if of_initial else each.maintenance for each in strategies]),
        uses=_uses(strategies, len(legs)),
        available=available,
        whole=np.array([0.0] * len(alone) + [1.0] * len(combined)),
    )
    amounts = _solve(program)
    if amounts is None:
        # Without an answer nothing is combined: more than needed, never less.
        return _summed(alone, available, of_initial=of_initial)
    return _summed(strategies, amounts, of_initial=of_initial)


def _uses(strategies: Sequence[Strategy], legs: int) -> csc_array:
    rows = [leg for strategy in strategies for leg in strategy.legs]
    columns = [j for j, strategy in enumerate(strategies) for _ in strategy.legs]
    amounts = [amount for strategy in strategies for amount in strategy.amounts]
    return csc_array((amounts, (rows, columns)), shape=(legs, len(strategies)))


def _solve(program: _Program) -> FloatArray | None:
    # Costs of one size keep the solver's tolerances meaningful for any account.
    scale = max(float(np.abs(program.costs).max()), 1e-9)
    # Half a second to import: only when asked for. It brings no types.
    solver: Any = import_module("scipy.optimize")
    solved = solver.milp(
        program.costs / scale,
        constraints=solver.LinearConstraint(program.uses, program.available, program.available),
        integrality=program.whole,
        bounds=solver.Bounds(0, np.inf),
        options={"mip_rel_gap": 1e-9},
    )
    return None if solved.x is None else np.asarray(solved.x, dtype=np.float64)


def _summed(
    strategies: Sequence[Strategy], amounts: FloatArray, *, of_initial: bool
) -> tuple[float, tuple[StrategyMargin, ...]]:
    parts = tuple(
        StrategyMargin(
            strategy=strategy.name,
            legs=strategy.legs,
            quantity=float(amount),
            initial=float(amount * strategy.initial),
            maintenance=float(amount * strategy.maintenance),
        )
        for strategy, amount in zip(strategies, amounts, strict=True)
        if amount > 1e-6
    )
    return sum(part.initial if of_initial else part.maintenance for part in parts), parts

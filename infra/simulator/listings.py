"""Which option classes exist on a date: the standard ones, and those that splits leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from infra.simulator.market_events import Split
from infra.simulator.reference import OPTION_CLASSES, OptionClass

HIGHEST_CLASS_NUMBER = 15
"""Contract ids have four bits for it."""


class TooManySplitsError(ValueError):
    """Contract ids cannot tell that many classes apart."""


class Listings:
    """The option classes of the exchange, through all splits of a market."""

    def __init__(self, splits: Iterable[Split] = ()) -> None:
        self._by_number = {c.number: c for c in OPTION_CLASSES.values()}
        for split in splits:
            self.apply(split)

    def by_number(self, number: int) -> OptionClass | None:
        return self._by_number.get(number)

    def named(self, name: str) -> list[OptionClass]:
        return [c for c in self._by_number.values() if c.name == name]

    def of(self, symbol: str, today: date) -> tuple[OptionClass, ...]:
        """The classes that trade on ``today``; adjusted ones before their standard sister."""
        found = [
            c
            for c in self._by_number.values()
            if c.symbol == symbol and c.listed_from <= today <= c.listed_until
        ]
        return tuple(sorted(found, key=lambda c: (not c.adjusted_from, c.number)))

    def successor(self, option_class: OptionClass) -> OptionClass:
        """The class that a split turns this one into."""
        return next(c for c in self._by_number.values() if c.adjusted_from == option_class.number)

    def apply(self, split: Split) -> None:
        """Adjust every class of the symbol that trades the day before, and start a new one."""
        last_day = split.effective - timedelta(days=1)
        for ending in self.of(split.symbol, last_day):
            self._put(replace(ending, listed_until=last_day))
            self._put(self._adjusted(ending, split))
            if not ending.adjusted_from:
                fresh = replace(ending, number=self._free_number(), listed_from=split.effective)
                self._put(fresh)

    def _adjusted(self, ending: OptionClass, split: Split) -> OptionClass:
        """Whole splits keep name and multiplier; others change both, as the OCC adjusts."""
        multiplier = ending.multiplier
        name = ending.name
        if not split.keeps_multiplier:
            multiplier = int(ending.multiplier * split.ratio)
            taken = {c.name for c in self._by_number.values()}
            name = next(n for n in _suffixed(split.symbol) if n not in taken)
        return replace(
            ending,
            number=self._free_number(),
            name=name,
            multiplier=multiplier,
            strike_scale=ending.strike_scale / Fraction(split.new, split.old),
            listed_from=split.effective,
            listed_until=date.max,
            adjusted_from=ending.number,
        )

    def _put(self, option_class: OptionClass) -> None:
        self._by_number[option_class.number] = option_class

    def _free_number(self) -> int:
        number = max(self._by_number) + 1
        if number > HIGHEST_CLASS_NUMBER:
            raise TooManySplitsError("contract ids have room for two splits in one market")
        return number


def _suffixed(symbol: str) -> Iterator[str]:
    return (f"{symbol}{number}" for number in range(1, 10))

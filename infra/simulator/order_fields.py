"""The fields of a placeOrder message by TWS's names, so that an error can say which is wrong."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from infra.simulator.wire import UNSET_INTEGER, Fields, WireError

T = TypeVar("T")


class OrderFields:
    """Reads named fields in order; remembers what is to be told back and what is refused."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self.kept: dict[str, str] = {}
        """Fields without effect at this exchange, that are given at all."""
        self.unsupported: list[str] = []

    @property
    def refusal(self) -> str:
        return " ".join(dict.fromkeys(self.unsupported))

    def text(self, name: str) -> str:
        return self._named(name, self._fields.str)

    def integer(self, name: str) -> int:
        """A whole number, 0 for an empty or unset field."""
        value = self._named(name, self._fields.int)
        return 0 if value == UNSET_INTEGER else value

    def number(self, name: str) -> Decimal | None:
        return self._named(name, self._fields.decimal)

    def flag(self, name: str) -> bool:
        return self._named(name, self._fields.bool)

    def count(self, name: str) -> int:
        return self._named(name, self._fields.count)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        count = self.count(name)
        return tuple(self._named(name, lambda: self._fields.pairs(count)))

    def keep(self, *names: str) -> None:
        for name in names:
            value = self.text(name)
            if value:
                self.kept[name] = value

    def skip(self, *names: str) -> None:
        for name in names:
            self.text(name)

    def refuse_amount(self, name: str, words: str) -> None:
        """An amount this exchange cannot honour: only nothing, or 0, is accepted."""
        amount = self.number(name)
        if amount and amount != UNSET_INTEGER:
            self.unsupported.append(words)

    def _named(self, name: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except WireError as error:
            raise WireError(f"{name}: {error}") from None

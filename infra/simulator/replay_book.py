"""The contracts of a recording: listed as recorded, under ids that never change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from hashlib import blake2b

import polars as pl

from domain.calendar import TradingCalendar
from domain.instruments import Right, SecType
from domain.listed_options import CASH_SETTLED, price_steps
from infra.simulator.contracts import ContractBook, ContractSpec, Security
from infra.simulator.reference import (
    MARKET_RULES,
    UNDERLYINGS,
    OptionClass,
    Underlying,
)

_RIGHTS = {"P": Right.PUT, "PUT": Right.PUT, "C": Right.CALL, "CALL": Right.CALL}


class ReplayBook(ContractBook):
    """Finds the recorded contracts; expiries are moved by ``shift`` onto the session's dates."""

    def __init__(self, calendar: TradingCalendar, table: pl.DataFrame, shift: timedelta) -> None:
        super().__init__(calendar)
        prices = table.filter(pl.col("underlying_price").is_not_null()).group_by(
            "underlying", maintain_order=True
        )
        first = {str(k[0]): float(rows["underlying_price"][0]) for k, rows in prices}
        self._recorded = {symbol: _underlying(symbol, price) for symbol, price in first.items()}
        self._by_con_id = {u.con_id: Security(u.con_id, u) for u in self._recorded.values()}
        self._classes: dict[tuple[str, str, bool, int], OptionClass] = {}
        self._options: dict[str, list[Security]] = defaultdict(list)
        self.listed_from: dict[int, date] = {}
        contracts = table.group_by(
            "underlying", "root", "right", "strike", "expiry", "settlement", "multiplier"
        ).agg(pl.col("timestamp").min())
        for row in contracts.sort("root", "expiry", "strike", "right").iter_rows(named=True):
            self._list(row, shift)

    @property
    def underlyings(self) -> Mapping[str, Underlying]:
        return self._recorded

    def by_id(self, con_id: int) -> Security | None:
        return self._by_con_id.get(con_id)

    def recorded(self, row: Mapping[str, object]) -> int:
        """The contract id of a recorded row."""
        return _con_id(_source_name(row))

    def classes(self, symbol: str, today: date) -> tuple[OptionClass, ...]:
        listed = {s.option_class.name for s in self._listed(symbol, today) if s.option_class}
        return tuple(c for c in self._classes.values() if c.symbol == symbol and c.name in listed)

    def expiries(self, option_class: OptionClass, today: date) -> tuple[date, ...]:
        found = {
            s.expiry
            for s in self._listed(option_class.symbol, today)
            if s.option_class == option_class and s.expiry
        }
        return tuple(sorted(found))

    def strikes(self, option_class: OptionClass, reference_price: float) -> list[Decimal]:
        options = self._options[option_class.symbol]
        return sorted({s.strike for s in options if s.option_class == option_class and s.strike})

    def chain(
        self, option_class: OptionClass, expiry: date, reference_price: float
    ) -> list[Security]:
        options = self._options[option_class.symbol]
        return [s for s in options if s.option_class == option_class and s.expiry == expiry]

    def is_listed(self, security: Security, today: date) -> bool:
        first = self.listed_from.get(security.con_id, today)
        return first <= today and (security.expiry is None or today <= security.expiry)

    def is_superseded(self, security: Security, today: date) -> bool:
        return False

    def _find_options(
        self, spec: ContractSpec, today: date, reference_prices: dict[str, float]
    ) -> Iterator[Security]:
        symbols = [spec.symbol] if spec.symbol else list(self._options)
        right, strike = _RIGHTS.get(spec.right.upper()), spec.strike_value
        for security in (s for symbol in symbols for s in self._listed(symbol, today)):
            multiplier = str(security.multiplier)
            if (
                (not spec.local_symbol or security.local_symbol == spec.local_symbol)
                and spec.trading_class in {"", security.trading_class}
                and spec.multiplier in {"", multiplier, f"{multiplier}.0"}
                and (right is None or security.right is right)
                and (strike is None or security.strike == strike)
                and f"{security.expiry:%Y%m%d}".startswith(spec.expiry)
            ):
                yield security

    def _listed(self, symbol: str, today: date) -> Iterable[Security]:
        return (s for s in self._options.get(symbol, ()) if self.is_listed(s, today))

    def _list(self, row: Mapping[str, object], shift: timedelta) -> None:
        symbol, root = str(row["underlying"]), str(row["root"])
        underlying = self._recorded.get(symbol)
        expiry, first_seen, strike = row["expiry"], row["timestamp"], row["strike"]
        if underlying is None or not isinstance(expiry, date) or not isinstance(strike, float):
            return
        am_settled = row["settlement"] == "AM"
        multiplier = int(str(row["multiplier"]).removesuffix(".0"))
        key = (symbol, root, am_settled, multiplier)
        if key not in self._classes:
            self._classes[key] = _option_class(len(self._classes) + 1, *key)
        last = self._calendar.last_trading_day_on_or_before(expiry + shift)
        if am_settled:
            # The recorded date is that of the settlement morning; trading ends the day before.
            last = self._calendar.add_sessions(last, -1)
        con_id = _con_id(_source_name(row))
        if con_id in self._by_con_id:
            raise ValueError(f"{_source_name(row)}: its contract id belongs to another contract")
        right = Right(str(row["right"]))
        security = Security(
            con_id, underlying, self._classes[key], last, Decimal(str(strike)), right
        )
        self._by_con_id[con_id] = security
        self._options[symbol].append(security)
        self.listed_from[con_id] = getattr(first_seen, "date")() + shift  # noqa: B009


def _source_name(row: Mapping[str, object]) -> str:
    """What is recorded, in its own dates: the same whatever day it is played on."""
    return "|".join(
        str(row[name])
        for name in ("underlying", "root", "expiry", "right", "strike", "settlement", "multiplier")
    )


def _con_id(name: str) -> int:
    """31 bits of a hash, beyond the ids of underlyings."""
    digest = blake2b(name.encode(), digest_size=8).digest()
    return 1_000_000 + int.from_bytes(digest, "big") % (2**31 - 1_000_001)


def _underlying(symbol: str, price: float) -> Underlying:
    known = UNDERLYINGS.get(symbol)
    if known is not None:
        return replace(known, base_price=price, path_of="", index_scale=1.0, earnings_move=0.0)
    index = symbol in CASH_SETTLED
    return Underlying(
        con_id=20_000 + _con_id(symbol) % 900_000,
        symbol=symbol,
        sec_type=SecType.INDEX if index else SecType.STOCK,
        primary_exchange="CBOE" if index else "NASDAQ",
        long_name=symbol,
        stock_type="" if index else "COMMON",
        base_price=price,
        base_vol=0.2,
        dividend_yield=0.0,
        market_beta=1.0,
        skew=0.0,
        average_volume=0,
        annual_dividend=0.0,
    )


def _option_class(
    number: int, symbol: str, root: str, am_settled: bool, multiplier: int
) -> OptionClass:
    index = symbol in CASH_SETTLED
    return OptionClass(
        number=number,
        name=root,
        symbol=symbol,
        strike_unit=Decimal("0.01"),
        near_step=1,
        far_step=1,
        daily=False,
        weekly=False,
        am_settled=am_settled,
        cash_settled=index,
        market_rule=_rule(symbol),
        liquidity=1.0,
        multiplier=multiplier,
    )


def _rule(symbol: str) -> int:
    """The market rule of the price steps that options on ``symbol`` have."""
    steps = price_steps(symbol)
    return next(number for number, rule in MARKET_RULES.items() if rule == steps)

"""The account of a backtest as its broker would tell it: margin, values, positions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from domain.backtest.book import Book, Instrument
from domain.backtest.config import BacktestConfig, MarginModel
from domain.backtest.margin import (
    BUYING_POWER,
    margin_leg,
    model_row,
    portfolio_requirement,
    strategy_based,
)
from domain.market import QuoteQuality, decimal_of
from domain.portfolio import AccountState, AccountValues, UnderlyingState
from domain.risk.margin_regt import Requirement

ZERO = Decimal(0)
ACCOUNT = "DUBACKTEST"


class Version(NamedTuple):
    """What the account's figures depend on: when it was marked, and how often it was changed."""

    at: datetime
    changes: int


@dataclass(slots=True)
class Account:
    """A book with the figures a broker tells of it, each worked out once for each state it is in.

    ``spots`` are the underlyings' prices last seen.
    """

    config: BacktestConfig
    book: Book
    spots: dict[str, float]
    indexes: frozenset[str]
    _asked: tuple[Version, Requirement] | None = None
    _state: tuple[Version, AccountState] | None = None

    def on(self, book: Book) -> Account:
        """One like this whose book is another: a trial of a trade."""
        return Account(self.config, book, self.spots, self.indexes)

    def requirement(self, at: datetime) -> Requirement:
        """What the account must keep at its marks."""
        version = Version(at, self.book.changes)
        if self._asked is None or self._asked[0] != version:
            self._asked = version, self._requirement(at)
        return self._asked[1]

    def _requirement(self, at: datetime) -> Requirement:
        if self.config.margin is MarginModel.REG_T:
            held = self.book.holdings.values()
            return strategy_based([margin_leg(each, self._spot(each.instrument)) for each in held])
        rows = [
            model_row(each, self._spot(each.instrument), at, 0)
            for each in self.book.holdings.values()
        ]
        return portfolio_requirement(rows)

    def equity_with_loan(self) -> Decimal:
        """Reg-T gives options no loan value; portfolio margin counts everything."""
        if self.config.margin is MarginModel.PORTFOLIO:
            return self.book.equity
        return self.book.cash + self.book.stock_value

    def state(self, at: datetime) -> AccountState:
        """The account as its broker would tell it."""
        version = Version(at, self.book.changes)
        if self._state is None or self._state[0] != version:
            self._state = version, self._told(at)
        return self._state[1]

    def _told(self, at: datetime) -> AccountState:
        book, asked = self.book, self.requirement(at)
        initial, maintenance = money(asked.initial), money(asked.maintenance)
        with_loan = self.equity_with_loan()
        available = with_loan - initial
        values = AccountValues.of_checked(
            account_code=ACCOUNT,
            currency=self.config.currency,
            net_liquidation=book.equity,
            cash=book.cash,
            equity_with_loan=with_loan,
            buying_power=max(available, ZERO) * BUYING_POWER[self.config.margin],
            available_funds=available,
            excess_liquidity=with_loan - maintenance,
            init_margin=initial,
            maint_margin=maintenance,
            gross_position_value=sum((abs(each.value) for each in book.holdings.values()), ZERO),
            as_of=at,
        )
        symbols = {each.instrument.symbol for each in book.holdings.values()}
        return AccountState.of_checked(
            values=values,
            positions=book.positions(),
            underlyings={symbol: self._underlying(symbol, at) for symbol in sorted(symbols)},
            benchmark=None,
            as_of=at,
        )

    def _underlying(self, symbol: str, at: datetime) -> UnderlyingState:
        spot = self.spots.get(symbol)
        return UnderlyingState.of_checked(
            symbol=symbol,
            is_index=symbol in self.indexes,
            price=None if spot is None else decimal_of(spot),
            quality=QuoteQuality.LIVE,
            as_of=at,
            sector=None,
            beta=None,
            dividends=(),
            dividends_known_to=None,
        )

    def _spot(self, instrument: Instrument) -> float:
        return self.spots.get(instrument.symbol, float("nan"))


def money(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")

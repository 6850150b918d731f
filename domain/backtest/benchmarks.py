"""Something simpler done with the same money: to hold the underlying, or to write puts on it.

Benchmarks watch the same slices as the strategy. They hold fractions of a unit and pay no
commissions, as indexes do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import exp

import numpy as np

from domain.backtest.market import mid_of, row_of
from domain.backtest.results import Benchmark
from domain.backtest.side_data import EPOCH, RateHistory, UnderlyingHistory
from domain.calendar import TradingCalendar
from domain.expiration import SettlementTime, settlement_time
from domain.market import OptionChain

FRIDAY = 4


@dataclass(slots=True)
class BuyAndHold:
    """All of the cash in the underlying from its first price on; dividends buy more of it."""

    history: UnderlyingHistory
    cash: float
    units: float = 0.0
    price: float = float("nan")
    last: date | None = None
    equity: list[float] = field(default_factory=list[float])

    def observe(self, session: date, chain: OptionChain | None) -> None:
        if self.units and self.last is not None:
            for split in self.history.splits_between(self.last, session):
                self.units *= float(split.ratio)
                self.price /= float(split.ratio)
        if chain is not None:
            self.price = chain.underlying_price
        if self.units and self.last is not None:
            for paid in self.history.dividends_between(self.last, session):
                self.units *= 1 + float(paid.amount) / self.price
        if not self.units and np.isfinite(self.price):
            self.units = self.cash / self.price
        self.last = session
        self.equity.append(self.units * self.price if self.units else self.cash)

    def result(self) -> Benchmark:
        symbol = self.history.symbol
        words = f"{symbol} bought with all the cash, dividends reinvested"
        return Benchmark("buy_and_hold", words, tuple(round(each, 2) for each in self.equity))


@dataclass(slots=True)
class _Written:
    con_id: int
    strike: float
    expiry: date
    trading_class: str
    puts: float
    mark: float


@dataclass(slots=True)
class PutWrite:
    """A cash-secured put at the money, written every month and held to its settlement.

    In the manner of Cboe's S&P 500 PutWrite Index (PUT): on the day the old put has settled, the
    put with the first strike at or below the index is written, to the next monthly expiry; as many
    as the money covers in full, N = V / (K·e^(−rT) − P); the money earns the risk-free rate. Cboe
    sells at an average price of two hours; here at the bid. Source: Cboe, "PutWrite Index
    methodology".
    """

    history: UnderlyingHistory
    calendar: TradingCalendar
    rates: RateHistory
    cash: float
    written: _Written | None = None
    last: date | None = None
    spot: float = float("nan")
    equity: list[float] = field(default_factory=list[float])

    def observe(self, at: datetime, session: date, chain: OptionChain | None) -> None:
        if self.last is not None:
            days = (session - self.last).days
            self.cash *= exp(self.rates.on(self.last) * days / 365)
        self._settle(at, session)
        if chain is not None:
            self.spot = chain.underlying_price
            if self.written is not None:
                mark = mid_of(chain, self.written.con_id)
                self.written.mark = self.written.mark if mark is None else float(mark)
            else:
                self._write(session, chain)
        self.last = session
        owed = 0.0 if self.written is None else self.written.puts * self.written.mark
        self.equity.append(self.cash - owed)

    def _settle(self, at: datetime, session: date) -> None:
        held = self.written
        if held is None:
            return
        prices = self.history.prices
        if settlement_time(held.trading_class) is SettlementTime.AM:
            day = self.calendar.add_sessions(held.expiry, 1)
            if session < day:
                return
            official = prices.open_on(day)
        else:
            if self.calendar.session_on(held.expiry).close_at > at:
                return
            official = prices.close_on(held.expiry)
        price = self.spot if official is None else official
        self.cash -= held.puts * max(held.strike - price, 0.0)
        self.written = None

    def _write(self, session: date, chain: OptionChain) -> None:
        for expiry, trading_class in self._monthly(session, chain):
            put = self._at_the_money(chain, expiry, trading_class)
            if put is not None:
                years = (expiry - session).days / 365
                bid = float(chain.bid[row_of(chain, put.con_id) or 0])
                put.puts = puts_covered(self.cash, put.strike, bid, self.rates.on(session), years)
                self.cash += put.puts * bid
                self.written = put
                return

    def _monthly(self, session: date, chain: OptionChain) -> list[tuple[date, str]]:
        """The next monthly expiry that is listed, and its class: the plain one of the symbol."""
        day = (session - EPOCH).days
        of_symbol = np.array([name == chain.symbol for name in chain.trading_class])
        listed = np.unique(chain.expiry[of_symbol & (chain.expiry > day)]).tolist()
        monthly = [EPOCH + timedelta(days=int(each)) for each in listed]
        return [(each, chain.symbol) for each in monthly if self._is_monthly(each, chain.symbol)][
            :1
        ]

    def _is_monthly(self, last_day: date, trading_class: str) -> bool:
        """Whether a last trading day is that of a third Friday's options."""
        third = date(last_day.year, last_day.month, 15)
        friday = third + timedelta(days=(FRIDAY - third.weekday()) % 7)
        last = self.calendar.last_trading_day_on_or_before(friday)
        if settlement_time(trading_class) is SettlementTime.AM:
            last = self.calendar.add_sessions(friday, -1)
        return last_day == last

    def _at_the_money(
        self, chain: OptionChain, expiry: date, trading_class: str
    ) -> _Written | None:
        rows = np.flatnonzero(
            (chain.expiry == (expiry - EPOCH).days)
            & ~chain.is_call
            & (chain.strike <= chain.underlying_price)
            & (chain.bid > 0)
            & (chain.ask >= chain.bid)
        )
        rows = [int(row) for row in rows if chain.trading_class[int(row)] == trading_class]
        if not rows:
            return None
        row = max(rows, key=lambda each: float(chain.strike[each]))
        mark = float(chain.bid[row] + chain.ask[row]) / 2
        strike = float(chain.strike[row])
        return _Written(int(chain.con_id[row]), strike, expiry, trading_class, 0.0, mark)

    def result(self) -> Benchmark:
        words = f"{self.history.symbol} put at the money, written monthly, secured by cash"
        return Benchmark("put_write", words, tuple(round(each, 2) for each in self.equity))


def puts_covered(money: float, strike: float, premium: float, rate: float, years: float) -> float:
    """Puts that ``money`` secures in full, their own premium put aside with it."""
    return money / (strike * exp(-rate * years) - premium)


@dataclass(slots=True)
class Benchmarks:
    """All benchmarks on one underlying."""

    symbol: str
    hold: BuyAndHold
    put_write: PutWrite

    @classmethod
    def on(
        cls,
        symbol: str,
        histories: Mapping[str, UnderlyingHistory],
        calendar: TradingCalendar,
        rates: RateHistory,
        cash: float,
    ) -> Benchmarks:
        history = histories[symbol]
        return cls(symbol, BuyAndHold(history, cash), PutWrite(history, calendar, rates, cash))

    def observe(self, at: datetime, session: date, chain: OptionChain | None) -> None:
        self.hold.observe(session, chain)
        self.put_write.observe(at, session, chain)

    def results(self) -> tuple[Benchmark, ...]:
        return (self.hold.result(), self.put_write.result())

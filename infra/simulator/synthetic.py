"""The synthetic market: volatility surface, model greeks and quotes at any market time.

Options are priced as European on a skewed, termed surface whose level rises when the underlying
has fallen below its recent average. What an announcement or earnings may move the price is added
to the variance of every option that lives to see it, so volatility runs up before and is crushed
after. Known dividends until expiry are taken off the price (their present value), index yields are
continuous. American-style options never quote under intrinsic value; their early-exercise premium
is not modelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import floor, nan

import numpy as np
import numpy.typing as npt

from domain.calendar import TradingCalendar
from domain.pricing import european
from infra.simulator.contracts import ContractBook, Security
from infra.simulator.listings import Listings
from infra.simulator.market import REFRESH_SECONDS, Quote
from infra.simulator.market_events import Dividend, EventPlan, MarketEvents, ScriptedEvent, Split
from infra.simulator.path import SESSIONS_PER_YEAR, FloatArray, SpotPaths
from infra.simulator.reference import (
    MARKET_RULES,
    RISK_FREE_RATE,
    UNDERLYINGS,
    Underlying,
    exchange_date,
)
from infra.simulator.surface import SECONDS_PER_YEAR, OptionTerms, VolSurface

VOLATILITY_INDEX_MINUTES = 30
"""A volatility index has a level of its own so often, and a straight line in between."""
CHAIN_AFTER_MISSES = 4
"""So many options of one expiry asked for singly within a second: price the whole expiry."""


class SyntheticMarket:
    """Quotes by seed and market time; holds caches but no state of its own."""

    def __init__(
        self, seed: int, calendar: TradingCalendar, anchor: date, plan: EventPlan | None = None
    ) -> None:
        self.seed = seed
        self.calendar = calendar
        self.events = MarketEvents(seed, calendar, anchor, plan)
        self.book = ContractBook(calendar, Listings(self.events.all_splits()))
        self.paths = SpotPaths(seed, calendar, anchor, self.events)
        self._surface = VolSurface(self.paths, self.events, calendar)
        self._cached_at: tuple[datetime, date] | None = None
        self._cache: dict[int, Quote] = {}
        self._misses: Counter[tuple[str, date]] = Counter()
        self._closes_of: tuple[date, date] | None = None
        self._closes: dict[int, float] = {}
        self._last_moments = lru_cache(maxsize=65536)(self.book.last_moment)

    def quote(self, security: Security, at: datetime) -> Quote:
        return self.quotes([security], at)[0]

    def quotes(self, securities: Sequence[Security], at: datetime) -> list[Quote]:
        """Quotes in the order asked; while the exchange is closed, those of the last close."""
        moment, today = self._market_moment(at), exchange_date(at)
        if (moment, today) != self._cached_at:
            self._cached_at, self._cache = (moment, today), {}
            self._misses.clear()
        missing = {s.con_id: s for s in securities if s.con_id not in self._cache}
        options = self._with_chain([s for s in missing.values() if s.is_option], moment, today)
        for security in missing.values():
            if not security.is_option:
                quote = self._underlying_quote(security, moment, today)
                self._cache[security.con_id] = self._halted(security, quote, moment)
        if options:
            closes = self._closing_marks(options, self._session_date(moment), today)
            quotes = self._option_quotes(options, moment, today)
            for security, quote, close in zip(options, quotes, closes, strict=True):
                shown = self._halted(security, replace(quote, close=close), moment)
                self._cache[security.con_id] = shown
        return [self._cache[s.con_id] for s in securities]

    def is_halted(self, symbol: str, at: datetime) -> bool:
        return self.calendar.is_open(at) and self.events.halt(symbol, at) is not None

    def schedule(self, event: ScriptedEvent) -> None:
        """Add an event to the market's future; the past is not the caller's to change."""
        self.events.add(event)
        if isinstance(event, Split):
            self.book.split(event)
        self.paths.forget()
        self._surface.forget()
        self._cached_at = self._closes_of = None
        self._last_moments.cache_clear()

    def dividends(self, symbol: str, after: date, until: date) -> list[Dividend]:
        """Those with ``after`` < ex-date ≤ ``until``, ascending."""
        return self.events.dividends(symbol, after, until)

    def splits(self, symbol: str) -> list[Split]:
        return self.events.splits(symbol)

    def _halted(self, security: Security, quote: Quote, at: datetime) -> Quote:
        """A halted security shows its last price and no market."""
        if not self.is_halted(security.symbol, at):
            return quote
        return replace(quote, bid=0.0, ask=0.0, bid_size=0, ask_size=0)

    def _trading_moment(self, symbol: str, at: datetime) -> datetime:
        """The moment whose prices hold: a halt's first while it lasts."""
        halt = self.events.halt(symbol, at)
        if halt is None or not self.calendar.is_open(halt.start):
            return at
        return halt.start

    def _spot(self, underlying: Underlying, at: datetime, today: date) -> float:
        if underlying.volatility_of:
            return self._volatility_index(underlying, at)
        moment = self._trading_moment(underlying.symbol, at)
        return self.paths.price(underlying, moment, today)

    def _with_chain(self, options: list[Security], at: datetime, today: date) -> list[Security]:
        """The options and, when a client is reading a chain one by one, the rest of the chain.

        Pricing hundreds at once costs little more than pricing one.
        """
        if len(options) != 1:
            return options
        option = options[0]
        option_class, expiry = option.option_class, option.expiry
        if option_class is None or expiry is None:
            return options
        self._misses[option_class.name, expiry] += 1
        if self._misses[option_class.name, expiry] != CHAIN_AFTER_MISSES:
            return options
        price = self.paths.previous_close(option.underlying, at, today)
        chain = self.book.chain(option_class, expiry, price)
        return [option, *(s for s in chain if s != option and s.con_id not in self._cache)]

    def spot(self, symbol: str, at: datetime) -> float:
        return self._spot(UNDERLYINGS[symbol], self._market_moment(at), exchange_date(at))

    def previous_close(self, symbol: str, at: datetime) -> float:
        return self._previous_close(UNDERLYINGS[symbol], at, exchange_date(at))

    def _previous_close(self, underlying: Underlying, at: datetime, today: date) -> float:
        if not underlying.volatility_of:
            return self.paths.previous_close(underlying, at, today)
        day = self.calendar.add_sessions(self._session_date(self._market_moment(at)), -1)
        return self._volatility_index(underlying, self.calendar.session_on(day).close_at)

    def minute_prices(self, symbol: str, day: date, as_of: date | None = None) -> FloatArray:
        underlying = UNDERLYINGS[symbol]
        if not underlying.volatility_of:
            return self.paths.minute_prices(underlying, day, as_of)
        session = self.calendar.session_on(day)
        minutes = int((session.close_at - session.open_at).total_seconds() // 60)
        known = np.append(np.arange(0, minutes, VOLATILITY_INDEX_MINUTES), minutes)
        levels = [
            self._volatility_index(underlying, session.open_at + timedelta(minutes=int(minute)))
            for minute in known
        ]
        return np.interp(np.arange(minutes + 1), known, levels)

    def _volatility_index(self, underlying: Underlying, at: datetime) -> float:
        """In points: that of at-the-money options over 30 days, without the dearer puts."""
        return 100 * self.atm_vol(UNDERLYINGS[underlying.volatility_of], at, 30 / 365)

    @property
    def history_from(self) -> date:
        return self.calendar.first_date + timedelta(days=90)

    def reference_prices(self, at: datetime) -> dict[str, float]:
        """Previous closes by symbol: the strikes listed during a session depend on these alone."""
        return {symbol: self.previous_close(symbol, at) for symbol in UNDERLYINGS}

    def atm_vol(self, underlying: Underlying, at: datetime, years: float) -> float:
        """At-the-money volatility of a tenor, scheduled events on the way included."""
        return self._surface.at_the_money(underlying, at, years)

    def realised_vol(self, underlying: Underlying, at: datetime, sessions: int = 20) -> float:
        """Annualised standard deviation of the last ``sessions`` daily log returns."""
        if not underlying.volatility_of:
            return self.paths.realised_vol(underlying, at, sessions)
        last = self._session_date(self._market_moment(at))
        days = [self.calendar.add_sessions(last, -back) for back in range(1, sessions + 2)]
        closes = [
            self._volatility_index(underlying, self.calendar.session_on(day).close_at)
            for day in days
        ]
        return float(np.std(np.diff(np.log(closes)), ddof=1) * np.sqrt(SESSIONS_PER_YEAR))

    def settlement_price(self, security: Security) -> float:
        """What an option's exercise value is measured against on its settlement date."""
        day = self.book.settlement_date(security)
        if day is None or security.option_class is None:
            raise ValueError(f"{security.symbol} does not settle")
        if security.option_class.am_settled:
            return self.paths.open_on(security.underlying, day)
        return self.paths.close_on(security.underlying, day)

    def _market_moment(self, at: datetime) -> datetime:
        """The second whose quotes are shown at ``at``: the closing second outside sessions."""
        session = self.calendar.session_at(at)
        if session is not None:
            return at.replace(microsecond=0)
        return self.calendar.previous_session(at).close_at

    def _session_date(self, moment: datetime) -> date:
        session = self.calendar.session_at(moment) or self.calendar.previous_session(moment)
        return session.date

    def _closing_marks(self, options: Sequence[Security], day: date, today: date) -> list[float]:
        """Marks at the close before ``day``'s session, remembered for the day."""
        if (day, today) != self._closes_of:
            self._closes_of, self._closes = (day, today), {}
        missing = [s for s in options if s.con_id not in self._closes]
        if missing:
            previous = self.calendar.session_on(self.calendar.add_sessions(day, -1))
            quotes = self._option_quotes(missing, previous.close_at, today)
            for security, quote in zip(missing, quotes, strict=True):
                self._closes[security.con_id] = round(quote.model_price, 2)
        return [self._closes[s.con_id] for s in options]

    def _underlying_quote(self, security: Security, at: datetime, today: date) -> Quote:
        underlying = security.underlying
        price = self._spot(underlying, at, today)
        close = round(self._previous_close(underlying, at, today), 2)
        if underlying.is_index:
            return Quote(0, 0, round(price, 2), close, 0, 0, 0, 0, 0, price)
        width = max(0.01, round(price * 4e-5, 2))
        bid = round(floor((price - width / 2) * 100) / 100, 2)
        noise = _mix(np.array([security.con_id]), self.seed, _bucket(at))[0]
        return Quote(
            bid=bid,
            ask=round(bid + width, 2),
            last=round(price, 2),
            close=close,
            bid_size=100 * (1 + int(noise % 20)),
            ask_size=100 * (1 + int(noise // 32 % 20)),
            last_size=100,
            volume=int(underlying.average_volume * self._session_progress(at)),
            open_interest=0,
            underlying_price=price,
        )

    def _session_progress(self, at: datetime) -> float:
        session = self.calendar.session_at(at)
        if session is None:
            return 1.0
        return (at - session.open_at) / (session.close_at - session.open_at)

    def years_left(self, security: Security, at: datetime) -> float:
        last = self._last_moments(security)
        return max((last - at).total_seconds(), 0.0) / SECONDS_PER_YEAR if last else 0.0

    def implied_vols(self, options: Sequence[Security], at: datetime) -> FloatArray:
        """The surface at each option's strike and tenor: shape (options,)."""
        return self._terms(options, at, exchange_date(at)).iv

    def _terms(self, options: Sequence[Security], at: datetime, today: date) -> OptionTerms:
        underlyings = {s.symbol: s.underlying for s in options}
        spots = {symbol: self._spot(u, at, today) for symbol, u in underlyings.items()}
        strike = np.array([float(s.strike or 0) for s in options])
        years = np.array([self.years_left(s, at) for s in options])
        moments = [self._last_moments(s) for s in options]
        moment = self._trading_moment(options[0].symbol, at) if len(underlyings) == 1 else at
        return self._surface.terms(options, spots, strike, years, moments, moment)

    def _option_quotes(self, options: Sequence[Security], at: datetime, today: date) -> list[Quote]:
        terms = self._terms(options, at, today)
        spot, strike, iv = terms.spot, terms.strike, terms.iv
        is_call = np.array([s.is_call for s in options])
        g = european.greeks(
            terms.ex_dividends, strike, terms.years, RISK_FREE_RATE, terms.yields, iv, is_call
        )
        intrinsic = np.maximum(np.where(is_call, spot - strike, strike - spot), 0.0)
        american = np.array([not s.option_class.cash_settled for s in options if s.option_class])
        fair = np.where(american, np.maximum(g.price, intrinsic), g.price)
        liquidity = np.array([s.option_class.liquidity for s in options if s.option_class])
        bid, ask = _touch(options, fair, g, spot, liquidity)
        con_ids = np.array([s.con_id for s in options])
        sizes = _mix(con_ids, self.seed, _bucket(at))
        constant = _mix(con_ids, self.seed, 0)
        interest = (constant % 4000 * np.exp(-8 * np.abs(np.log(strike / spot)))).astype(int) + 5
        volume = (interest * (0.05 + constant % 97 / 400) * self._session_progress(at)).astype(int)
        tilt = constant % 3
        last = np.where(tilt == 0, bid, np.where(tilt == 1, ask, _to_tick(options, fair, np.rint)))
        columns = zip(
            bid, ask, np.maximum(last, 0.01), sizes, volume, interest, spot, fair, strict=True
        )
        return [
            Quote(
                bid=float(b),
                ask=float(a),
                last=float(traded),
                close=nan,
                bid_size=1 + int(size % 60) if b > 0 else 0,
                ask_size=1 + int(size // 64 % 60),
                last_size=1 + int(size // 4096 % 10),
                volume=int(vol),
                open_interest=int(oi),
                underlying_price=float(und),
                model_price=float(model),
                iv=float(iv[i]),
                delta=float(g.delta[i]),
                gamma=float(g.gamma[i]),
                vega=float(g.vega[i]),
                theta_per_day=float(g.theta_per_day[i]),
            )
            for i, (b, a, traded, size, vol, oi, und, model) in enumerate(columns)
        ]


def _touch(
    options: Sequence[Security],
    fair: FloatArray,
    greeks: european.Greeks,
    spot: FloatArray,
    liquidity: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Bid and ask around fair value on the exchange's price grid.

    The width grows with price, with vega (0.02 per volatility point) and with the cost of the
    hedge, all in proportion to the class's liquidity; it is never under one tick.
    """
    width = liquidity * (
        0.01 + 0.008 * fair + 0.02 * greeks.vega / 100 + 5e-5 * spot * np.abs(greeks.delta)
    )
    bid = np.maximum(_to_tick(options, fair - width / 2, np.floor), 0.0)
    ask = _to_tick(options, fair + width / 2, np.ceil)
    return bid, np.maximum(ask, _to_tick(options, bid + 0.005, np.ceil))


def _to_tick(
    options: Sequence[Security], prices: FloatArray, rounding: np.ufunc
) -> npt.NDArray[np.float64]:
    """Round to the price step of each option's market rule, the band chosen by the price."""
    ticks = np.zeros_like(prices)
    rules = np.array([s.market_rule for s in options])
    for rule in np.unique(rules):
        for band in MARKET_RULES[int(rule)].bands:
            within = (rules == rule) & (prices >= float(band.low_edge))
            ticks[within] = float(band.increment)
        ticks[(rules == rule) & (ticks == 0)] = float(MARKET_RULES[int(rule)].bands[0].increment)
    # Rounding to 1e-9 of a tick first keeps 1.23 from becoming 1.22 or 1.24 through float noise.
    return np.round(rounding(np.round(prices / ticks, 9)) * ticks, 2)


def _bucket(at: datetime) -> int:
    return int(at.timestamp()) // REFRESH_SECONDS


def _mix(values: npt.NDArray[np.int64], seed: int, salt: int) -> npt.NDArray[np.int64]:
    """A well-mixed non-negative integer per value (splitmix64), the same for the same inputs."""
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x ^= np.uint64((seed * 0xBF58476D1CE4E5B9 + salt * 0x94D049BB133111EB) & (2**64 - 1))
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((x ^ (x >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)

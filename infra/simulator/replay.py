"""A market played back from a recording, behind the same protocol as the synthetic one.

All recorded dates move by the same whole number of weeks, so that the first recorded day falls on
a session at or after the gateway's start: weekdays and days to expiry stay what they were. A
recorded day that falls on a holiday is left out; a session without a recording keeps the last
quotes. An expiry on a holiday moves to the session before. Quotes hold from their moment to the
next; a row with a bare date holds for its whole session. Before its first row and after the last
recorded session a contract has no market. Files are read as a backtest reads them
(docs/history-data.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import nan
from pathlib import Path

import numpy as np
import polars as pl

from domain.calendar import TradingCalendar
from domain.pricing import european
from domain.pricing.implied_vol import implied_vol
from infra.history.tables import read_recording
from infra.simulator.contracts import Security
from infra.simulator.market import Quote
from infra.simulator.market_events import Dividend, Split
from infra.simulator.path import FloatArray
from infra.simulator.reference import RISK_FREE_RATE, Underlying, exchange_date
from infra.simulator.replay_book import ReplayBook
from infra.simulator.surface import SECONDS_PER_YEAR

SESSIONS_PER_YEAR = 252
UNKNOWN_VOL = 0.2
"""Where a recording allows none to be computed."""
_FIELDS = ("bid", "ask", "last", "bid_size", "ask_size", "volume", "open_interest", "iv", "delta")


@dataclass(frozen=True, slots=True)
class _Series:
    """One contract's rows: ``at`` in epoch seconds, ascending; ``values`` by ``_FIELDS``."""

    at: FloatArray
    values: FloatArray

    def row(self, at: float) -> FloatArray | None:
        index = int(np.searchsorted(self.at, at, side="right")) - 1
        return None if index < 0 else self.values[index]


class ReplayMarket:
    """Quotes by market time from a recording; holds no state of its own."""

    def __init__(self, seed: int, calendar: TradingCalendar, recording: Path, anchor: date) -> None:
        self.seed = seed
        self.calendar = calendar
        table = read_recording(recording, calendar)
        source = table["timestamp"][0]
        self.shift = weeks_to(calendar, source.date(), anchor)
        table = self._in_market_time(table)
        self.book = ReplayBook(calendar, table, self.shift)
        self._spots = self._spot_series(table)
        self._options = self._option_series(table)
        last = max(float(series[0][-1]) for series in self._spots.values())
        final = datetime.fromtimestamp(last, tz=source.tzinfo)
        session = calendar.session_at(final) or calendar.previous_session(final)
        self.ends_at = session.close_at
        """When the recording is over."""

    @property
    def first_session(self) -> date:
        starts = min(float(series[0][0]) for series in self._spots.values())
        return exchange_date(datetime.fromtimestamp(starts, tz=self.ends_at.tzinfo))

    @property
    def history_from(self) -> date:
        return self.first_session

    def quote(self, security: Security, at: datetime) -> Quote:
        return self.quotes([security], at)[0]

    def quotes(self, securities: Sequence[Security], at: datetime) -> list[Quote]:
        moment = self._moment(at)
        options = [s for s in securities if s.is_option]
        found = dict(
            zip((s.con_id for s in options), self._option_quotes(options, moment), strict=True)
        )
        return [
            found[s.con_id] if s.is_option else self._underlying_quote(s, moment)
            for s in securities
        ]

    def spot(self, symbol: str, at: datetime) -> float:
        times, prices = self._spots[symbol]
        index = int(np.searchsorted(times, self._moment(at).timestamp(), side="right")) - 1
        return float(prices[max(index, 0)])

    def previous_close(self, symbol: str, at: datetime) -> float:
        session = self.calendar.session_at(at) or self.calendar.previous_session(at)
        before = self.calendar.previous_session(session.open_at)
        return self.spot(symbol, before.close_at)

    def reference_prices(self, at: datetime) -> dict[str, float]:
        return {symbol: self.previous_close(symbol, at) for symbol in self._spots}

    def settlement_price(self, security: Security) -> float:
        day = self.book.settlement_date(security)
        if day is None or security.option_class is None:
            raise ValueError(f"{security.symbol} does not settle")
        session = self.calendar.session_on(day)
        at = session.open_at if security.option_class.am_settled else session.close_at
        return self.spot(security.symbol, at)

    def years_left(self, security: Security, at: datetime) -> float:
        last = self.book.last_moment(security)
        return max((last - at).total_seconds(), 0.0) / SECONDS_PER_YEAR if last else 0.0

    def atm_vol(self, underlying: Underlying, at: datetime, years: float) -> float:
        """Of the recorded option nearest to the tenor and then to the money."""
        spot, today = self.spot(underlying.symbol, at), exchange_date(at)
        listed = [
            s
            for c in self.book.classes(underlying.symbol, today)
            for s in self.book.chain(c, self._nearest_expiry(c.name, underlying, at, years), spot)
        ]
        for option in sorted(listed, key=lambda s: abs(float(s.strike or 0) - spot))[:8]:
            iv = self.quote(option, at).iv
            if iv > 0:
                return iv
        return UNKNOWN_VOL

    def realised_vol(self, underlying: Underlying, at: datetime, sessions: int = 20) -> float:
        session = self.calendar.session_at(at) or self.calendar.previous_session(at)
        days = [self.calendar.add_sessions(session.date, -n) for n in range(sessions + 1)]
        known = [d for d in reversed(days) if d >= self.first_session]
        closes = [self.spot(underlying.symbol, self.calendar.session_on(d).close_at) for d in known]
        if len(closes) < 3:
            return UNKNOWN_VOL
        return float(np.std(np.diff(np.log(closes)), ddof=1) * np.sqrt(SESSIONS_PER_YEAR))

    def minute_prices(self, symbol: str, day: date, as_of: date | None = None) -> FloatArray:
        session = self.calendar.session_on(day)
        minutes = int((session.close_at - session.open_at).total_seconds() // 60)
        wanted = session.open_at.timestamp() + 60.0 * np.arange(minutes + 1)
        times, prices = self._spots[symbol]
        index = np.searchsorted(times, wanted, side="right") - 1
        return prices[np.maximum(index, 0)]

    def is_halted(self, symbol: str, at: datetime) -> bool:
        return False

    def dividends(self, symbol: str, after: date, until: date) -> list[Dividend]:
        return []

    def splits(self, symbol: str) -> list[Split]:
        return []

    def _moment(self, at: datetime) -> datetime:
        """Quotes stand still outside sessions."""
        return at if self.calendar.is_open(at) else self.calendar.previous_session(at).close_at

    def _nearest_expiry(
        self, name: str, underlying: Underlying, at: datetime, years: float
    ) -> date:
        today = exchange_date(at)
        wanted = today + timedelta(days=round(years * 365))
        classes = self.book.classes(underlying.symbol, today)
        expiries = [day for c in classes if c.name == name for day in self.book.expiries(c, today)]
        return min(expiries, key=lambda day: abs(day - wanted))

    def _in_market_time(self, table: pl.DataFrame) -> pl.DataFrame:
        """Timestamps on the session's clock; rows that fall on no session are left out."""
        moved = table.with_columns(
            at=pl.col("timestamp")
            .dt.convert_time_zone("America/New_York")
            .dt.replace_time_zone(None)
            + self.shift
        ).with_columns(day=pl.col("at").dt.date())
        days = [d for d in moved["day"].unique().to_list() if self.calendar.is_session(d)]
        opens = [self.calendar.session_on(d).open_at for d in days]
        sessions = pl.DataFrame(
            {"day": days, "opens": opens},
            schema={"day": pl.Date, "opens": pl.Datetime("us", "UTC")},
        )
        moment = pl.col("at").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
        return (
            moved.join(sessions, on="day")
            .with_columns(
                seconds=pl.when("whole_session").then("opens").otherwise(moment).dt.epoch("us")
                / 1e6
            )
            .sort("seconds")
        )

    def _spot_series(self, table: pl.DataFrame) -> dict[str, tuple[FloatArray, FloatArray]]:
        known = table.filter(pl.col("underlying_price").is_not_null())
        series = {}
        for key, rows in known.unique(["underlying", "seconds"], keep="last").group_by(
            "underlying"
        ):
            ordered = rows.sort("seconds")
            series[str(key[0])] = (
                ordered["seconds"].to_numpy(),
                ordered["underlying_price"].to_numpy(),
            )
        return series

    def _option_series(self, table: pl.DataFrame) -> dict[int, _Series]:
        names = ["underlying", "root", "expiry", "right", "strike", "settlement", "multiplier"]
        # Cut from one ordered table: asking the table for thousands of contracts takes seconds.
        ordered = table.sort(*names, "seconds", maintain_order=True)
        keys = ordered.select(names)
        is_first = keys.select(pl.struct(names).ne_missing(pl.struct(names).shift(1))).to_series()
        first = np.flatnonzero(is_first.to_numpy())
        seconds = ordered["seconds"].to_numpy()
        values = ordered.select(pl.col(_FIELDS).cast(pl.Float64)).to_numpy()
        series = {}
        for start, end, key in zip(
            first, [*first[1:], len(ordered)], keys[first].iter_rows(named=True), strict=True
        ):
            series[self.book.recorded(key)] = _Series(seconds[start:end], values[start:end])
        return series

    def _underlying_quote(self, security: Security, moment: datetime) -> Quote:
        price = self.spot(security.symbol, moment)
        close = self.previous_close(security.symbol, moment)
        if security.underlying.is_index or moment >= self.ends_at:
            return Quote(0, 0, round(price, 2), close, 0, 0, 0, 0, 0, price)
        # A recording of options says nothing of the market in the shares: a cent either side.
        bid, ask = round(price - 0.01, 2), round(price + 0.01, 2)
        return Quote(bid, ask, round(price, 2), close, 1000, 1000, 100, 0, 0, price)

    def _option_quotes(self, options: Sequence[Security], moment: datetime) -> list[Quote]:
        if not options:
            return []
        nothing = np.array([0.0] * 7 + [nan] * 2)
        at = moment.timestamp()
        rows = [self._options[s.con_id].row(at) for s in options]
        table = np.array([nothing if row is None else row for row in rows])
        spot = np.array([self.spot(s.symbol, moment) for s in options])
        strike = np.array([float(s.strike or 0) for s in options])
        years = np.array([self.years_left(s, moment) for s in options])
        is_call = np.array([s.is_call for s in options])
        yields = np.array([s.underlying.continuous_yield for s in options])
        bid, ask = table[:, 0], table[:, 1]
        mark = np.where(ask > 0, (bid + ask) / 2, table[:, 2])
        implied = implied_vol(mark, spot, strike, years, RISK_FREE_RATE, yields, is_call)
        iv = np.where(np.isnan(table[:, 7]), implied, table[:, 7])
        g = european.greeks(spot, strike, years, RISK_FREE_RATE, yields, iv, is_call)
        delta = np.where(np.isnan(table[:, 8]), g.delta, table[:, 8])
        closes = self._closes(options, moment)
        over = moment >= self.ends_at
        return [
            Quote(
                bid=0.0 if over else float(row[0]),
                ask=0.0 if over else float(row[1]),
                last=float(row[2]),
                close=closes[i],
                bid_size=0 if over or not row[0] else max(int(row[3]), 1),
                ask_size=0 if over or not row[1] else max(int(row[4]), 1),
                last_size=1 if row[2] else 0,
                volume=int(row[5]),
                open_interest=int(row[6]),
                underlying_price=float(spot[i]),
                model_price=float(mark[i]),
                iv=float(iv[i]),
                delta=float(delta[i]),
                gamma=float(g.gamma[i]),
                vega=float(g.vega[i]),
                theta_per_day=float(g.theta_per_day[i]),
            )
            for i, row in enumerate(table)
        ]

    def _closes(self, options: Sequence[Security], moment: datetime) -> list[float]:
        session = self.calendar.session_at(moment) or self.calendar.previous_session(moment)
        before = self.calendar.previous_session(session.open_at).close_at.timestamp()
        rows = [self._options[s.con_id].row(before) for s in options]
        return [0.0 if r is None else round(float(r[0] + r[1]) / 2, 2) for r in rows]


def weeks_to(calendar: TradingCalendar, first: date, anchor: date) -> timedelta:
    """The shift by whole weeks that puts ``first`` on a session at or after ``anchor``."""
    weeks = -(-(anchor - first).days // 7)
    while not calendar.is_session(first + timedelta(weeks=weeks)):
        weeks += 1
    return timedelta(weeks=weeks)

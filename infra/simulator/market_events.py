"""What happens to a market on a date: dividends, splits, earnings, announcements, halts, jumps.

Ordinary events follow a calendar drawn from the seed; further ones are written into a plan. Both
are known from the start, so that prices stay a function of seed, plan and time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from domain.calendar import TradingCalendar
from infra.simulator.reference import (
    OPTION_MULTIPLIER,
    UNDERLYINGS,
    Underlying,
    exchange_date,
)

CALM_SESSIONS = 3
"""A market's first sessions see no event of the ordinary calendar: demonstrations begin there."""
EVERYTHING = "*"
ANNOUNCEMENT_MONTHS = frozenset({1, 3, 5, 6, 7, 9, 11, 12})
ANNOUNCEMENT_MOVE = 0.009
"""Standard deviation of the broad market's log move at an announcement (FOMC-like, 14:00)."""
PAY_DELAY_DAYS = 20
_EARNINGS_MONTHS = (1, 4, 7, 10)
_QUARTER_MONTHS = (3, 6, 9, 12)
_WEDNESDAY, _FRIDAY = 2, 4
_CALENDAR_SALT = 11


class Event(BaseModel):
    """``begins`` is the first exchange date that an event makes different."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Dividend(Event):
    """Cash per share to whoever holds at the close before ``ex_date``; short sellers owe it."""

    kind: Literal["dividend"] = "dividend"
    symbol: str
    ex_date: date
    pay_date: date
    amount: Decimal = Field(gt=0, description="USD per share")

    @model_validator(mode="after")
    def _paid_after(self) -> Dividend:
        if self.pay_date < self.ex_date:
            raise ValueError("pay_date must not be before ex_date")
        return self

    @property
    def begins(self) -> date:
        return self.ex_date


class Split(Event):
    """``new`` shares for every ``old`` from the session of ``effective`` on."""

    kind: Literal["split"] = "split"
    symbol: str
    effective: date
    new: int = Field(gt=0)
    old: int = Field(gt=0)

    @model_validator(mode="after")
    def _whole_multiplier(self) -> Split:
        if self.new == self.old or self.new * OPTION_MULTIPLIER % self.old:
            raise ValueError(f"{self.new} for {self.old} gives options no whole multiplier")
        return self

    @property
    def ratio(self) -> Fraction:
        return Fraction(self.new, self.old)

    @property
    def keeps_multiplier(self) -> bool:
        """Whole splits multiply the contracts held; others change what one contract delivers."""
        return self.ratio.denominator == 1

    @property
    def begins(self) -> date:
        return self.effective


class Earnings(Event):
    """Announced after the close of ``on``: the next open gaps by about ``move``."""

    kind: Literal["earnings"] = "earnings"
    symbol: str
    on: date
    move: float = Field(gt=0, lt=1, description="standard deviation of the log move")

    @property
    def begins(self) -> date:
        return self.on


class Announcement(Event):
    """A scheduled announcement during a session that moves the whole market by about ``move``."""

    kind: Literal["announcement"] = "announcement"
    at: AwareDatetime
    move: float = Field(gt=0, lt=1, description="standard deviation of the log move")

    @property
    def begins(self) -> date:
        return exchange_date(self.at)


class Jump(Event):
    """Prices of one symbol (or ``*``) move by ``size`` at once; in closed hours, at the open."""

    kind: Literal["jump"] = "jump"
    symbol: str
    at: AwareDatetime
    size: float = Field(gt=-1, lt=1, description="log move")

    @property
    def begins(self) -> date:
        return exchange_date(self.at)


class Halt(Event):
    """Trading in a symbol and its options stands still."""

    kind: Literal["halt"] = "halt"
    symbol: str
    start: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _ascends(self) -> Halt:
        if self.until <= self.start:
            raise ValueError("until must be after start")
        return self

    @property
    def begins(self) -> date:
        return exchange_date(self.start)


ScriptedEvent = Annotated[
    Dividend | Split | Earnings | Announcement | Jump | Halt, Field(discriminator="kind")
]


class EventPlan(BaseModel):
    """Events beyond the ordinary calendar, and how often random ones happen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: tuple[ScriptedEvent, ...] = ()
    ordinary: bool = Field(default=True, description="dividends, earnings, announcements, jumps")
    halts_per_year: float = Field(default=0, ge=0, le=50, description="per symbol, 5 to 60 minutes")

    @model_validator(mode="after")
    def _known_symbols(self) -> EventPlan:
        for event in self.events:
            symbol = getattr(event, "symbol", EVERYTHING)
            known = symbol in UNDERLYINGS or (isinstance(event, Jump) and symbol == EVERYTHING)
            if symbol != EVERYTHING and not known:
                raise ValueError(f"{event.kind}: no underlying {symbol}")
            if isinstance(event, Dividend | Split | Earnings) and UNDERLYINGS[symbol].is_index:
                raise ValueError(f"{event.kind}: {symbol} is an index")
        return self


class EventPlanError(ValueError):
    """A plan that cannot be used: names the entry, the field and the reason."""


def load_event_plan(path: Path) -> EventPlan:
    """Read a JSON plan; EventPlanError says where it is wrong."""
    try:
        return TypeAdapter(EventPlan).validate_json(path.read_bytes())
    except OSError as error:
        raise EventPlanError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, e['loc'])) or 'plan'}: {e['msg']}" for e in error.errors()]
        raise EventPlanError(f"{path}: {'; '.join(reasons)}") from None


class MarketEvents:
    """Every event of one market, found by symbol and date.

    ``anchor`` is the market's first session.
    """

    def __init__(
        self, seed: int, calendar: TradingCalendar, anchor: date, plan: EventPlan | None = None
    ) -> None:
        self.plan = plan or EventPlan()
        self._seed = seed
        self._calendar = calendar
        self._calm = (anchor, calendar.add_sessions(anchor, CALM_SESSIONS))
        self._dividends = lru_cache(maxsize=512)(self._dividends_of)
        self._earnings = lru_cache(maxsize=512)(self._earnings_of)
        self._announcements = lru_cache(maxsize=64)(self._announcements_of)
        self._halts = lru_cache(maxsize=1024)(self._halts_of)

    def add(self, event: ScriptedEvent) -> None:
        """Script one more event; what it may not change is the past, which is the caller's care."""
        plan = self.plan.model_copy(update={"events": (*self.plan.events, event)})
        self.plan = EventPlan.model_validate(plan.model_dump())
        for cache in (self._dividends, self._earnings, self._announcements, self._halts):
            cache.cache_clear()

    def dividends(self, symbol: str, after: date, until: date) -> list[Dividend]:
        """Those with ``after`` < ex-date ≤ ``until``, ascending."""
        years = range(after.year, until.year + 1)
        found = (d for year in years for d in self._dividends(symbol, year))
        return [d for d in found if after < d.ex_date <= until]

    def splits(self, symbol: str) -> list[Split]:
        found = (e for e in self.plan.events if isinstance(e, Split) and e.symbol == symbol)
        return sorted(found, key=lambda split: split.effective)

    def all_splits(self) -> list[Split]:
        """In the order they were written down, which never changes."""
        return [e for e in self.plan.events if isinstance(e, Split)]

    def split_factor(self, symbol: str, after: date, until: date) -> Fraction:
        """What splits with ``after`` < effective ≤ ``until`` divide a price by."""
        factor = Fraction(1)
        for split in self.splits(symbol):
            if after < split.effective <= until:
                factor *= split.ratio
        return factor

    def earnings(self, symbol: str, first: date, last: date) -> list[Earnings]:
        """Those announced after the close of a day from ``first`` to ``last``."""
        years = range(first.year, last.year + 1)
        found = (e for year in years for e in self._earnings(symbol, year))
        return [e for e in found if first <= e.on <= last]

    def announcements(self, first: date, last: date) -> list[Announcement]:
        years = range(first.year, last.year + 1)
        found = (a for year in years for a in self._announcements(year))
        return [a for a in found if first <= a.begins <= last]

    def jumps(self) -> list[Jump]:
        return [e for e in self.plan.events if isinstance(e, Jump)]

    def halt(self, symbol: str, at: datetime) -> Halt | None:
        """The halt of a symbol in force at ``at``."""
        for halt in self._halts(symbol, exchange_date(at)):
            if halt.start <= at < halt.until:
                return halt
        return None

    def is_calm(self, day: date) -> bool:
        return not self.plan.ordinary or self._calm[0] <= day < self._calm[1]

    def _dividends_of(self, symbol: str, year: int) -> tuple[Dividend, ...]:
        underlying = UNDERLYINGS[symbol]
        ordinary = self._ordinary_dividends(underlying, year) if self.plan.ordinary else ()
        scripted = [
            e
            for e in self.plan.events
            if isinstance(e, Dividend) and e.symbol == symbol and e.ex_date.year == year
        ]
        return tuple(sorted([*ordinary, *scripted], key=lambda d: d.ex_date))

    def _ordinary_dividends(self, underlying: Underlying, year: int) -> Iterator[Dividend]:
        """Quarterly: funds on the third Friday that ends a quarter, stocks on a date of theirs."""
        if underlying.is_index or not underlying.annual_dividend:
            return
        rng = self._rng(underlying.con_id, 0)
        month_shift, day = int(rng.integers(1, 3)), int(rng.integers(4, 21))
        amount = Decimal(str(round(underlying.annual_dividend / 4, 2)))
        for quarter_end in _QUARTER_MONTHS:
            if underlying.stock_type == "ETF":
                wanted = _nth_weekday(year, quarter_end, _FRIDAY, 3)
            else:
                wanted = date(year, quarter_end - month_shift, day)
            ex_date = self._session_near(wanted)
            if ex_date is None or self.is_calm(ex_date):
                continue
            pay_date = self._session_near(ex_date + timedelta(days=PAY_DELAY_DAYS))
            scale = self.split_factor(underlying.symbol, date.min, ex_date)
            paid = Decimal(scale.denominator) * amount / Decimal(scale.numerator)
            yield Dividend(
                symbol=underlying.symbol,
                ex_date=ex_date,
                pay_date=pay_date or ex_date,
                amount=max(paid.quantize(Decimal("0.0001")), Decimal("0.0001")),
            )

    def _earnings_of(self, symbol: str, year: int) -> tuple[Earnings, ...]:
        underlying = UNDERLYINGS[symbol]
        scripted = [
            e
            for e in self.plan.events
            if isinstance(e, Earnings) and e.symbol == symbol and e.on.year == year
        ]
        if underlying.earnings_move and self.plan.ordinary:
            rng = self._rng(underlying.con_id, year)
            for month in _EARNINGS_MONTHS:
                day = self._session_near(date(year, month, int(rng.integers(19, 29))))
                if day is not None and not self.is_calm(day):
                    event = Earnings(symbol=symbol, on=day, move=underlying.earnings_move)
                    scripted.append(event)
        return tuple(sorted(scripted, key=lambda e: e.on))

    def _announcements_of(self, year: int) -> tuple[Announcement, ...]:
        found = [e for e in self.plan.events if isinstance(e, Announcement) and e.at.year == year]
        for month in sorted(ANNOUNCEMENT_MONTHS) if self.plan.ordinary else ():
            day = self._session_near(_nth_weekday(year, month, _WEDNESDAY, 3))
            if day is not None and not self.is_calm(day):
                # Two hours before an ordinary close: 14:00 in New York.
                at = self._calendar.session_on(day).close_at - timedelta(hours=2)
                found.append(Announcement(at=at, move=ANNOUNCEMENT_MOVE))
        return tuple(sorted(found, key=lambda a: a.at))

    def _halts_of(self, symbol: str, day: date) -> tuple[Halt, ...]:
        found = [
            e
            for e in self.plan.events
            if isinstance(e, Halt)
            and e.symbol == symbol
            and e.begins <= day <= exchange_date(e.until)
        ]
        rng = self._rng(UNDERLYINGS[symbol].con_id, day.toordinal())
        if rng.random() < self.plan.halts_per_year / 252 and not self.is_calm(day):
            covered = self._calendar.first_date <= day <= self._calendar.last_date
            if covered and self._calendar.is_session(day):
                opens = self._calendar.session_on(day).open_at
                start = opens + timedelta(minutes=int(rng.integers(10, 180)))
                until = start + timedelta(minutes=int(rng.integers(5, 61)))
                found.append(Halt(symbol=symbol, start=start, until=until))
        return tuple(found)

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, _CALENDAR_SALT, *key])

    def _session_near(self, day: date) -> date | None:
        """``day``, or the last session before it; None beyond the calendar."""
        if not self._calendar.first_date < day <= self._calendar.last_date:
            return None
        return self._calendar.last_trading_day_on_or_before(day)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))

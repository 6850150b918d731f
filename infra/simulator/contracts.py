"""The contract book: which instruments exist on a market date, and how a client names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from domain.calendar import TradingCalendar
from domain.instruments import PriceIncrements, Right, SecType, plain
from infra.simulator.listings import Listings
from infra.simulator.market_events import Split
from infra.simulator.reference import (
    CURRENCY,
    MARKET_RULES,
    NEW_YORK,
    OPENING_AUCTION,
    RULE_CENT,
    UNDERLYINGS,
    OptionClass,
    Underlying,
)

BAG_CON_ID = 28812380
"""TWS gives every combo this one contract id."""

_EPOCH = date(2010, 1, 1)
_DAILY_HORIZON = timedelta(days=10)
_WEEKLY_HORIZON = timedelta(weeks=9)
_MONTHLY_COUNT = 13
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Security:
    """A tradable contract of the simulated exchange: an underlying, or an option on it."""

    con_id: int
    underlying: Underlying
    option_class: OptionClass | None = None
    expiry: date | None = None
    """Last trading day, exchange date."""
    strike: Decimal | None = None
    right: Right | None = None

    def __hash__(self) -> int:
        return self.con_id

    @property
    def is_option(self) -> bool:
        return self.option_class is not None

    @property
    def sec_type(self) -> SecType:
        return SecType.OPTION if self.is_option else self.underlying.sec_type

    @property
    def symbol(self) -> str:
        return self.underlying.symbol

    @property
    def trading_class(self) -> str:
        if self.option_class is not None:
            return self.option_class.name
        return self.underlying.symbol

    @property
    def multiplier(self) -> int:
        return self.option_class.multiplier if self.option_class is not None else 1

    @property
    def is_call(self) -> bool:
        return self.right is Right.CALL

    @property
    def local_symbol(self) -> str:
        if self.expiry is None or self.strike is None or self.right is None:
            return self.underlying.symbol
        strike = int(self.strike * 1000)
        return f"{self.trading_class:<6}{self.expiry:%y%m%d}{self.right.value}{strike:08d}"

    @property
    def market_rule(self) -> int:
        return RULE_CENT if self.option_class is None else self.option_class.market_rule

    @property
    def increments(self) -> PriceIncrements:
        return MARKET_RULES[self.market_rule]

    @property
    def exchange(self) -> str:
        return "SMART" if self.is_option else self.underlying.exchange

    @property
    def tradable(self) -> bool:
        return self.is_option or not self.underlying.is_index


@dataclass(frozen=True, slots=True)
class ContractSpec:
    """A contract as a client describes it on the wire; empty fields match anything."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: str = ""
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""

    @property
    def strike_value(self) -> Decimal | None:
        """None when no strike is given (TWS clients send 0)."""
        if not self.strike:
            return None
        try:
            value = Decimal(self.strike)
        except InvalidOperation:
            raise ValueError(f"strike {self.strike!r} is not a number") from None
        return value if value.is_finite() and value > 0 else None


class ContractBook:
    """Finds securities by id or by description; knows the listing rules of every class."""

    def __init__(self, calendar: TradingCalendar, listings: Listings | None = None) -> None:
        self._calendar = calendar
        self.listings = listings or Listings()
        self._underlyings_by_id = {u.con_id: u for u in UNDERLYINGS.values()}
        self._expiries = lru_cache(maxsize=64)(self._expiries_of)
        self._by_id = lru_cache(maxsize=65536)(self._option_from_id)

    @property
    def underlyings(self) -> Mapping[str, Underlying]:
        """Every underlying by symbol."""
        return UNDERLYINGS

    def underlying(self, symbol: str) -> Security:
        return _underlying_security(self.underlyings[symbol])

    def classes(self, symbol: str, today: date) -> tuple[OptionClass, ...]:
        """The option classes on a symbol that trade on ``today``."""
        return self.listings.of(symbol, today)

    def by_id(self, con_id: int) -> Security | None:
        """The security with this id. Options need no registry: the id is their description.

        Expired options resolve too, so that positions and executions in them keep a name.
        """
        underlying = self._underlyings_by_id.get(con_id)
        if underlying is not None:
            return _underlying_security(underlying)
        return self._by_id(con_id)

    def option(self, class_name: str, expiry: date, strike: Decimal, right: Right) -> Security:
        """A contract of the class's first generation, before any split."""
        return _option(self.listings.named(class_name)[0], expiry, strike, right)

    def adjusted(self, security: Security) -> Security:
        """The contract that a split turns an option into."""
        option_class, expiry, right = security.option_class, security.expiry, security.right
        if option_class is None or expiry is None or right is None or security.strike is None:
            raise ValueError(f"{security.symbol} is not an option")
        index = option_class.strike_index(security.strike) or 0
        successor = self.listings.successor(option_class)
        return _option(successor, expiry, successor.strike(index), right)

    def expiries(self, option_class: OptionClass, today: date) -> tuple[date, ...]:
        """Last trading days listed on ``today``, ascending, today's own included."""
        return self._expiries(option_class, today)

    def is_listed(self, security: Security, today: date) -> bool:
        option_class = self._class_now(security)
        if option_class is None or security.expiry is None:
            return True
        return security.expiry in self.expiries(option_class, today)

    def is_superseded(self, security: Security, today: date) -> bool:
        """Whether a split has replaced this option by another contract."""
        option_class = self._class_now(security)
        return option_class is not None and today > option_class.listed_until

    def split(self, split: Split) -> None:
        """Take up a split that is still to come."""
        self.listings.apply(split)
        self._expiries.cache_clear()
        self._by_id.cache_clear()

    def _class_now(self, security: Security) -> OptionClass | None:
        """The class of an option as it stands; a split may have been announced since."""
        if security.option_class is None:
            return None
        return self.listings.by_number(security.option_class.number)

    def strikes(self, option_class: OptionClass, reference_price: float) -> list[Decimal]:
        """Listed strikes: every near step within 12 % of the reference, far steps to ±40 %."""
        scale = float(option_class.strike_scale)
        unit = float(option_class.strike_unit) * scale
        # Adjusted strikes are those that were listed around the price before the split.
        low, high = int(reference_price * 0.6 / unit), int(reference_price * 1.4 / unit) + 1
        return [
            option_class.strike(index)
            for index in range(max(low, 1), high + 1)
            if index % option_class.far_step == 0
            or (
                index % option_class.near_step == 0
                and abs(index * unit / reference_price - 1) <= 0.12
            )
        ]

    def chain(
        self, option_class: OptionClass, expiry: date, reference_price: float
    ) -> list[Security]:
        """Every option of one expiry: each strike's call and put."""
        return [
            _option(option_class, expiry, strike, right)
            for strike in self.strikes(option_class, reference_price)
            for right in (Right.CALL, Right.PUT)
        ]

    def find(
        self, spec: ContractSpec, today: date, reference_prices: dict[str, float]
    ) -> Iterator[Security]:
        """Every listed security that matches the description, as TWS would answer it."""
        if spec.con_id and spec.con_id != BAG_CON_ID:
            found = self.by_id(spec.con_id)
            if found is not None and self.is_listed(found, today):
                yield found
            return
        if spec.currency not in {"", CURRENCY}:
            return
        if spec.sec_type in {"STK", "IND", ""} and not spec.strike_value:
            underlying = self.underlyings.get(spec.symbol or spec.local_symbol)
            if underlying is not None and spec.sec_type in {"", underlying.sec_type.value}:
                yield _underlying_security(underlying)
        if spec.sec_type == "OPT":
            yield from self._find_options(spec, today, reference_prices)

    def last_moment(self, security: Security) -> datetime | None:
        """When an option stops having time value: its last close, or the AM settlement."""
        if security.option_class is None or security.expiry is None:
            return None
        if not security.option_class.am_settled:
            return self._calendar.session_on(security.expiry).close_at
        settles_on = self._calendar.add_sessions(security.expiry, 1)
        return datetime.combine(settles_on, OPENING_AUCTION, tzinfo=NEW_YORK)

    def settlement_date(self, security: Security) -> date | None:
        """The date whose prices settle the option (the day after the last for AM-settled)."""
        if security.option_class is None or security.expiry is None:
            return None
        if security.option_class.am_settled:
            return self._calendar.add_sessions(security.expiry, 1)
        return security.expiry

    def _option_from_id(self, con_id: int) -> Security | None:
        option_class = self.listings.by_number(con_id >> 27)
        index = con_id & 0xFFF
        if option_class is None or not index:
            return None
        expiry = _EPOCH + timedelta(days=(con_id >> 13) & 0x3FFF)
        right = Right.CALL if con_id >> 12 & 1 else Right.PUT
        return _option(option_class, expiry, option_class.strike(index), right)

    def _find_options(
        self, spec: ContractSpec, today: date, reference_prices: dict[str, float]
    ) -> Iterator[Security]:
        if spec.local_symbol:
            found = self._by_local_symbol(spec.local_symbol, today)
            if found is not None and self.is_listed(found, today):
                yield found
            return
        right = {"P": Right.PUT, "PUT": Right.PUT, "C": Right.CALL, "CALL": Right.CALL}.get(
            spec.right.upper()
        )
        rights = (Right.CALL, Right.PUT) if right is None else (right,)
        wanted_strike = spec.strike_value
        seen: set[str] = set()
        for option_class in self.classes(spec.symbol, today):
            multiplier = str(option_class.multiplier)
            if spec.trading_class not in {"", option_class.name} or (
                spec.multiplier not in {"", multiplier, f"{multiplier}.0"}
            ):
                continue
            strikes = self.strikes(option_class, reference_prices[spec.symbol])
            if wanted_strike is not None:
                strikes = [strike for strike in strikes if strike == wanted_strike]
            if not strikes:
                continue
            for expiry in self.expiries(option_class, today):
                if not f"{expiry:%Y%m%d}".startswith(spec.expiry):
                    continue
                for strike in strikes:
                    for side in rights:
                        option = _option(option_class, expiry, strike, side)
                        # After a whole split, adjusted and new strikes may be the same contract.
                        if option.local_symbol not in seen:
                            seen.add(option.local_symbol)
                            yield option

    def _by_local_symbol(self, local_symbol: str, today: date) -> Security | None:
        root, rest = local_symbol[:-15].strip(), local_symbol[-15:]
        classes = (c for c in self.listings.named(root) if today <= c.listed_until)
        for option_class in classes:
            if today < option_class.listed_from:
                continue
            try:
                expiry = datetime.strptime(rest[:6], "%y%m%d").date()  # noqa: DTZ007
                strike = Decimal(int(rest[7:])) / 1000
                return _option(option_class, expiry, strike, Right(rest[6]))
            except ValueError:
                continue
        return None

    def _expiries_of(self, option_class: OptionClass, today: date) -> tuple[date, ...]:
        if not option_class.listed_from <= today <= option_class.listed_until:
            return ()
        if option_class.adjusted_from:
            ended = self.listings.by_number(option_class.adjusted_from)
            listed = self._expiries_of(ended, ended.listed_until) if ended is not None else ()
            return tuple(day for day in listed if day >= today)
        found: set[date] = set()
        third_fridays = _third_fridays(today, _MONTHLY_COUNT)
        if option_class.weekly:
            day = today
            while day <= today + _WEEKLY_HORIZON:
                if day.weekday() == _FRIDAY:
                    found.add(self._calendar.last_trading_day_on_or_before(day))
                day += timedelta(days=1)
        if option_class.daily:
            horizon = today + _DAILY_HORIZON
            found |= {s.date for s in self._calendar.sessions_between(today, horizon)}
        for friday in third_fridays:
            last = self._calendar.last_trading_day_on_or_before(friday)
            # AM-settled classes stop trading the day before their settlement morning.
            found.add(self._calendar.add_sessions(last, -1) if option_class.am_settled else last)
        return tuple(sorted(day for day in found if day >= today))


def full_spec(security: Security, exchange: str = "") -> ContractSpec:
    """A security's complete description, as TWS sends it back."""
    option = security.is_option
    return ContractSpec(
        con_id=security.con_id,
        symbol=security.symbol,
        sec_type=security.sec_type.value,
        expiry=f"{security.expiry:%Y%m%d}" if security.expiry else "",
        strike=plain(security.strike) if security.strike else "0",
        right=security.right.value if security.right else "",
        multiplier=str(security.multiplier) if option else "",
        exchange=exchange or security.exchange,
        primary_exchange="" if option else security.underlying.primary_exchange,
        currency=CURRENCY,
        local_symbol=security.local_symbol,
        trading_class=security.trading_class,
    )


def _third_fridays(today: date, months: int) -> list[date]:
    fridays = []
    for offset in range(months):
        years, month = divmod(today.month - 1 + offset, 12)
        first = date(today.year + years, month + 1, 1)
        fridays.append(first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14))
    return fridays


def _underlying_security(underlying: Underlying) -> Security:
    return Security(con_id=underlying.con_id, underlying=underlying)


@lru_cache(maxsize=65536)
def _option(option_class: OptionClass, expiry: date, strike: Decimal, right: Right) -> Security:
    """Build an option; its id packs class (4 bits), expiry day (14), right (1) and strike (12).

    Ids are therefore the same for ever, whatever the seed, and stay below 2**31. ValueError when
    the strike is off the class's grid.
    """
    index = option_class.strike_index(strike)
    if index is None or not 0 < index < 4096:
        raise ValueError(f"{option_class.name} has no strike {plain(strike)}")
    day = (expiry - _EPOCH).days
    if not 0 <= day < 1 << 14:
        raise ValueError(f"{option_class.name} has no expiry {expiry}")
    con_id = (
        (option_class.number << 27) | (day << 13) | (int(right is Right.CALL) << 12) | int(index)
    )
    underlying = UNDERLYINGS[option_class.symbol]
    return Security(con_id, underlying, option_class, expiry, strike, right)

"""What the account of a backtest holds, and everything that ever changed it.

Two sums hold at every moment, to the cent: cash is what it was at the beginning plus what every
fill and every event did to it, and what is held of an instrument is the sum of what they moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from domain.backtest.results import Event, Fill, Trade
from domain.instruments import (
    Leg,
    OptionContract,
    Right,
    SecType,
    Settlement,
    Side,
    instrument_key,
)
from domain.portfolio import PositionState
from domain.put_cover import put_cash

ZERO = Decimal(0)
_COST_PLACES = Decimal("0.00000001")


@dataclass(frozen=True)
class Instrument:
    """An option, or the shares of an underlying; ``con_id`` of shares is 0.

    What it is called is worked out once: it is asked for on every slice on which it is held.
    """

    key: str
    symbol: str
    currency: str
    option: OptionContract | None
    settlement: Settlement
    multiplier: Decimal

    @classmethod
    def of_option(cls, option: OptionContract, settlement: Settlement) -> Instrument:
        return cls(
            key=option.key,
            symbol=option.symbol,
            currency=option.currency,
            option=option,
            settlement=settlement,
            multiplier=option.multiplier,
        )

    @classmethod
    def of_shares(cls, symbol: str, currency: str) -> Instrument:
        return cls(
            key=instrument_key(SecType.STOCK, symbol, currency),
            symbol=symbol,
            currency=currency,
            option=None,
            settlement=Settlement.PHYSICAL,
            multiplier=Decimal(1),
        )

    @cached_property
    def con_id(self) -> int:
        return 0 if self.option is None else self.option.con_id

    @cached_property
    def strike(self) -> float:
        """nan for shares."""
        return float("nan") if self.option is None else float(self.option.strike)

    @cached_property
    def is_standard(self) -> bool:
        """Whether it delivers what it is named after, no corporate action having changed it."""
        return self.option is None or not self.option.is_adjusted

    @property
    def sec_type(self) -> SecType:
        return SecType.STOCK if self.option is None else SecType.OPTION

    @cached_property
    def description(self) -> str:
        return f"{self.symbol} shares" if self.option is None else self.option.describe()


@dataclass(slots=True)
class Holding:
    """One position. ``average_cost`` is per unit with the multiplier and commissions, as IBKR
    tells it; ``mark`` the price per share it was last seen at, ``carried`` if not just now."""

    instrument: Instrument
    opened_at: datetime
    opened_by: str
    capital_per_unit: Decimal
    quantity: Decimal = ZERO
    average_cost: Decimal = ZERO
    mark: Decimal | None = None
    carried: bool = False
    most: Decimal = ZERO
    """The most that was held, signed."""
    opened: Decimal = ZERO
    opened_value: Decimal = ZERO
    closed: Decimal = ZERO
    closed_value: Decimal = ZERO
    commission: Decimal = ZERO

    @property
    def units(self) -> Decimal:
        return self.quantity * self.instrument.multiplier

    @property
    def value(self) -> Decimal:
        """Signed; what it cost while no price was ever seen."""
        if self.mark is None:
            return self.quantity * self.average_cost
        return self.units * self.mark

    def change(self, quantity: Decimal, price: Decimal, commission: Decimal = ZERO) -> None:
        """Move by a signed ``quantity`` at ``price`` per share."""
        sign = 1 if quantity > 0 else -1
        unit = price * self.instrument.multiplier
        closing = min(abs(quantity), abs(self.quantity)) if quantity * self.quantity < 0 else ZERO
        opening = abs(quantity) - closing
        kept = self.quantity + sign * closing
        total = kept * self.average_cost + sign * opening * unit
        total += commission * opening / abs(quantity)
        self.quantity += quantity
        self.average_cost = (
            (total / self.quantity).quantize(_COST_PLACES) if self.quantity else ZERO
        )
        self.opened += opening
        self.opened_value += opening * price
        self.closed += closing
        self.closed_value += closing * price
        self.commission += commission
        self.most = max(self.most, self.quantity, key=abs)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a position ended: the rule, and what was done (``CLOSE``, ``ROLL``, an event's kind)."""

    rule: str
    action: str


class Trial(NamedTuple):
    """A trade that might be made: a signed ``quantity`` at ``price`` per share, and the ``mark``
    of what it would open."""

    instrument: Instrument
    at: datetime
    quantity: Decimal
    price: Decimal
    mark: Decimal | None
    commission: Decimal = ZERO


@dataclass(slots=True)
class Book:
    """Cash, holdings by key, and the record of what happened."""

    currency: str
    cash: Decimal
    holdings: dict[str, Holding] = field(default_factory=dict[str, Holding])
    fills: list[Fill] = field(default_factory=list[Fill])
    events: list[Event] = field(default_factory=list[Event])
    trades: list[Trade] = field(default_factory=list[Trade])
    accrued_interest: Decimal = ZERO
    changes: int = 0
    """How often anything changed, marks included: what was worked out before is void after."""
    _valued: tuple[int, Decimal] = (-1, ZERO)

    # --- what is held --------------------------------------------------------------------------

    def on(self, symbol: str) -> list[Holding]:
        return [each for each in self.holdings.values() if each.instrument.symbol == symbol]

    def shares(self, symbol: str) -> Decimal:
        held = self.holdings.get(instrument_key(SecType.STOCK, symbol, self.currency))
        return ZERO if held is None else held.quantity

    @property
    def positions_value(self) -> Decimal:
        """Asked for many times a slice: worked out once for each state of the book."""
        if self._valued[0] != self.changes:
            value = sum((each.value for each in self.holdings.values()), ZERO)
            self._valued = self.changes, value
        return self._valued[1]

    @property
    def stock_value(self) -> Decimal:
        held = self.holdings.values()
        return sum((each.value for each in held if each.instrument.option is None), ZERO)

    @property
    def equity(self) -> Decimal:
        return self.cash + self.positions_value + self.accrued_interest

    def positions(self) -> tuple[PositionState, ...]:
        """As the strategies and controls see them, in the order of their keys."""
        return tuple(_state(self.holdings[key]) for key in sorted(self.holdings))

    def after(self, trades: Iterable[Trial]) -> Book:
        """The book as it would be after ``trades``, without a record of anything."""
        other = Book(self.currency, self.cash, accrued_interest=self.accrued_interest)
        other.holdings = dict(self.holdings)
        for trade in trades:
            key, units = trade.instrument.key, trade.quantity * trade.instrument.multiplier
            other.cash -= units * trade.price + trade.commission
            before = other.holdings.get(key)
            if before is None:
                held = Holding(trade.instrument, trade.at, "", ZERO, mark=trade.mark)
            else:
                held = replace(before)
            held.change(trade.quantity, trade.price, trade.commission)
            if held.quantity:
                other.holdings[key] = held
            else:
                del other.holdings[key]
        return other

    # --- what changes it -----------------------------------------------------------------------

    def fill(
        self, fill: Fill, instrument: Instrument, capital_per_unit: Decimal, ending: Ending
    ) -> None:
        """Book an execution; ``ending`` is told of a position that it closes."""
        self.changes += 1
        self.fills.append(fill)
        self.cash += fill.cash
        held = self._holding(instrument, fill.at, ending.action, capital_per_unit)
        held.change(fill.side.sign * fill.quantity, fill.price, fill.commission)
        self._drop_if_flat(held, fill.at, ending)

    def mark_unseen(self, held: Holding, price: Decimal) -> None:
        """The price of what no slice has shown yet."""
        if held.mark is None:
            self.changes += 1
            held.mark = price

    def record(self, event: Event) -> None:
        """An event whose change of positions, if any, is booked by the caller."""
        self.changes += 1
        self.events.append(event)
        self.cash += event.cash

    def end_option(self, held: Holding, event: Event, price: Decimal) -> None:
        """All of an option leaves at ``price`` per share: expiry, cash settlement, delivery."""
        self.record(event)
        held.change(-held.quantity, price)
        self._drop_if_flat(held, event.at, Ending(event.kind.lower(), event.kind))

    def deliver_shares(self, event: Event, price: Decimal, basis: Decimal, rule: str) -> None:
        """Shares change hands at ``price``; ``basis`` is what IBKR then says they cost."""
        self.record(event)
        shares = Instrument.of_shares(event.symbol, self.currency)
        held = self._holding(shares, event.at, event.kind, price)
        opens = held.quantity * event.quantity >= 0
        before = held.quantity * held.average_cost
        held.change(event.quantity, price)
        if opens and held.quantity:
            held.average_cost = ((before + event.quantity * basis) / held.quantity).quantize(
                _COST_PLACES
            )
        self._drop_if_flat(held, event.at, Ending(rule, event.kind))

    def split_shares(self, held: Holding, quantity: Decimal, ratio: Decimal) -> None:
        """A holding's units change at equal cost."""
        held.average_cost = (held.average_cost / ratio).quantize(_COST_PLACES)
        held.quantity = quantity
        held.opened *= ratio
        held.closed *= ratio
        held.most *= ratio
        held.capital_per_unit /= ratio
        held.mark = None if held.mark is None else held.mark / ratio

    def restate_option(self, held: Holding, instrument: Instrument, ratio: Decimal) -> None:
        """An option becomes another contract at equal cost: ``ratio`` new ones for each old."""
        del self.holdings[held.instrument.key]
        per_share = ratio * instrument.multiplier / held.instrument.multiplier
        held.instrument = instrument
        held.quantity *= ratio
        held.average_cost = (held.average_cost / ratio).quantize(_COST_PLACES)
        held.opened *= ratio
        held.closed *= ratio
        held.opened_value *= ratio / per_share
        held.closed_value *= ratio / per_share
        held.most *= ratio
        held.capital_per_unit /= ratio
        held.mark = None if held.mark is None else held.mark / per_share
        self.holdings[instrument.key] = held

    def close_trades(self, at: datetime) -> tuple[Trade, ...]:
        """The trades done, and what is still held as trades without an end, at their marks."""
        still = [
            _trade(held, None, at, held.mark or ZERO, Ending("end_of_data", ""))
            for _, held in sorted(self.holdings.items())
        ]
        return (*self.trades, *still)

    def _holding(
        self, instrument: Instrument, at: datetime, opened_by: str, capital_per_unit: Decimal
    ) -> Holding:
        held = self.holdings.get(instrument.key)
        if held is None:
            held = Holding(instrument, at, opened_by, capital_per_unit)
            self.holdings[instrument.key] = held
        return held

    def _drop_if_flat(self, held: Holding, at: datetime, ending: Ending) -> None:
        if held.quantity:
            return
        del self.holdings[held.instrument.key]
        self.trades.append(_trade(held, at, at, None, ending))


def _trade(
    held: Holding,
    closed_at: datetime | None,
    until: datetime,
    mark: Decimal | None,
    ending: Ending,
) -> Trade:
    instrument = held.instrument
    option = instrument.option
    multiplier, sign = instrument.multiplier, 1 if held.most > 0 else -1
    closed_value = held.closed_value
    if mark is not None:
        closed_value += abs(held.quantity) * mark
    gross = sign * (closed_value - held.opened_value) * multiplier
    return Trade(
        opened_at=held.opened_at,
        closed_at=closed_at,
        symbol=instrument.symbol,
        description=instrument.description,
        con_id=instrument.con_id,
        sec_type=instrument.sec_type,
        right=None if option is None else option.right,
        strike=None if option is None else option.strike,
        expiry=None if option is None else option.expiry,
        multiplier=multiplier,
        quantity=held.most,
        open_price=(held.opened_value / held.opened).quantize(_COST_PLACES).normalize(),
        close_price=(closed_value / held.opened).quantize(_COST_PLACES).normalize(),
        commission=held.commission,
        result=gross - held.commission,
        capital=abs(held.most) * held.capital_per_unit,
        opened_by=held.opened_by,
        exit_rule=ending.rule,
        exit_action=ending.action,
        days=(until.date() - held.opened_at.date()).days,
    )


def _state(held: Holding) -> PositionState:
    instrument = held.instrument
    value = None if held.mark is None else held.units * held.mark
    # Made of checked parts: a validation per position and slice would cost more than the run.
    return PositionState.of_checked(
        key=instrument.key,
        description=instrument.description,
        symbol=instrument.symbol,
        currency=instrument.currency,
        sec_type=instrument.sec_type,
        option=instrument.option,
        settlement=instrument.settlement,
        quantity=held.quantity,
        average_cost=held.average_cost,
        multiplier=instrument.multiplier,
        market_price=held.mark,
        market_value=value,
        unrealized_pnl=None if value is None else value - held.quantity * held.average_cost,
        daily_pnl=None,
        delta=None,
        quote=None,
        open_interest=None,
        greeks=None,
    )


def capital_of(leg: Leg, opened: Sequence[Leg], spot: Decimal) -> Decimal:
    """What one contract of ``leg``, opened with the others of ``opened``, ties up.

    A put its strike, a call its underlying at its price; of a put spread the short put what it can
    cost with its wing, which ties up nothing of its own.
    """
    contract = leg.contract
    if contract.right is Right.CALL:
        return spot * contract.multiplier
    if {each.side for each in opened} != set(Side):
        return contract.strike * contract.multiplier
    if leg.side is Side.BUY:
        return ZERO
    puts = [(each.contract, Decimal(each.side.sign * each.ratio)) for each in opened]
    return put_cash(puts) / leg.ratio

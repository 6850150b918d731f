"""The trading floor: working orders and what becomes of them as the market moves.

Every change is committed to the ledger before anybody is told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from infra.simulator import families
from infra.simulator.accounts import Account, AccountValues, value_account
from infra.simulator.admission import Admission
from infra.simulator.booking import book_fill
from infra.simulator.clock import MarketClock
from infra.simulator.contracts import ContractBook, Security
from infra.simulator.events import ExchangeEvent, OrderFilled, PositionsChanged
from infra.simulator.ledger import Ledger
from infra.simulator.market import Market, Quote
from infra.simulator.matching import Match, WorkingOrder
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderStatus
from infra.simulator.reference import NEW_YORK
from infra.simulator.resting import Resting
from infra.simulator.step import Step
from infra.simulator.waking import conditions_met, expiry_of, woken

AT_ONCE = {"IOC", "FOK"}
_MOMENT = timedelta(microseconds=1)
"""An auction belongs to the session it begins or ends: a halt on either side of it counts."""


class TradingFloor:
    """The working orders and the accounts of one gateway."""

    def __init__(self, ledger: Ledger, market: Market, clock: MarketClock) -> None:
        self.ledger = ledger
        self.market = market
        self.clock = clock
        self.listeners: list[Callable[[ExchangeEvent], None]] = []
        self.resting = Resting.HIT
        self.accounts = {record.account: Account(record) for record in ledger.accounts()}
        self._admission = Admission(market, clock, self.accounts)
        self._execution_numbers = count(ledger.execution_count() + 1)
        self._spent_groups = {
            order.oca_key for order in ledger.orders_in_groups() if families.is_spent_by(order)
        }
        self._working = {
            order.perm_id: WorkingOrder(order, self._admission.legs_of(order))
            for order in ledger.working_orders()
        }

    @property
    def book(self) -> ContractBook:
        return self.market.book

    @property
    def today(self) -> datetime:
        """Midnight at the exchange, aware UTC: what came before is yesterday's."""
        local = self.clock.now().astimezone(NEW_YORK)
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

    @property
    def has_working_orders(self) -> bool:
        return bool(self._working)

    def working_orders(self) -> list[OrderRecord]:
        return [working.record for working in self._working.values()]

    def values(self, account: str) -> AccountValues:
        return value_account(self.accounts[account], self.market, self.clock.now())

    def is_open(self) -> bool:
        return self.market.calendar.is_open(self.clock.now())

    def match_all(self, elapsed: timedelta) -> None:
        """Let every working order meet the market after ``elapsed`` market time."""
        if self._working and self.is_open():
            # Priced together first: far cheaper than one by one.
            securities = {leg.security for w in self._working.values() for leg in w.legs}
            self.market.quotes(list(securities), self.clock.now())
        for working in list(self._working.values()):
            self._look(working, elapsed.total_seconds())

    def open_session(self) -> None:
        """The session has opened: morning settlements and the opening auction take place."""
        day = self.clock.now().astimezone(NEW_YORK).date()
        self._settle(lambda s: bool(s.option_class and s.option_class.am_settled)
                     and self.book.settlement_date(s) == day)  # fmt: skip
        self._auction(lambda order: order.terms.tif == "OPG")
        self._cancel_where(lambda w: w.record.terms.tif == "OPG", "It did not trade at the open")
        for working in list(self._working.values()):
            if self._ready(working):
                self._wake(working)

    def close_session(self) -> None:
        """The session has closed: the closing auction, the end of day orders, settlements."""
        now = self.clock.now()
        day = now.astimezone(NEW_YORK).date()
        self._auction(lambda order: order.terms.order_type in {"MOC", "LOC"})
        self._cancel_where(
            lambda w: (
                w.record.terms.tif in {"DAY", *AT_ONCE}
                or any(leg.security.expiry == day for leg in w.legs)
            ),
            "The order expired at the close",
        )
        for working in list(self._working.values()):
            self._expire(working)
        self._settle(lambda s: self.book.settlement_date(s) == day)

    def cancel_step(self, chosen: Callable[[WorkingOrder], bool], reason: str) -> Step:
        """A step, not yet taken, that cancels the chosen working orders."""
        step = Step(self.clock.now())
        for working in self._working.values():
            if chosen(working):
                step.cancel(working.record, reason)
        return step

    def _look(self, working: WorkingOrder, seconds: float) -> None:
        """Let one order meet the market ``seconds`` of market time after its last look."""
        self._expire(working)
        if not self._ready(working):
            return
        self._wake(working)
        record = working.record
        if record.status is OrderStatus.SUBMITTED and record.is_live and self.is_open():
            at = int(self.clock.now().timestamp())
            quotes, seed = self._quotes(working), self.market.seed
            match = working.match(quotes, seconds, at, seed, self.resting)
            if match is not None:
                self._fill(working, match)
        record = working.record
        if record.terms.tif in AT_ONCE and record.is_live and record.status.is_working:
            self._cancel(working, f"{record.terms.tif} order could not be filled at once")

    def _expire(self, working: WorkingOrder) -> None:
        """End an order whose time, or whose condition for its end, has come."""
        record, now = working.record, self.clock.now()
        if not record.status.is_working:
            return
        end = expiry_of(record.terms)
        if end is not None and end <= now:
            self._cancel(working, "The good-till date of the order has passed")
        elif (
            record.terms.conditions_cancel
            and record.transmitted
            and conditions_met(record.terms, now, self._quote_of, is_open=self.is_open())
        ):
            self._cancel(working, "Its conditions were met")

    def _ready(self, working: WorkingOrder) -> bool:
        record = working.record
        return record.status.is_working and record.transmitted and record.released

    def _wake(self, working: WorkingOrder) -> None:
        if working.record.status is OrderStatus.SUBMITTED:
            return
        record = self._woken(working)
        if record != working.record:
            step = Step(self.clock.now())
            step.change(record, "status")
            self.commit(step)

    def _woken(self, working: WorkingOrder) -> OrderRecord:
        return woken(
            working.record,
            working.legs,
            self._quotes(working),
            self.clock.now(),
            self._quote_of,
            is_open=self.is_open(),
        )

    def _auction(self, takes_part: Callable[[OrderRecord], bool]) -> None:
        for working in list(self._working.values()):
            record = working.record
            symbol = working.legs[0].security.symbol
            moments = (self.clock.now() - _MOMENT, self.clock.now())
            halted = any(self.market.is_halted(symbol, moment) for moment in moments)
            if self._ready(working) and record.activated and takes_part(record) and not halted:
                match = working.match_auction(self._quotes(working))
                if match is not None:
                    self._fill(working, match)

    def _fill(self, working: WorkingOrder, match: Match) -> tuple[ExecutionRecord, ...]:
        before = working.record
        account = self.accounts[before.terms.account]
        step = Step(self.clock.now())
        booked = book_fill(before, working.legs, match, account, step.at, self._execution_numbers)
        step.executions += booked.executions
        step.accounts.append(booked.account)
        step.record(booked.order, "filled", f"{match.quantity} at {match.price}")
        con_ids = tuple(leg.security.con_id for leg in working.legs)
        step.news.append(OrderFilled(booked.order, booked.executions))
        step.news.append(PositionsChanged(account.name, con_ids))
        released = step.follow(families.after_fill(before, booked.order, self.working_orders()))
        if booked.order.oca_key is not None and families.is_spent_by(booked.order):
            self._spent_groups.add(booked.order.oca_key)
        self.commit(step)
        for perm_id in released:
            self._look(self._working[perm_id], 0.0)
        return booked.executions

    def _cancel(self, working: WorkingOrder, reason: str) -> None:
        step = Step(self.clock.now())
        step.cancel(working.record, reason)
        step.follow(families.after_end(working.record, self.working_orders()))
        self.commit(step)

    def _cancel_where(self, chosen: Callable[[WorkingOrder], bool], reason: str) -> None:
        for working in list(self._working.values()):
            if working.record.status.is_working and chosen(working):
                self._cancel(working, reason)

    def commit(self, step: Step) -> None:
        """Make a step durable, then take it over, then tell of it."""
        step.save(self.ledger)
        for account in step.accounts:
            self.accounts[account.name] = account
        for perm_id, order in step.orders.items():
            working = self._working.get(perm_id)
            if working is not None:
                working.record = order
                if not order.status.is_working:
                    del self._working[perm_id]
        for event in step.news:
            self._tell(event)

    def _quotes(self, working: WorkingOrder) -> list[Quote]:
        return self.market.quotes([leg.security for leg in working.legs], self.clock.now())

    def _quote_of(self, con_id: int) -> tuple[Security, Quote] | None:
        security = self.book.by_id(con_id)
        return (
            None if security is None else (security, self.market.quote(security, self.clock.now()))
        )

    def _settle(self, due: Callable[[Security], bool]) -> None:
        for name, account in list(self.accounts.items()):
            trial = Account(account.record())
            changed: list[int] = []
            for holding in account.holdings:
                security = self.book.by_id(holding.con_id)
                if security is None or not security.is_option or not due(security):
                    continue
                price = Decimal(str(round(self.market.settlement_price(security), 2)))
                underlying = self.book.underlying(security.symbol)
                changed += trial.settle_option(security, underlying, price)
            if not changed:
                continue
            with self.ledger.transaction():
                self.ledger.save_account(trial.record())
                self.ledger.put("clock", self.clock.now().isoformat())
            self.accounts[name] = trial
            self._tell(PositionsChanged(name, tuple(changed)))

    def _tell(self, event: ExchangeEvent) -> None:
        for listener in self.listeners:
            listener(event)

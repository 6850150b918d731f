"""The simulated exchange: accepts, works, fills and cancels orders, books trades and expiries.

Every change is committed to the ledger before anybody is told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from domain.instruments import Side
from infra.simulator.accounts import (
    CENT,
    MINIMUM_COMMISSION,
    Account,
    AccountValues,
    commission_by_schedule,
    value_account,
)
from infra.simulator.booking import book_fill
from infra.simulator.clock import MarketClock
from infra.simulator.contracts import ContractBook, Security, full_spec
from infra.simulator.events import ExchangeEvent, OrderChanged, OrderFilled, PositionsChanged
from infra.simulator.ledger import Ledger
from infra.simulator.market import Market
from infra.simulator.matching import (
    Match,
    WorkingOrder,
    leg_prices,
    mid_price,
    package_touch,
)
from infra.simulator.preview import MarginPreview
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderStatus, OrderTerms
from infra.simulator.reference import NEW_YORK
from infra.simulator.refusals import Refusal
from infra.simulator.tws import TWS_CLIENT
from infra.simulator.validation import Leg, OrderRejectedError, validate

FIRST_PERM_ID = 1_100_000_001
MAX_ACTIVE_PER_SIDE = 20


class Exchange:
    """All orders and accounts of one gateway."""

    def __init__(self, ledger: Ledger, market: Market, clock: MarketClock) -> None:
        self.ledger = ledger
        self.market = market
        self.clock = clock
        self.listeners: list[Callable[[ExchangeEvent], None]] = []
        self.accounts = {record.account: Account(record) for record in ledger.accounts()}
        self._next_perm_id = ledger.next_perm_id(FIRST_PERM_ID)
        self._execution_numbers = count(ledger.execution_count() + 1)
        self.refuse: Callable[[OrderTerms], Refusal | None] = lambda _: None
        """How to turn down an order that is on record, whatever its merits."""
        self.binds_manual_orders = False
        """Whether client 0 has asked for an API order id on orders entered by hand from now on."""
        self._working = {o.perm_id: self._resume(o) for o in ledger.working_orders()}

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

    def place(self, client_id: int, order_id: int, terms: OrderTerms) -> None:
        """Accept a new order, or modify a working one of the same client and order id.

        Raises OrderRejectedError; listeners hear of everything else.
        """
        existing = self.ledger.order_of(client_id, order_id)
        if existing is not None and not existing.status.is_working:
            raise OrderRejectedError(103, "Duplicate order id")
        terms, legs = self._resolve(terms)
        if existing is not None:
            self._modify(self._working[existing.perm_id], terms, legs)
            return
        self._accept(self._new_order(client_id, order_id, terms), legs)

    def place_manually(self, terms: OrderTerms) -> OrderRecord:
        """Accept an order a person enters in TWS; see :class:`infra.simulator.tws.TwsUser`."""
        terms, legs = self._resolve(terms)
        order = self._new_order(TWS_CLIENT, self.ledger.next_manual_order_id(), terms)
        self._accept(order, legs)
        return self._current(order)

    def execute_manually(self, terms: OrderTerms, price: Decimal) -> tuple[ExecutionRecord, ...]:
        """Book a person's trade at ``price``, which the market is not asked about."""
        terms, legs = self._resolve(terms)
        order = self._new_order(TWS_CLIENT, self.ledger.next_manual_order_id(), terms)
        working = WorkingOrder(order, legs)
        self._save(order, "accepted")
        self._working[order.perm_id] = working
        quotes = self.market.quotes([leg.security for leg in legs], self.clock.now())
        return self._fill(working, Match(terms.quantity, price, leg_prices(legs, quotes, price)))

    def amend(self, perm_id: int, changes: Mapping[str, object]) -> OrderRecord:
        """Change the terms of a working order of any client, as a person does in TWS."""
        working = self._require_working(perm_id)
        terms = OrderTerms.model_validate({**dict(working.record.terms), **changes})
        self._modify(working, *self._resolve(terms))
        return self._current(working.record)

    def cancel_order(self, perm_id: int, reason: str = "") -> None:
        """Cancel a working order of any client, as a person in TWS or the exchange itself does."""
        self._cancel(self._require_working(perm_id), reason)

    def bind_manual_orders(self) -> None:
        """Give the working orders entered by hand an API order id, which client 0 may use."""
        for working in self._working.values():
            if working.record.is_manual and not working.record.bound:
                self._update(working, "bound", bound=True)

    def preview(self, terms: OrderTerms) -> MarginPreview:
        """What the order would do to the account, were it filled at its limit (or the touch)."""
        legs = self._validate(terms)
        return self._preview(terms, legs)

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel the client's own working order; raises OrderRejectedError 10147 or 161."""
        order = self.ledger.order_of(client_id, order_id)
        if order is None:
            raise OrderRejectedError(
                10147, f"OrderId {order_id} that needs to be cancelled is not found."
            )
        self._cancel(self._require_working(order.perm_id), "")

    def cancel_all(self) -> None:
        for working in list(self._working.values()):
            self._cancel(working, "")

    def match_all(self, elapsed: timedelta) -> None:
        """Let every working order meet the market after ``elapsed`` market time."""
        if self._working and self.is_open():
            # Priced together first: far cheaper than one by one.
            securities = {leg.security for w in self._working.values() for leg in w.legs}
            self.market.quotes(list(securities), self.clock.now())
        for working in list(self._working.values()):
            self._match(working, elapsed.total_seconds())

    def open_session(self) -> None:
        """The session has opened: morning settlements happen, resting orders become live."""
        day = self.clock.now().astimezone(NEW_YORK).date()
        self._settle(lambda s: bool(s.option_class and s.option_class.am_settled)
                     and self.book.settlement_date(s) == day)  # fmt: skip
        for working in list(self._working.values()):
            if working.record.status is OrderStatus.PRE_SUBMITTED:
                self._update(working, "status", status=OrderStatus.SUBMITTED)
                self._tell(OrderChanged(working.record))

    def close_session(self) -> None:
        """The session has closed: day orders end, the day's expiring options settle."""
        day = self.clock.now().astimezone(NEW_YORK).date()
        for working in list(self._working.values()):
            expired = any(leg.security.expiry == day for leg in working.legs)
            if working.record.terms.tif == "DAY" or expired:
                self._cancel(working, "The order expired at the close")
        self._settle(lambda s: self.book.settlement_date(s) == day)

    def start_day(self) -> None:
        """Overnight accounting: yesterday's profits are history."""
        with self.ledger.transaction():
            for account in self.accounts.values():
                account.start_day(self.values(account.name).net_liquidation)
                self.ledger.save_account(account.record())

    def _resolve(self, terms: OrderTerms) -> tuple[OrderTerms, tuple[Leg, ...]]:
        legs = self._validate(terms)
        if len(legs) == 1:
            # Kept with its full name: the order must be found again after a restart.
            terms = terms.model_copy(update={"contract": full_spec(legs[0].security)})
        return terms, legs

    def _new_order(self, client_id: int, order_id: int, terms: OrderTerms) -> OrderRecord:
        order = OrderRecord(
            perm_id=self._next_perm_id,
            client_id=client_id,
            order_id=order_id,
            terms=terms,
            status=self._resting_status(),
            created_at=self.clock.now(),
            bound=client_id == TWS_CLIENT and order_id < 0 and self.binds_manual_orders,
        )
        self._next_perm_id += 1
        return order

    def _accept(self, order: OrderRecord, legs: tuple[Leg, ...]) -> None:
        ordained = self.refuse(order.terms)
        if ordained is not None:
            self._finish(
                order, ordained.status, ordained.message, (ordained.code, ordained.message)
            )
            return
        refusal = self._refusal(order.terms, legs)
        if refusal is not None:
            self._finish(
                order, OrderStatus.INACTIVE, refusal.message, (refusal.code, refusal.message)
            )
            return
        working = WorkingOrder(order, legs)
        self._save(order, "accepted")
        self._working[order.perm_id] = working
        self._tell(OrderChanged(order))
        self._match(working, 0.0)
        if order.terms.tif == "IOC" and working.record.status.is_working:
            self._cancel(working, "IOC order could not be filled at once")

    def _require_working(self, perm_id: int) -> WorkingOrder:
        working = self._working.get(perm_id)
        if working is None:
            raise OrderRejectedError(
                161,
                "Cancel attempted when order is not in a cancellable state. "
                f"Order permId ={perm_id}",
            )
        return working

    def _current(self, order: OrderRecord) -> OrderRecord:
        return self.ledger.order(order.perm_id) or order

    def _validate(self, terms: OrderTerms) -> tuple[Leg, ...]:
        now = self.clock.now()
        today = now.astimezone(NEW_YORK).date()
        prices = self.market.reference_prices(now)
        legs = validate(terms, frozenset(self.accounts), self.book, today, prices)
        session = self.market.calendar.session_at(now)
        closed_for_good = session is None and any(
            (last := self.book.last_moment(leg.security)) is not None and last <= now
            for leg in legs
        )
        if closed_for_good:
            raise OrderRejectedError(
                201, "Order rejected - reason:The contract has expired.", by_exchange=True
            )
        return legs

    def _refusal(self, terms: OrderTerms, legs: tuple[Leg, ...]) -> OrderRejectedError | None:
        alike = [
            w
            for w in self._working.values()
            if w.legs == legs
            and (w.record.terms.side, w.record.terms.account) == (terms.side, terms.account)
        ]
        if len(alike) >= MAX_ACTIVE_PER_SIDE:
            return OrderRejectedError(
                201,
                "Order rejected - reason:The maximum of 20 working orders on the same side "
                "of a contract is reached.",
            )
        return self._shortfall(terms, legs)

    def _shortfall(self, terms: OrderTerms, legs: tuple[Leg, ...]) -> OrderRejectedError | None:
        if self._preview(terms, legs).is_short_of_funds:
            return OrderRejectedError(
                201,
                "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE "
                "DESIRED POSITION YOUR EQUITY WITH LOAN VALUE MUST EXCEED THE INITIAL MARGIN.",
            )
        return None

    def _preview(self, terms: OrderTerms, legs: tuple[Leg, ...]) -> MarginPreview:
        now = self.clock.now()
        quotes = self.market.quotes([leg.security for leg in legs], now)
        touch = package_touch(legs, quotes)
        market_price = touch.ask if terms.side is Side.BUY else touch.bid
        price = terms.limit_price if terms.order_type == "LMT" else market_price
        if price is None:
            price = mid_price(legs, quotes)
        account = self.accounts[terms.account]
        trades = [
            (leg.security, terms.side.sign * leg.ratio * terms.quantity, leg_price)
            for leg, leg_price in zip(legs, leg_prices(legs, quotes, price), strict=True)
        ]
        due = sum(
            (commission_by_schedule(s, abs(quantity), abs(p)) for s, quantity, p in trades),
            Decimal(0),
        )
        return MarginPreview(
            before=value_account(account, self.market, now),
            after=value_account(account, self.market, now, trades),
            commission=max(due, MINIMUM_COMMISSION).quantize(CENT),
        )

    def _modify(self, working: WorkingOrder, terms: OrderTerms, legs: tuple[Leg, ...]) -> None:
        old = working.record
        if legs != working.legs or terms.side is not old.terms.side or (
            terms.account != old.terms.account
        ):  # fmt: skip
            raise OrderRejectedError(105, "Order being modified does not match original order")
        if terms.quantity <= old.filled:
            raise OrderRejectedError(104, "Cannot modify a filled order.")
        shortfall = self._shortfall(terms, legs)
        if shortfall is not None:
            raise shortfall
        working.waited = 0.0
        self._update(working, "modified", terms=terms)
        self._tell(OrderChanged(working.record))
        self._match(working, 0.0)

    def _match(self, working: WorkingOrder, seconds: float) -> None:
        now = self.clock.now()
        if working.record.status is not OrderStatus.SUBMITTED or not self.is_open():
            return
        quotes = self.market.quotes([leg.security for leg in working.legs], now)
        match = working.match(quotes, seconds, int(now.timestamp()), self.market.seed)
        if match is not None:
            self._fill(working, match)

    def _fill(self, working: WorkingOrder, match: Match) -> tuple[ExecutionRecord, ...]:
        now = self.clock.now()
        account = self.accounts[working.record.terms.account]
        booked = book_fill(
            working.record, working.legs, match, account, now, self._execution_numbers
        )
        order = booked.order
        with self.ledger.transaction():
            for execution in booked.executions:
                self.ledger.append_execution(execution)
            self.ledger.save_account(booked.account.record())
            self.ledger.save_order(order, "filled", now, f"{match.quantity} at {match.price}")
            self._remember_clock()
        self.accounts[account.name] = booked.account
        working.record = order
        if not order.status.is_working:
            del self._working[order.perm_id]
        self._tell(OrderFilled(order, booked.executions))
        con_ids = tuple(leg.security.con_id for leg in working.legs)
        self._tell(PositionsChanged(account.name, con_ids))
        return booked.executions

    def _cancel(self, working: WorkingOrder, reason: str) -> None:
        error = (202, f"Order Canceled - reason:{reason}")
        self._finish(working.record, OrderStatus.CANCELLED, reason or "Cancelled by Trader", error)

    def _finish(
        self, order: OrderRecord, status: OrderStatus, reason: str, error: tuple[int, str]
    ) -> None:
        order = order.model_copy(
            update={
                "status": status,
                "completed_at": self.clock.now(),
                "completed_reason": reason,
            }
        )
        working = self._working.pop(order.perm_id, None)
        if working is not None:
            working.record = order
        self._save(order, "status", reason)
        self._tell(OrderChanged(order, error))

    def _update(self, working: WorkingOrder, kind: str, **changes: object) -> None:
        working.record = working.record.model_copy(update=changes)
        self._save(working.record, kind)

    def _save(self, order: OrderRecord, kind: str, detail: str = "") -> None:
        with self.ledger.transaction():
            self.ledger.save_order(order, kind, self.clock.now(), detail)
            self._remember_clock()

    def _remember_clock(self) -> None:
        self.ledger.put("clock", self.clock.now().isoformat())

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
                self._remember_clock()
            self.accounts[name] = trial
            self._tell(PositionsChanged(name, tuple(changed)))

    def _resting_status(self) -> OrderStatus:
        return OrderStatus.SUBMITTED if self.is_open() else OrderStatus.PRE_SUBMITTED

    def _resume(self, order: OrderRecord) -> WorkingOrder:
        """Take a working order up again after a restart; its wait starts afresh."""
        if order.terms.legs:
            found = [(self.book.by_id(leg.con_id), leg) for leg in order.terms.legs]
            legs = tuple(Leg(s, leg.side.sign * leg.ratio) for s, leg in found if s is not None)
        else:
            security = self.book.by_id(order.terms.contract.con_id)
            legs = (Leg(security, 1),) if security is not None else ()
        return WorkingOrder(order, legs)

    def _tell(self, event: ExchangeEvent) -> None:
        for listener in self.listeners:
            listener(event)

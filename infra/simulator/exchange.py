"""The simulated exchange: accepts, modifies and cancels orders for clients and for people.

What happens to an order once it works is the trading floor's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from zlib import crc32

from infra.simulator import families
from infra.simulator.admission import rejected
from infra.simulator.clock import MarketClock
from infra.simulator.floor import TradingFloor
from infra.simulator.ledger import Ledger
from infra.simulator.market import Market
from infra.simulator.matching import Match, WorkingOrder
from infra.simulator.preview import MarginPreview
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderStatus, OrderTerms
from infra.simulator.refusals import Refusal
from infra.simulator.revision import revised
from infra.simulator.step import Step
from infra.simulator.touch import leg_prices
from infra.simulator.tws import TWS_CLIENT
from infra.simulator.validation import Leg, OrderRejectedError

FIRST_PERM_ID = 1_100_000_001
PERM_ID_ROOMS, PERM_IDS_IN_ROOM = 10_000, 100_000
"""Ids fit in 31 bits."""


def first_perm_id(accounts: Iterable[str]) -> int:
    """Where a gateway of these accounts begins to number its orders.

    At IBKR permIds and execIds are one numbering for all gateways: a desk with several must not be
    told of two different fills under one id.
    """
    room = crc32(" ".join(sorted(accounts)).encode()) % PERM_ID_ROOMS
    return FIRST_PERM_ID + room * PERM_IDS_IN_ROOM


class Exchange(TradingFloor):
    """All orders and accounts of one gateway."""

    def __init__(self, ledger: Ledger, market: Market, clock: MarketClock) -> None:
        super().__init__(ledger, market, clock)
        self.refuse: Callable[[OrderTerms], Refusal | None] = lambda _: None
        """How to turn down an order that is on record, whatever its merits."""
        self.binds_manual_orders = False
        """Whether client 0 has asked for an API order id on orders entered by hand from now on."""
        self._next_perm_id = ledger.next_perm_id(first_perm_id(self.accounts))
        self._highest_ids = ledger.highest_order_ids()

    def place(self, client_id: int, order_id: int, terms: OrderTerms) -> None:
        """Accept a new order, or modify a working one of the same client and order id.

        Raises OrderRejectedError; listeners hear of everything else.
        """
        existing = self.ledger.order_of(client_id, order_id)
        if existing is None:
            if order_id <= self._highest_ids.get(client_id, 0):
                raise OrderRejectedError(103, "Duplicate order id")
            self._accept(*self._new_order(client_id, order_id, terms))
        elif existing.status is OrderStatus.FILLED:
            raise OrderRejectedError(104, "Cannot modify a filled order.")
        elif not existing.status.is_working:
            raise OrderRejectedError(103, "Duplicate order id")
        else:
            self._modify(self._working[existing.perm_id], terms)

    def place_manually(self, terms: OrderTerms) -> OrderRecord:
        """Accept an order a person enters in TWS; see :class:`infra.simulator.tws.TwsUser`."""
        order, legs = self._new_manual_order(terms)
        self._accept(order, legs)
        return self._current(order)

    def execute_manually(self, terms: OrderTerms, price: Decimal) -> tuple[ExecutionRecord, ...]:
        """Book a person's trade at ``price``, which the market is not asked about."""
        order, legs = self._new_manual_order(terms)
        working = WorkingOrder(order, legs)
        step = Step(self.clock.now())
        step.record(order, "accepted")
        self._working[order.perm_id] = working
        self.commit(step)
        quotes = self._quotes(working)
        return self._fill(working, Match(terms.quantity, price, leg_prices(legs, quotes, price)))

    def amend(self, perm_id: int, changes: Mapping[str, object]) -> OrderRecord:
        """Change the terms of a working order of any client, as a person does in TWS."""
        working = self._require_working(perm_id)
        terms = OrderTerms.model_validate({**dict(working.record.terms), **changes})
        self._modify(working, terms)
        return self._current(working.record)

    def bind_manual_orders(self) -> None:
        """Give the working orders entered by hand an API order id, which client 0 may use."""
        for working in self._working.values():
            if working.record.is_manual and not working.record.bound:
                step = Step(self.clock.now())
                step.record(working.record.model_copy(update={"bound": True}), "bound")
                self.commit(step)

    def preview(self, terms: OrderTerms) -> MarginPreview:
        """What the order would do to the account, were it filled at its limit (or the touch)."""
        return self._admission.preview(*self._admission.resolve(terms))

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel the client's own working order; raises OrderRejectedError 10147 or 10148."""
        order = self.ledger.order_of(client_id, order_id)
        if order is None or not order.api_order_id:
            raise OrderRejectedError(
                10147, f"OrderId {order_id} that needs to be cancelled is not found."
            )
        working = self._working.get(order.perm_id)
        if working is None:
            raise OrderRejectedError(
                10148,
                f"OrderId {order_id} that needs to be cancelled can not be cancelled, "
                f"state: {order.status}.",
            )
        self._cancel(working, "")

    def cancel_order(self, perm_id: int, reason: str = "") -> None:
        """Cancel a working order of any client, as a person in TWS or the exchange itself does."""
        self._cancel(self._require_working(perm_id), reason)

    def cancel_all(self) -> None:
        self._cancel_where(lambda _: True, "")

    def _new_order(
        self, client_id: int, order_id: int, terms: OrderTerms
    ) -> tuple[OrderRecord, tuple[Leg, ...]]:
        parent = self._parent(client_id, terms)
        if parent is not None:
            terms = families.grouped_with_siblings(terms, parent)
        terms, legs = self._admission.resolve(terms)
        order = OrderRecord(
            perm_id=self._next_perm_id,
            client_id=client_id,
            order_id=order_id,
            terms=terms,
            status=OrderStatus.PRE_SUBMITTED,
            created_at=self.clock.now(),
            bound=client_id == TWS_CLIENT and order_id < 0 and self.binds_manual_orders,
            parent_perm_id=parent.perm_id if parent else 0,
            transmitted=terms.transmit,
            released=parent is None or parent.status is OrderStatus.FILLED,
            activated=not (terms.good_after or terms.conditions),
        )
        self._next_perm_id += 1
        return order, legs

    def _new_manual_order(self, terms: OrderTerms) -> tuple[OrderRecord, tuple[Leg, ...]]:
        return self._new_order(TWS_CLIENT, self.ledger.next_manual_order_id(), terms)

    def _parent(self, client_id: int, terms: OrderTerms) -> OrderRecord | None:
        if not terms.parent_id:
            return None
        parent = self.ledger.order_of(client_id, terms.parent_id)
        if parent is None or not (parent.status.is_working or parent.filled):
            raise OrderRejectedError(10006, "Missing parent order.")
        return parent

    def _accept(self, order: OrderRecord, legs: tuple[Leg, ...]) -> None:
        self._highest_ids[order.client_id] = max(
            order.order_id, self._highest_ids.get(order.client_id, 0)
        )
        working = WorkingOrder(order, legs)
        step = Step(self.clock.now())
        ordained, refusal = self.refuse(order.terms), self._refusal(working)
        if ordained is not None:
            error = (ordained.code, ordained.message)
            step.end(order, ordained.status, ordained.message, error)
        elif refusal is not None:
            error = (refusal.code, refusal.message)
            step.end(order, OrderStatus.INACTIVE, refusal.message, error)
        else:
            self._working[order.perm_id] = working
            step.change(self._woken(working), "accepted")
        self.commit(step)
        if order.perm_id in self._working and order.transmitted:
            self._transmit_family(working)
            self._look(working, 0.0)

    def _refusal(self, working: WorkingOrder) -> OrderRejectedError | None:
        if working.record.oca_key in self._spent_groups:
            return rejected("The OCA group has already traded.")
        return self._admission.refusal(working, self._working.values())

    def _transmit_family(self, working: WorkingOrder) -> None:
        """Send off the orders held back until this one: its parent, and the parent's children."""
        root = working.record.parent_perm_id or working.record.perm_id
        for other in list(self._working.values()):
            record = other.record
            if record.transmitted or root not in {record.perm_id, record.parent_perm_id}:
                continue
            step = Step(self.clock.now())
            other.record = record.model_copy(update={"transmitted": True})
            refusal = self._refusal(other)
            if refusal is None:
                step.change(self._woken(other), "transmitted")
            else:
                error = (refusal.code, refusal.message)
                step.end(other.record, OrderStatus.INACTIVE, refusal.message, error)
                step.follow(families.after_end(other.record, self.working_orders()))
            self.commit(step)
            self._look(other, 0.0)

    def _modify(self, working: WorkingOrder, terms: OrderTerms) -> None:
        if working.record.parent_perm_id and not terms.oca_group:
            terms = families.grouped_with_siblings(
                terms, self._require(working.record.parent_perm_id)
            )
        terms, legs = self._admission.resolve(terms)
        trial = WorkingOrder(revised(working.record, terms, legs == working.legs), legs)
        refusal = self._admission.refusal(
            trial, [w for w in self._working.values() if w is not working]
        )
        if refusal is not None:
            raise refusal
        working.waited, working.reserved_per_unit = 0.0, trial.reserved_per_unit
        step = Step(self.clock.now())
        step.change(self._woken(trial), "modified")
        self.commit(step)
        if working.record.transmitted:
            self._transmit_family(working)
            self._look(working, 0.0)

    def _require_working(self, perm_id: int) -> WorkingOrder:
        working = self._working.get(perm_id)
        if working is None:
            raise OrderRejectedError(
                161,
                "Cancel attempted when order is not in a cancellable state. "
                f"Order permId ={perm_id}",
            )
        return working

    def _require(self, perm_id: int) -> OrderRecord:
        order = self.ledger.order(perm_id)
        if order is None:
            raise LookupError(f"no order {perm_id}")
        return order

    def _current(self, order: OrderRecord) -> OrderRecord:
        return self._require(order.perm_id)

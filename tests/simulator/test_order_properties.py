"""Whatever is ordered, in whatever order: what the exchange may never do."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instruments import Right, Side
from infra.calendars import trading_calendar
from infra.simulator.accounts import value_account
from infra.simulator.agenda import Agenda
from infra.simulator.clock import MarketClock
from infra.simulator.contracts import BAG_CON_ID, ContractSpec, Security, full_spec
from infra.simulator.exchange import Exchange
from infra.simulator.ledger import Ledger
from infra.simulator.records import (
    AccountRecord,
    ComboLeg,
    HoldingRecord,
    OrderRecord,
    OrderStatus,
    OrderTerms,
)
from infra.simulator.simulation import ClosedHours, Simulation
from infra.simulator.synthetic import SyntheticMarket
from infra.simulator.touch import leg_prices, package_touch, weights
from infra.simulator.validation import Leg, OrderRejectedError, increments_of

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CALENDAR = trading_calendar()
MARKET = SyntheticMarket(7, CALENDAR, AT.date())
BOOK = MARKET.book
STOCK = BOOK.underlying("AAPL")
HIGH, LOW = (
    BOOK.option("SPY", date(2026, 12, 18), Decimal(strike), Right.PUT) for strike in (640, 620)
)
CALL = BOOK.option("AAPL", date(2026, 12, 18), Decimal(280), Right.CALL)
PACKAGES: dict[str, tuple[Leg, ...]] = {
    "stock": (Leg(STOCK, 1),),
    "put": (Leg(HIGH, 1),),
    "spread": (Leg(HIGH, -1), Leg(LOW, 1)),
    "ratio": (Leg(HIGH, 1), Leg(LOW, -2)),
    "buy-write": (Leg(STOCK, 100), Leg(CALL, -1)),
}
CASH = Decimal(300_000)
ACCOUNT = AccountRecord(
    account="DU1",
    cash=CASH,
    holdings=(
        HoldingRecord(con_id=STOCK.con_id, quantity=Decimal(200), average_cost=Decimal(250)),
    ),
)


@dataclass(frozen=True)
class Wish:
    """An order relative to the market, so that every kind of fill is likely."""

    package: str
    side: Side
    quantity: int
    order_type: str
    tif: str
    ticks_inside: int
    group: str
    all_or_none: bool


WISHES = st.builds(
    Wish,
    package=st.sampled_from(sorted(PACKAGES)),
    side=st.sampled_from(list(Side)),
    quantity=st.sampled_from([1, 2, 5, 20, 90]),
    order_type=st.sampled_from(["LMT", "LMT", "LMT", "MKT", "STP", "STP LMT"]),
    tif=st.sampled_from(["DAY", "DAY", "GTC", "IOC", "FOK"]),
    ticks_inside=st.integers(-8, 8),
    group=st.sampled_from(["", "", "one", "two"]),
    all_or_none=st.booleans(),
)
ACTIONS = st.lists(
    st.one_of(WISHES, WISHES, st.integers(1, 90), st.tuples(st.just("cancel"), st.integers(1, 9))),
    min_size=4,
    max_size=14,
)


@contextmanager
def _exchange() -> Iterator[Exchange]:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        with ledger.transaction():
            ledger.save_account(ACCOUNT)
        clock = MarketClock(AT, 0.0, lambda: 0.0)
        exchange = Exchange(ledger, MARKET, clock)
        Simulation(exchange, clock, CALENDAR, ClosedHours.SKIP, Agenda(CALENDAR))
        try:
            yield exchange
        finally:
            ledger.close()


def _terms(wish: Wish, now: datetime) -> OrderTerms:
    legs = PACKAGES[wish.package]
    touch = package_touch(legs, MARKET.quotes([leg.security for leg in legs], now))
    near = touch.bid if wish.side is Side.BUY else touch.ask
    steps = increments_of(legs)
    price = steps.nearest(
        (near or Decimal(1)) + Decimal("0.02") * wish.ticks_inside * wish.side.sign
    )
    combo = tuple(
        ComboLeg(
            con_id=leg.security.con_id,
            ratio=abs(leg.ratio),
            side=Side.BUY if leg.ratio > 0 else Side.SELL,
        )
        for leg in legs
    )
    single = len(legs) == 1
    return OrderTerms(
        account="DU1",
        contract=full_spec(legs[0].security)
        if single
        else ContractSpec(symbol=legs[0].security.symbol, sec_type="BAG"),
        legs=() if single else combo,
        side=wish.side,
        quantity=Decimal(wish.quantity),
        order_type=wish.order_type,
        limit_price=price if wish.order_type in {"LMT", "STP LMT"} else None,
        stop_price=price if wish.order_type.startswith("STP") else None,
        tif=wish.tif,
        oca_group=wish.group,
        oca_type=3 if wish.group == "two" else 1,
        all_or_none=wish.all_or_none,
    )


def _carry_out(exchange: Exchange, actions: list[object]) -> None:
    order_id = 0
    for action in actions:
        if isinstance(action, Wish):
            order_id += 1
            terms = _terms(action, exchange.clock.now())
            with _no_margin_taken_twice(exchange, order_id), suppress(OrderRejectedError):
                exchange.place(1, order_id, terms)
        elif isinstance(action, int):
            exchange.clock.advance(timedelta(seconds=action))
        elif isinstance(action, tuple):
            with suppress(OrderRejectedError):
                exchange.cancel(1, action[1])


@contextmanager
def _no_margin_taken_twice(exchange: Exchange, order_id: int) -> Iterator[None]:
    """Were all working orders executed, funds suffice, or are no less than without this one."""
    before = _funds_if_executed(exchange, exchange.working_orders())
    yield
    placed = exchange.ledger.order_of(1, order_id)
    if placed is not None and placed.status is not OrderStatus.INACTIVE:
        after = _funds_if_executed(exchange, [*exchange.working_orders(), placed])
        assert after >= min(before, 0) - float(placed.commission_charged) - 1


def _funds_if_executed(exchange: Exchange, orders: list[OrderRecord]) -> float:
    """Available funds after every order outside a group, executed at its own price."""
    trades = [
        trade
        for order in {o.perm_id: o for o in orders}.values()
        if order.status.is_working and not order.oca_key
        for trade in _executed(order, exchange.clock.now())
    ]
    now = exchange.clock.now()
    return value_account(exchange.accounts["DU1"], MARKET, now, trades).available_funds


def _executed(order: OrderRecord, now: datetime) -> list[tuple[Security, Decimal, Decimal]]:
    legs, terms = _legs_of(order), order.terms
    quotes = MARKET.quotes([leg.security for leg in legs], now)
    touch = package_touch(legs, quotes)
    market = touch.ask if terms.side is Side.BUY else touch.bid
    price = terms.limit if terms.limit is not None else market
    return [
        (leg.security, terms.side.sign * leg.ratio * order.remaining, leg_price)
        for leg, leg_price in zip(legs, leg_prices(legs, quotes, price or Decimal(0)), strict=True)
    ]


def _legs_of(order: OrderRecord) -> tuple[Leg, ...]:
    if not order.terms.legs:
        security = BOOK.by_id(order.terms.contract.con_id)
        assert security is not None
        return (Leg(security, 1),)
    found = [(BOOK.by_id(leg.con_id), leg.side.sign * leg.ratio) for leg in order.terms.legs]
    return tuple(Leg(security, ratio) for security, ratio in found if security is not None)


@settings(max_examples=20, deadline=None)
@given(ACTIONS)
def test_no_order_trades_more_than_its_quantity_or_outside_its_limit(actions: list[object]):
    with _exchange() as exchange:
        _carry_out(exchange, actions)
        traded: dict[int, Decimal] = defaultdict(Decimal)
        orders = {order.perm_id: order for order in exchange.ledger.orders()}
        for execution in exchange.ledger.executions():
            order = orders[execution.perm_id]
            if order.terms.is_combo and execution.con_id != BAG_CON_ID:
                continue
            traded[execution.perm_id] += execution.quantity
            if order.terms.limit is not None:
                worse = (execution.price - order.terms.limit) * order.terms.side.sign
                assert worse <= 0
        for perm_id, order in orders.items():
            assert traded[perm_id] == order.filled <= order.terms.quantity
            if order.status is OrderStatus.FILLED:
                assert order.filled == order.terms.quantity
            if order.terms.tif == "FOK" or order.terms.all_or_none:
                assert order.filled in {0, order.terms.quantity}
            if order.terms.tif in {"IOC", "FOK"} and order.is_live:
                assert not order.status.is_working


@settings(max_examples=20, deadline=None)
@given(ACTIONS)
def test_cash_and_positions_change_by_exactly_what_was_executed(actions: list[object]):
    with _exchange() as exchange:
        _carry_out(exchange, actions)
        cash = CASH
        held = {STOCK.con_id: Decimal(200)}
        for execution in exchange.ledger.executions():
            signed = execution.side.sign * execution.quantity
            if execution.con_id == BAG_CON_ID:
                assert execution.commission == 0
                continue
            security = BOOK.by_id(execution.con_id)
            assert security is not None
            cash -= signed * execution.price * security.multiplier + execution.commission
            held[execution.con_id] = held.get(execution.con_id, Decimal(0)) + signed
        account = exchange.accounts["DU1"]
        assert abs(account.cash - cash) < Decimal("0.0001")
        assert {c: q for c, q in held.items() if q} == {
            h.con_id: h.quantity for h in account.holdings
        }


@settings(max_examples=20, deadline=None)
@given(ACTIONS)
def test_the_legs_of_a_combo_add_up_to_its_net_price(actions: list[object]):
    with _exchange() as exchange:
        _carry_out(exchange, actions)
        for order in exchange.ledger.orders():
            if not order.terms.is_combo:
                continue
            legs = _legs_of(order)
            weight = {leg.security.con_id: w for leg, w in zip(legs, weights(legs), strict=True)}
            fills = [e for e in exchange.ledger.executions() if e.perm_id == order.perm_id]
            size = 1 + len(legs)
            for start in range(0, len(fills), size):
                package, *parts = fills[start : start + size]
                assert package.con_id == BAG_CON_ID
                net = sum(weight[part.con_id] * part.price for part in parts)
                assert abs(net - package.price) < Decimal("0.000001")


RESTING = st.lists(st.tuples(st.integers(50, 3000), st.integers(0, 2)), min_size=2, max_size=5)


@settings(max_examples=20, deadline=None)
@given(RESTING, st.sampled_from([1, 2, 3]), st.lists(st.integers(1, 60), min_size=3, max_size=8))
def test_a_group_never_trades_more_than_one_of_its_orders(
    resting: list[tuple[int, int]], oca_type: int, waits: list[int]
):
    with _exchange() as exchange:
        for order_id, (quantity, ticks) in enumerate(resting, start=1):
            wish = Wish("stock", Side.SELL, quantity, "LMT", "GTC", ticks, "one", False)
            terms = _terms(wish, exchange.clock.now()).model_copy(update={"oca_type": oca_type})
            exchange.place(1, order_id, terms)
        for seconds in waits:
            exchange.clock.advance(timedelta(seconds=seconds))
        orders = {order.order_id: order for order in exchange.ledger.orders()}
        shares = [orders[i].filled / resting[i - 1][0] for i in orders]
        assert sum(shares) <= 1
        if any(shares) and oca_type == 1:
            assert sum(share > 0 for share in shares) == 1

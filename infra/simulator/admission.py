"""What an order must pass before it may work: its contract, the count of its like, the funds.

Funds are reserved for working orders, so that two of them are never accepted against the same free
margin: what an order would take from the available funds must be there beside what every other
working order would take, and funds must suffice were all of them executed together. Of a
one-cancels-all group only the dearest member counts; orders held back by their client, and
children of a parent that has not filled, reserve nothing. An order that takes no funds is always
accepted. The rule is this gateway's own; IBKR's is not published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from domain.commissions import Charges
from domain.instruments import Side
from infra.simulator.accounts import Account, value_account
from infra.simulator.clock import MarketClock
from infra.simulator.contracts import Security, full_spec
from infra.simulator.market import Market
from infra.simulator.matching import WorkingOrder
from infra.simulator.preview import MarginPreview
from infra.simulator.records import OrderRecord, OrderTerms
from infra.simulator.reference import NEW_YORK
from infra.simulator.touch import Touch, leg_prices, mid_price, package_touch
from infra.simulator.validation import Leg, OrderRejectedError, validate
from infra.simulator.waking import expiry_of

MAX_ACTIVE_PER_SIDE = 20

Trade = tuple[Security, Decimal, Decimal]
"""Security, signed quantity, price per share."""

TOO_MANY = OrderRejectedError(
    201,
    "Order rejected - reason:The maximum of 20 working orders on the same side of a contract is "
    "reached.",
)
NO_FUNDS = OrderRejectedError(
    201,
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION "
    "YOUR EQUITY WITH LOAN VALUE MUST EXCEED THE INITIAL MARGIN.",
)


def rejected(reason: str) -> OrderRejectedError:
    return OrderRejectedError(201, f"Order rejected - reason:{reason}", by_exchange=True)


class Admission:
    """Checks orders against a market and the accounts; changes nothing."""

    def __init__(self, market: Market, clock: MarketClock, accounts: Mapping[str, Account]) -> None:
        self._market = market
        self._clock = clock
        self._accounts = accounts

    def resolve(self, terms: OrderTerms) -> tuple[OrderTerms, tuple[Leg, ...]]:
        """The terms with their contract's full name, and the legs; raises OrderRejectedError."""
        now = self._clock.now()
        today = now.astimezone(NEW_YORK).date()
        prices = self._market.reference_prices(now)
        legs = validate(terms, frozenset(self._accounts), self._market.book, today, prices)
        self._check_time(terms, legs)
        if len(legs) == 1:
            # Kept with its full name: the order must be found again after a restart.
            terms = terms.model_copy(update={"contract": full_spec(legs[0].security)})
        return terms, legs

    def legs_of(self, order: OrderRecord) -> tuple[Leg, ...]:
        """The legs of an order that was accepted before."""
        book, terms = self._market.book, order.terms
        if terms.legs:
            found = [(book.by_id(leg.con_id), leg.side.sign * leg.ratio) for leg in terms.legs]
        else:
            found = [(book.by_id(terms.contract.con_id), 1)]
        return tuple(Leg(security, ratio) for security, ratio in found if security is not None)

    def refusal(
        self, working: WorkingOrder, others: Iterable[WorkingOrder]
    ) -> OrderRejectedError | None:
        """Why an order may not work beside ``others``; reserves its margin when it may."""
        terms, legs = working.record.terms, working.legs
        rivals = [w for w in others if w.record.terms.account == terms.account and w is not working]
        alike = sum(w.legs == legs and w.record.terms.side is terms.side for w in rivals)
        if alike >= MAX_ACTIVE_PER_SIDE:
            return TOO_MANY
        if not (working.record.transmitted and working.record.released):
            return None
        exposed = self._exposed(rivals, working.record.oca_key)
        name, trades = terms.account, self._remaining_trades(working)
        before = [trade for other in exposed for trade in self._remaining_trades(other)]
        free, alone = self._available(name), self._available(name, trades)
        with_others, with_all = (
            self._available(name, before),
            self._available(name, before + trades),
        )
        needed = max(free - alone, 0.0)
        reserved = sum(self._reserved(other) for other in exposed)
        if (needed and needed > free - reserved) or (with_all < with_others and with_all < 0):
            return NO_FUNDS
        working.reserved_per_unit = needed / float(working.record.remaining)
        return None

    def preview(self, terms: OrderTerms, legs: tuple[Leg, ...]) -> MarginPreview:
        """What the order would do to its account, were it filled at its price (or the touch)."""
        now = self._clock.now()
        account = self._accounts[terms.account]
        trades = self._trades(terms, legs, terms.quantity)
        charges = _charges(trades)
        bounds = [
            _charges(self._trades(terms, legs, terms.quantity, p)) for p in self._bounds(legs)
        ]
        return MarginPreview(
            before=value_account(account, self._market, now),
            after=value_account(account, self._market, now, trades),
            commission=charges,
            least_commission=min([charges, *bounds]),
            most_commission=max([charges, *bounds]),
        )

    def _check_time(self, terms: OrderTerms, legs: Sequence[Leg]) -> None:
        now = self._clock.now()
        end = expiry_of(terms)
        if end is not None and end <= now:
            raise rejected("The good-till date of the order has passed.")
        book = self._market.book
        closed_for_good = self._market.calendar.session_at(now) is None and any(
            (last := book.last_moment(leg.security)) is not None and last <= now for leg in legs
        )
        if closed_for_good:
            raise rejected("The contract has expired.")

    def _exposed(
        self, rivals: Iterable[WorkingOrder], group: tuple[str, str] | None
    ) -> list[WorkingOrder]:
        """The orders that may execute beside a member of ``group``: one of each other group."""
        alone: list[WorkingOrder] = []
        dearest: dict[tuple[str, str], WorkingOrder] = {}
        for other in rivals:
            key = other.record.oca_key
            if not (other.record.transmitted and other.record.released) or (
                key is not None and key == group
            ):
                continue
            if key is None:
                alone.append(other)
            elif key not in dearest or self._reserved(dearest[key]) < self._reserved(other):
                dearest[key] = other
        return [*alone, *dearest.values()]

    def _reserved(self, working: WorkingOrder) -> float:
        """USD kept for what is left of a working order."""
        if working.reserved_per_unit is None:
            name, trades = working.record.terms.account, self._remaining_trades(working)
            needed = max(self._available(name) - self._available(name, trades), 0.0)
            working.reserved_per_unit = needed / float(working.record.remaining)
        return working.reserved_per_unit * float(working.record.remaining)

    def _available(self, account: str, trades: Iterable[Trade] = ()) -> float:
        """Available funds, USD, after ``trades``."""
        values = value_account(self._accounts[account], self._market, self._clock.now(), trades)
        return values.available_funds

    def _remaining_trades(self, working: WorkingOrder) -> list[Trade]:
        record = working.record
        return self._trades(record.terms, working.legs, record.remaining)

    def _trades(
        self,
        terms: OrderTerms,
        legs: Sequence[Leg],
        quantity: Decimal,
        price: Decimal | None = None,
    ) -> list[Trade]:
        quotes = self._market.quotes([leg.security for leg in legs], self._clock.now())
        if price is None:
            price = _expected_price(terms, package_touch(legs, quotes))
        if price is None:
            price = mid_price(legs, quotes)
        return [
            (leg.security, terms.side.sign * leg.ratio * quantity, leg_price)
            for leg, leg_price in zip(legs, leg_prices(legs, quotes, price), strict=True)
        ]

    def _bounds(self, legs: Sequence[Leg]) -> list[Decimal]:
        quotes = self._market.quotes([leg.security for leg in legs], self._clock.now())
        touch = package_touch(legs, quotes)
        return [price for price in (touch.bid, touch.ask) if price is not None]


def _expected_price(terms: OrderTerms, touch: Touch) -> Decimal | None:
    """The limit, or else the touch; for a stop whichever of its price and the touch is worse."""
    if terms.limit is not None:
        return terms.limit
    market = touch.ask if terms.side is Side.BUY else touch.bid
    prices = [price for price in (market, terms.stop_price) if price is not None]
    worst = max if terms.side is Side.BUY else min
    return worst(prices) if prices else None


def _charges(trades: Iterable[Trade]) -> Decimal:
    charges = Charges()
    for security, quantity, price in trades:
        charges = charges.plus(abs(quantity), price, is_option=security.is_option)
    return charges.total

"""Margin calls, and what the broker does about one that is not met.

Looked at on every slice, once what time did and the orders of earlier decisions are booked. The
first slice on which maintenance is above equity with loan value is a call: an event, and until
the next slice to mend it. If that one still finds the account short, the broker closes positions
at the touch, bought at the ask and sold at the bid, shares at their price, until it is not: always
the one that mends most, and no more of it than is needed. What has no sound quote has to wait, and
no control is asked. IBKR does it without a call and at any moment (its "Margin requirements",
real-time liquidation); a recording has no moments between its slices, and a call that nobody
could answer would be none.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from domain.backtest.account import Account
from domain.backtest.book import Ending, Holding, Trial
from domain.backtest.desk import Desk, Moment
from domain.backtest.market import touch_of
from domain.backtest.results import Event, EventKind, Fill
from domain.commissions import CENT, Charges
from domain.instruments import Side
from domain.market import decimal_of
from domain.recommendations import RecommendationAction

ZERO = Decimal(0)
LIQUIDATED = Ending("liquidated", EventKind.LIQUIDATED)


class _Sale(NamedTuple):
    """Closing some of a position, and the account's excess afterwards."""

    excess: Decimal
    fill: Fill


@dataclass(slots=True)
class MarginCalls:
    """The calls of one account."""

    desk: Desk
    is_called: bool = False

    def look(self, now: Moment) -> None:
        """Call, or close, where the account is short at this slice's marks."""
        book = self.desk.book
        excess = _excess(self.desk.account, now) if book.holdings else ZERO
        if excess >= 0:
            self.is_called = False
        elif self.is_called:
            while excess < 0 and (sale := self._best(now, excess)) is not None:
                self._carry_out(sale.fill, excess)
                excess = sale.excess
        else:
            self.is_called = True
            needed = excess.copy_abs()
            detail = f"maintenance is {needed} above equity with loan value"
            book.record(
                Event(now.at, EventKind.MARGIN_CALL, "", "margin call", price=needed, detail=detail)
            )

    def _best(self, now: Moment, excess: Decimal) -> _Sale | None:
        """What mends most; None where nothing that can be traded mends anything."""
        held = [each for _, each in sorted(self.desk.book.holdings.items())]
        whole = [
            (sale, each)
            for each in held
            if (sale := self._sale(each, abs(each.quantity), now)) is not None
        ]
        if not whole:
            return None
        best, position = max(whole, key=lambda pair: pair[0].excess)
        if best.excess <= excess:
            return None
        return self._least(position, best, now)

    def _least(self, held: Holding, best: _Sale, now: Moment) -> _Sale:
        """The fewest contracts that do it, where all of them are more than enough."""
        low, high = 1, int(best.fill.quantity)
        while best.excess >= 0 and low < high:
            middle = (low + high) // 2
            tried = self._sale(held, Decimal(middle), now)
            if tried is not None and tried.excess >= 0:
                best, high = tried, middle
            else:
                low = middle + 1
        return best

    def _sale(self, held: Holding, quantity: Decimal, now: Moment) -> _Sale | None:
        fill = self._fill(held, quantity, now)
        if fill is None:
            return None
        signed = fill.side.sign * fill.quantity
        sale = Trial(held.instrument, now.at, signed, fill.price, held.mark, fill.commission)
        trial = self.desk.book.after([sale])
        return _Sale(_excess(self.desk.account.on(trial), now), fill)

    def _fill(self, held: Holding, quantity: Decimal, now: Moment) -> Fill | None:
        instrument = held.instrument
        chain = now.chains.get(instrument.symbol)
        if chain is None:
            return None
        if instrument.option is None:
            bid = ask = decimal_of(chain.underlying_price)
        else:
            touch = touch_of(chain, instrument.con_id)
            if touch is None:
                return None
            bid, ask = touch
        side = Side.BUY if held.quantity < 0 else Side.SELL
        price, mid = (ask if side is Side.BUY else bid), (bid + ask) / 2
        if price <= 0:
            return None
        is_option = instrument.option is not None
        charges = Charges(schedule=self.desk.config.commission)
        multiplier = instrument.multiplier
        return Fill(
            at=now.at,
            order=self.desk.orders + 1,
            action=RecommendationAction.CLOSE,
            symbol=instrument.symbol,
            description=instrument.description,
            con_id=instrument.con_id,
            side=side,
            quantity=quantity,
            price=price,
            multiplier=multiplier,
            mid=mid,
            commission=charges.plus(quantity, price, is_option=is_option).total,
            slippage=side.sign * (price - mid) * quantity * multiplier,
            decided_at=now.at,
        )

    def _carry_out(self, fill: Fill, excess: Decimal) -> None:
        book = self.desk.book
        self.desk.orders += 1
        (held,) = (each for each in book.on(fill.symbol) if each.instrument.con_id == fill.con_id)
        word = "bought" if fill.side is Side.BUY else "sold"
        book.fill(fill, held.instrument, held.capital_per_unit, LIQUIDATED)
        book.record(
            Event(
                at=fill.at,
                kind=EventKind.LIQUIDATED,
                symbol=fill.symbol,
                description=fill.description,
                con_id=fill.con_id,
                price=fill.price,
                detail=f"{fill.quantity} {word} by the broker: the margin call of {-excess} "
                "was not met",
            )
        )


def _excess(account: Account, now: Moment) -> Decimal:
    """Equity with loan value above maintenance, to the cent."""
    needed = decimal_of(account.requirement(now.at).maintenance)
    return (account.equity_with_loan() - needed).quantize(CENT, ROUND_HALF_UP)

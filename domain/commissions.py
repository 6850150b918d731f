"""What an order costs at IBKR in the United States, by its published schedules, in USD.

Fixed: options 0.65 per contract at a premium of 0.10 or more, 0.50 from 0.05, 0.25 below, at least
1.00 per order; stocks 0.005 per share, at least 1.00 and at most 1 % of what was traded.

Tiered: the rates of the lowest tier of monthly volume (options to 10,000 contracts, stocks to
300,000 shares): options as above; stocks 0.0035 per share, at least 0.35 and at most 1 %.

Sources: interactivebrokers.com, "Commissions Options" and "Commissions Stocks", United States.
Exchange, clearing and regulatory fees, which tiered prices pass through, are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

CENT = Decimal("0.01")
ZERO = Decimal(0)
OPTION_RATES = ((Decimal("0.10"), Decimal("0.65")), (Decimal("0.05"), Decimal("0.50")))
LOWEST_OPTION_RATE = Decimal("0.25")
OPTION_MINIMUM = Decimal("1.00")
LARGEST_STOCK_SHARE = Decimal("0.01")


class Schedule(StrEnum):
    IBKR_FIXED = "ibkr-fixed"
    IBKR_TIERED = "ibkr-tiered"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StockRates:
    per_share: Decimal
    minimum: Decimal


STOCK_RATES = {
    Schedule.IBKR_FIXED: StockRates(Decimal("0.005"), Decimal("1.00")),
    Schedule.IBKR_TIERED: StockRates(Decimal("0.0035"), Decimal("0.35")),
}


@dataclass(frozen=True, slots=True)
class Charges:
    """What one order has traded so far, as far as its commission depends on it."""

    options_due: Decimal = ZERO
    shares: Decimal = ZERO
    shares_value: Decimal = ZERO
    schedule: Schedule = Schedule.IBKR_FIXED

    def plus(self, quantity: Decimal, price: Decimal, *, is_option: bool) -> Charges:
        """After a trade of ``quantity`` (unsigned; contracts or shares) at ``price`` per share."""
        if is_option:
            due = quantity * option_rate(abs(price))
            return replace(self, options_due=self.options_due + due)
        value = self.shares_value + quantity * abs(price)
        return replace(self, shares=self.shares + quantity, shares_value=value)

    @property
    def total(self) -> Decimal:
        """The order's whole commission; it never falls as more is traded."""
        rates = STOCK_RATES.get(self.schedule)
        if rates is None:
            return ZERO
        options = max(self.options_due, OPTION_MINIMUM) if self.options_due else ZERO
        stocks = max(self.shares * rates.per_share, rates.minimum) if self.shares else ZERO
        stocks = min(stocks, self.shares_value * LARGEST_STOCK_SHARE)
        return (options + stocks).quantize(CENT)


def option_rate(premium: Decimal) -> Decimal:
    """Per contract, in both schedules."""
    for floor, rate in OPTION_RATES:
        if premium >= floor:
            return rate
    return LOWEST_OPTION_RATE

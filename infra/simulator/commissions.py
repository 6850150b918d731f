"""What an order costs, by IBKR's published fixed US rates.

Options: per contract 0.65 USD at a premium of 0.10 or more, 0.50 from 0.05, 0.25 below, at least
1.00 per order. Stocks: 0.005 USD per share, at least 1.00 and at most 1 % of what was traded.
Sources: interactivebrokers.com, "Commissions Options" and "Commissions Stocks", United States.
Exchange and regulatory fees are not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from infra.simulator.contracts import Security

CENT = Decimal("0.01")
OPTION_RATES = ((Decimal("0.10"), Decimal("0.65")), (Decimal("0.05"), Decimal("0.50")))
LOWEST_OPTION_RATE = Decimal("0.25")
STOCK_RATE = Decimal("0.005")
MINIMUM = Decimal("1.00")
LARGEST_STOCK_SHARE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Charges:
    """What one order has traded so far, as far as its commission depends on it."""

    options_due: Decimal = Decimal(0)
    shares: Decimal = Decimal(0)
    shares_value: Decimal = Decimal(0)

    def plus(self, security: Security, quantity: Decimal, price: Decimal) -> Charges:
        """After a trade of ``quantity`` (unsigned) at ``price`` per share."""
        if security.is_option:
            due = quantity * option_rate(abs(price))
            return replace(self, options_due=self.options_due + due)
        value = self.shares_value + quantity * abs(price)
        return replace(self, shares=self.shares + quantity, shares_value=value)

    @property
    def total(self) -> Decimal:
        """The order's whole commission, USD; it never falls as more is traded."""
        options = max(self.options_due, MINIMUM) if self.options_due else Decimal(0)
        stocks = max(self.shares * STOCK_RATE, MINIMUM) if self.shares else Decimal(0)
        stocks = min(stocks, self.shares_value * LARGEST_STOCK_SHARE)
        return (options + stocks).quantize(CENT)


def option_rate(premium: Decimal) -> Decimal:
    """USD per contract."""
    for floor, rate in OPTION_RATES:
        if premium >= floor:
            return rate
    return LOWEST_OPTION_RATE

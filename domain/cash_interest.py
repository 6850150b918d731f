"""What cash earns and borrowing costs: a simple form of IBKR's published schedule.

Cash beyond 10,000 earns 0.5 % under the benchmark rate, never less than nothing; what is borrowed
costs 1.5 % over it. By calendar day on a 360-day year, booked on the first of the month. Source:
interactivebrokers.com, "Interest Rates", United States; IBKR's lower rates for small accounts and
its tiers above 100,000 borrowed are left out.
"""

from __future__ import annotations

from decimal import Decimal

INTEREST_FREE = Decimal(10_000)
CREDIT_SPREAD = Decimal("0.005")
DEBIT_SPREAD = Decimal("0.015")
INTEREST_YEAR = 360
_STEP = Decimal("0.0001")


def daily_interest(cash: Decimal, benchmark: Decimal) -> Decimal:
    """One calendar day's interest at ``benchmark`` (annual, decimal); negative when owed."""
    if cash < 0:
        yearly = cash * (benchmark + DEBIT_SPREAD)
    else:
        yearly = max(cash - INTEREST_FREE, Decimal(0)) * max(benchmark - CREDIT_SPREAD, Decimal(0))
    return (yearly / INTEREST_YEAR).quantize(_STEP)

"""What an order would do to an account's margin: the answer to a what-if."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from infra.simulator.accounts import AccountValues


@dataclass(frozen=True, slots=True)
class MarginPreview:
    """Balances before and after, USD, and the commission with its bounds.

    The commission depends on the prices of the legs, which may turn out better than expected.
    """

    before: AccountValues
    after: AccountValues
    commission: Decimal
    least_commission: Decimal
    most_commission: Decimal

    @property
    def is_short_of_funds(self) -> bool:
        """Whether the order asks for margin the account does not have.

        An order that frees margin is accepted even when funds are short.
        """
        needs_more = self.after.available_funds < self.before.available_funds
        return needs_more and self.after.available_funds < 0

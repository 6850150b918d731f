"""How much of an account's equity its margin takes, by the broker's figures alone."""

from __future__ import annotations

from decimal import Decimal

from pydantic import AwareDatetime, Field

from domain.instruments import Frozen
from domain.portfolio import AccountState
from domain.risk.ratios import ratio


class MarginUsage(Frozen):
    """What the controls of an order need of an account's risk.

    A ratio is None where its denominator is zero or negative: there is then no number that would
    not mislead, and every control that needs it denies.
    """

    account_code: str
    as_of: AwareDatetime
    pm_usage: Decimal | None = Field(description="maintenance margin over equity with loan value")
    init_usage: Decimal | None = Field(description="initial margin over equity with loan value")


def margin_usage(account: AccountState) -> MarginUsage:
    values = account.values
    return MarginUsage.of_checked(
        account_code=values.account_code,
        as_of=account.as_of,
        pm_usage=ratio(values.maint_margin, values.equity_with_loan),
        init_usage=ratio(values.init_margin, values.equity_with_loan),
    )

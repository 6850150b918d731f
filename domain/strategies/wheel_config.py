"""What an operator may set about the Wheel, and within which bounds."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from domain.instruments import Right
from domain.strategies.base import in_form
from domain.strategies.selling_config import SellingConfig
from domain.strategies.short_options import ShortRules


class WheelConfig(SellingConfig):
    """Which options to sell, how much of the account they may tie up, and when to let go."""

    max_capital_per_name: Decimal = Field(
        default=Decimal("0.25"),
        gt=0,
        le=1,
        title="Most capital in one name",
        description="Exposure to one underlying, the new trade included, as a fraction of net "
        "liquidation value.",
        json_schema_extra=in_form("Size", "fraction"),
    )
    avoid_earnings: bool = Field(
        default=False,
        title="Avoid earnings",
        description="No option is sold whose term holds an earnings date, or may hold one that "
        "is not known.",
        json_schema_extra=in_form("Market filters"),
    )
    avoid_ex_dividend: bool = Field(
        default=False,
        title="Avoid ex-dividend days",
        description="No call is sold whose term holds an ex-dividend day, or may hold one that "
        "is not known: an early assignment would take the dividend.",
        json_schema_extra=in_form("Market filters"),
    )
    sell_calls: bool = Field(
        default=True,
        title="Sell calls",
        description="Whether calls are sold against shares held in the universe.",
        json_schema_extra=in_form("What is sold"),
    )
    calls_below_cost: bool = Field(
        default=False,
        title="Calls below cost",
        description="Whether a call may be struck below what its shares have cost after premiums "
        "and dividends.",
        json_schema_extra=in_form("What is sold"),
    )
    min_call_ror_annualised: float = Field(
        default=0.03,
        ge=0.001,
        le=5,
        title="Lowest return of calls",
        description="Mid credit over the value of the shares, per year without compounding.",
        json_schema_extra=in_form("What is sold", "fraction a year"),
    )

    def short_rules(self, right: Right = Right.PUT) -> ShortRules:
        rules = super().short_rules(right)
        is_call = right is Right.CALL
        facts = rules.facts.model_copy(
            update={
                "avoid_earnings": self.avoid_earnings,
                "avoid_ex_dividend": self.avoid_ex_dividend and is_call,
            }
        )
        least = self.min_call_ror_annualised if is_call else self.min_ror_annualised
        return rules.model_copy(update={"facts": facts, "min_ror_annualised": least})

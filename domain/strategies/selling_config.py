"""Settings that every strategy which sells options has: which, at what price, and until when."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, ValidationInfo, field_validator

from domain.instruments import Right
from domain.strategies.base import StrategyConfig, in_form
from domain.strategies.filters import FactRules
from domain.strategies.managing import ManagePolicy
from domain.strategies.roll_targets import RollRules
from domain.strategies.short_options import ShortRules


class SellingConfig(StrategyConfig):
    """Bands for what is sold, and rules for what is held."""

    min_delta: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        title="Lowest delta",
        description="Absolute delta; lower is further out of the money.",
        json_schema_extra=in_form("What is sold", "delta"),
    )
    max_delta: float = Field(
        default=0.30,
        gt=0,
        lt=1,
        title="Highest delta",
        description="Absolute delta.",
        json_schema_extra=in_form("What is sold", "delta"),
    )
    min_dte: int = Field(
        default=25,
        ge=1,
        le=730,
        title="Shortest term",
        description="Calendar days to expiry.",
        json_schema_extra=in_form("What is sold", "days"),
    )
    max_dte: int = Field(
        default=45,
        ge=1,
        le=730,
        title="Longest term",
        description="Calendar days to expiry.",
        json_schema_extra=in_form("What is sold", "days"),
    )
    min_ror_annualised: float = Field(
        default=0.08,
        ge=0.001,
        le=5,
        title="Lowest return",
        description="Mid credit over collateral, per year without compounding "
        "(0.08 = 8 %). The floor price keeps to it too.",
        json_schema_extra=in_form("What is sold", "fraction a year"),
    )
    max_spread_fraction: float = Field(
        default=0.10,
        gt=0,
        le=2,
        title="Widest spread",
        description="Ask less bid, as a fraction of mid (0.10 = 10 %).",
        json_schema_extra=in_form("Liquidity", "fraction"),
    )
    min_open_interest: int = Field(
        default=100,
        ge=0,
        title="Lowest open interest",
        description="Contracts; 0 also admits contracts whose open interest is not known.",
        json_schema_extra=in_form("Liquidity", "contracts"),
    )
    min_bid: Decimal = Field(
        default=Decimal("0.10"),
        ge=Decimal("0.01"),
        title="Lowest bid",
        description="Per share, in the option's currency.",
        json_schema_extra=in_form("What is sold", "per share"),
    )
    trend_sessions: int = Field(
        default=0,
        ge=0,
        le=250,
        title="Trend average",
        description="Sessions; puts are sold only while the underlying is at or above the mean "
        "of so many closes. 0 switches it off.",
        json_schema_extra=in_form("Market filters", "sessions"),
    )
    min_iv_rank: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Lowest volatility rank",
        description="Where the 30-day volatility lies in its range of a year (0.3 = 30 %). Empty "
        "switches it off; with less than a quarter's history it is not known, and nothing passes.",
        json_schema_extra=in_form("Market filters", "fraction"),
    )
    max_pm_usage: Decimal = Field(
        default=Decimal("0.5"),
        gt=0,
        le=1,
        title="Highest margin usage",
        description="Nothing is opened while maintenance margin over equity is above this.",
        json_schema_extra=in_form("Size", "fraction"),
    )
    max_new_trades: int = Field(
        default=3,
        ge=1,
        le=20,
        title="Most new trades",
        description="Sales proposed per run.",
        json_schema_extra=in_form("Size", "trades"),
    )
    max_contracts: int = Field(
        default=5,
        ge=1,
        le=1000,
        title="Most contracts",
        description="Per sale proposed.",
        json_schema_extra=in_form("Size", "contracts"),
    )
    price_concession: Decimal = Field(
        default=Decimal("0.05"),
        ge=0,
        le=Decimal("0.5"),
        title="Price concession",
        description="How far from mid the worst price may lie, as a fraction of mid; it is "
        "never within the touch unless a target demands it.",
        json_schema_extra=in_form("Offer", "fraction"),
    )
    max_chain_age_minutes: int = Field(
        default=15,
        ge=1,
        le=390,
        title="Oldest chain",
        description="Market minutes; an older chain is not traded on.",
        json_schema_extra=in_form("Liquidity", "market minutes"),
    )
    max_candidates: int = Field(
        default=10,
        ge=1,
        le=100,
        title="Candidates kept",
        description="Per underlying.",
        json_schema_extra=in_form("Offer", "contracts"),
    )
    max_opportunities: int = Field(
        default=40,
        ge=1,
        le=1000,
        title="Opportunities kept",
        description="Best of all underlyings, with every figure and rule; more only while trades "
        "are left to propose.",
        json_schema_extra=in_form("Offer", "contracts"),
    )
    take_profit: Decimal | None = Field(
        default=Decimal("0.5"),
        gt=0,
        lt=1,
        title="Profit target",
        description="Part of the credit at which an option is bought in (0.5 = 50 %). Empty "
        "holds it to expiry.",
        json_schema_extra=in_form("Holding", "fraction"),
    )
    stop_multiple: Decimal | None = Field(
        default=None,
        gt=1,
        le=20,
        title="Loss stop",
        description="Bought in when it costs so many times the credit (2 = a loss as large as "
        "the credit). Empty switches it off.",
        json_schema_extra=in_form("Holding", "multiple"),
    )
    exit_dte: int | None = Field(
        default=None,
        ge=0,
        le=365,
        title="Time exit",
        description="Days to expiry at which an option is rolled or bought in whatever it is "
        "worth. Empty switches it off.",
        json_schema_extra=in_form("Holding", "days"),
    )
    roll: bool = Field(
        default=True,
        title="Roll",
        description="Whether an option that is tested, or out of time, is rolled where a roll "
        "meets the rules below.",
        json_schema_extra=in_form("Rolling"),
    )
    roll_dte: int = Field(
        default=7,
        ge=0,
        le=365,
        title="Roll when tested, from",
        description="Days to expiry; an option whose strike is reached is rolled from then on.",
        json_schema_extra=in_form("Rolling", "days"),
    )
    roll_max_dte: int = Field(
        default=60,
        ge=1,
        le=730,
        title="Longest term of a roll",
        description="Calendar days to expiry of the new option.",
        json_schema_extra=in_form("Rolling", "days"),
    )
    roll_max_delta: float = Field(
        default=0.50,
        gt=0,
        lt=1,
        title="Highest delta of a roll",
        description="Absolute delta of the new option.",
        json_schema_extra=in_form("Rolling", "delta"),
    )
    roll_max_width: Decimal = Field(
        default=Decimal("0.10"),
        ge=0,
        le=1,
        title="Widest roll",
        description="How far the strike may move, as a fraction of the old strike; it never "
        "moves nearer to the money.",
        json_schema_extra=in_form("Rolling", "fraction"),
    )
    roll_min_credit: Decimal = Field(
        default=Decimal("0.01"),
        ge=-100,
        le=100,
        title="Lowest credit of a roll",
        description="Net per share; below zero a debit is acceptable.",
        json_schema_extra=in_form("Rolling", "per share"),
    )
    roll_max_give_back: Decimal = Field(
        default=Decimal("0.25"),
        ge=0,
        le=1,
        title="High-water mark",
        description="Part of the highest premium of a cycle that rolls may pay back in all "
        "(0.25 = 25 %).",
        json_schema_extra=in_form("Rolling", "fraction"),
    )
    close_if_unable: bool = Field(
        default=True,
        title="Close if unable to roll",
        description="Buys the option in when no roll meets the rules; otherwise it is kept.",
        json_schema_extra=in_form("Rolling"),
    )

    @field_validator("max_delta", "max_dte")
    @classmethod
    def _above_its_minimum(cls, value: float, info: ValidationInfo) -> float:
        lowest = info.data.get(str(info.field_name).replace("max", "min"))
        if lowest is not None and value < lowest:
            raise ValueError(f"must not be below {lowest}, the lower end of its band")
        return value

    def short_rules(self, right: Right = Right.PUT) -> ShortRules:
        """The bands an option must lie in to be sold. Only puts need a rising trend."""
        return ShortRules(
            right=right,
            min_delta=self.min_delta,
            max_delta=self.max_delta,
            min_dte=self.min_dte,
            max_dte=self.max_dte,
            min_ror_annualised=self.min_ror_annualised,
            max_spread_fraction=self.max_spread_fraction,
            min_open_interest=self.min_open_interest,
            min_bid=self.min_bid,
            facts=FactRules(
                trend_sessions=self.trend_sessions if right is Right.PUT else 0,
                min_iv_rank=self.min_iv_rank,
            ),
        )

    def manage_policy(self) -> ManagePolicy:
        """What is done about an option that is held."""
        return ManagePolicy(
            take_profit=self.take_profit,
            stop_multiple=self.stop_multiple,
            exit_dte=self.exit_dte,
            roll=self.roll_rules() if self.roll else None,
        )

    def roll_rules(self) -> RollRules:
        return RollRules(
            trigger_dte=self.roll_dte,
            min_credit=self.roll_min_credit,
            max_width=self.roll_max_width,
            max_dte=self.roll_max_dte,
            max_delta=self.roll_max_delta,
            max_spread_fraction=self.max_spread_fraction,
            max_give_back=self.roll_max_give_back,
            close_if_unable=self.close_if_unable,
        )

"""What an operator may set about the Wheel, and within which bounds."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, ValidationInfo, field_validator

from domain.strategies.base import StrategyConfig


class WheelConfig(StrategyConfig):
    """Which puts to sell, and how much of the account they may tie up."""

    min_delta: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        title="Lowest delta",
        description="Absolute delta; lower is further out of the money.",
    )
    max_delta: float = Field(
        default=0.30, gt=0, lt=1, title="Highest delta", description="Absolute delta."
    )
    min_dte: int = Field(
        default=25, ge=1, le=730, title="Shortest term", description="Calendar days to expiry."
    )
    max_dte: int = Field(
        default=45, ge=1, le=730, title="Longest term", description="Calendar days to expiry."
    )
    min_ror_annualised: float = Field(
        default=0.08,
        ge=0.001,
        le=5,
        title="Lowest return",
        description="Mid credit over strike collateral, per year without compounding "
        "(0.08 = 8 %). The floor price keeps to it too.",
    )
    max_spread_fraction: float = Field(
        default=0.10,
        gt=0,
        le=2,
        title="Widest spread",
        description="Ask less bid, as a fraction of mid (0.10 = 10 %).",
    )
    min_open_interest: int = Field(
        default=100,
        ge=0,
        title="Lowest open interest",
        description="Contracts; 0 also admits contracts whose open interest is not known.",
    )
    min_bid: Decimal = Field(
        default=Decimal("0.10"),
        ge=Decimal("0.01"),
        title="Lowest bid",
        description="Per share, in the option's currency.",
    )
    max_capital_per_name: Decimal = Field(
        default=Decimal("0.25"),
        gt=0,
        le=1,
        title="Most capital in one name",
        description="Exposure to one underlying, the new trade included, as a fraction of net "
        "liquidation value.",
    )
    max_pm_usage: Decimal = Field(
        default=Decimal("0.5"),
        gt=0,
        le=1,
        title="Highest margin usage",
        description="Nothing is opened while maintenance margin over equity is above this.",
    )
    max_new_trades: int = Field(
        default=3, ge=1, le=20, title="Most new trades", description="Proposals per run."
    )
    max_contracts: int = Field(
        default=5, ge=1, le=1000, title="Most contracts", description="Per proposal."
    )
    price_concession: Decimal = Field(
        default=Decimal("0.05"),
        ge=0,
        le=Decimal("0.5"),
        title="Price concession",
        description="How far below mid the floor price may lie, as a fraction of mid; the floor "
        "is never above the bid unless the lowest return demands it.",
    )
    max_chain_age_minutes: int = Field(
        default=15,
        ge=1,
        le=390,
        title="Oldest chain",
        description="Market minutes; an older chain is not traded on.",
    )
    max_candidates: int = Field(
        default=10, ge=1, le=100, title="Candidates kept", description="Per underlying."
    )

    @field_validator("max_delta", "max_dte")
    @classmethod
    def _above_its_minimum(cls, value: float, info: ValidationInfo) -> float:
        lowest = info.data.get(str(info.field_name).replace("max", "min"))
        if lowest is not None and value < lowest:
            raise ValueError(f"must not be below {lowest}, the lower end of its band")
        return value

"""What an operator may set about Theta, and within which bounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from domain.instruments import Right
from domain.strategies.base import Symbol, in_form
from domain.strategies.roll_targets import RollRules
from domain.strategies.selling_config import SellingConfig
from domain.strategies.short_options import ShortRules
from domain.strategies.wings import WingRules


class ThetaConfig(SellingConfig):
    """Which index puts to sell, how many at once, and when to let go."""

    universe: tuple[Symbol, ...] = Field(
        default=("XSP",),
        title="Universe",
        description="Indexes with cash-settled options: SPX (SPXW included), XSP, RUT.",
        max_length=10,
        json_schema_extra=in_form("Universe"),
    )
    min_delta: float = Field(
        default=0.08,
        gt=0,
        lt=1,
        title="Lowest delta",
        description="Absolute delta; lower is further out of the money.",
        json_schema_extra=in_form("What is sold", "delta"),
    )
    max_delta: float = Field(
        default=0.16,
        gt=0,
        lt=1,
        title="Highest delta",
        description="Absolute delta. To sell by premium instead, widen the deltas and set the "
        "lowest bid and the highest premium.",
        json_schema_extra=in_form("What is sold", "delta"),
    )
    min_ror_annualised: float = Field(
        default=0.02,
        ge=0.001,
        le=5,
        title="Lowest return",
        description="Mid credit over the strike, per year without compounding (0.02 = 2 %). The "
        "floor price keeps to it too.",
        json_schema_extra=in_form("What is sold", "fraction a year"),
    )
    max_premium: Decimal | None = Field(
        default=None,
        gt=0,
        title="Highest premium",
        description="Mid per share; empty sets no bound.",
        json_schema_extra=in_form("What is sold", "per share"),
    )
    wing_width: Decimal | None = Field(
        default=None,
        gt=0,
        le=10_000,
        title="Wing, by width",
        description="A long put bought with every short one, so many points below it at most: "
        "one order, one net credit. Prices, returns and stops are then those of the spread. Empty "
        "for none.",
        json_schema_extra=in_form("What is sold", "points"),
    )
    wing_delta: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        title="Wing, by delta",
        description="The same, but the nearest put below with at most this absolute delta. Empty "
        "for none; set one of the two.",
        json_schema_extra=in_form("What is sold", "delta"),
    )
    ladder_rungs: int = Field(
        default=3,
        ge=1,
        le=20,
        title="Rungs",
        description="Expiries of one index held short at once.",
        json_schema_extra=in_form("Size", "expiries"),
    )
    ladder_gap_days: int = Field(
        default=5,
        ge=1,
        le=90,
        title="Days between rungs",
        description="Calendar days between the expiries of two rungs, at least.",
        json_schema_extra=in_form("Size", "days"),
    )
    min_vix: float | None = Field(
        default=None,
        ge=0,
        le=200,
        title="Lowest VIX",
        description="Nothing is sold below it, nor while the VIX is not known. Empty switches "
        "it off.",
        json_schema_extra=in_form("Market filters", "points"),
    )
    max_vix: float | None = Field(
        default=35.0,
        ge=0,
        le=200,
        title="Highest VIX",
        description="Nothing is sold above it, nor while the VIX is not known. Empty switches "
        "it off.",
        json_schema_extra=in_form("Market filters", "points"),
    )
    secured: bool = Field(
        default=True,
        title="Secured by cash",
        description="Whether cash must cover the whole notional. If not, puts are sold naked: the "
        "account's limits must allow that too.",
        json_schema_extra=in_form("Size"),
    )
    max_notional: Decimal = Field(
        default=Decimal("0.5"),
        gt=0,
        le=20,
        title="Most notional",
        description="Strikes of all cash-settled puts held short, the new ones included, as a "
        "multiple of net liquidation value.",
        json_schema_extra=in_form("Size", "multiple"),
    )
    stop_multiple: Decimal | None = Field(
        default=Decimal(3),
        gt=1,
        le=20,
        title="Loss stop",
        description="Bought in when it costs so many times the credit (2 = a loss as large as "
        "the credit). Empty switches it off.",
        json_schema_extra=in_form("Holding", "multiple"),
    )
    exit_dte: int | None = Field(
        default=7,
        ge=0,
        le=365,
        title="Time exit",
        description="Days to the last trading day at which a put is rolled or bought in whatever "
        "it is worth. Empty switches it off.",
        json_schema_extra=in_form("Holding", "days"),
    )
    roll_dte: int = Field(
        default=21,
        ge=0,
        le=365,
        title="Roll when tested, from",
        description="Days to expiry; a put whose strike is reached is rolled from then on.",
        json_schema_extra=in_form("Rolling", "days"),
    )

    @model_validator(mode="after")
    def _one_wing(self) -> Self:
        if self.wing_width is not None and self.wing_delta is not None:
            raise ValueError("wing_delta: the wing is chosen by its width already; set one of them")
        if self.wing_delta is not None and self.wing_delta >= self.min_delta:
            raise ValueError("wing_delta: must be below min_delta, or it is no wing")
        return self

    @property
    def wing(self) -> WingRules | None:
        if self.wing_width is None and self.wing_delta is None:
            return None
        return WingRules(width=self.wing_width, max_delta=self.wing_delta)

    def short_rules(self, right: Right = Right.PUT) -> ShortRules:
        changes = {"max_mid": self.max_premium, "wing": self.wing}
        return super().short_rules(right).model_copy(update=changes)

    def roll_rules(self) -> RollRules:
        return super().roll_rules().model_copy(update={"wing": self.wing})

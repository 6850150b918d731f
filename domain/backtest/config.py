"""What a backtest is asked to do, as JSON a person can write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, JsonValue, field_serializer, field_validator, model_validator

from domain.commissions import Schedule
from domain.instruments import Frozen
from domain.risk.limits import Limits

PRICE_STEPS = 4
"""Prices an order is walked through, as the live desk's policy has it."""


class FillKind(StrEnum):
    """At which price an order trades on the quotes it meets.

    MID at the middle; CROSS at the touch it trades against; FRACTION so far from the middle to
    that touch; WALK at the first price of the live desk's walk, from the limit to the floor, that
    gives the market so much.
    """

    MID = "mid"
    CROSS = "cross"
    FRACTION = "fraction"
    WALK = "walk"


class FillPolicy(Frozen):
    """How and when an approved order trades."""

    kind: FillKind = FillKind.CROSS
    fraction: Decimal = Field(
        default=Decimal("0.5"),
        ge=0,
        le=1,
        description="of the way from the middle to the far touch that the market asks for; 1 is "
        "the touch. Only FRACTION and WALK look at it",
    )
    steps: int = Field(default=PRICE_STEPS, ge=1, le=20, description="prices of a WALK")
    size_limited: bool = Field(
        default=False,
        description="whether no more trades than the quote shows; an unknown size limits nothing",
    )
    same_quote: bool = Field(
        default=False,
        description="whether an order may trade on the very quotes it was decided on; else it "
        "meets the next ones of its underlying",
    )

    @classmethod
    def named(cls, text: str) -> FillPolicy:
        """``mid``, ``cross``, ``walk``, ``fraction`` or ``fraction:0.25``.

        Raises ValueError for anything else.
        """
        kind, _, share = text.partition(":")
        values: dict[str, Any] = {"kind": kind}
        if share:
            values["fraction"] = share
        return cls.model_validate(values)


class MarginModel(StrEnum):
    """By which rules the account's margin is asked for."""

    REG_T = "regt"
    PORTFOLIO = "portfolio"


class BacktestConfig(Frozen):
    """One backtest. All of it is in the run's identity: the same config on the same data gives the
    same bytes."""

    strategy: str = Field(
        min_length=1, description="slug of an installed strategy, or a code_ref (package.mod:Class)"
    )
    config: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="the strategy's own configuration"
    )
    start: date | None = Field(default=None, description="first session; all there is where None")
    end: date | None = Field(default=None, description="last session, included")
    cash: Decimal = Field(default=Decimal(100_000), gt=0, description="at the beginning")
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    fills: FillPolicy = FillPolicy()
    commission: Schedule = Schedule.IBKR_FIXED
    limits: Limits = Field(default=Limits(), description="as an account's limits are set")
    margin: MarginModel = MarginModel.REG_T
    interest: bool = Field(default=True, description="whether cash earns and borrowing costs")
    benchmark: str | None = Field(
        default=None, description="underlying to compare with; the first of the data where None"
    )
    seed: int = Field(default=0, ge=0, description="of early assignments")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("end lies before start")
        return self

    @field_validator("fills", mode="before")
    @classmethod
    def _named_fills(cls, value: object) -> object:
        return FillPolicy.named(value) if isinstance(value, str) else value

    @field_serializer("limits")
    def _limits_as_set(self, value: Limits) -> dict[str, Any]:
        return value.stored()

"""What is to be sent to the broker, decided before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, Self, cast

from pydantic import Field, model_validator

from domain.instruments import Frozen, Leg, Side
from domain.packages import MAX_LEGS, trade_side


class OrderIntent(Frozen):
    """What is to be sent: one limit order in one option or package, already inside every bound.

    ``quantity`` counts units of the package, and ``limit_price`` is its net price per share
    (``domain.packages``).
    """

    order_key: str
    account_code: str
    legs: tuple[Leg, ...] = Field(min_length=1, max_length=MAX_LEGS)
    quantity: int = Field(ge=1)
    limit_price: Decimal = Field(description="per share")
    tif: Literal["DAY"] = "DAY"

    @model_validator(mode="before")
    @classmethod
    def _read_single(cls, data: Any) -> Any:
        """An intent on record from when there was but one contract and its side."""
        fields = dict(cast("dict[str, Any]", data))
        if "contract" not in fields:
            return fields
        leg = {"contract": fields.pop("contract"), "side": fields.pop("side")}
        return {**fields, "legs": (leg,)}

    @model_validator(mode="after")
    def _single_costs_something(self) -> Self:
        if not self.is_package and self.limit_price <= 0:
            raise ValueError("limit_price is not above zero")
        return self

    @property
    def is_package(self) -> bool:
        return len(self.legs) > 1

    @property
    def side(self) -> Side:
        return trade_side(self.legs)

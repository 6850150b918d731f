"""What companies do that changes a position without a trade."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from domain.instruments import Frozen


class CorporateActionKind(StrEnum):
    DIVIDEND = "DIVIDEND"
    SPLIT = "SPLIT"
    CONTRACT_CHANGED = "CONTRACT_CHANGED"


class AnnouncedDividend(Frozen):
    """The next dividend of a stock, as the broker announces it (generic tick 456)."""

    con_id: int
    ex_date: date
    amount: Decimal = Field(gt=0, description="per share")

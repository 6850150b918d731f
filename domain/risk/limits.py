"""How far an account may go, and whether it may trade at all."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from domain.instruments import Frozen
from domain.portfolio import ZERO


class TradingState(StrEnum):
    """ACTIVE trades; REDUCING and HALTED let through only what is proven to reduce risk."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Limits(Frozen):
    """What an account may do. The defaults are meant for a cautious first month."""

    max_contracts: int = Field(default=10, ge=1, description="contracts per order")
    max_notional: Decimal = Field(
        default=Decimal(250_000), gt=0, description="strike × multiplier × contracts per order"
    )
    max_quote_age_seconds: int = Field(default=30, ge=1, description="market seconds")
    max_account_age_seconds: int = Field(default=300, ge=1, description="market seconds")
    max_pm_usage: Decimal = Field(
        default=Decimal("0.5"), gt=0, le=1, description="maintenance margin over equity, after"
    )
    min_available_funds: Decimal = Field(
        default=ZERO, description="equity with loan less initial margin, after the trade"
    )
    collar_fraction: Decimal = Field(
        default=Decimal("0.1"),
        gt=0,
        le=1,
        description="how far through the market a limit may be, of the price it would meet",
    )
    max_price_over_mid: Decimal = Field(
        default=Decimal(2), gt=1, description="a limit beyond this multiple of mid is a mistake"
    )
    require_covered: bool = Field(
        default=True, description="short puts must be covered by cash, short calls by shares"
    )

"""Positions as rows."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, Exact, InstrumentBrief, UtcTime


class HeldPosition(Answer):
    """What an account holds of one instrument, as the broker told it last."""

    id: UUID
    contract: InstrumentBrief
    account: AccountBrief
    client_id: UUID
    quantity: Exact = Field(description="signed: negative is short")
    average_cost: Exact = Field(description="per unit, multiplier included")
    market_price: Exact | None = Field(description="per share")
    market_value: Exact | None = Field(description="signed, multiplier included")
    unrealized_pnl: Exact | None
    realized_pnl: Exact | None
    daily_pnl: Exact | None
    currency: str
    as_of: UtcTime = Field(description="market time of the reading that changed it last")

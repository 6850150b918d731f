"""What an account holds and risks."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import Answer, UtcTime
from domain.portfolio import PositionState, UnderlyingState
from domain.risk.state import RiskState


class AccountRisk(Answer):
    """Positions with quotes and greeks, and the risk of all of them together.

    Margin under ``risk.margin`` is the desk's own estimate; the broker's figures are beside it.
    """

    account_id: UUID
    label: str
    as_of: UtcTime = Field(description="market time of the account's figures")
    positions: list[PositionState]
    underlyings: list[UnderlyingState]
    risk: RiskState

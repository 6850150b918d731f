"""The decision card's look ahead: what the trade would do, and what the market has done since."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import Answer, Exact, UtcTime
from domain.recommendations import RecommendationState
from domain.risk.outlook import TradeOutlook


class Drift(Answer):
    """The market since the proposal. Prices per share; of a package net."""

    as_of: UtcTime = Field(description="market time of the quotes")
    is_live: bool = Field(description="whether the desk has quotes of its own; else as proposed")
    bid: Exact | None
    ask: Exact | None
    bid_then: Exact
    ask_then: Exact
    underlying: Exact | None
    underlying_then: Exact
    underlying_moved: float | None = Field(description="relative")
    max_drift: Exact
    is_beyond: bool = Field(description="an approval would be void: the underlying moved too far")


class SimilarRow(Answer):
    """An earlier recommendation of the same kind."""

    id: UUID
    state: RecommendationState
    summary: str
    proposed_at: UtcTime
    limit_price: Exact
    average_price: Exact | None = Field(description="of its fills")
    reason: str


class OutlookAnswer(Answer):
    drift: Drift
    outlook: TradeOutlook | None
    why_no_outlook: str | None
    similar: list[SimilarRow]

"""Opportunities: contracts a run found worth a look, in numbers, and what became of the others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, ContractBrief, Exact, UtcTime
from api.schemas.recommendations import StrategyBrief
from domain.instruments import Side
from domain.recommendations import RecommendationAction, RecommendationState


class OpportunityFigures(Answer):
    """One short option, or put spread, in numbers; what could not be measured is null."""

    bid: Exact | None
    ask: Exact | None
    mid: Exact | None
    underlying_price: Exact | None
    dte: int | None = Field(description="calendar days to expiry")
    delta: float | None = Field(description="the holder's")
    iv: float | None = Field(description="annualised, decimal")
    iv_rank: float | None = Field(description="of the underlying's volatility in its year, 0..1")
    ror: float | None = Field(description="mid credit over collateral, decimal")
    ror_annualised: float | None
    pop: float | None = Field(description="estimated chance to expire out of the money, 0..1")
    breakeven: Exact | None = Field(description="underlying price at expiry")
    max_loss: Exact | None = Field(description="per contract")
    collateral: Exact | None = Field(description="per contract")
    wing_strike: Exact | None = Field(
        description="of the long put that makes it a spread, to which the figures then belong"
    )
    spread_fraction: float | None = Field(
        description="(ask − bid) / mid; of a spread over the mid of its short put"
    )
    open_interest: int | None
    volume: int | None


class FoundOpportunity(Answer):
    """One contract that came through every rule of its strategy."""

    contract: ContractBrief
    side: Side
    action: RecommendationAction
    rank: int = Field(description="within its run; 1 is best")
    score: float
    figures: OpportunityFigures
    recommended: bool
    why_not: str = Field(description="why it is not recommended; empty if it is")


class OpportunityRow(FoundOpportunity):
    id: UUID
    run_id: UUID
    market_at: UtcTime | None
    strategy: StrategyBrief
    account: AccountBrief
    client_id: UUID
    rules: list[dict[str, Any]]
    recommendation_id: UUID | None = Field(description="what was offered of it")
    recommendation_state: RecommendationState | None


class SignalAnswer(Answer):
    """What a strategy saw in one underlying."""

    symbol: str
    kind: str
    summary: str


class RemovedBy(Answer):
    """How many contracts one rule removed: each counts at the first rule that did."""

    rule: str
    contracts: int


class RunFindings(Answer):
    """What became of everything one run looked at."""

    run_id: UUID
    market_at: UtcTime | None
    strategy: StrategyBrief
    account: AccountBrief
    client_id: UUID
    opportunities: int
    recommended: int
    removed: list[RemovedBy] = Field(description="most first")
    signals: list[SignalAnswer]
    no_trade_reason: str | None
    errors: list[str]

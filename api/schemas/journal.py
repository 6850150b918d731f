"""The journal: what trading has brought, and what became of every decision."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.schemas.common import AccountBrief, Answer, Exact, InstrumentBrief, UtcTime
from api.schemas.recommendations import StrategyBrief
from domain.recommendations import DecisionAction, RecommendationAction, RecommendationState


class ContractResultRow(Answer):
    """What one contract of one account has earned; commissions are in all amounts."""

    account: AccountBrief
    client_id: UUID
    contract: InstrumentBrief | None = Field(description="null: unknown to the desk")
    con_id: int
    currency: str
    opened_at: UtcTime | None = Field(
        description="market time of the first entry; null: held before the record began"
    )
    ended_at: UtcTime | None = Field(description="null while it is held")
    quantity: Exact = Field(description="held now, signed")
    cost: Exact = Field(description="paid for what is held; negative: received")
    realised: Exact
    unrealised: Exact | None = Field(description="null: held, and its value is not known")
    strategy_id: UUID | None = Field(description="whose order opened it; null: outside the desk")
    strategy: str | None
    approver_id: UUID | None
    approver: str | None
    complete: bool = Field(description="false where its cost is not known to the cent")


class CycleRow(Answer):
    """One turn of the wheel on one underlying, finished or under way."""

    account: AccountBrief
    client_id: UUID
    symbol: str
    started_at: UtcTime | None = Field(description="null: before the record began")
    ended_at: UtcTime | None
    premium: Exact
    dividends: Exact
    realised: Exact = Field(description="on shares sold or called away")
    result: Exact = Field(description="in cash so far, shares still held at what they cost")
    shares: Exact
    share_cost: Exact
    adjusted_basis: Exact | None = Field(description="per share held, after premiums, dividends")
    assignments: int
    rolls: int
    complete: bool


class ResultTotal(Answer):
    """Results of one strategy or of one approver, in one currency."""

    id: UUID | None = Field(description="null: traded outside the desk")
    name: str
    currency: str
    contracts: int
    ended: int
    won: int = Field(description="of those that ended, with a gain")
    realised: Exact
    unrealised: Exact
    unpriced: int = Field(description="contracts held whose value is not known")


class Journal(Answer):
    """Results since the moment asked for; what is held counts whenever it was opened."""

    contracts: list[ContractResultRow] = Field(description="the latest first")
    cycles: list[CycleRow] = Field(description="the latest first")
    by_strategy: list[ResultTotal]
    by_approver: list[ResultTotal]


class OutcomeRow(Answer):
    """One decision, and what its trade is worth since.

    ``entry_cash`` is what the trade brought: of an approved one by its executions, commissions
    included; of a rejected one what it would have brought at the limit it was offered at.
    ``result`` is that and what the legs are worth now, or were at their expiry, had they been held.
    """

    id: UUID
    recommendation_id: UUID
    decided_at: UtcTime
    decision: DecisionAction
    reason: str | None
    approver_id: UUID
    approver: str
    state: RecommendationState
    action: RecommendationAction
    trade: str
    quantity: Exact = Field(description="filled; of a rejected one, offered")
    strategy: StrategyBrief
    account: AccountBrief
    client_id: UUID
    entry_cash: Exact | None = Field(description="null: approved, and nothing was filled")
    worth: Exact | None = Field(description="of the legs; null where one has no later mark")
    result: Exact | None
    marked_at: UtcTime | None = Field(description="market time of the oldest mark")
    is_final: bool = Field(description="every leg has expired")

"""Strategy instances: their state and settings, their runs, and what may be asked of them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints

from api.schemas.common import AccountBrief, Answer, Ask, UtcTime
from api.schemas.opportunities import FoundOpportunity, RemovedBy, SignalAnswer
from infra.db.models import RunStatus


class StrategyRunRow(Answer):
    """One live run, in counts."""

    id: UUID
    status: RunStatus
    started_at: UtcTime
    finished_at: UtcTime | None
    duration_seconds: float | None
    market_at: UtcTime | None
    signals: int
    opportunities: int
    proposed: int = Field(description="recommendations made")
    superseded: int = Field(description="recommendations these replaced")
    removed: list[RemovedBy]
    no_trade_reason: str | None
    errors: list[str]
    workflow_url: str


class StrategyRow(Answer):
    """One strategy instance, at work on one account."""

    id: UUID
    name: str
    slug: str
    strategy_name: str
    version: str = Field(description="of the strategy's code")
    account: AccountBrief
    portfolio: str
    client_id: UUID
    enabled: bool
    config_version: int
    universe: list[str]
    waiting: int = Field(description="its recommendations that wait for a decision")
    last_run: StrategyRunRow | None
    next_run_at: UtcTime | None = Field(description="host time")
    next_run_note: str = Field(description="why there is none, or what it depends on")
    may_configure: bool


class ConfigVersionAnswer(Answer):
    version: int
    config: dict[str, Any]
    author: str
    reason: str
    created_at: UtcTime


class ConfigProposalAnswer(Answer):
    """A change that waits for a second person; the settings before stay in force meanwhile."""

    id: UUID
    based_on: int = Field(description="the version it changes")
    config: dict[str, Any]
    author: str
    reason: str
    proposed_at: UtcTime
    is_own: bool = Field(description="proposed by whoever asks, who may only withdraw it")


class StrategyDetail(StrategyRow):
    config: dict[str, Any] = Field(description="every setting, defaults included")
    config_error: str | None = Field(description="why the strategy cannot run on it")
    config_schema: dict[str, Any] = Field(
        description="JSON schema; each property has `title`, `description`, `group` and `unit`"
    )
    description: str
    two_people_configure: bool = Field(description="changes wait for a second person")
    proposal: ConfigProposalAnswer | None = Field(description="the change that waits, if any")
    history: list[ConfigVersionAnswer] = Field(description="newest first, the last fifty")


class StrategyKind(Answer):
    """A strategy that an instance can be made of."""

    version_id: UUID
    slug: str
    name: str
    version: str
    description: str
    config_schema: dict[str, Any]
    defaults: dict[str, Any] = Field(description="settings that need not be given")
    error: str | None = Field(description="why it cannot be used just now")


Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class ChangeConfigAsk(Ask):
    """All settings from now on; what is left out takes its default."""

    config: dict[str, JsonValue]
    reason: Reason = ""


class RejectChangeAsk(Ask):
    reason: Reason = ""


class CreateStrategyAsk(Ask):
    version_id: UUID
    account_id: UUID
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    config: dict[str, JsonValue]


class DryRunAsk(Ask):
    config: dict[str, JsonValue] | None = Field(
        default=None, description="settings to try; null: those in force"
    )


class RunReceipt(Answer):
    """A run on its way; it appears among the recent runs when it begins."""

    workflow_id: str
    workflow_url: str


class DryTradeAnswer(Answer):
    opportunity_rank: int
    summary: str
    rationale: list[str]
    confidence: float


class DryRunAnswer(Answer):
    """What the strategy would find now. Nothing of it was offered or kept."""

    market_at: UtcTime
    trades: list[DryTradeAnswer]
    opportunities: list[FoundOpportunity]
    opportunities_found: int
    signals: list[SignalAnswer]
    removed: list[RemovedBy]
    no_trade_reason: str | None
    errors: list[str]

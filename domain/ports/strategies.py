"""The port to strategies, their runs and their results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import Field, JsonValue

from domain.instruments import Frozen, OptionContract
from domain.portfolio import AccountState
from domain.strategies.base import (
    ChainWindow,
    Opportunity,
    Signal,
    StrategyContext,
    StrategyResult,
)


class RunPlan(Frozen):
    """What one strategy run will look at."""

    run_id: UUID
    instance_id: UUID
    gateway: str
    account_code: str
    universe: tuple[str, ...]
    window: ChainWindow
    windows: dict[str, ChainWindow] = Field(
        default_factory=dict[str, ChainWindow],
        description="by symbol, where what is held asks for more of the chain than ``window``",
    )
    held: tuple[OptionContract, ...] = Field(
        default=(), description="options of the account on the universe, priced wherever they lie"
    )
    predecessor_id: UUID | None = Field(
        default=None, description="the denied recommendation this run seeks a successor to"
    )

    def window_on(self, symbol: str) -> ChainWindow:
        return self.windows.get(symbol, self.window)


class RunOutcome(Frozen):
    """What a strategy run left behind."""

    run_id: UUID
    proposed: tuple[UUID, ...] = ()
    summaries: tuple[str, ...] = Field(default=(), description="of ``proposed``, in its order")
    superseded: tuple[UUID, ...] = ()
    signals: int = 0
    opportunities: int = 0
    errors: tuple[str, ...] = ()

    def summary_of(self, number: int) -> str | None:
        """The summary of a proposed recommendation, by its place in ``proposed``."""
        return self.summaries[number] if number < len(self.summaries) else None


class DryRunRequest(Frozen):
    """What would this instance find now, on ``config`` if given and on its own otherwise?"""

    instance_id: UUID
    config: dict[str, JsonValue] | None = None


class DryTrade(Frozen):
    """A trade that would be offered."""

    opportunity_rank: int
    summary: str
    rationale: tuple[str, ...]
    confidence: float


class DryRunFindings(Frozen):
    """What a dry run found; nothing of it is on record."""

    market_at: datetime
    signals: tuple[Signal, ...]
    opportunities: tuple[Opportunity, ...]
    opportunities_found: int = Field(description="more than are listed, where there were many")
    trades: tuple[DryTrade, ...]
    eliminated: dict[str, int]
    no_trade_reason: str | None
    errors: tuple[str, ...] = Field(description="underlyings without data")


class DryRunStore(Protocol):
    async def plan_dry_run(self, request: DryRunRequest) -> RunPlan:
        """What the dry run looks at. Nothing is written.

        Raises GreenlightError NOT_FOUND, STRATEGY_UNRESOLVED or CONFIG_INVALID.
        """
        ...

    async def dry_context(
        self, request: DryRunRequest, plan: RunPlan, chain_ids: Sequence[UUID]
    ) -> tuple[str, StrategyContext, AccountState]:
        """As ``StrategyStore.strategy_context``, on the config asked about."""
        ...


class StrategyStore(Protocol):
    async def runnable_instances(self) -> list[UUID]:
        """Enabled instances whose gateway is connected and whose market is open."""
        ...

    async def begin_run(self, instance_id: UUID, workflow_id: str) -> RunPlan:
        """Record that a run began; repeating it for one workflow gives the same run.

        Raises GreenlightError STRATEGY_UNRESOLVED or CONFIG_INVALID; the run is then on record
        as failed.
        """
        ...

    async def begin_successor_run(self, recommendation_id: UUID, workflow_id: str) -> RunPlan:
        """A run over the one contract of a denied recommendation."""
        ...

    async def strategy_context(
        self, plan: RunPlan, chain_ids: Sequence[UUID]
    ) -> tuple[str, StrategyContext, AccountState]:
        """``code_ref``, the strategy's instance with its market, and the account's state."""
        ...

    async def save_result(
        self, plan: RunPlan, result: StrategyResult, errors: Sequence[str]
    ) -> RunOutcome:
        """Keep all a run found; a recommendation it replaces is superseded. Idempotent."""
        ...

    async def fail_run(self, run_id: UUID, errors: Sequence[str]) -> None: ...

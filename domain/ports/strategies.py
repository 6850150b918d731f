"""The port to strategies, their runs and their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from pydantic import Field

from domain.instruments import Frozen, OptionContract
from domain.portfolio import AccountState
from domain.strategies.base import ChainWindow, StrategyContext, StrategyResult


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

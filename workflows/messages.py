"""What is said to workflows and what they answer: one frozen message each."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from pydantic import Field

from activities.ingestion import SyncReport
from activities.reconciliation import ExecutionsReport
from domain.errors import ErrorCode
from domain.instruments import Frozen
from domain.ports import RunOutcome
from domain.ports.backtests import BacktestStatus, Progress, SweepRequest
from domain.recommendations import RecommendationState


class TradeProgress(Frozen):
    """How far an approved trade is, for the run that goes on with a fresh history."""

    decision_id: UUID
    price_step: int
    walking: bool
    abandoned: int
    filled: Decimal = Field(description="by the attempts before the current one")
    order_keys: tuple[str, ...] = Field(min_length=1, description="the current attempt last")
    withdrawn: bool


class RecommendationInput(Frozen):
    recommendation_id: UUID
    progress: TradeProgress | None = None


class DecisionMessage(Frozen):
    """Points to a decision in Postgres; authorises nothing by itself."""

    decision_id: UUID


class OrderMessage(Frozen):
    order_key: str


class RecommendationResult(Frozen):
    """How a recommendation ended, and what was traded on it."""

    state: RecommendationState
    code: ErrorCode | None = None
    reason: str = ""
    filled: Decimal = Decimal(0)
    order_keys: tuple[str, ...] = ()


class RecommendationStatus(Frozen):
    """Answer to the ``status`` query."""

    state: str
    waiting_on: str
    detail: str
    order_keys: tuple[str, ...]


class IngestionInput(Frozen):
    """``only_when_due``: not while the gateway is disconnected, seldom while its market is closed;
    otherwise at once."""

    gateway: str
    positions: bool = True
    account_snapshots: bool = True
    executions: bool = False
    only_when_due: bool = False


class IngestionReport(Frozen):
    """What was read; ``is_due`` is false where the market's hours did not ask for it."""

    positions: SyncReport
    snapshots: SyncReport
    executions: ExecutionsReport | None = None
    is_due: bool = True


class MarketReadingInput(Frozen):
    gateway: str


class LifecycleInput(Frozen):
    gateway: str


class ReconciliationInput(Frozen):
    """``only_when_due``: not while the gateway is disconnected, seldom while its market is closed;
    otherwise at once."""

    gateway: str
    only_when_due: bool = False


class StrategyRunInput(Frozen):
    instance_id: UUID


class StrategyRunsReport(Frozen):
    """What the instances that ran left behind; one that failed has no outcome."""

    ran: int
    outcomes: tuple[RunOutcome, ...]


class StrategyRunsInput(Frozen):
    """Which instances to run; none named means all that are enabled.

    While none can run, because a gateway is still connecting or its market is closed, the
    question is asked again for ``patience_seconds``.
    """

    instance_ids: tuple[UUID, ...] = ()
    patience_seconds: int = Field(default=0, ge=0)


class BacktestProgressAnswer(Frozen):
    """Answer to a backtest's ``progress`` query."""

    status: BacktestStatus = BacktestStatus.RUNNING
    run_id: UUID | None = None
    percent: float = 0.0
    progress: Progress = Progress()


class SweepRow(Frozen):
    """One finished backtest of a sweep, and the figure it is compared by."""

    position: int
    label: str
    run_id: UUID
    objective: float | None


class SweepProgress(Frozen):
    """Answer to a sweep's ``progress`` query, and what a run of it hands to the next one.

    ``next`` is the first backtest not begun yet; ``best`` come best first.
    """

    status: BacktestStatus = BacktestStatus.RUNNING
    sweep_id: UUID | None = None
    total: int = 0
    next: int = 0
    completed: int = 0
    failed: int = 0
    best: tuple[SweepRow, ...] = ()
    errors: tuple[str, ...] = Field(default=(), description="of the first that failed")


class SweepInput(SweepRequest):
    """A sweep's input; ``progress`` is for the run that goes on with a fresh history."""

    progress: SweepProgress | None = None

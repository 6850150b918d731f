"""Backtests: what may be asked for, how far one is, what it found."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue

from api.schemas.common import Answer, Ask, Day, UtcTime
from domain.backtest.config import FillPolicy, MarginModel
from domain.commissions import Schedule
from domain.ports.backtests import Progress
from infra.backtests.recordings import Holds
from infra.db.models import RunStatus
from infra.db.queries.backtests import BacktestSource

DataName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="file or folder in the desk's history directory, relative to it",
    ),
]


class BacktestAsk(Ask):
    """One backtest. Everything but the strategy and the data has a default."""

    strategy: str = Field(min_length=1, description="slug, or a code_ref")
    config: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    data: list[DataName] = Field(min_length=1, max_length=100)
    client_id: UUID | None = Field(
        default=None, description="whose it is; the whole desk's needs an administrator"
    )
    name: str = Field(default="", max_length=200)
    start: Day | None = None
    end: Day | None = None
    cash: Decimal = Field(default=Decimal(100_000), gt=0)
    fills: FillPolicy = FillPolicy()
    commission: Schedule = Schedule.IBKR_FIXED
    limits: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    margin: MarginModel = MarginModel.REG_T
    side: list[DataName] = Field(
        default_factory=list[DataName], max_length=100, description="prices, dividends, rates, …"
    )
    layout: str | None = None
    columns: dict[str, str] = Field(default_factory=dict[str, str])
    seed: int = Field(default=0, ge=0)


class SweepAsk(BacktestAsk):
    """Many backtests: ``grid`` gives settings several values, ``configs`` lists configurations."""

    grid: dict[str, list[JsonValue]] = Field(default_factory=dict[str, list[JsonValue]])
    configs: list[dict[str, JsonValue]] = Field(default_factory=list[dict[str, JsonValue]])
    max_concurrent: int = Field(default=16, ge=1, le=200)
    objective: str = "sharpe"


class BacktestReceipt(Answer):
    """A backtest on its way."""

    id: UUID
    workflow_id: str


class SweepReceipt(Answer):
    """A sweep on its way; its backtests appear as they begin."""

    id: UUID
    workflow_id: str
    total: int


class BacktestRow(Answer):
    id: UUID = Field(description="of its strategy run")
    name: str
    strategy: str
    status: RunStatus
    author: str
    source: BacktestSource
    client_id: UUID | None
    client_slug: str | None = Field(description="null: the whole desk's")
    sweep_id: UUID | None
    position: int | None
    workflow_id: str
    started_at: UtcTime
    finished_at: UtcTime | None
    progress: Progress | None
    stats: dict[str, Any] = Field(description="empty until it is complete")
    errors: list[Any]
    data_label: str
    data_digest: str
    result_digest: str


class BacktestDetail(BacktestRow):
    request: dict[str, Any]
    may_cancel: bool
    workflow_url: str | None = Field(description="null for one of the command line")


class BacktestTable(Answer):
    """Rows of JSON values under named columns; decimals are text."""

    columns: list[str]
    rows: list[list[Any]]


class EquityAnswer(BacktestTable):
    """The equity curve and, row by row, what simpler things would have been worth."""

    benchmarks: list[BenchmarkCurve]


class BenchmarkCurve(Answer):
    name: str
    description: str
    equity: list[float | None]


class Comparison(Answer):
    """Backtests side by side: figures by their name, and the settings they differ in."""

    items: list[BacktestDetail]
    figures: dict[str, list[Any]] = Field(description="a value per item")
    differing: dict[str, list[Any]] = Field(
        description="settings that are not the same in all, a value per item"
    )


class SweepSummary(Answer):
    id: UUID
    name: str
    strategy: str
    status: RunStatus
    author: str
    source: BacktestSource
    client_id: UUID | None
    client_slug: str | None
    workflow_id: str
    total: int
    completed: int
    failed: int
    running: int
    started_at: UtcTime
    finished_at: UtcTime | None
    errors: list[Any]


class SweepDetail(SweepSummary):
    request: dict[str, Any]
    may_cancel: bool
    workflow_url: str


class RecordingRow(Answer):
    """Recorded data that a backtest can be asked for by its name."""

    name: str
    is_folder: bool
    files: int
    bytes: int
    modified_at: UtcTime
    holds: Holds
    layout: str | None = Field(description="of chains: whose columns they have")


EquityAnswer.model_rebuild()

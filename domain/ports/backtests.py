"""The ports to running backtests and to keeping what they found, and what is said to them.

What a person writes is a `BacktestRequest` or a `SweepRequest`: small JSON, everything but the
strategy and the data defaulted.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self, TypeVar
from uuid import UUID

from pydantic import Field, JsonValue, ValidationError, model_validator

from domain.backtest.config import BacktestConfig
from domain.errors import ErrorCode, GreenlightError, plain_message
from domain.instruments import Frozen

MOST_POINTS = 10_000
OF_THE_RUN = "run."


class BacktestStatus(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class BacktestRequest(BacktestConfig):
    """One backtest: what the engine is asked, the recorded data, and for whom."""

    data: tuple[str, ...] = Field(
        min_length=1,
        max_length=1000,
        description="files or folders of recorded chains, as the workers see them",
    )
    side: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="files or folders of what belongs to the chains: daily prices, dividends, "
        "splits, rates, the VIX; each is recognised by its header",
    )
    layout: str | None = Field(
        default=None, description="of the data; by each file's header where None"
    )
    columns: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="the data's column by canonical name, before what the layout says; =VALUE "
        "gives all rows one value",
    )
    name: str = Field(default="", max_length=200, description="how people call it")
    client: str | None = Field(
        default=None, description="slug of the client it is for; the whole desk's where None"
    )
    author: str = Field(default="", max_length=200, description="who asked for it")
    user_id: UUID | None = Field(default=None, description="the signed-in person who asked")

    def engine(self) -> BacktestConfig:
        """What decides the result, without whose it is."""
        return BacktestConfig.model_validate(
            self.model_dump(include=set(BacktestConfig.model_fields))
        )

    @property
    def digest(self) -> str:
        """SHA-256 of what was asked, whoever asked and however it is called."""
        whose = {"name", "client", "author", "user_id"}
        asked = self.model_dump(mode="json", exclude=whose)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @property
    def title(self) -> str:
        return self.name or f"{self.strategy} on {', '.join(_last_part(p) for p in self.data[:3])}"


class SweepRequest(BacktestRequest):
    """Many backtests of one strategy on the same data.

    ``grid`` gives each named setting several values; every combination is one backtest. A name is
    a field of the strategy's configuration, or of the backtest itself with ``run.`` before it
    (``run.fills``, ``run.cash``). ``configs`` lists configurations instead, each laid over
    ``config``; with both, every one of ``configs`` is combined with the grid.
    """

    grid: dict[str, tuple[JsonValue, ...]] = Field(
        default_factory=dict[str, tuple[JsonValue, ...]],
        description='values to try by setting, e.g. {"max_delta": [0.1, 0.16]}',
    )
    configs: tuple[dict[str, JsonValue], ...] = Field(
        default=(), description="configurations to try, each laid over `config`"
    )
    max_concurrent: int = Field(
        default=16, ge=1, le=200, description="how many run at once, over all workers"
    )
    objective: str = Field(default="sharpe", description="the figure the best are chosen by")

    @model_validator(mode="after")
    def _has_points(self) -> Self:
        if not self.grid and not self.configs:
            raise ValueError("a sweep needs a grid or configs")
        empty = [name for name, values in self.grid.items() if not values]
        if empty:
            raise ValueError(f"grid.{empty[0]} lists no values")
        if self.total > MOST_POINTS:
            raise ValueError(f"{self.total} backtests are asked for; {MOST_POINTS} are the most")
        return self

    @property
    def total(self) -> int:
        total = max(1, len(self.configs))
        for values in self.grid.values():
            total *= len(values)
        return total

    def points(self) -> Iterator[SweepPoint]:
        """Every backtest of the sweep, in a fixed order."""
        own = set(BacktestRequest.model_fields)
        base = self.model_dump(mode="json", include=own)
        names = list(self.grid)
        overlays: tuple[dict[str, JsonValue], ...] = self.configs or ({},)
        combinations = itertools.product(overlays, itertools.product(*self.grid.values()))
        for position, (overlay, values) in enumerate(combinations):
            chosen = dict(zip(names, values, strict=True))
            settings: dict[str, Any] = {**base, "config": {**self.config, **overlay}}
            for name, value in chosen.items():
                if name.startswith(OF_THE_RUN):
                    settings[name.removeprefix(OF_THE_RUN)] = value
                else:
                    settings["config"][name] = value
            label = ", ".join(f"{n}={_plain(v)}" for n, v in {**overlay, **chosen}.items())
            settings["name"] = label[:200]
            yield SweepPoint(position, label, understood(BacktestRequest, settings))


class SweepPoint(NamedTuple):
    """One backtest of a sweep: its place, from 0, what sets it apart, and all of it."""

    position: int
    label: str
    request: BacktestRequest


R = TypeVar("R", bound=BacktestRequest)


def understood(kind: type[R], raw: object) -> R:
    """``raw`` (decoded JSON) as a request.

    Raises GreenlightError INVALID_INPUT; its context ``fields`` maps each wrong field (dotted
    path) to what is wrong with it.
    """
    if not isinstance(raw, dict):
        raise GreenlightError(
            ErrorCode.INVALID_INPUT,
            'the input must be a JSON object such as {"strategy": "theta", "data": ["/path"]}',
            fields={"input": "must be an object"},
        )
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        fields = {
            ".".join(map(str, fault["loc"])) or "input": plain_message(fault["msg"])
            for fault in error.errors(include_url=False, include_context=False)
        }
        listed = "; ".join(f"{name}: {message}" for name, message in list(fields.items())[:10])
        raise GreenlightError(ErrorCode.INVALID_INPUT, listed, fields=fields) from error


def _last_part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class BacktestJob(Frozen):
    """One backtest to be done: ``key`` finds what an earlier attempt wrote.

    ``sweep_id`` and ``position`` place it in its sweep; ``reports`` is whether the workflow wants
    to hear of its progress.
    """

    key: str
    workflow_id: str
    request: BacktestRequest
    sweep_id: UUID | None = None
    position: int | None = None
    reports: bool = False


class Progress(Frozen):
    """How far a backtest is: moments of the history done, of so many, and the session it is at."""

    done: int = 0
    of: int = 0
    session: str = ""

    @property
    def fraction(self) -> float:
        return self.done / self.of if self.of else 0.0


class BacktestFindings(Frozen):
    """What one finished backtest leaves to be kept.

    ``document`` is all of it as gzipped JSON (`infra.backtests.document`); ``stopped`` says that
    it was told to end before the end of its data.
    """

    stats: dict[str, Any]
    result_digest: str
    data_label: str
    data_digest: str
    errors: tuple[str, ...]
    stopped: bool
    document: bytes


class BacktestOutcome(Frozen):
    """How a backtest ended."""

    run_id: UUID
    status: BacktestStatus
    name: str
    stats: dict[str, Any] = Field(default_factory=dict[str, Any])
    result_digest: str = ""
    data_digest: str = ""
    errors: tuple[str, ...] = ()


class BegunBacktest(Frozen):
    """The record of a backtest; ``outcome`` where an earlier attempt completed it."""

    run_id: UUID
    outcome: BacktestOutcome | None = None


class BacktestEnd(Frozen):
    """A backtest or sweep that ends without a result of its own, or a sweep that is through."""

    key: str
    status: BacktestStatus
    errors: tuple[str, ...] = ()


class SweepBegin(Frozen):
    workflow_id: str
    request: SweepRequest


Hear = Callable[[Progress], None]


class BacktestRunner(Protocol):
    async def run(self, request: BacktestRequest, hear: Hear) -> BacktestFindings:
        """Read the data and run the engine, telling ``hear`` now and then how far it is.

        Cancelling the call stops the computation. Raises GreenlightError for what is wrong with
        the request or the data; anything else may pass with another try.
        """
        ...


class BacktestStore(Protocol):
    async def begin(self, job: BacktestJob) -> BegunBacktest:
        """The record of ``job``, made at its first attempt.

        One that failed or was cancelled before is begun again. Raises GreenlightError
        INVALID_INPUT when the client is unknown, IDEMPOTENCY_KEY_REUSED when the key was used for
        something else.
        """
        ...

    async def progress(self, run_id: UUID, progress: Progress) -> None:
        """Note how far a running backtest is."""
        ...

    async def complete(self, run_id: UUID, findings: BacktestFindings) -> BacktestOutcome:
        """Keep what was found. Repeating it changes nothing."""
        ...

    async def end(self, end: BacktestEnd) -> None:
        """End a backtest that has no result; one that has ended stays as it is."""
        ...

    async def begin_sweep(self, begin: SweepBegin) -> UUID:
        """The record of a sweep, made at the first attempt; raises as ``begin`` does."""
        ...

    async def end_sweep(self, end: BacktestEnd) -> None:
        """End a sweep, and with a cancelled one whatever of it still counts as running."""
        ...

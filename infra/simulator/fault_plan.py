"""Fault plans: a JSON file that says which faults strike and when.

    {"seed": 7,
     "faults": [
       {"fault": "drop_connection", "message": "placeOrder", "moment": "after", "nth": 2},
       {"fault": "lose_connectivity", "when": {"seconds": 30}, "for_seconds": 10},
       {"fault": "late", "messages": ["commissionReport"], "seconds": 2, "rate": 0.5},
       {"fault": "correct_execution", "when": {"execution": 1}, "price": "4.95"}],
     "random": {"hours": 8, "per_hour": {"drop_everyone": 2, "half_open": 1}}}

Every entry calls the method of :class:`infra.simulator.faults.Faults` of its name. Without
``when`` that happens at the start; else after so many wall seconds, at the nth message of a
type, or after the nth execution.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.simulator.fault_entries import (
    DropConnection,
    DropEveryone,
    Entry,
    FarmNotice,
    FaultEntry,
    HalfOpen,
    LoseConnectivity,
    Restart,
    When,
)
from infra.simulator.faults import Faults
from infra.simulator.records import ExecutionRecord


class FaultPlanError(ValueError):
    """A plan that cannot be used; the message has one line for each thing that is wrong."""


RandomKind = Literal[
    "cut_before_order", "cut_after_order", "drop_everyone", "farm_notice", "forget_day",
    "half_open", "lose_connectivity",
]  # fmt: skip


class RandomFaults(BaseModel):
    """Faults at random moments, drawn from the plan's seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: float = Field(gt=0, le=10_000, description="wall hours from the start")
    per_hour: dict[RandomKind, Annotated[float, Field(ge=0, le=3600)]]

    def entries(self, seed: int) -> list[FaultEntry]:
        """What strikes when; the same for the same seed."""
        out: list[FaultEntry] = []
        for place, (kind, rate) in enumerate(sorted(self.per_hour.items())):
            rng = np.random.default_rng([seed, place])
            at = 0.0
            while rate and (at := at + rng.exponential(3600 / rate)) < self.hours * 3600:
                out.append(_random_entry(kind, at, rng))
        return out


class FaultPlan(BaseModel):
    """A whole plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0)
    faults: tuple[FaultEntry, ...] = ()
    random: RandomFaults | None = None

    def start(self, faults: Faults) -> None:
        """Set everything up on a running gateway."""
        faults.reseed(self.seed)
        drawn = [] if self.random is None else self.random.entries(self.seed)
        for entry in (*self.faults, *drawn):
            _arm(entry, faults)


def load_fault_plan(path: Path) -> FaultPlan:
    """Read a plan. FaultPlanError names each entry, field and reason; OSError if unreadable."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        text = f"{path}: line {error.lineno}, column {error.colno}: {error.msg}"
        raise FaultPlanError(text) from None
    except UnicodeDecodeError as error:
        raise FaultPlanError(f"{path}: not UTF-8 text: {error.reason}") from None
    try:
        return FaultPlan.model_validate(document)
    except ValidationError as error:
        lines = [f"{path}: {_described(problem, document)}" for problem in error.errors()]
        raise FaultPlanError("\n".join(lines)) from None


def _arm(entry: Entry, faults: Faults) -> None:
    def strike(execution: ExecutionRecord | None = None) -> None:
        entry.strike(faults, execution)

    when = entry.when
    if when is None:
        strike()
    elif when.seconds is not None:
        faults.later(when.seconds, strike)
    elif when.message is not None:
        faults.on_message(when.moment, when.message, when.nth, strike)
    elif when.execution is not None:
        faults.on_execution(when.execution, strike)


def _random_entry(kind: RandomKind, at: float, rng: np.random.Generator) -> FaultEntry:
    when = When(seconds=at)
    seconds = float(rng.uniform(1, 60))
    match kind:
        case "cut_before_order":
            return DropConnection(when=when, message=3, moment="before")
        case "cut_after_order":
            return DropConnection(when=when, message=3, moment="after")
        case "drop_everyone":
            return DropEveryone(when=when, refuse_seconds=seconds)
        case "farm_notice":
            return FarmNotice(when=when, code=2103, for_seconds=seconds)
        case "forget_day":
            return Restart(when=when, refuse_seconds=seconds, keep_day=False)
        case "half_open":
            return HalfOpen(when=when)
        case "lose_connectivity":
            kept = bool(rng.random() < 0.5)
            return LoseConnectivity(when=when, for_seconds=seconds, data_kept=kept)


def _described(problem: object, document: object) -> str:
    """``entry 2 (half_open), field linger_seconds: reason`` for one pydantic error."""
    assert isinstance(problem, dict)
    place, reason = list(problem["loc"]), str(problem["msg"]).removeprefix("Value error, ")
    words: list[str] = []
    if len(place) >= 2 and place[0] == "faults" and isinstance(place[1], int):
        number = place[1]
        words.append(f"entry {number + 1}")
        kind = None
        if isinstance(document, dict):
            entry = document["faults"][number]
            kind = entry.get("fault") if isinstance(entry, dict) else None
        if kind is not None:
            words[0] += f" ({kind})"
        place = [part for part in place[2:] if part != kind]
    if place:
        words.append("field " + ".".join(str(part) for part in place))
    return f"{', '.join(words) or 'the plan'}: {reason}"

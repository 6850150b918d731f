"""The identity of a run: one hash over what went in and what came out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from typing import Any

from domain.backtest.config import BacktestConfig
from domain.backtest.results import BacktestResult


def with_digest(result: BacktestResult, config: BacktestConfig, data: str) -> BacktestResult:
    """The result with its digest; ``data`` is the history's own."""
    hashed = hashlib.sha256(config.model_dump_json().encode())
    hashed.update(data.encode())
    hashed.update(canonical(result))
    return replace(result, digest=hashed.hexdigest())


def canonical(result: BacktestResult) -> bytes:
    """All of a result but its digest as JSON: equal results give equal bytes."""
    parts: list[Any] = [
        result.label,
        result.strategy,
        {each.name: getattr(result.curve, each.name) for each in fields(result.curve)},
        result.trades,
        result.fills,
        result.events,
        result.denials,
        result.skipped,
        result.errors,
        result.notes,
        [(each.name, each.equity) for each in result.benchmarks],
        result.stats,
        result.stopped,
    ]
    return json.dumps(parts, default=str, separators=(",", ":")).encode()

"""Backtests as the API tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.schemas.backtests import BacktestDetail, Comparison
from infra.backtests.figures import OBJECTIVES
from infra.db.queries.columns import AnyRow

_NOT_SETTINGS = frozenset({"name", "client", "author", "user_id"})


def backtest_detail(row: AnyRow) -> BacktestDetail:
    """One backtest with what was asked."""
    return BacktestDetail.model_validate(row)


def comparison(rows: Sequence[AnyRow]) -> Comparison:
    """Figures side by side, and every setting that is not the same in all of ``rows``."""
    settings = [_flat(row.request) for row in rows]
    names = dict.fromkeys(name for each in settings for name in each)
    differing = {name: [each.get(name) for each in settings] for name in names}
    stats: list[Mapping[str, Any]] = [row.stats for row in rows]
    return Comparison(
        items=[backtest_detail(row) for row in rows],
        figures={
            name: [each.get(name) for each in stats]
            for name in OBJECTIVES
            if any(name in each for each in stats)
        },
        differing={
            name: values
            for name, values in differing.items()
            if any(value != values[0] for value in values)
        },
    )


def _flat(request: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in request.items():
        if not before and name in _NOT_SETTINGS:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat

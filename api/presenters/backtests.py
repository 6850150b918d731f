"""Backtests as the API tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api.links import workflow_url
from api.schemas.backtests import BacktestDetail, Comparison, SweepDetail
from infra.backtests.figures import OBJECTIVES
from infra.db.models import RunStatus
from infra.db.queries.backtests import BacktestSource
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer
from infra.settings import Settings

_FILES = frozenset({"data", "side"})
_NOT_SETTINGS = frozenset({"name", "client", "author", "user_id"})


def backtest_detail(row: AnyRow, viewer: Viewer, settings: Settings) -> BacktestDetail:
    """One backtest with what was asked."""
    by_command = row.source == BacktestSource.COMMAND_LINE
    return BacktestDetail.model_validate(
        {
            **_asked(row, settings),
            "may_cancel": row.sweep_id is None and _may_cancel(row, viewer),
            "workflow_url": None if by_command else workflow_url(settings, row.workflow_id),
        }
    )


def sweep_detail(row: AnyRow, viewer: Viewer, settings: Settings) -> SweepDetail:
    """One sweep with what was asked."""
    return SweepDetail.model_validate(
        {
            **_asked(row, settings),
            "may_cancel": _may_cancel(row, viewer),
            "workflow_url": workflow_url(settings, row.workflow_id),
        }
    )


def _asked(row: AnyRow, settings: Settings) -> dict[str, Any]:
    return {
        **row._mapping,
        "request": _told(row.request, settings.history),
        "errors": without_paths(row.errors, settings.history),
    }


def _may_cancel(row: AnyRow, viewer: Viewer) -> bool:
    return row.status is RunStatus.RUNNING and viewer.may_backtest_for(row.client_id)


def comparison(rows: Sequence[AnyRow], viewer: Viewer, settings: Settings) -> Comparison:
    """Figures side by side, and every setting that is not the same in all of ``rows``."""
    asked = [_flat(_told(row.request, settings.history)) for row in rows]
    names = dict.fromkeys(name for each in asked for name in each)
    differing = {name: [each.get(name) for each in asked] for name in names}
    stats: list[Mapping[str, Any]] = [row.stats for row in rows]
    return Comparison(
        items=[backtest_detail(row, viewer, settings) for row in rows],
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


def without_paths(errors: Sequence[Any], history: Path) -> list[Any]:
    """Errors that name files as they are called in the history directory."""
    folder = f"{history.resolve()}/"
    return [each.replace(folder, "") if isinstance(each, str) else each for each in errors]


def _told(request: Mapping[str, Any], history: Path) -> dict[str, Any]:
    """What was asked, its files by their names: where a host keeps them is its own affair."""
    told = {name: value for name, value in request.items() if name != "user_id"}
    for name in _FILES & told.keys():
        told[name] = [_name(Path(each), history.resolve()) for each in told[name]]
    return told


def _name(path: Path, history: Path) -> str:
    """Relative to the history directory, as it can be asked for again; else the last name."""
    return str(path.relative_to(history)) if path.is_relative_to(history) else path.name


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

"""A strategy's configuration in a backtest: the recording says what there is to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from domain.errors import GreenlightError
from domain.ports.backtests import BacktestRequest, SweepRequest
from domain.strategies.base import BaseStrategy, StrategyConfig
from domain.strategies.registry import strategy_named, validate_config

_ANY = ("ANY",)
"""Stands for the recording's underlyings while nobody has opened it."""


def backtest_settings(
    strategy: type[BaseStrategy], raw: object, underlyings: Sequence[str] = _ANY
) -> StrategyConfig:
    """``raw`` (decoded JSON) as the strategy's config.

    Where it names no ``universe``, every one of ``underlyings`` is looked at, in their order;
    without them the configuration is only checked. Raises GreenlightError CONFIG_INVALID.
    """
    if isinstance(raw, Mapping):
        fields = cast("Mapping[str, object]", raw)
        return validate_config(strategy, {"universe": list(underlyings), **fields})
    return validate_config(strategy, raw)


def check_settings(request: BacktestRequest) -> None:
    """Raise GreenlightError STRATEGY_UNRESOLVED or CONFIG_INVALID where ``request`` cannot run.

    Of a sweep every backtest is looked at; the error names the first wrong one.
    """
    if not isinstance(request, SweepRequest):
        backtest_settings(strategy_named(request.strategy), request.config)
        return
    for point in request.points():
        try:
            check_settings(point.request)
        except GreenlightError as error:
            which = f"backtest {point.position} ({point.label})"
            raise GreenlightError(
                error.code, f"{which}: {error.detail}", **error.context
            ) from error

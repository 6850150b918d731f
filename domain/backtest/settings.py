"""A strategy's configuration in a backtest: the recording says what there is to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from domain.strategies.base import BaseStrategy, StrategyConfig
from domain.strategies.registry import validate_config

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

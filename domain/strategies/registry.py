"""From a ``code_ref`` ("package.module:Class") to a strategy, and from raw JSON to its config.

Strategies are plugins: third parties announce theirs under the entry-point group
``greenlight.strategies``, and a StrategyVersion names any of them by ``code_ref``.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from domain.errors import ErrorCode, GreenlightError, plain_message
from domain.instruments import Frozen
from domain.strategies.base import BaseStrategy, StrategyConfig

ENTRY_POINT_GROUP = "greenlight.strategies"
BUILT_IN = ("domain.strategies.wheel:Wheel", "domain.strategies.theta:Theta")

_CODE_REF = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


_SLUG = re.compile(r"[a-z][a-z0-9-]*")


class InstalledStrategy(Frozen):
    """A strategy that can be chosen, or the reason why it cannot."""

    code_ref: str
    slug: str = ""
    title: str = ""
    description: str = ""
    config_schema: dict[str, JsonValue] = Field(default_factory=dict)
    error: str = Field(default="", description="why it cannot be loaded; empty if it can")


def resolve_strategy(code_ref: str) -> type[BaseStrategy]:
    """The strategy class that ``code_ref`` names.

    Raises GreenlightError STRATEGY_UNRESOLVED, saying which part is wrong: the form, the module,
    the attribute, or what was found there.
    """
    if not _CODE_REF.fullmatch(code_ref):
        raise _unresolved(code_ref, 'a code_ref reads "package.module:Class"')
    module_name, _, class_name = code_ref.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # A plugin's module may fail in any way while it loads; its fault must stay its own.
        raise _unresolved(code_ref, f"module {module_name} cannot be imported: {error}") from error
    found = getattr(module, class_name, None)
    if found is None:
        raise _unresolved(code_ref, f"module {module_name} has no {class_name}")
    return _checked(code_ref, found)


def strategy_named(name: str) -> type[BaseStrategy]:
    """The strategy of a ``code_ref``, or the installed one of that slug.

    Raises GreenlightError STRATEGY_UNRESOLVED.
    """
    if ":" in name:
        return resolve_strategy(name)
    for code_ref in BUILT_IN:
        strategy = resolve_strategy(code_ref)
        if strategy.slug == name:
            return strategy
    known = {each.slug: each.code_ref for each in installed_strategies() if not each.error}
    if name not in known:
        raise _unresolved(name, f"the installed strategies are {', '.join(known)}")
    return resolve_strategy(known[name])


def validate_config(strategy: type[BaseStrategy], raw: object) -> StrategyConfig:
    """``raw`` (decoded JSON) as the strategy's config.

    Raises GreenlightError CONFIG_INVALID; its context ``fields`` maps each wrong field (dotted
    path) to what is wrong with it.
    """
    if not isinstance(raw, Mapping):
        raise GreenlightError(
            ErrorCode.CONFIG_INVALID,
            f"the configuration of {strategy.slug} must be an object of named fields",
            fields={"config": "must be an object"},
        )
    try:
        return strategy.Config.model_validate(raw)
    except ValidationError as error:
        fields = {
            ".".join(str(part) for part in fault["loc"]) or "config": plain_message(fault["msg"])
            for fault in error.errors(include_url=False, include_context=False)
        }
        listed = "; ".join(f"{name}: {message}" for name, message in fields.items())
        raise GreenlightError(
            ErrorCode.CONFIG_INVALID,
            f"the configuration of {strategy.slug} is not valid: {listed}",
            fields=fields,
        ) from error


def installed_strategies() -> tuple[InstalledStrategy, ...]:
    """The built-in strategies, then third parties' in order of name.

    A plugin that cannot be loaded, or whose slug another one has taken, is listed with its error
    and hides no other.
    """
    announced = sorted(point.value for point in entry_points(group=ENTRY_POINT_GROUP))
    described: list[InstalledStrategy] = []
    owners: dict[str, str] = {}
    for code_ref in dict.fromkeys((*BUILT_IN, *announced)):
        found = _describe(code_ref)
        owner = owners.setdefault(found.slug, code_ref) if not found.error else code_ref
        if owner != code_ref:
            clash = f"its slug {found.slug!r} is that of {owner}"
            found = InstalledStrategy(code_ref=code_ref, error=_unresolved(code_ref, clash).detail)
        described.append(found)
    return tuple(described)


def _describe(code_ref: str) -> InstalledStrategy:
    try:
        strategy = resolve_strategy(code_ref)
    except GreenlightError as error:
        return InstalledStrategy(code_ref=code_ref, error=error.detail)
    return InstalledStrategy(
        code_ref=code_ref,
        slug=strategy.slug,
        title=strategy.title,
        description=inspect.getdoc(strategy) or "",
        config_schema=strategy.Config.model_json_schema(),
    )


def _checked(code_ref: str, found: Any) -> type[BaseStrategy]:
    if not (inspect.isclass(found) and issubclass(found, BaseStrategy)):
        raise _unresolved(code_ref, "what it names is not a strategy class")
    if inspect.isabstract(found):
        raise _unresolved(code_ref, "the class leaves abstract methods open")
    missing = [name for name in ("slug", "title") if not hasattr(found, name)]
    if missing:
        raise _unresolved(code_ref, f"the class does not define {', '.join(missing)}")
    if not _SLUG.fullmatch(str(found.slug)):
        raise _unresolved(code_ref, f"its slug {found.slug!r} is not of the form a-z, 0-9, -")
    config: Any = getattr(found, "Config", None)
    if not (inspect.isclass(config) and issubclass(config, StrategyConfig)):
        raise _unresolved(code_ref, "its Config is not a StrategyConfig")
    return found


def _unresolved(code_ref: str, why: str) -> GreenlightError:
    return GreenlightError(
        ErrorCode.STRATEGY_UNRESOLVED, f"strategy {code_ref!r}: {why}", code_ref=code_ref
    )

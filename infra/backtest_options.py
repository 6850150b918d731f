"""The options that ``greenlight backtest`` and ``greenlight sweep`` have in common, said once."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from domain.errors import ErrorCode, GreenlightError

T = TypeVar("T")
Command = Callable[..., None]
_DAY = ["%Y-%m-%d"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to run on which data, and how: everything but what becomes of the result."""

    strategy: Annotated[
        str,
        typer.Option(help="Slug of a strategy (wheel, theta), or a code_ref package.module:Class."),
    ]
    data: Annotated[
        list[Path], typer.Option(help="File or folder of recorded chains; may be given repeatedly.")
    ]
    config: Annotated[
        Path | None,
        typer.Option(help="JSON file of the strategy's configuration; its defaults if absent."),
    ] = None
    side: Annotated[
        list[Path] | None,
        typer.Option(
            help="File or folder of what belongs to the chains: prices, dividends, splits, rates, "
            "VIX; may be given repeatedly."
        ),
    ] = None
    start: Annotated[datetime | None, typer.Option(formats=_DAY, help="First session.")] = None
    end: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last session.")] = None
    cash: Annotated[str | None, typer.Option(help="At the beginning.")] = None
    fills: Annotated[
        str | None, typer.Option(help="mid, cross, fraction:SHARE or walk; or a JSON object.")
    ] = None
    commission: Annotated[str | None, typer.Option(help="ibkr-tiered, ibkr-fixed or none.")] = None
    seed: Annotated[int | None, typer.Option(help="Of early assignments.")] = None
    limits: Annotated[
        Path | None, typer.Option(help="JSON file of limits, as an account has them.")
    ] = None
    margin: Annotated[str | None, typer.Option(help="regt or portfolio.")] = None
    interest: Annotated[
        bool | None, typer.Option(help="Whether cash earns and borrowing costs; it does.")
    ] = None
    benchmark: Annotated[
        str | None,
        typer.Option(help="Underlying to compare with; the first of the data if absent."),
    ] = None
    layout: Annotated[
        str | None, typer.Option(help="Layout of the data; by each file's header if absent.")
    ] = None
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=COLUMN",
            help="Canonical column and the file's; NAME==VALUE gives all rows one value.",
        ),
    ] = None
    client: Annotated[str | None, typer.Option(help="Slug of the client it is for.")] = None
    name: Annotated[str, typer.Option(help="How people call it.")] = ""
    workflow_id: Annotated[
        str | None,
        typer.Option(help="Of the workflow; the same id finds what ran under it before."),
    ] = None

    def values(self) -> dict[str, Any]:
        """As fields of a request, those that were not said left out.

        GreenlightError INVALID_INPUT names the option that cannot be understood.
        """
        said = {
            "strategy": self.strategy,
            "data": _absolute(self.data),
            "side": _absolute(self.side or ()),
            "config": json_file("config", self.config),
            "limits": json_file("limits", self.limits),
            "start": self.start and self.start.date().isoformat(),
            "end": self.end and self.end.date().isoformat(),
            "cash": self.cash,
            "fills": _fills(self.fills),
            "commission": self.commission,
            "seed": self.seed,
            "margin": self.margin,
            "interest": self.interest,
            "benchmark": self.benchmark,
            "layout": self.layout,
            "columns": _pairs("map", self.mapping, "NAME=COLUMN"),
            "client": self.client,
            "name": self.name,
        }
        return {field: value for field, value in said.items() if is_said(value)}


def is_said(value: object) -> bool:
    return value is not None and value not in ("", {}, [])


def taking(kind: type[T]) -> Callable[[Command], Command]:
    """Make a command of a function whose first parameter is a ``kind``, a dataclass of options.

    Each field of it becomes an option, before those of the function's other parameters.
    """
    hints = get_type_hints(kind, include_extras=True)
    shared = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(kind)  # type: ignore[arg-type]
    ]

    def decorate(function: Command) -> Command:
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

        def command(**given: Any) -> None:
            asked = kind(**{each.name: given.pop(each.name) for each in shared})
            function(asked, **given)

        command.__doc__ = function.__doc__
        command.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in (*shared, *own)}
        return command

    return decorate


def json_file(field: str, path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise refused(field, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise refused(field, f"{path} is not JSON: {error}") from error


def grid(said: Sequence[str] | None) -> dict[str, list[Any]]:
    """``NAME=VALUE,VALUE`` as values to try by name: JSON or text; a JSON list is all of them."""
    pairs = _pairs("set", said, "NAME=VALUE,VALUE,…").items()
    return {name: _values(text) for name, text in pairs}


def _values(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        whole = _value(text)
        if isinstance(whole, list):
            return whole
    return [_value(part) for part in text.split(",")]


def refused(field: str, reason: str) -> GreenlightError:
    return GreenlightError(ErrorCode.INVALID_INPUT, f"{field}: {reason}", field=field)


def _absolute(paths: Sequence[Path]) -> list[str]:
    """Workers have another working directory."""
    return [str(path.expanduser().resolve()) for path in paths]


def _fills(text: str | None) -> Any:
    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise refused("fills", f"not JSON: {error}") from error


def _pairs(field: str, said: Sequence[str] | None, form: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in said or ():
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise refused(field, f"{each!r} is not {form}")
        if name in pairs:
            raise refused(field, f"{name} is given twice")
        pairs[name] = value
    return pairs


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

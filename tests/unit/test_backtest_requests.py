"""What a person may ask of backtests, as small JSON."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import BacktestRequest, SweepRequest, understood

SMALL = {"strategy": "theta", "data": ["/data/spx"]}


def sweep(**changes: Any) -> SweepRequest:
    return understood(SweepRequest, SMALL | changes)


def test_strategy_and_data_are_enough():
    request = understood(BacktestRequest, SMALL)
    assert (request.title, request.cash) == ("theta on spx", 100_000)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("theta", "input"),
        (None, "input"),
        ({"strategy": "theta"}, "data"),
        (SMALL | {"cash": "-1"}, "cash"),
        (SMALL | {"colour": "red"}, "colour"),
        (SMALL | {"fills": {"kind": "luck"}}, "fills.kind"),
    ],
)
def test_bad_input_names_the_field(raw: object, field: str):
    with pytest.raises(GreenlightError) as refused:
        understood(BacktestRequest, raw)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert field in refused.value.context["fields"]  # type: ignore[operator]


def test_whose_it_is_and_how_it_is_called_do_not_change_what_it_is():
    plain = understood(BacktestRequest, SMALL)
    named = understood(BacktestRequest, SMALL | {"name": "mine", "author": "a@b", "client": "c"})
    other = understood(BacktestRequest, SMALL | {"seed": 1})
    assert plain.digest == named.digest != other.digest


def test_a_grid_is_every_combination_in_a_fixed_order():
    asked = sweep(grid={"max_delta": [0.1, 0.2], "run.fills": ["mid", "cross"]})
    points = list(asked.points())
    assert asked.total == len(points) == 4
    assert [point.label for point in points] == [
        "max_delta=0.1, run.fills=mid",
        "max_delta=0.1, run.fills=cross",
        "max_delta=0.2, run.fills=mid",
        "max_delta=0.2, run.fills=cross",
    ]
    last = points[-1].request
    assert last.config == {"max_delta": 0.2}
    assert last.fills.kind == "cross"


def test_listed_configurations_are_laid_over_the_common_one():
    asked = sweep(config={"exit_dte": 5, "max_delta": 0.3}, configs=[{"max_delta": 0.1}, {}])
    assert [point.request.config for point in asked.points()] == [
        {"exit_dte": 5, "max_delta": 0.1},
        {"exit_dte": 5, "max_delta": 0.3},
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "a sweep needs a grid or configs"),
        ({"grid": {"max_delta": []}}, "grid.max_delta lists no values"),
        ({"grid": {"seed": list(range(200)), "x": list(range(200))}}, "40000 backtests"),
    ],
)
def test_a_sweep_of_nothing_or_of_far_too_much_is_refused(changes: dict[str, Any], reason: str):
    with pytest.raises(GreenlightError, match=reason):
        sweep(**changes)

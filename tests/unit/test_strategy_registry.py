from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.risk.state import compute_risk_state
from domain.strategies import registry
from domain.strategies.registry import (
    installed_strategies,
    resolve_strategy,
    strategy_named,
    validate_config,
)
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from tests.unit.trade_factories import account, chain, context, row

ROOT = Path(__file__).parents[2]


def test_a_code_ref_names_a_strategy_class():
    assert resolve_strategy("domain.strategies.wheel:Wheel") is Wheel


@pytest.mark.parametrize(
    ("code_ref", "hint"),
    [
        ("domain.strategies.wheel", "package.module:Class"),
        ("", "package.module:Class"),
        ("domain.strategies.wheel:Wheel()", "package.module:Class"),
        ("domain.strategies.nowhere:Wheel", "cannot be imported"),
        ("domain.strategies.wheel:Cog", "has no Cog"),
        ("domain.strategies.wheel:WheelConfig", "not a strategy class"),
        ("domain.strategies.wheel:NAME_FREE", "not a strategy class"),
        ("domain.strategies.base:BaseStrategy", "abstract"),
    ],
)
def test_what_cannot_be_resolved_says_why(code_ref: str, hint: str):
    with pytest.raises(GreenlightError) as caught:
        resolve_strategy(code_ref)
    assert caught.value.code is ErrorCode.STRATEGY_UNRESOLVED
    assert hint in caught.value.detail
    assert caught.value.context["code_ref"] == code_ref


def test_a_module_that_fails_while_loading_is_an_unresolved_strategy(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(GreenlightError, match="no licence") as caught:
        resolve_strategy("broken_plugin:Strategy")
    assert caught.value.code is ErrorCode.STRATEGY_UNRESOLVED


def test_raw_json_becomes_the_strategys_own_config():
    config = validate_config(Wheel, {"universe": ["SPY"], "min_dte": 20})
    assert isinstance(config, WheelConfig)
    assert config.min_dte == 20


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "universe"),
        ({"universe": ["SPY"], "min_detla": 0.1}, "min_detla"),
        ({"universe": ["SPY"], "min_delta": "low"}, "min_delta"),
        ({"universe": ["SPY"], "min_delta": 0.4}, "max_delta"),
        ({"universe": ["SPY"], "min_dte": 60}, "max_dte"),
        ({"universe": ["SPY"], "max_capital_per_name": "1.01"}, "max_capital_per_name"),
        ({"universe": ["SPY"], "min_ror_annualised": float("nan")}, "min_ror_annualised"),
        ({"universe": ["SPY", "spy!"]}, "universe.1"),
        ({"universe": ["SPY", "SPY"]}, "universe"),
        (["SPY"], "config"),
        (None, "config"),
    ],
)
def test_a_wrong_config_names_the_field(raw: object, field: str):
    with pytest.raises(GreenlightError) as caught:
        validate_config(Wheel, raw)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    fields = caught.value.context["fields"]
    assert isinstance(fields, dict)
    assert list(fields) == [field]


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(GreenlightError) as caught:
        validate_config(Wheel, {"min_bid": 0, "max_contracts": 0})
    assert {"universe", "min_bid", "max_contracts"} == set(caught.value.context["fields"])  # type: ignore[call-overload]


def test_every_field_of_the_form_has_a_title_and_a_description():
    schema = Wheel.Config.model_json_schema()
    for name, field in schema["properties"].items():
        assert field.get("description"), name
        assert field["title"] != name.replace("_", " ").title() or len(name.split("_")) == 1, name


def test_the_default_config_survives_json():
    config = WheelConfig(universe=("SPY",))
    assert validate_config(Wheel, config.model_dump(mode="json")) == config


def announce(monkeypatch: pytest.MonkeyPatch, *code_refs: str) -> None:
    points = [
        EntryPoint(name=code_ref, value=code_ref, group=registry.ENTRY_POINT_GROUP)
        for code_ref in code_refs
    ]
    real = importlib.metadata.entry_points

    def entry_points(*, group: str) -> Any:
        return points if group == registry.ENTRY_POINT_GROUP else real(group=group)

    monkeypatch.setattr(registry, "entry_points", entry_points)


def test_the_wheel_is_installed_with_its_form():
    wheel = installed_strategies()[0]
    assert (wheel.code_ref, wheel.slug) == ("domain.strategies.wheel:Wheel", "wheel")
    assert "universe" in wheel.config_schema["properties"]  # type: ignore[operator]
    assert wheel.description


def test_a_third_party_strategy_is_found_by_its_entry_point(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "acme_puts.py").write_text(
        "from domain.strategies.wheel import Wheel\n"
        "class Acme(Wheel):\n"
        "    'Sells anvils.'\n"
        "    slug = 'acme'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    announce(monkeypatch, "acme_puts:Acme")
    assert [each.slug for each in installed_strategies()] == ["wheel", "theta", "acme"]


def test_a_broken_plugin_is_listed_with_its_error_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
):
    announce(monkeypatch, "absent_plugin:Strategy")
    wheel, _, broken = installed_strategies()
    assert wheel.error == ""
    assert "absent_plugin" in broken.error


def test_a_plugin_with_a_slug_that_is_taken_is_listed_with_the_clash(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "acme_twin.py").write_text(
        "from domain.strategies.wheel import Wheel\nclass Twin(Wheel):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    announce(monkeypatch, "acme_twin:Twin")
    *_, twin = installed_strategies()
    assert "slug 'wheel' is that of domain.strategies.wheel:Wheel" in twin.error
    assert twin.slug == ""


def install_the_example(site: Path) -> None:
    """The guide's example as the package that its own ``pyproject.toml`` makes, unpacked into
    ``site`` as an installer does."""
    guide = (ROOT / "docs" / "strategies.md").read_text("utf-8")
    code, project = (
        guide.split(f"```{language}\n")[1].split("```")[0] for language in ("python", "toml")
    )
    assert len(code.splitlines()) <= 40
    ((group, points),) = tomllib.loads(project)["project"]["entry-points"].items()
    package, metadata = site / "acme", site / "acme_puts-1.0.dist-info"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "patience.py").write_text(code)
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-strategies\nVersion: 1.0\n"
    )
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")


def test_the_example_of_the_guide_runs_once_it_is_installed_as_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install_the_example(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    *_, listed = installed_strategies()
    assert (listed.slug, listed.error) == ("patience", "")
    assert listed.code_ref == "acme.patience:Patience"
    assert "days" in listed.config_schema["properties"]  # type: ignore[operator]
    strategy = strategy_named("patience")
    config = validate_config(strategy, {"universe": ["SPY"], "days": 5})
    state = account()
    result = strategy().generate_signals(
        state, compute_risk_state(state), context(chain(row()), config=config)
    )
    assert result.no_trade_reason == "Waiting for something at 5 days."


def test_an_installed_package_is_offered_by_every_process_of_the_desk(tmp_path: Path):
    install_the_example(tmp_path)
    tell = (
        "from domain.strategies.registry import installed_strategies;"
        "print(*(each.slug or each.error for each in installed_strategies()))"
    )
    told = subprocess.run(
        [sys.executable, "-c", tell],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["wheel", "theta", "patience"]

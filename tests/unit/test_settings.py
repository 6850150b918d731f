"""Where settings come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import Settings, stack_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GREENLIGHT_HOME", str(tmp_path))
    return tmp_path


def record(home: Path, **variables: str) -> None:
    stack_file(home).parent.mkdir(parents=True, exist_ok=True)
    stack_file(home).write_text(json.dumps(variables))


def test_a_running_stack_is_found_without_exporting_anything(home: Path) -> None:
    record(home, GREENLIGHT_API_PORT="9001", GREENLIGHT_TEMPORAL_ADDRESS="127.0.0.1:9002")
    settings = Settings()
    assert settings.home == home
    assert (settings.api_port, settings.temporal_address) == (9001, "127.0.0.1:9002")


def test_the_environment_wins_over_the_recorded_stack(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home, GREENLIGHT_API_PORT="9001")
    monkeypatch.setenv("GREENLIGHT_API_PORT", "9100")
    assert Settings().api_port == 9100


def test_without_a_running_stack_the_defaults_hold(home: Path) -> None:
    assert Settings().api_port == 8400


def test_unknown_recorded_names_are_ignored(home: Path) -> None:
    record(home, GREENLIGHT_OF_ANOTHER_RELEASE="1")
    assert Settings().api_port == 8400


def test_settings_cannot_be_changed(home: Path) -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.api_port = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_an_api_key_implies_tls_and_is_never_shown(home: Path) -> None:
    assert not Settings().temporal_uses_tls
    settings = Settings(temporal_api_key="very-secret")  # pyright: ignore[reportArgumentType]
    assert settings.temporal_uses_tls
    assert "very-secret" not in repr(settings)

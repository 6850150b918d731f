"""Which browser the browser tests drive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import chromium
from tests.e2e.chromium import Chromium, NoChromiumError, ensure_chromium, find_chromium


@pytest.fixture
def bin_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH; Playwright has downloaded nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setattr(chromium, "_of_playwright", lambda: None)
    return tmp_path


def program(directory: Path, name: str) -> str:
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_systems_own_browser_is_used(bin_directory: Path) -> None:
    path = program(bin_directory, "google-chrome")
    assert find_chromium() == Chromium(path, "the system's own")


def test_a_named_browser_wins(bin_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bin_directory, "chromium")
    monkeypatch.setenv(chromium.VARIABLE, program(bin_directory, "mine"))
    assert find_chromium() == Chromium(str(bin_directory / "mine"), chromium.VARIABLE)


def test_a_named_browser_that_is_no_program_is_refused(
    bin_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(chromium.VARIABLE, str(bin_directory / "absent"))
    with pytest.raises(NoChromiumError, match="absent"):
        find_chromium()


def test_playwrights_download_is_tried_when_no_package_can_be_installed(
    bin_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download() -> bool:
        found = Chromium("/downloaded", "Playwright's download")
        monkeypatch.setattr(chromium, "_of_playwright", lambda: found)
        return True

    monkeypatch.setattr(chromium, "_install_debian_package", lambda: False)
    monkeypatch.setattr(chromium, "_download_with_playwright", download)
    assert ensure_chromium().path == "/downloaded"


def test_without_any_browser_the_error_says_what_to_do(
    bin_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "_install_debian_package", lambda: False)
    monkeypatch.setattr(chromium, "_download_with_playwright", lambda: False)
    with pytest.raises(NoChromiumError, match="apt-get install chromium"):
        ensure_chromium()

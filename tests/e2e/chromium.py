"""Finds the Chromium that drives the browser tests, and installs one where there is none.

In this order: ``GREENLIGHT_CHROMIUM``, the system's own, the one Playwright downloaded, Debian's
package (as root; it brings the shared libraries a download would miss), Playwright's download.

``python -m tests.e2e.chromium`` says which it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

VARIABLE = "GREENLIGHT_CHROMIUM"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Chromium:
    """A browser that can be launched."""

    path: str
    origin: str


class NoChromiumError(RuntimeError):
    """No browser was found and none could be installed."""


def find_chromium() -> Chromium | None:
    """The browser that is already there, or None."""
    return _configured() or _of_system() or _of_playwright()


def ensure_chromium() -> Chromium:
    """The browser to use, installed first if need be.

    Raises `NoChromiumError` when there is none and none can be installed.
    """
    found = find_chromium()
    if found is not None:
        return found
    for install in (_install_debian_package, _download_with_playwright):
        if install() and (found := find_chromium()) is not None:
            return found
    raise NoChromiumError(
        "the browser tests need Chromium: install it (on Debian `apt-get install chromium`) "
        f"or name one in {VARIABLE}"
    )


def _configured() -> Chromium | None:
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    if not os.access(path, os.X_OK):
        raise NoChromiumError(f"{VARIABLE} names {path}, which is not a program")
    return Chromium(path, VARIABLE)


def _of_system() -> Chromium | None:
    paths = (shutil.which(name) for name in SYSTEM_NAMES)
    path = next(filter(None, paths), None)
    return Chromium(path, "the system's own") if path else None


def _of_playwright() -> Chromium | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return Chromium(path, "Playwright's download") if Path(path).exists() else None


def _install_debian_package() -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    return _succeeds(["apt-get", "update", "-qq"], quietly) and _succeeds(install, quietly)


def _download_with_playwright() -> bool:
    return _succeeds([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))


def _succeeds(command: list[str], env: dict[str, str]) -> bool:
    # On stderr, so that a machine which installs for minutes says what it does.
    sys.stderr.write(f"{' '.join(command)}\n")
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    """Say which browser the tests drive; 1 when there is none."""
    try:
        chromium = ensure_chromium()
    except NoChromiumError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Browser tests drive {chromium.path} ({chromium.origin})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

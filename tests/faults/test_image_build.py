"""The Dockerfile's steps, run one after the other in an empty folder from what git knows.

The folder stands for every stage's root. Steps of the base system (apt-get) are left out, and named
here; the tools that the base images bring (node, python, uv) are this machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import ENV_PREFIX
from tests.compose import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
DOCKERFILE = ROOT / "infra/deploy/Dockerfile"
OF_THE_BASE_SYSTEM = ("apt-get update",)
QUICKER = {"UV_LINK_MODE": "hardlink", "UV_COMPILE_BYTECODE": "0"}
FROM_OTHER_IMAGES = ("--from=ghcr.io/astral-sh/uv",)


def steps() -> Iterator[tuple[str, str]]:
    """Instruction and the rest, continued lines joined."""
    text = DOCKERFILE.read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            yield instruction, " ".join(rest.split())


class Build:
    """An image's file system under ``root``, as far as its steps have come."""

    def __init__(self, root: Path, context: Path) -> None:
        self._root = root
        self._context = context
        self.workdir = root
        # Proxies, certificates and caches are this machine's, as they would be the builder's.
        ours = (ENV_PREFIX, "VIRTUAL_ENV", "PYTHON", "UV_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}

    def at(self, path: str) -> Path:
        return self._root / path.lstrip("/") if path.startswith("/") else self.workdir / path

    def step(self, instruction: str, rest: str) -> None:
        match instruction:
            case "FROM":
                self.workdir = self._root
            case "WORKDIR":
                self.workdir = self.at(rest)
                self.workdir.mkdir(parents=True, exist_ok=True)
            case "ENV":
                self._set(rest)
            case "COPY":
                self._copy(rest)
            case "RUN" if not rest.startswith(OF_THE_BASE_SYSTEM):
                ran = subprocess.run(
                    ["sh", "-eu", "-c", rest],
                    cwd=self.workdir,
                    # Only how soon it is done differs.
                    env={**self.environment, **QUICKER},
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert ran.returncode == 0, (rest, ran.stdout[-2000:], ran.stderr[-2000:])

    def _set(self, rest: str) -> None:
        for word in rest.split():
            name, _, value = word.partition("=")
            if name == "PATH":
                first, _, _ = value.partition(":")
                value = f"{self.at(first)}:{self.environment['PATH']}"
            elif value.startswith("/"):
                value = str(self.at(value))
            self.environment[name] = value

    def _copy(self, rest: str) -> None:
        if rest.startswith(FROM_OTHER_IMAGES):
            return
        words = rest.split()
        of_a_stage = words[0].startswith("--from=")
        *sources, target = words[1:] if of_a_stage else words
        into = self.at(target)
        for name in sources:
            source = self.at(name) if of_a_stage else self._context / name
            if source == into:
                continue  # the same place in another stage
            if source.is_dir():
                shutil.copytree(source, into, dirs_exist_ok=True)
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, into / source.name)


def context(folder: Path) -> Path:
    """What git knows of, as it is here: a build sees nothing that a clone would not have."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def test_the_image_s_steps_make_a_desk_that_runs(tmp_path: Path):
    build = Build(tmp_path / "root", context(tmp_path / "context"))
    skipped = []
    for instruction, rest in steps():
        if instruction == "RUN" and rest.startswith(OF_THE_BASE_SYSTEM):
            skipped.append(rest)
        build.step(instruction, rest)
    assert len(skipped) == 1
    assert "tini" in skipped[0]

    def run(*words: str) -> str:
        programs = build.at("/usr/local/bin")
        environment = {**build.environment, "PATH": f"{programs}:{build.environment['PATH']}"}
        environment["SECRETS_DIR"] = str(tmp_path / "none")
        ran = subprocess.run(
            ["with-secrets", *words],
            executable=programs / "with-secrets",
            cwd=build.at("/app"),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, (words, ran.stdout, ran.stderr)
        return ran.stdout

    assert "decision desk" in run("greenlight", "--help")
    # Everything that its processes load is there without what development installs.
    needed = "api.app, infra.temporal.worker, opentelemetry.exporter.otlp.proto.http"
    run("python", "-P", "-c", f"import {needed}")
    said = run(
        "python",
        "-P",
        "-c",
        "from api.web import WEB_DIST; from infra.embedded.postgres import bundled_program as find;"
        "print((WEB_DIST / 'index.html').is_file(), find('pg_dump') is not None)",
    )
    assert said.split() == ["True", "True"]
    assert "pytest" not in os.listdir(build.at("/app/.venv/bin"))
    assert not (build.at("/app") / "tests").exists()

"""The deployment's files, as far as they can be judged without a container engine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from infra.cli import app
from infra.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
# What the compose specification lets a service say, as far as ours say it.
KNOWN = {
    *("image", "build", "restart", "read_only", "tmpfs", "cap_drop", "security_opt", "secrets"),
    *("stop_grace_period", "environment", "volumes", "networks", "command", "entrypoint"),
    *("depends_on", "healthcheck", "ports", "shm_size"),
}


def _group(path: list[str]) -> Any:
    command: Any = typer.main.get_command(app)
    for word in path:
        if not hasattr(command, "commands") or word not in command.commands:
            return command
        command = command.commands[word]
    return command


def test_services_say_only_what_the_specification_knows_and_name_only_what_is_declared():
    for name, service in SERVICES.items():
        assert set(service) <= KNOWN, (name, set(service) - KNOWN)
        for secret in service.get("secrets", []):
            assert secret in COMPOSE["secrets"], (name, secret)
        for network in service.get("networks", []):
            assert network in COMPOSE["networks"], (name, network)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists(), (name, source)
        for needed in service.get("depends_on", {}):
            assert needed in SERVICES, (name, needed)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(OURS)))
def test_every_foreign_image_is_pinned_to_a_version(name: str):
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.search(r"\d+\.\d+", tag), SERVICES[name]["image"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_of_ours_is_one_that_greenlight_has(name: str):
    words = [str(word) for word in OURS[name]["command"]]
    command = _group(words)
    assert not hasattr(command, "commands"), f"{words} is no whole command"
    options = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_are_confined_and_their_settings_exist(name: str):
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    variables = {key for key in service["environment"] if key.startswith(ENV_PREFIX)}
    variables |= {secret for secret in service["secrets"] if secret.startswith(ENV_PREFIX)}
    known = {f"{ENV_PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert variables <= known, variables - known


def test_what_waits_for_another_s_health_waits_for_one_that_tells_of_it():
    for name, service in SERVICES.items():
        needs = service.get("depends_on", {})
        for needed, how in needs.items() if isinstance(needs, dict) else ():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], (name, needed)
            else:
                assert SERVICES[needed]["restart"] == "no", (name, needed)


def test_only_the_proxy_is_reached_from_outside_the_host():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), (name, port)


def test_no_secret_stands_in_the_compose_file():
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            is_secret = re.search(r"PASSWORD|SECRET|TOKEN|_PWD", key)
            assert not is_secret or str(value).startswith("/run/secrets/"), (name, key)


def test_the_image_copies_what_is_there_and_runs_as_nobody_special():
    lines = (ROOT / "infra/deploy/Dockerfile").read_text("utf-8").splitlines()
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert all((ROOT / source).exists() for source in sources), line
    assert "USER 10001" in lines
    assert all(":" in line for line in lines if line.startswith("FROM "))


def test_secrets_reach_a_process_as_its_environment(tmp_path: Path):
    (tmp_path / "GREENLIGHT_DATABASE_URL").write_text("postgresql+psycopg://desk:a b@db/x\n")
    (tmp_path / "tws_password").write_text("not ours")
    ran = subprocess.run(
        [ROOT / "infra/deploy/with-secrets", "env"],
        env={"SECRETS_DIR": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "GREENLIGHT_DATABASE_URL=postgresql+psycopg://desk:a b@db/x" in ran.stdout.splitlines()
    assert "not ours" not in ran.stdout


RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_s_commands_and_links_exist(runbook: Path):
    words = runbook.read_text("utf-8")
    for target in re.findall(r"\]\(([\w./-]+\.md)\)", words):
        assert (runbook.parent / target).is_file(), target
    for block in re.findall(r"```(?:sh)?\n(.*?)```", words, re.DOTALL):
        for line in (each.strip() for each in block.splitlines()):
            if not line.startswith("greenlight "):
                continue
            said = line.replace(" || true", "").split()[1:]
            command = _group(said)
            assert not hasattr(command, "commands"), line
            options = {option for each in command.params for option in each.opts}
            assert {word for word in said if word.startswith("--")} <= options, line


def test_every_file_that_the_account_of_phase_one_names_is_there():
    for named in re.findall(
        r"`([\w./*-]+/[\w.*-]*)`", (ROOT / "docs/phase-1.md").read_text("utf-8")
    ):
        pattern = named.rstrip("/")
        assert [*ROOT.glob(pattern), *(ROOT / "tests").glob(pattern)], named

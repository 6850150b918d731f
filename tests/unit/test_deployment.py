"""The deployment's files, as far as they can be judged without a container engine.

Its commands as processes: ``tests/faults/test_containers.py``.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft202012Validator
from sqlalchemy import make_url

from infra.cli import app
from infra.settings import ENV_PREFIX, Settings
from tests.compose import ROOT, compose_file

COMPOSE: dict[str, Any] = compose_file({"TWS_USERID": "paperuser"})
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEPLOY = ROOT / "infra/deploy"
OURS = {name: each for name, each in SERVICES.items() if each["image"].startswith("greenlight:")}
RUN_TO_THEIR_END = {"migrate", "setup-temporal"}


def _group(path: list[str]) -> Any:
    command: Any = typer.main.get_command(app)
    for word in path:
        if not hasattr(command, "commands") or word not in command.commands:
            return command
        command = command.commands[word]
    return command


def test_the_file_is_what_the_compose_specification_s_own_schema_asks_for():
    schema = get_builtin_schema("vendor.compose-spec")
    errors = Draft202012Validator(schema).iter_errors(COMPOSE)
    assert [f"{each.json_path}: {each.message}" for each in errors] == []
    broken = {"services": {"api": {"imagine": "greenlight"}}}
    assert not Draft202012Validator(schema).is_valid(broken)


def test_a_variable_that_must_be_set_is_asked_for():
    with pytest.raises(KeyError, match="TWS_USERID"):
        compose_file({})


def test_services_name_only_what_is_declared():
    for name, service in SERVICES.items():
        for secret in service.get("secrets", []):
            assert secret in COMPOSE["secrets"], (name, secret)
        for network in service["networks"]:
            assert network in COMPOSE["networks"], (name, network)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists(), (name, source)
        for needed in service.get("depends_on", {}):
            assert needed in SERVICES, (name, needed)
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_nobody_special_without_capabilities(name: str):
    service = SERVICES[name]
    user, _, _ = service["user"].partition(":")
    assert int(user) > 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_comes_back_and_tells_of_its_health_or_runs_to_its_end(name: str):
    service = SERVICES[name]
    if name in RUN_TO_THEIR_END:
        assert (service["restart"], "healthcheck" in service) == ("no", False)
        return
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= set(check)


def test_what_one_service_needs_of_another_is_a_condition_that_the_other_can_meet():
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_completed_successfully":
                assert needed in RUN_TO_THEIR_END, (name, needed)
            else:
                assert how["condition"] == "service_healthy", (name, needed)
                assert "healthcheck" in SERVICES[needed], (name, needed)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_image_is_pinned_to_a_version_or_built_from_pinned_ones(name: str):
    build = SERVICES[name].get("build")
    if build is None:
        tag = SERVICES[name]["image"].rpartition(":")[2]
        assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?\w*(-\w+)?", tag), SERVICES[name]["image"]
        return
    lines = (ROOT / build["dockerfile"]).read_text("utf-8").splitlines()
    named = [line.split()[1] for line in lines if line.startswith("FROM ")]
    named += [found[1] for line in lines if (found := re.search(r"--from=(\S+:\S+)", line))]
    assert all(re.search(r":v?\d+\.\d+\.\d+(-[\w-]+)?$", image) for image in named), named
    assert any(re.fullmatch(r"USER [1-9]\d+", line) for line in lines)
    user = next(line.split()[1] for line in lines if line.startswith("USER "))
    assert SERVICES[name]["user"].startswith(f"{user}:")


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_of_ours_is_one_that_greenlight_has(name: str):
    words = [str(word) for word in OURS[name]["command"]]
    command = _group(words)
    assert not hasattr(command, "commands"), f"{words} is no whole command"
    options = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_write_to_their_volume_alone_and_their_settings_exist(name: str):
    service = OURS[name]
    assert service["read_only"] is True
    variables = {key for key in service["environment"] if key.startswith(ENV_PREFIX)}
    variables |= {secret for secret in service["secrets"] if secret.startswith(ENV_PREFIX)}
    known = {f"{ENV_PREFIX}{field.upper()}" for field in Settings.model_fields}
    assert variables <= known, variables - known


def test_the_keys_that_seal_what_the_api_stores_reach_whoever_reads_it():
    """An API makes the keys at its first start; the core worker unseals notification channels."""
    assert "GREENLIGHT_KEY_FILE" not in SERVICES["api"]["environment"]
    home = Settings(home=Path("/data")).secrets_key_file
    for name in ("api", "core-worker"):
        (mounted,) = [volume.split(":") for volume in SERVICES[name]["volumes"]]
        assert mounted == ["desk-data", "/data"]
        assert home.is_relative_to(mounted[1])
    assert "volumes" not in SERVICES["broker-worker"]


def test_only_the_proxy_is_reached_from_outside_the_host():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), (name, port)


def test_the_api_believes_the_proxy_alone_about_where_a_request_comes_from():
    trusted = SERVICES["api"]["environment"]["FORWARDED_ALLOW_IPS"]
    assert {name for name, each in SERVICES.items() if "front" in each["networks"]} == {
        *("api", "proxy")
    }
    (subnet,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert ipaddress.ip_network(trusted) == ipaddress.ip_network(subnet["subnet"])


def test_networks_lead_out_only_where_somebody_has_to_go_or_come():
    outward = {name for name, each in SERVICES.items() if "outside" in each["networks"]}
    assert outward == {
        *("proxy", "ib-gateway", "temporal-ui", "grafana"),
        "core-worker",  # notifications
    }
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_no_secret_stands_in_the_compose_file():
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            is_secret = re.search(r"PASSWORD|SECRET|TOKEN|_PWD", key)
            assert not is_secret or str(value).startswith("/run/secrets/"), (name, key)


def test_secrets_are_made_once_each_for_its_own_and_read_by_nobody_else_on_the_host(
    tmp_path: Path,
):
    folder = tmp_path / "secrets"

    def make() -> dict[str, str]:
        subprocess.run([DEPLOY / "make-secrets", folder], check=True, capture_output=True)
        return {path.name: path.read_text("ascii") for path in folder.iterdir()}

    made = make()
    wanted = {Path(each["file"]).name for each in COMPOSE["secrets"].values()}
    assert wanted - set(made) == {"tws_password"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in folder.iterdir())
    passwords = [value for name, value in made.items() if name.endswith("_password")]
    assert len(set(passwords)) == len(passwords) == 5
    app_url, owner_url = make_url(made["database_url"]), make_url(made["database_owner_url"])
    assert (app_url.username, app_url.password) == ("greenlight_app", made["app_password"])
    assert (owner_url.username, owner_url.password) == ("greenlight", made["owner_password"])
    assert (app_url.host, app_url.database) == ("postgres", "greenlight")
    assert make() == made


def test_the_images_copy_what_is_there_and_no_secret_can_be_among_it():
    for dockerfile in (DEPLOY / "Dockerfile", DEPLOY / "proxy.Dockerfile"):
        for line in dockerfile.read_text("utf-8").splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                *sources, _ = line.split()[1:]
                assert all((ROOT / source).exists() for source in sources), line
    left_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {"secrets", ".git", ".venv", "**/node_modules"} <= set(left_out)
    assert "/secrets/" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_secrets_reach_a_process_as_its_environment(tmp_path: Path):
    (tmp_path / "GREENLIGHT_DATABASE_URL").write_text("postgresql+psycopg://desk:a b@db/x\n")
    (tmp_path / "tws_password").write_text("not ours")
    ran = subprocess.run(
        [DEPLOY / "with-secrets", "env"],
        env={"SECRETS_DIR": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "GREENLIGHT_DATABASE_URL=postgresql+psycopg://desk:a b@db/x" in ran.stdout.splitlines()
    assert "not ours" not in ran.stdout


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GREENLIGHT_TRACING_ENDPOINT", "")
    assert Settings().tracing_endpoint is None


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

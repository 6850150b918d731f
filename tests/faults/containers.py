"""The compose file's services of ours as processes, for a machine without a container engine.

Each gets what its container would get: the entry point, the command, the image's and the service's
environment and nothing else, its own secrets as files, and the volume it mounts. Only addresses
differ, for here they share one host.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from infra.embedded import EmbeddedPostgres, EmbeddedTemporal
from infra.embedded.ports import LOOPBACK, any_free_port
from infra.embedded.postgres import bundled_program
from infra.embedded.processes import tethered
from tests.compose import ROOT, compose_file
from tests.desk import wait_until

DEPLOY = ROOT / "infra/deploy"
GATEWAY = "paper"
COMMAND_SECONDS = 60.0
HEALTHY_SECONDS = 60.0


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last stage sets, but the path of its programs."""
    *_, last = (DEPLOY / "Dockerfile").read_text("utf-8").split("\nFROM ")
    words = [word for line in last.splitlines() if line.startswith("ENV ") for word in line.split()]
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    return {name: value for name, value in pairs.items() if name != "PATH"}


@dataclass
class Containers:
    """Use as a context manager: Postgres and Temporal run, nothing of ours does."""

    root: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _undo: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Containers:
        variables = {"TWS_USERID": "paperuser", "GATEWAY_SLUG": GATEWAY}
        self.services: dict[str, dict[str, Any]] = compose_file(variables)["services"]
        self.postgres = self._undo.enter_context(EmbeddedPostgres(self.root / "pg", durable=False))
        self.temporal = self._undo.enter_context(
            EmbeddedTemporal(self.root / "temporal", port=any_free_port())
        )
        self._undo.callback(self.stop_all)
        self.ports = {name: any_free_port() for name in ("api", "gateway")}
        self._metrics = {name: any_free_port() for name in self.services}
        self.data = self.root / "data"
        self.data.mkdir()
        self.secrets = self.root / "secrets"
        subprocess.run([DEPLOY / "make-secrets", self.secrets], check=True, capture_output=True)
        self._prepare_postgres()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _prepare_postgres(self) -> None:
        """As the image does at its first start: the database, then the scripts it is given."""
        self.postgres.create_database("greenlight")
        psql = bundled_program("psql")
        assert psql is not None
        subprocess.run(
            [DEPLOY / "postgres-roles.sh"],
            env={
                "PATH": f"{psql.parent}:{os.environ['PATH']}",
                "PGHOST": str(self.postgres.socket_directory),
                "POSTGRES_USER": "postgres",
                "POSTGRES_DB": "greenlight",
                "SECRETS_DIR": str(self.secrets),
            },
            check=True,
            capture_output=True,
        )

    # --- what a container gets -------------------------------------------------------------

    def _secrets_of(self, name: str) -> Path:
        """Its /run/secrets; URLs lead to the socket of this Postgres."""
        folder = self.root / f"secrets-{name}"
        folder.mkdir(exist_ok=True)
        files = {"GREENLIGHT_DATABASE_URL": "database_url"}
        files["GREENLIGHT_DATABASE_OWNER_URL"] = "database_owner_url"
        for secret in self.services[name]["secrets"]:
            url = make_url((self.secrets / files[secret]).read_text("ascii"))
            here = url.set(host=None, query={"host": str(self.postgres.socket_directory)})
            (folder / secret).write_text(here.render_as_string(hide_password=False))
        return folder

    def environment(self, name: str) -> dict[str, str]:
        service = self.services[name]
        mounted = any(volume == "desk-data:/data" for volume in service.get("volumes", []))
        home = self.data if mounted else self.root / f"home-{name}"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(sys.executable).parent}:{DEPLOY}:/usr/bin:/bin",
            "HOME": str(home),
            "SECRETS_DIR": str(self._secrets_of(name)),
            **image_environment(),
            **service["environment"],
            "GREENLIGHT_HOME": str(home),
            "GREENLIGHT_TEMPORAL_ADDRESS": self.temporal.address,
            "GREENLIGHT_API_HOST": LOOPBACK,
            "GREENLIGHT_API_PORT": str(self.ports["api"]),
            "GREENLIGHT_METRICS_HOST": LOOPBACK,
            "GREENLIGHT_METRICS_PORT": str(self._metrics[name]),
        }

    # --- docker compose up, run, exec ------------------------------------------------------

    def start(self, name: str, **environment: str) -> None:
        """``docker compose up -d NAME``."""
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                tethered(["with-secrets", "greenlight", *self.services[name]["command"]]),
                env={**self.environment(name), **environment},
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start_gateway(self) -> None:
        """In IB Gateway's place: the simulated one, on a port of its own."""
        options = ("--port", str(self.ports["gateway"]), "--data-dir", str(self.root / "gateway"))
        with (self.root / "gateway.log").open("ab") as log:
            self.processes["gateway"] = subprocess.Popen(
                tethered(["greenlight", "gateway", *options]),
                env={"PATH": self.environment("api")["PATH"], "HOME": str(self.root)},
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def run(self, name: str, command: str = "") -> subprocess.CompletedProcess[str]:
        """``docker compose run NAME …``, or ``exec``: to its end, whatever that is."""
        words = shlex.split(command) or ["greenlight", *self.services[name]["command"]]
        return subprocess.run(
            ["with-secrets", *words],
            env=self.environment(name),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def is_healthy(self, name: str) -> bool:
        """By the service's own health check."""
        kind, *words = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        path = self.environment(name)["PATH"]
        program = shutil.which(words[0], path=path)
        assert program is not None, words
        ran = subprocess.run(
            [program, *words[1:]], env=self.environment(name), capture_output=True, check=False
        )
        return ran.returncode == 0

    def until_healthy(self, *names: str) -> None:
        for name in names:
            wait_until(
                lambda name=name: self.is_healthy(name), HEALTHY_SECONDS, f"{name} is healthy"
            )

    def stop(self, name: str) -> int:
        """``docker compose stop NAME``: its exit code; one that needs killing raises."""
        process = self.processes.pop(name)
        process.terminate()
        grace = self.services.get(name, {}).get("stop_grace_period", "10s")
        return process.wait(int(grace.removesuffix("s")))

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes.clear()

    def log(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text("utf-8", "replace")

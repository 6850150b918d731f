"""What every embedded server has in common: a command, a state directory, a readiness check."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.embedded.processes import SystemUser, tethered

_POLL_SECONDS = 0.05
_PAUSE_SECONDS = 0.5
_STARTS = 3


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be prepared or does not come up; the message says what to do."""


class _EndedAtOnceError(EmbeddedServerError):
    """The process ended before it was ready."""


class EmbeddedServer(ABC):
    """One server on one directory.

    The abstract part is what a supervisor needs to own the process. `start`, `stop` and `kill` run
    the server without a supervisor (tests do), tied to the life of the calling process.
    """

    name: str
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    user: SystemUser | None = None

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make the directory fit to start on, also after a crash. Safe to repeat."""

    @abstractmethod
    def command(self) -> list[str]:
        """The server's command line; it stays in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the server answers requests now. Blocks for two seconds at most."""

    @property
    def log_path(self) -> Path:
        """Where the output goes when the server runs without a supervisor."""
        return self.directory / "server.log"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return self._running().pid

    def start(self, *, timeout_seconds: float = 120.0) -> None:
        """Start the server and wait until it is ready; call it from the main thread.

        One that ends at once is tried again: a connection may have taken its port, or one of
        those that it picks itself, for a moment. EmbeddedServerError when it does not start.
        """
        for _ in range(_STARTS - 1):
            try:
                return self._start(timeout_seconds)
            except _EndedAtOnceError:
                time.sleep(_PAUSE_SECONDS)
        return self._start(timeout_seconds)

    def _start(self, timeout_seconds: float) -> None:
        self.prepare()
        argv = tethered(self.command(), death_signal=self.death_signal, user=self.user)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
                argv,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ.copy(),
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout_seconds
        while not self.is_ready():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise (_EndedAtOnceError if ended else EmbeddedServerError)(
                    f"{self.name} did not start; the end of {self.log_path}:\n{self._log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, *, timeout_seconds: float = 5.0) -> None:
        """Stop the server in its orderly way; kill it when that takes too long."""
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the server at once, as a crash would; `start` recovers the directory."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedServerError(f"{self.name} is not running")
        return self._process

    def _log_tail(self, lines: int = 15) -> str:
        return "\n".join(self.log_path.read_text("utf-8", "replace").splitlines()[-lines:])

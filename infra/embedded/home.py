"""The data directory of an embedded stack: its layout, and the lock of the one that runs on it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.embedded.processes import read_pid
from infra.settings import stack_file


@dataclass(frozen=True)
class Home:
    """Where the stack on one data directory keeps what it keeps."""

    root: Path

    @property
    def run(self) -> Path:
        """Pid files, the lock, chosen ports and the addresses of the running stack."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        """The Postgres cluster and its socket."""
        return self.root / "postgres"

    @property
    def temporal(self) -> Path:
        """Temporal's SQLite file."""
        return self.root / "temporal"

    @property
    def gateway(self) -> Path:
        """State of the simulated gateway."""
        return self.root / "gateway"

    @property
    def ports(self) -> Path:
        """Ports in use the last time."""
        return self.run / "ports.json"

    @property
    def addresses(self) -> Path:
        """Environment of the running stack, for commands in other terminals."""
        return stack_file(self.root)

    @property
    def lock(self) -> Path:
        """Held by the running ``greenlight up``."""
        return self.run / "up.lock"

    def create(self) -> None:
        """Make the directories; only their owner may look inside."""
        for directory in (self.root, self.run, self.logs, self.gateway):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)


class AlreadyRunningError(RuntimeError):
    """Another ``greenlight up`` owns the data directory."""

    def __init__(self, home: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"a desk is already running on {home}, owned by {holder}")
        self.pid = pid


class HomeLock:
    """Exclusive ownership of a data directory; the kernel frees it when the owner dies."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        # Not inherited by children (PEP 446): a child left over must not keep the lock.
        descriptor = os.open(self._home.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunningError(self._home.root, read_pid(self._home.lock)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def running_pid(home: Home) -> int | None:
    """The process that runs a desk on this data directory, if one does."""
    if not home.lock.exists():
        return None
    try:
        with HomeLock(home):
            return None
    except AlreadyRunningError as error:
        return error.pid

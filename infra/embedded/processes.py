"""Child processes that never outlive their owner, and the remains of an owner that was killed."""

from __future__ import annotations

import os
import pwd
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

LAUNCHER = Path(__file__).with_name("launcher.py")
HOME_VARIABLE = "GREENLIGHT_HOME"
"""Carried by every child: it is how a left-over process is known to be ours."""


@dataclass(frozen=True)
class SystemUser:
    """An unprivileged account that a server runs under when Greenlight runs as root."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> SystemUser:
        """Look the account up; `KeyError` when the machine has no such user."""
        entry = pwd.getpwnam(name)
        return cls(uid=entry.pw_uid, gid=entry.pw_gid)


def tethered(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    user: SystemUser | None = None,
) -> list[str]:
    """The command that runs ``argv`` tied to the life of the calling process.

    On Linux the kernel sends ``death_signal`` when the thread that started the child ends, so start
    it from a thread that lives as long as the child should: the main one. Elsewhere only the next
    start's `reap` cleans up.
    """
    uid, gid = (str(user.uid), str(user.gid)) if user else ("-", "-")
    tether = [str(os.getpid()), str(int(death_signal)), uid, gid]
    return [sys.executable, "-I", "-S", str(LAUNCHER), *tether, "--", *argv]


def read_pid(path: Path) -> int | None:
    """The process id in a pid file, or None when there is no usable one."""
    try:
        return int(path.read_text("utf-8").split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def is_ours(process: psutil.Process, home: Path) -> bool:
    """Whether the process belongs to the stack on ``home`` (process ids are reused by others)."""
    try:
        in_environment = process.environ().get(HOME_VARIABLE) == str(home)
        return in_environment or any(str(home) in part for part in process.cmdline())
    except psutil.Error:
        return False


def end(processes: Iterable[psutil.Process], *, grace_seconds: float) -> None:
    """Terminate the processes, then kill whichever are left after the grace period."""
    alive = list(processes)
    for process in alive:
        _send(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(alive, timeout=grace_seconds)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=grace_seconds)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def reap(run_directory: Path, home: Path) -> list[str]:
    """End processes that an earlier, killed supervisor left behind; returns their names.

    Call it only while holding the data directory's lock: nothing else may own them then.
    """
    left_over: dict[str, psutil.Process] = {}
    for path in sorted(run_directory.glob("*.pid")):
        pid = read_pid(path)
        if pid is not None and pid != os.getpid() and psutil.pid_exists(pid):
            try:
                process = psutil.Process(pid)
            except psutil.NoSuchProcess:
                continue
            if is_ours(process, home):
                left_over[path.stem] = process
        path.unlink(missing_ok=True)
    end(left_over.values(), grace_seconds=3.0)
    return list(left_over)

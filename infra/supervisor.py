"""Keeps a set of child processes running: starts, watches, restarts, stops them.

It knows nothing of the desk. `infra.embedded.stack` says which processes there are.

A child's output goes to ``<logs>/<name>.log``; its process id to ``<run>/<name>.pid`` while it
lives. A child that ends by itself is restarted, after a pause that doubles with each failure and
is forgotten once the child has stayed up. Children never outlive the supervisor, however it ends.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.embedded.logfiles import rotate_if_large, tail
from infra.embedded.processes import SystemUser, tethered

_READY_POLL_SECONDS = 0.1
_ROTATE_EVERY_SECONDS = 60.0


@dataclass(frozen=True)
class ProcessSpec:
    """One process to keep running.

    Attributes:
        name: unique; names the log and pid files and the process in messages.
        argv: the command; it must stay in the foreground.
        env: the whole environment of the child.
        cwd: its working directory.
        prepare: blocking; runs before every start, on a worker thread.
        ready: blocking probe that gets the process id; None when alive means ready.
        ready_timeout_seconds: how long the first start may take.
        stop_rank: processes of a lower rank are stopped before those of a higher one.
        stop_signal: asks the process to end; SIGKILL follows after ``stop_grace_seconds``.
        death_signal: what the kernel sends the process should the supervisor die.
        user: account to run under, when the supervisor runs as root.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    prepare: Callable[[], None] | None = None
    ready: Callable[[int], bool] | None = None
    ready_timeout_seconds: float = 180.0
    stop_rank: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_seconds: float = 2.0
    death_signal: signal.Signals = signal.SIGKILL
    user: SystemUser | None = None


@dataclass(frozen=True)
class Backoff:
    """Pauses before restarts, in seconds."""

    first: float = 0.5
    longest: float = 30.0
    forgotten_after: float = 60.0
    """A child that stayed up this long starts again from the first pause."""

    def following(self, pause: float) -> float:
        """The pause after one that did not help."""
        return min(pause * 2, self.longest)


class Reporter(Protocol):
    """Hears what happens to the children after their first start."""

    def died(self, name: str, reason: str, retry_seconds: float) -> None:
        """A child ended by itself; it will be started again after the pause."""
        ...

    def recovered(self, name: str, seconds: float) -> None:
        """A restarted child is ready, this long after it died."""
        ...


class StartFailedError(RuntimeError):
    """A process ended, or was not ready in time, at its first start; or a step failed."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.log = log
        self.last_lines = tail(log)


@dataclass
class _Child:
    spec: ProcessSpec
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Owns the children it started; use it from one event loop on the main thread.

    Args:
        run_directory: of the pid files.
        log_directory: of the log files.
        reporter: hears of deaths and recoveries.
        backoff: pauses between restarts.
    """

    def __init__(
        self,
        run_directory: Path,
        log_directory: Path,
        reporter: Reporter,
        backoff: Backoff | None = None,
    ) -> None:
        self._run_directory = run_directory
        self._log_directory = log_directory
        self._reporter = reporter
        self._backoff = backoff or Backoff()
        self._children: dict[str, _Child] = {}
        self._stopping = False
        self._rotation: asyncio.Task[None] | None = None

    async def start(self, spec: ProcessSpec) -> float:
        """Start a process and wait until it is ready; from then on it is kept running.

        Returns the seconds it took. Raises `StartFailedError` when the process ends or times out
        before it is ready: what fails at once will fail again, and somebody is watching.
        """
        if spec.name in self._children:
            raise ValueError(f"process {spec.name!r} is already supervised")
        began = time.monotonic()
        child = self._children[spec.name] = _Child(spec)
        await self._launch(child)
        try:
            async with asyncio.timeout(spec.ready_timeout_seconds):
                is_ready = await self._becomes_ready(child)
        except TimeoutError:
            reason = f"was not ready within {spec.ready_timeout_seconds:.0f} s"
            raise StartFailedError(spec.name, reason, self._log(spec.name)) from None
        if not is_ready:
            reason = f"ended ({_describe(child)}) before it was ready"
            raise StartFailedError(spec.name, reason, self._log(spec.name))
        child.ready.set()
        child.keeper = asyncio.create_task(self._keep(child), name=f"keep {spec.name}")
        if self._rotation is None:
            self._rotation = asyncio.create_task(self._rotate_logs(), name="rotate logs")
        return time.monotonic() - began

    async def run_step(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path
    ) -> str:
        """Run a command to its end and return its stdout; stderr goes to its log file.

        Raises `StartFailedError` when it fails.
        """
        log = self._log(name)
        rotate_if_large(log)
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                *tethered(argv),
                env=dict(env),
                cwd=cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise StartFailedError(name, f"failed (exit code {process.returncode})", log)
        return output.decode()

    async def stop(self) -> None:
        """Stop every child, rank by rank; none is left when this returns."""
        self._stopping = True
        keepers = [child.keeper for child in self._children.values() if child.keeper]
        await _cancel([*keepers, *([self._rotation] if self._rotation else [])])
        for rank in sorted({child.spec.stop_rank for child in self._children.values()}):
            same_rank = [c for c in self._children.values() if c.spec.stop_rank == rank]
            await asyncio.gather(*(self._stop(child) for child in same_rank))

    def kill(self) -> None:
        """Kill every child at once; a `stop` under way then ends at once too."""
        for child in self._children.values():
            _signal(child, signal.SIGKILL)

    async def _launch(self, child: _Child) -> None:
        spec = child.spec
        if spec.prepare is not None:
            await asyncio.to_thread(spec.prepare)
        log = self._log(spec.name)
        rotate_if_large(log)
        with log.open("ab") as output:
            child.process = await asyncio.create_subprocess_exec(
                *tethered(spec.argv, death_signal=spec.death_signal, user=spec.user),
                env=dict(spec.env),
                cwd=spec.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                # Ctrl-C in the terminal is for the supervisor alone: it stops children in order.
                start_new_session=True,
            )
        pid_file(self._run_directory, spec.name).write_text(f"{child.process.pid}\n", "utf-8")

    async def _becomes_ready(self, child: _Child) -> bool:
        """Wait until the child's probe passes; False when the child ends first."""
        process = child.process
        while process is not None and process.returncode is None:
            ready = child.spec.ready
            if ready is None or await asyncio.to_thread(ready, process.pid):
                return True
            await asyncio.sleep(_READY_POLL_SECONDS)
        return False

    async def _keep(self, child: _Child) -> None:
        pause = self._backoff.first
        while not self._stopping and child.process is not None:
            began = time.monotonic()
            await child.process.wait()
            died = time.monotonic()
            child.ready.clear()
            pid_file(self._run_directory, child.spec.name).unlink(missing_ok=True)
            if died - began > self._backoff.forgotten_after:
                pause = self._backoff.first
            self._reporter.died(child.spec.name, _describe(child), pause)
            await asyncio.sleep(pause)
            pause = self._backoff.following(pause)
            await self._relaunch(child, died)

    async def _relaunch(self, child: _Child, died: float) -> None:
        try:
            await self._launch(child)
        except (OSError, RuntimeError) as error:
            # The next round reports the death again, and tries again after a longer pause.
            with self._log(child.spec.name).open("a", encoding="utf-8") as log:
                log.write(f"not restarted: {error}\n")
            return
        if await self._becomes_ready(child):
            child.ready.set()
            self._reporter.recovered(child.spec.name, time.monotonic() - died)

    async def _stop(self, child: _Child) -> None:
        if child.process is None:
            return
        _signal(child, child.spec.stop_signal)
        try:
            async with asyncio.timeout(child.spec.stop_grace_seconds):
                await child.process.wait()
        except TimeoutError:
            _signal(child, signal.SIGKILL)
            await child.process.wait()
        pid_file(self._run_directory, child.spec.name).unlink(missing_ok=True)

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(_ROTATE_EVERY_SECONDS)
            for name in self._children:
                await asyncio.to_thread(rotate_if_large, self._log(name))

    def _log(self, name: str) -> Path:
        return self._log_directory / f"{_file_name(name)}.log"


def pid_file(run_directory: Path, name: str) -> Path:
    """Where the process id of a supervised process is written while it lives."""
    return run_directory / f"{_file_name(name)}.pid"


def _file_name(name: str) -> str:
    return name.replace(" ", "-")


def _describe(child: _Child) -> str:
    code = child.process.returncode if child.process else None
    if code is None:
        return "not started"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _signal(child: _Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.returncode is None:
        with suppress(ProcessLookupError):
            child.process.send_signal(number)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

"""The supervisor, with small stand-in programs for children."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from infra.embedded.processes import is_ours, reap, tethered
from infra.supervisor import Backoff, ProcessSpec, StartFailedError, Supervisor, pid_file

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER


@dataclass
class RecordingReporter:
    """Remembers what the supervisor said, and lets a test wait for it."""

    deaths: list[tuple[str, str, float]] = field(default_factory=list)
    recoveries: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def died(self, name: str, reason: str, retry_seconds: float) -> None:
        self.deaths.append((name, reason, retry_seconds))
        self.changed.set()

    def recovered(self, name: str, seconds: float) -> None:
        self.recoveries.append(name)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@dataclass
class World:
    supervisor: Supervisor
    reporter: RecordingReporter
    directory: Path

    def spec(self, name: str, program: str) -> ProcessSpec:
        argv = [sys.executable, "-c", program]
        return ProcessSpec(name, argv, {**os.environ, "GREENLIGHT_HOME": "x"}, self.directory)

    def announced(self, name: str, program: str) -> ProcessSpec:
        """A process that counts as ready once it has written to its log."""
        return replace(self.spec(name, program), ready=lambda _: bool(self.log(name)))

    def pid(self, name: str) -> int:
        return int(pid_file(self.directory, name).read_text())

    def log(self, name: str) -> str:
        return (self.directory / f"{name.replace(' ', '-')}.log").read_text()


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    reporter = RecordingReporter()
    backoff = Backoff(first=0.01, longest=0.04, forgotten_after=60)
    supervisor = Supervisor(tmp_path, tmp_path, reporter, backoff)
    yield World(supervisor, reporter, tmp_path)
    supervisor.kill()
    await supervisor.stop()


async def test_a_killed_child_is_restarted_and_both_events_are_reported(world: World) -> None:
    await world.supervisor.start(world.spec("broker worker", SLEEPER))
    first = world.pid("broker worker")

    os.kill(first, signal.SIGKILL)
    await world.reporter.until(lambda: bool(world.reporter.recoveries))

    assert world.reporter.deaths == [("broker worker", "signal 9", 0.01)]
    assert world.reporter.recoveries == ["broker worker"]
    assert world.pid("broker worker") != first
    assert psutil.pid_exists(world.pid("broker worker"))


async def test_a_child_that_keeps_failing_is_retried_after_growing_pauses(world: World) -> None:
    flag = world.directory / "fail"
    program = f"import pathlib, sys; sys.exit(3) if pathlib.Path({str(flag)!r}).exists() else None"
    await world.supervisor.start(world.announced("core", f"{program}; {SLEEPER}"))
    flag.touch()

    os.kill(world.pid("core"), signal.SIGKILL)
    await world.reporter.until(lambda: len(world.reporter.deaths) >= 5)

    assert [pause for _, _, pause in world.reporter.deaths[:5]] == [0.01, 0.02, 0.04, 0.04, 0.04]
    assert {reason for _, reason, _ in world.reporter.deaths[1:5]} == {"exit code 3"}


async def test_preparation_runs_before_every_start(world: World) -> None:
    preparations: list[int] = []
    spec = replace(world.spec("db", SLEEPER), prepare=lambda: preparations.append(1))
    await world.supervisor.start(spec)

    os.kill(world.pid("db"), signal.SIGKILL)
    await world.reporter.until(lambda: bool(world.reporter.recoveries))

    assert len(preparations) == 2


async def test_a_preparation_that_fails_on_restart_is_tried_again(world: World) -> None:
    outcomes = iter([None, OSError("disk full"), None])

    def prepare() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    await world.supervisor.start(replace(world.spec("db", SLEEPER), prepare=prepare))
    os.kill(world.pid("db"), signal.SIGKILL)
    await world.reporter.until(lambda: bool(world.reporter.recoveries))

    assert len(world.reporter.deaths) == 2
    assert "disk full" in world.log("db")


async def test_a_first_start_that_ends_early_fails_with_the_end_of_the_log(world: World) -> None:
    spec = replace(world.spec("api", "raise SystemExit('no web app')"), ready=lambda _: False)

    with pytest.raises(StartFailedError, match=r"api ended \(exit code 1\)") as failure:
        await world.supervisor.start(spec)

    assert failure.value.last_lines == ["no web app"]


async def test_a_first_start_that_never_gets_ready_fails_in_time(world: World) -> None:
    spec = replace(world.spec("api", SLEEPER), ready=lambda _: False, ready_timeout_seconds=0.3)

    with pytest.raises(StartFailedError, match="not ready within"):
        await world.supervisor.start(spec)


async def test_stopping_ends_lower_ranks_first_and_leaves_nothing(world: World) -> None:
    ends = world.directory / "ends"

    def recording(name: str) -> str:
        return textwrap.dedent(f"""
            import signal, time
            def leave(*_):
                with open({str(ends)!r}, "a") as file: print({name!r}, file=file)
                raise SystemExit
            signal.signal(signal.SIGTERM, leave)
            print("up", flush=True)
            time.sleep(600)
        """)

    for name, rank in (("postgres", 3), ("api", 0), ("worker", 1)):
        await world.supervisor.start(
            replace(world.announced(name, recording(name)), stop_rank=rank)
        )
    pids = [world.pid(name) for name in ("postgres", "api", "worker")]

    await world.supervisor.stop()

    assert ends.read_text().split() == ["api", "worker", "postgres"]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list(world.directory.glob("*.pid")) == []
    assert world.reporter.deaths == []


async def test_a_child_that_ignores_the_stop_signal_is_killed(world: World) -> None:
    spec = replace(world.announced("stubborn", STUBBORN), stop_grace_seconds=0.2)
    await world.supervisor.start(spec)
    pid = world.pid("stubborn")

    async with asyncio.timeout(5):
        await world.supervisor.stop()

    assert not psutil.pid_exists(pid)


async def test_a_step_returns_its_output_and_a_failing_one_is_told(world: World) -> None:
    argv = [sys.executable, "-c", "print('made')"]
    output = await world.supervisor.run_step("seed", argv, os.environ, world.directory)
    assert output == "made\n"

    argv = [sys.executable, "-c", "raise SystemExit('no such table')"]
    with pytest.raises(StartFailedError, match="exit code 1") as failure:
        await world.supervisor.run_step("seed", argv, os.environ, world.directory)
    assert failure.value.last_lines == ["no such table"]


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_children_die_with_a_killed_owner(tmp_path: Path) -> None:
    owner_program = textwrap.dedent(f"""
        import subprocess, sys, time
        from infra.embedded.processes import tethered
        child = subprocess.Popen(tethered([sys.executable, "-c", {SLEEPER!r}]),
                                 stdout=subprocess.PIPE)
        child.stdout.readline()
        print(child.pid, flush=True)
        time.sleep(600)
    """)
    owner = subprocess.Popen([sys.executable, "-c", owner_program], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    child = psutil.Process(int(owner.stdout.readline()))

    owner.kill()
    owner.wait()

    assert _gone(child)


def test_reaping_ends_what_an_earlier_run_left_and_spares_strangers(tmp_path: Path) -> None:
    def sleeper(home: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, "GREENLIGHT_HOME": home},
        )

    ours, stranger = sleeper(str(tmp_path)), sleeper("elsewhere")
    (tmp_path / "api.pid").write_text(f"{ours.pid}\n")
    (tmp_path / "gateway.pid").write_text(f"{stranger.pid}\n")
    (tmp_path / "postgres.pid").write_text("")
    try:
        # Between fork and exec the environment of a process is still its parent's.
        ours_process = psutil.Process(ours.pid)
        assert _eventually(lambda: is_ours(ours_process, tmp_path))
        assert reap(tmp_path, tmp_path) == ["api"]
        assert not ours_process.is_running()
        assert stranger.poll() is None
        assert list(tmp_path.glob("*.pid")) == []
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()


def test_the_launcher_refuses_to_run_for_a_parent_that_is_gone(tmp_path: Path) -> None:
    argv = tethered([sys.executable, "-c", "print('ran')"])
    position = argv.index(str(os.getpid()))
    argv[position] = "1"
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def _gone(process: psutil.Process) -> bool:
    """Whether the process ends soon; an orphan may stay a zombie where nobody reaps it."""
    return _eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def _eventually(condition: Callable[[], object], timeout_seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except (psutil.Error, KeyError):
            pass
        time.sleep(0.02)
    return False

"""``greenlight up`` and ``greenlight status``: one stack per data directory, start to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import timedelta

import psutil

from infra.embedded.console import ConsoleProgress, ProcessStatus
from infra.embedded.home import AlreadyRunningError, Home, HomeLock, running_pid
from infra.embedded.processes import read_pid, reap
from infra.embedded.server import EmbeddedServerError
from infra.embedded.stack import Stack, StackOptions
from infra.settings import default_home
from infra.supervisor import ProcessSpec, StartFailedError, pid_file


def up(options: StackOptions) -> int:
    """Run the stack until SIGINT or SIGTERM; returns the process exit code.

    0 after an orderly stop, 1 when the start failed, 2 when a desk already runs on the directory.
    """
    console = ConsoleProgress()
    home = Home(default_home())
    home.create()
    try:
        with HomeLock(home):
            os.environ["GREENLIGHT_HOME"] = str(home.root)
            console.starting(str(home.root))
            left_over = reap(home.run, home.root)
            if left_over:
                console.left_over(left_over)
            return asyncio.run(_run(Stack.on_free_ports(home, options, console), console))
    except AlreadyRunningError as error:
        console.refused(f"{error}. Stop it first, or set GREENLIGHT_HOME to another directory.")
        return 2
    except EmbeddedServerError as error:
        console.refused(str(error))
        return 1


async def _run(stack: Stack, console: ConsoleProgress) -> int:
    stop_asked = _stop_on_signals(stack)
    starting = asyncio.create_task(_start(stack, console))
    waiting = asyncio.create_task(stop_asked.wait())
    exit_code = 0
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await waiting
    except StartFailedError as error:
        console.failed(error)
        exit_code = 1
    except EmbeddedServerError as error:
        console.refused(str(error))
        exit_code = 1
    finally:
        waiting.cancel()
        starting.cancel()
        with suppress(asyncio.CancelledError, StartFailedError, EmbeddedServerError):
            await starting
        console.stopping()
        began = time.monotonic()
        await stack.stop()
        console.stopped(time.monotonic() - began)
    return exit_code


async def _start(stack: Stack, console: ConsoleProgress) -> None:
    began = time.monotonic()
    credentials = await stack.start()
    seconds = time.monotonic() - began
    console.banner(stack.desk_url, stack.temporal_web_url, credentials, seconds)


def _stop_on_signals(stack: Stack) -> asyncio.Event:
    """An event set by the first SIGINT, SIGTERM or SIGHUP; the second kills what still runs."""
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            stack.supervisor.kill()
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return asked


def status() -> int:
    """Print the processes of the running stack; 0 when all are ready, 1 otherwise."""
    console = ConsoleProgress()
    home = Home(default_home())
    if running_pid(home) is None:
        console.refused(f"no desk is running on {home.root}")
        return 1
    stack = Stack.running(home, console)
    processes = [_status_of(home, spec) for spec in stack.specs()]
    console.status(processes, stack.desk_url)
    return 0 if all(process.ready for process in processes) else 1


def _status_of(home: Home, spec: ProcessSpec) -> ProcessStatus:
    pid = read_pid(pid_file(home.run, spec.name))
    try:
        started = psutil.Process(pid).create_time() if pid is not None else None
    except psutil.NoSuchProcess:
        started = None
    if pid is None or started is None:
        return ProcessStatus(spec.name, None, None, ready=False)
    return ProcessStatus(
        name=spec.name,
        pid=pid,
        uptime=timedelta(seconds=round(time.time() - started)),
        ready=spec.ready is None or spec.ready(pid),
    )

"""Processes that compute backtests for a worker: as many as it has cores, started when needed.

They share a small board of numbers with the worker: how far each computation is, and whether it
is to stop. A process whose worker is gone ends by itself, and all of them yield to whatever else
the machine does: a person's approval never waits for a backtest.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.process
import os
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import RawArray
from typing import Any

import structlog

from domain.backtest.results import BacktestProgress
from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import BacktestFindings, BacktestRequest, Hear, Progress

log = structlog.stdlib.get_logger(__name__)

LOOK_EVERY_SECONDS = 0.25
STOP_SECONDS = 3.0
_NICENESS = 10
_FIELDS = 3
_WORKER_GONE = 70


class Reporter:
    """What a computation tells of itself, and is told, through one slot of the board."""

    def __init__(self, numbers: Any, stops: Any, slot: int) -> None:
        self._numbers = numbers
        self._stops = stops
        self._first = slot * _FIELDS
        self._slot = slot

    def progress(self, progress: BacktestProgress) -> None:
        self._numbers[self._first] = progress.done
        self._numbers[self._first + 1] = progress.of
        self._numbers[self._first + 2] = progress.session.toordinal()

    def should_stop(self) -> bool:
        return bool(self._stops[self._slot])

    def read(self) -> Progress:
        """The worker's end of it."""
        done, of, ordinal = self._numbers[self._first : self._first + _FIELDS]
        session = date.fromordinal(ordinal).isoformat() if ordinal else ""
        return Progress(done=done, of=of, session=session)

    def stop(self) -> None:
        self._stops[self._slot] = 1

    def clear(self) -> None:
        self._stops[self._slot] = 0
        for place in range(_FIELDS):
            self._numbers[self._first + place] = 0


Compute = Callable[[BacktestRequest, Reporter], BacktestFindings]
"""A module-level function that runs one backtest; processes find it by name."""


class BacktestPool:
    """``domain.ports.backtests.BacktestRunner`` over processes of this machine."""

    def __init__(self, compute: Compute, processes: int | None = None) -> None:
        self.processes = processes or os.cpu_count() or 1
        self._compute = compute
        self._context = multiprocessing.get_context("spawn")
        self._numbers = RawArray("q", self.processes * _FIELDS)
        self._stops = RawArray("b", self.processes)
        self._free: asyncio.Queue[int] | None = None
        self._executor: ProcessPoolExecutor | None = None

    async def run(self, request: BacktestRequest, hear: Hear) -> BacktestFindings:
        slot = await self._slots().get()
        reporter = Reporter(self._numbers, self._stops, slot)
        reporter.clear()
        loop = asyncio.get_running_loop()
        try:
            running = self._started().submit(_compute_in_slot, self._compute, request, slot)
        except BaseException:
            self._slots().put_nowait(slot)
            raise
        # A computation that does not heed its stop keeps the slot until it ends.
        running.add_done_callback(lambda _: _call_soon(loop, self._slots().put_nowait, slot))
        return await self._outcome(running, reporter, hear)

    async def _outcome(
        self, running: Future[BacktestFindings | _Failure], reporter: Reporter, hear: Hear
    ) -> BacktestFindings:
        future = asyncio.wrap_future(running)
        try:
            while not future.done():
                await asyncio.wait({future}, timeout=LOOK_EVERY_SECONDS)
                hear(reporter.read())
            found = future.result()
        except asyncio.CancelledError:
            reporter.stop()
            await asyncio.wait({future}, timeout=STOP_SECONDS)
            raise
        except BrokenProcessPool:
            # One process was killed, for instance for want of memory; the pool is of no more use.
            log.warning("backtests.process_died")
            self.close()
            raise
        if isinstance(found, _Failure):
            raise found.error()
        return found

    def close(self) -> None:
        """End the processes, whatever they are at."""
        if self._executor is None:
            return
        processes: dict[int, multiprocessing.process.BaseProcess] = (
            getattr(self._executor, "_processes", None) or {}
        )
        for process in list(processes.values()):
            process.terminate()
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = None

    def _slots(self) -> asyncio.Queue[int]:
        if self._free is None:
            self._free = asyncio.Queue()
            for slot in range(self.processes):
                self._free.put_nowait(slot)
        return self._free

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.processes,
                mp_context=self._context,
                initializer=_begin,
                initargs=(self._numbers, self._stops),
            )
        return self._executor


class _Failure:
    """A coded error on its way out of a process: exceptions with contexts do not travel well."""

    def __init__(self, error: GreenlightError) -> None:
        self.code = error.code
        self.detail = error.detail
        self.context = {name: str(value) for name, value in error.context.items()}

    def error(self) -> GreenlightError:
        return GreenlightError(self.code, self.detail, **self.context)


_board: list[Any] = []


def _begin(numbers: Any, stops: Any) -> None:
    """The first thing a process does."""
    _board[:] = [numbers, stops]
    # Ctrl-C reaches the whole group; the worker decides what becomes of its computations.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_the_worker, name="worker watch", daemon=True).start()


def _end_with_the_worker() -> None:
    parent = multiprocessing.process.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(_WORKER_GONE)


def _compute_in_slot(
    compute: Compute, request: BacktestRequest, slot: int
) -> BacktestFindings | _Failure:
    try:
        numbers, stops = _board
        return compute(request, Reporter(numbers, stops, slot))
    except GreenlightError as error:
        return _Failure(error)
    except MemoryError:
        raise
    except Exception as error:
        # The same data and settings would fail the same way again.
        failed = GreenlightError(
            ErrorCode.STRATEGY_FAILED, str(error), traceback=traceback.format_exc(limit=-6)
        )
        return _Failure(failed)


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[int], None], slot: int) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, slot)

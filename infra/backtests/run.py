"""Running one backtest on files: reading them, the engine, the document it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.backtest.history import HistoricalChains
from domain.backtest.results import BacktestProgress
from domain.backtest.runner import run_backtest
from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import BacktestFindings, BacktestRequest
from infra.backtests.document import BacktestDocument, as_json, document_of
from infra.backtests.pool import Reporter
from infra.calendars import calendar_since, exchange_date
from infra.history.canonical import HistoryError, Span
from infra.history.layouts import LAYOUTS, remapped
from infra.history.opening import open_history
from infra.history.reading import Reading
from infra.history.side_files import SideFiles

Tell = Callable[[BacktestProgress], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """A backtest that ran, and whether it was told to stop before the end of its data."""

    document: BacktestDocument
    stopped: bool


def read_history(request: BacktestRequest) -> HistoricalChains:
    """The recorded chains of ``request``, within its span.

    Raises GreenlightError DATA_INVALID, whose detail names file, line, column and reason, and
    INVALID_INPUT for a layout or a column that does not exist.
    """
    if request.layout is not None and request.layout not in LAYOUTS:
        raise _refused("layout", f"{request.layout!r} is none of {', '.join(LAYOUTS)}")
    try:
        remapped(LAYOUTS["canonical"], request.columns)
    except ValueError as error:
        raise _refused("columns", str(error)) from None
    try:
        return open_history(  # pyright: ignore[reportReturnType] - its digest is made once
            [Path(source) for source in request.data],
            Reading(layout=request.layout, mapping=request.columns or None),
            SideFiles(tuple(Path(each) for each in request.side)),
            Span(request.start, request.end),
        )
    except HistoryError as error:
        raise GreenlightError(ErrorCode.DATA_INVALID, str(error), field="data") from error


def _refused(field: str, reason: str) -> GreenlightError:
    return GreenlightError(ErrorCode.INVALID_INPUT, f"{field}: {reason}", field=field)


def run_on(
    request: BacktestRequest,
    history: HistoricalChains,
    progress: Tell | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Finished:
    """The engine on ``history``. Raises what `domain.backtest.runner.run_backtest` does."""
    calendar = calendar_since(exchange_date(history.timestamps()[0]))
    result = run_backtest(request.engine(), history, calendar, progress, should_stop)
    return Finished(document_of(request, result, history.digest), result.stopped)


def findings_of(finished: Finished) -> BacktestFindings:
    """What is kept of it on record."""
    document = finished.document
    return BacktestFindings(
        stats=as_json(document.stats),
        result_digest=document.result_digest,
        data_label=document.data_label,
        data_digest=document.data_digest,
        errors=document.errors,
        stopped=finished.stopped,
        document=document.packed(),
    )


def compute_backtest(request: BacktestRequest, reporter: Reporter) -> BacktestFindings:
    """One backtest in a process of the pool."""
    return findings_of(
        run_on(request, _recent.of(request), reporter.progress, reporter.should_stop)
    )


class _RecentHistory:
    """The history this process read last: the backtests of a sweep share it."""

    def __init__(self) -> None:
        self._key: object = None
        self._history: HistoricalChains | None = None

    def of(self, request: BacktestRequest) -> HistoricalChains:
        key = _identity(request)
        if self._history is None or key != self._key:
            # Let go of the old one first: two may not fit.
            self._history = None
            self._history = read_history(request)
            self._key = key
        return self._history


_recent = _RecentHistory()


def _identity(request: BacktestRequest) -> object:
    """What the history depends on; a file that was written since is another one."""
    stamps: list[tuple[str, int, int]] = []
    for source in (*request.data, *request.side):
        path = Path(source)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                told = file.stat()
                stamps.append((str(file), told.st_mtime_ns, told.st_size))
    reading = (request.layout, tuple(request.columns.items()), request.start, request.end)
    return request.data, request.side, tuple(stamps), reading

"""A backtest in this process, for the person who typed the command: shown, recorded, kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from domain.backtest.results import BacktestProgress
from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import BacktestRequest, BacktestStatus
from infra.backtests.artifacts import write_artifacts
from infra.backtests.bar import progress_bar
from infra.backtests.document import BacktestDocument, TableName
from infra.backtests.exits import Exit
from infra.backtests.figures import figures
from infra.backtests.recording import CommandLineRecord, NotRecordedError
from infra.backtests.run import Finished, findings_of, read_history, run_on
from infra.settings import Settings


def run_here(
    settings: Settings, request: BacktestRequest, out: Path | None, should_record: bool | None
) -> None:
    """Run it, print its figures, write its files to ``out``.

    ``should_record`` None records it where a desk's database can be reached. Whatever ends the run
    ends its record. Raises what reading and running raise, and typer.Exit where the run is not as
    it was asked for.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise _not_written(f"{out} is no folder")
    record = None if should_record is False else _begun(settings, request, should_record)
    try:
        finished = _with_progress(request)
        if out is not None:
            _write(finished.document, out)
    except BaseException as error:
        status, reasons = _ending(error)
        _note(record, lambda kept: kept.end(status, *reasons))
        raise
    noted = _note(record, lambda kept: kept.complete(findings_of(finished)))
    _show(finished.document)
    if record is not None and noted:
        typer.echo(f"Recorded as run {record.run_id}.", err=True)
    elif should_record:
        raise typer.Exit(Exit.NOT_RECORDED)
    if finished.document.errors:
        raise typer.Exit(Exit.FAILED)


def _ending(error: BaseException) -> tuple[BacktestStatus, tuple[str, ...]]:
    if isinstance(error, KeyboardInterrupt):
        return BacktestStatus.CANCELLED, ()
    words = str(error) if isinstance(error, GreenlightError) else f"{type(error).__name__}: {error}"
    return BacktestStatus.FAILED, (words,)


def _begun(
    settings: Settings, request: BacktestRequest, should_record: bool | None
) -> CommandLineRecord | None:
    record = CommandLineRecord(settings, request)
    try:
        record.begin()
    except NotRecordedError as error:
        typer.echo(f"Not recorded: no desk's database can be used ({error}).", err=True)
        if should_record:
            raise typer.Exit(Exit.NOT_RECORDED) from None
        return None
    return record


def _note(record: CommandLineRecord | None, change: Callable[[CommandLineRecord], None]) -> bool:
    """Whether the change is on record; a database that went away does not spoil the run."""
    if record is None:
        return False
    try:
        change(record)
    except NotRecordedError as error:
        typer.echo(f"Not recorded: {error}", err=True)
        return False
    return True


def _with_progress(request: BacktestRequest) -> Finished:
    with progress_bar("reading the data") as tell:
        history = read_history(request)

        def moved(progress: BacktestProgress) -> None:
            tell(progress.session.isoformat(), progress.done, progress.of)

        return run_on(request, history, moved)


def _write(document: BacktestDocument, out: Path) -> None:
    try:
        written = write_artifacts(document, out)
    except OSError as error:
        raise _not_written(f"{error.filename or out}: {error.strerror}") from error
    for path in written:
        typer.echo(f"wrote {path}", err=True)


def _not_written(reason: str) -> GreenlightError:
    return GreenlightError(ErrorCode.INVALID_INPUT, f"out: {reason}", field="out")


def _show(document: BacktestDocument) -> None:
    table = Table(title=document.title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for figure in figures(document.stats):
        table.add_row(figure.label, figure.text)
    if refused := sum(document.stats["denials"].values()):
        table.add_row("Approved and refused by a control", str(refused))
    skipped = document.table(TableName.SKIPPED).rows
    if skipped:
        table.add_row("Skipped (a day, or one underlying on it)", str(len(skipped)))
    Console().print(table)
    for note in document.notes:
        typer.echo(f"note: {note}", err=True)
    for error in document.errors:
        typer.echo(f"error: {error}", err=True)

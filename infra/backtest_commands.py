"""``greenlight backtest`` and ``greenlight sweep``.

Exit codes: 0 done; 1 the run failed or the strategy raised errors on the way; 2 wrong options,
strategy or configuration; 3 the data cannot be used; 4 not recorded though ``--record`` asks for
it; 5 Temporal cannot be reached; 130 interrupted.
"""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import ErrorCode, GreenlightError
from infra.settings import Settings

if TYPE_CHECKING:
    from domain.ports.backtests import BacktestRequest, SweepRequest
    from infra.backtests.document import BacktestDocument
    from infra.backtests.recording import CommandLineRecord
    from infra.backtests.run import Finished

Start = Callable[[], Settings]


class Exit(IntEnum):
    FAILED = 1
    USAGE = 2
    DATA = 3
    NOT_RECORDED = 4
    NO_TEMPORAL = 5
    INTERRUPTED = 130


_EXIT_OF = {
    ErrorCode.DATA_INVALID: Exit.DATA,
    ErrorCode.STRATEGY_UNRESOLVED: Exit.USAGE,
    ErrorCode.CONFIG_INVALID: Exit.USAGE,
    ErrorCode.INVALID_INPUT: Exit.USAGE,
}

Strategy = Annotated[
    str, typer.Option(help="Slug of a strategy (wheel, theta), or a code_ref package.module:Class.")
]
Config = Annotated[
    Path | None,
    typer.Option(help="JSON file of the strategy's configuration; its defaults if absent."),
]
Data = Annotated[
    list[Path], typer.Option(help="File or folder of recorded chains; may be given repeatedly.")
]
Side = Annotated[
    list[Path] | None,
    typer.Option(
        help="File or folder of what belongs to the chains: prices, dividends, splits, rates, VIX."
    ),
]
_DAY = ["%Y-%m-%d"]
First = Annotated[datetime | None, typer.Option("--start", formats=_DAY, help="First session.")]
Last = Annotated[datetime | None, typer.Option("--end", formats=_DAY, help="Last session.")]
Cash = Annotated[str | None, typer.Option(help="At the beginning.")]
Fills = Annotated[
    str | None, typer.Option(help="mid, cross, fraction:SHARE or walk; or a JSON object.")
]
Commission = Annotated[str | None, typer.Option(help="ibkr-tiered, ibkr-fixed or none.")]
Seed = Annotated[int | None, typer.Option(help="Of early assignments.")]
Limits = Annotated[Path | None, typer.Option(help="JSON file of limits, as an account has them.")]
Margin = Annotated[str | None, typer.Option(help="regt or portfolio.")]
Layout = Annotated[
    str | None, typer.Option(help="Layout of the data; by each file's header if absent.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="Canonical column and the file's; NAME==VALUE gives all rows one value.",
    ),
]
Client = Annotated[str | None, typer.Option(help="Slug of the client it is for.")]
Name = Annotated[str, typer.Option(help="How people call it.")]
WorkflowId = Annotated[
    str | None, typer.Option(help="Of the workflow; the same id finds what ran under it before.")
]


def add_backtest_commands(app: typer.Typer, start: Start) -> None:
    """``backtest`` and ``sweep``; ``start`` gives the process its settings and logging."""

    @app.command("backtest")
    def backtest(  # noqa: PLR0913, PLR0917 - a command line has as many options as it needs
        strategy: Strategy,
        data: Data,
        config: Config = None,
        side: Side = None,
        start_day: First = None,
        end_day: Last = None,
        cash: Cash = None,
        fills: Fills = None,
        commission: Commission = None,
        seed: Seed = None,
        limits: Limits = None,
        margin: Margin = None,
        layout: Layout = None,
        mapping: Map = None,
        client: Client = None,
        name: Name = "",
        out: Annotated[
            Path | None,
            typer.Option(help="Folder for trades.csv, equity.csv, stats.json and report.html."),
        ] = None,
        should_record: Annotated[
            bool | None,
            typer.Option(
                "--record/--no-record",
                help="Insist on a StrategyRun in the desk's database, or write none; if neither is "
                "said, one is written where the database can be reached.",
            ),
        ] = None,
        submit: Annotated[
            bool, typer.Option("--submit", help="Have the desk's workers run it.")
        ] = False,
        wait: Annotated[
            bool, typer.Option("--wait", help="After --submit, wait for the result.")
        ] = False,
        workflow_id: WorkflowId = None,
    ) -> None:
        """Run a strategy on recorded option chains, as this desk would have traded it."""
        settings = start()
        with _exits():
            request = _request(
                {
                    "strategy": strategy,
                    "data": _absolute(data),
                    "side": _absolute(side or ()),
                    "config": _json_file("config", config),
                    "limits": _json_file("limits", limits),
                    "start": start_day and start_day.date().isoformat(),
                    "end": end_day and end_day.date().isoformat(),
                    "cash": cash,
                    "fills": _fills(fills),
                    "commission": commission,
                    "seed": seed,
                    "margin": margin,
                    "layout": layout,
                    "columns": _pairs(mapping),
                    "client": client,
                    "name": name,
                }
            )
            if submit:
                _submit(settings, request, workflow_id, wait=wait)
            else:
                _run_here(settings, request, out, should_record)

    @app.command("sweep")
    def sweep(  # noqa: PLR0913, PLR0917
        strategy: Strategy,
        data: Data,
        setting: Annotated[
            list[str] | None,
            typer.Option(
                "--set",
                help="NAME=VALUE,VALUE,… to try; a field of the configuration, or of the "
                "backtest with run. before it (run.fills=mid,cross).",
            ),
        ] = None,
        configs: Annotated[
            Path | None, typer.Option(help="JSON file: a list of configurations to try.")
        ] = None,
        config: Config = None,
        side: Side = None,
        start_day: First = None,
        end_day: Last = None,
        cash: Cash = None,
        fills: Fills = None,
        commission: Commission = None,
        client: Client = None,
        name: Name = "",
        max_concurrent: Annotated[
            int | None, typer.Option(help="How many run at once, over all workers.")
        ] = None,
        objective: Annotated[
            str | None, typer.Option(help="Figure the best are chosen by, e.g. sharpe.")
        ] = None,
        wait: Annotated[bool, typer.Option("--wait", help="Wait for the result.")] = False,
        workflow_id: WorkflowId = None,
    ) -> None:
        """Run many configurations of a strategy over all of the desk's workers."""
        settings = start()
        with _exits():
            request = _request(
                {
                    "strategy": strategy,
                    "data": _absolute(data),
                    "side": _absolute(side or ()),
                    "config": _json_file("config", config),
                    "configs": _json_file("configs", configs),
                    "grid": _grid(setting),
                    "start": start_day and start_day.date().isoformat(),
                    "end": end_day and end_day.date().isoformat(),
                    "cash": cash,
                    "fills": _fills(fills),
                    "commission": commission,
                    "client": client,
                    "name": name,
                    "max_concurrent": max_concurrent,
                    "objective": objective,
                },
                sweeping=True,
            )
            _submit(settings, request, workflow_id, wait=wait)


@contextmanager
def _exits() -> Iterator[None]:
    """Every foreseen failure as one line on stderr and its exit code."""
    try:
        yield
    except GreenlightError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(_EXIT_OF.get(error.code, Exit.FAILED)) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None


# --- what was asked ------------------------------------------------------------------------


def _request(values: dict[str, Any], *, sweeping: bool = False) -> BacktestRequest:
    """The request; GreenlightError INVALID_INPUT or CONFIG_INVALID names what is wrong with it."""
    from domain.backtest.settings import backtest_settings
    from domain.ports.backtests import BacktestRequest, SweepRequest, understood
    from domain.strategies.registry import strategy_named

    said = {name: value for name, value in values.items() if value not in (None, "", {}, [])}
    request = understood(SweepRequest if sweeping else BacktestRequest, said)
    if not isinstance(request, SweepRequest):
        backtest_settings(strategy_named(request.strategy), request.config)
    return request


def _absolute(paths: Sequence[Path]) -> list[str]:
    return [str(path.expanduser().resolve()) for path in paths]


def _json_file(field: str, path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _refused(field, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise _refused(field, f"{path} is not JSON: {error}") from error


def _fills(text: str | None) -> Any:
    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise _refused("fills", f"not JSON: {error}") from error


def _pairs(said: Sequence[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in said or ():
        name, equals, column = each.partition("=")
        if not (name and equals and column):
            raise _refused("map", f"{each!r} is not NAME=COLUMN")
        pairs[name] = column
    return pairs


def _grid(said: Sequence[str] | None) -> dict[str, list[Any]]:
    grid: dict[str, list[Any]] = {}
    for each in said or ():
        name, equals, values = each.partition("=")
        if not (name and equals and values):
            raise _refused("set", f"{each!r} is not NAME=VALUE,VALUE,…")
        grid[name] = [_value(text) for text in values.split(",")]
    return grid


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refused(field: str, reason: str) -> GreenlightError:
    return GreenlightError(ErrorCode.INVALID_INPUT, f"{field}: {reason}", field=field)


# --- here ----------------------------------------------------------------------------------


def _run_here(
    settings: Settings, request: BacktestRequest, out: Path | None, should_record: bool | None
) -> None:
    from rich.console import Console

    from domain.ports.backtests import BacktestStatus
    from infra.backtests.artifacts import write_artifacts
    from infra.backtests.run import findings_of

    record = None if should_record is False else _begun(settings, request, should_record)
    try:
        finished = _with_progress(request)
        if out is not None:
            for path in _written(write_artifacts, finished.document, out):
                typer.echo(f"wrote {path}", err=True)
    except (GreenlightError, KeyboardInterrupt) as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        status = BacktestStatus.CANCELLED if interrupted else BacktestStatus.FAILED
        reasons = () if interrupted else (str(error),)
        _note(record, lambda kept: kept.end(status, *reasons))
        raise
    noted = _note(record, lambda kept: kept.complete(findings_of(finished)))
    _show(finished.document, Console())
    if record is not None and noted:
        typer.echo(f"Recorded as run {record.run_id}.", err=True)
    elif should_record:
        raise typer.Exit(Exit.NOT_RECORDED)
    if finished.document.errors:
        raise typer.Exit(Exit.FAILED)


def _begun(
    settings: Settings, request: BacktestRequest, should_record: bool | None
) -> CommandLineRecord | None:
    from infra.backtests.recording import CommandLineRecord, NotRecordedError

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
    from infra.backtests.recording import NotRecordedError

    if record is None:
        return False
    try:
        change(record)
    except NotRecordedError as error:
        typer.echo(f"Not recorded: {error}", err=True)
        return False
    return True


def _with_progress(request: BacktestRequest) -> Finished:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from domain.backtest.results import BacktestProgress
    from infra.backtests.run import read_history, run_on

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the data", total=None)
        history = read_history(request)
        bar.update(task, description="running")

        def tell(progress: BacktestProgress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.of,
                description=progress.session.isoformat(),
            )

        return run_on(request, history, tell)


def _written(
    write: Callable[[BacktestDocument, Path], list[Path]], document: BacktestDocument, out: Path
) -> list[Path]:
    try:
        return write(document, out)
    except OSError as error:
        raise _refused("out", f"{error.filename or out}: {error.strerror}") from error


def _show(document: BacktestDocument, console: Any) -> None:
    from rich.table import Table

    from infra.backtests.document import TableName
    from infra.backtests.figures import figures

    table = Table(title=document.title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for figure in figures(document.stats):
        table.add_row(figure.label, figure.text)
    skipped = document.table(TableName.SKIPPED).rows
    if skipped:
        table.add_row("Skipped (a day, or one underlying on it)", str(len(skipped)))
    console.print(table)
    for error in document.errors:
        typer.echo(f"error: {error}", err=True)


# --- on the desk's workers -----------------------------------------------------------------


def _submit(
    settings: Settings, request: BacktestRequest, workflow_id: str | None, *, wait: bool
) -> None:
    from temporalio.service import RPCError

    from infra.backtests.submitting import WorkflowEndedError, new_workflow_id

    chosen = workflow_id or new_workflow_id(request)
    try:
        asyncio.run(_submitted(settings, request, chosen, wait=wait))
    except WorkflowEndedError as error:
        typer.echo(f"Failed: {error}", err=True)
        raise typer.Exit(Exit.FAILED) from None
    except (RPCError, RuntimeError) as error:
        typer.echo(f"Temporal cannot be reached ({error}). Is the desk running?", err=True)
        raise typer.Exit(Exit.NO_TEMPORAL) from None


async def _submitted(
    settings: Settings, request: BacktestRequest, workflow_id: str, *, wait: bool
) -> None:
    from domain.ports.backtests import SweepRequest
    from infra.backtests.submitting import start_backtest
    from infra.temporal.client import connect

    client = await connect(settings)
    await start_backtest(client, request, workflow_id)
    typer.echo(workflow_id)
    typer.echo(
        f"How far it is: temporal workflow query --type progress --workflow-id {workflow_id}\n"
        f"Its result:    temporal workflow result --workflow-id {workflow_id}",
        err=True,
    )
    if not wait:
        return
    if isinstance(request, SweepRequest):
        await _wait_for_sweep(client, request, workflow_id)
    else:
        await _wait_for_backtest(client, workflow_id)


async def _wait_for_backtest(client: Any, workflow_id: str) -> None:
    from infra.backtests.figures import figures
    from infra.backtests.submitting import follow_backtest
    from infra.gateway_commands import table

    outcome = await follow_backtest(
        client, workflow_id, lambda now: typer.echo(f"{now.percent:5.1f} %", err=True)
    )
    rows = [(each.label, each.text) for each in figures(outcome.stats)]
    table(("FIGURE", "VALUE"), rows, nothing="No figures.")
    typer.echo(f"Recorded as run {outcome.run_id}.", err=True)


async def _wait_for_sweep(client: Any, request: SweepRequest, workflow_id: str) -> None:
    from infra.backtests.submitting import follow_sweep
    from infra.gateway_commands import table

    def hear(now: Any) -> None:
        typer.echo(f"{now.completed} of {now.total} done, {now.failed} failed", err=True)

    done = await follow_sweep(client, workflow_id, hear)
    rows = [
        (row.label, "–" if row.objective is None else f"{row.objective:.4f}", str(row.run_id))
        for row in done.best
    ]
    table(("BEST FIRST", request.objective.upper(), "RUN"), rows, nothing="No backtest finished.")
    for error in done.errors:
        typer.echo(f"failed: {error}", err=True)
    if done.failed:
        raise typer.Exit(Exit.FAILED)

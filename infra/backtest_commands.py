"""``greenlight backtest`` and ``greenlight sweep``.

Exit codes: 0 done; 1 the run failed or the strategy raised errors on the way; 2 wrong options,
strategy or configuration; 3 the data cannot be used; 4 not recorded though ``--record`` asks for
it; 5 Temporal cannot be reached; 130 interrupted.
"""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from infra.backtest_options import Asked, grid, is_said, json_file, refused, taking
from infra.backtests.exits import exits
from infra.settings import Settings

Start = Callable[[], Settings]
Out = Annotated[
    Path | None, typer.Option(help="Folder for trades.csv, equity.csv, stats.json and report.html.")
]
Record = Annotated[
    bool | None,
    typer.Option(
        "--record/--no-record",
        help="Insist on a StrategyRun in the desk's database, or write none; if neither is said, "
        "one is written where the database can be reached.",
    ),
]
Submit = Annotated[bool, typer.Option("--submit", help="Have the desk's workers run it.")]
Tried = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="NAME=VALUE,VALUE,… to try; a field of the configuration, or of the backtest with "
        "run. before it (run.fills=mid,cross).",
    ),
]
Listed = Annotated[Path | None, typer.Option(help="JSON file: a list of configurations to try.")]
AtOnce = Annotated[int | None, typer.Option(help="How many run at once, over all workers.")]
Objective = Annotated[str | None, typer.Option(help="Figure the best are chosen by, e.g. sharpe.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for the result of what runs on the desk's workers.")
]


def add_backtest_commands(app: typer.Typer, start: Start) -> None:
    """``backtest`` and ``sweep``; ``start`` gives the process its settings and logging."""

    @app.command("backtest")
    @taking(Asked)
    def backtest(
        asked: Asked,
        out: Out = None,
        record: Record = None,
        submit: Submit = False,
        wait: Wait = False,
    ) -> None:
        """Run a strategy on recorded option chains, as this desk would have traded it."""
        settings = start()
        with exits():
            _backtest(settings, asked, out, record, submit=submit, wait=wait)

    @app.command("sweep")
    @taking(Asked)
    def sweep(
        asked: Asked,
        tried: Tried = None,
        configs: Listed = None,
        max_concurrent: AtOnce = None,
        objective: Objective = None,
        wait: Wait = False,
    ) -> None:
        """Run many configurations of a strategy over all of the desk's workers."""
        settings = start()
        with exits():
            more = {
                "grid": grid(tried),
                "configs": json_file("configs", configs),
                "max_concurrent": max_concurrent,
                "objective": objective,
            }
            _sweep(settings, asked, more, wait=wait)


def _backtest(
    settings: Settings,
    asked: Asked,
    out: Path | None,
    record: bool | None,
    *,
    submit: bool,
    wait: bool,
) -> None:
    from domain.backtest.settings import check_settings
    from domain.ports.backtests import BacktestRequest, understood

    if submit:
        _refuse_here_only(out, record)
    elif wait or asked.workflow_id:
        raise refused("wait" if wait else "workflow-id", "goes with --submit")
    else:
        # A code_ref may name a module of the folder one works in; it hides no installed one.
        sys.path.append(str(Path.cwd()))
    request = understood(BacktestRequest, asked.values())
    check_settings(request)
    if submit:
        from infra.backtests.on_workers import submit as hand_over

        asyncio.run(hand_over(settings, request, asked.workflow_id, wait=wait))
    else:
        from infra.backtests.here import run_here

        run_here(settings, request, out, record)


def _refuse_here_only(out: Path | None, record: bool | None) -> None:
    if out is not None:
        raise refused("out", "the desk keeps what its workers found; it is no option of --submit")
    if record is False:
        raise refused("no-record", "what the desk's workers run is always recorded")


def _sweep(settings: Settings, asked: Asked, more: dict[str, object], *, wait: bool) -> None:
    from domain.backtest.settings import check_settings
    from domain.ports.backtests import SweepRequest, understood
    from infra.backtests.figures import OBJECTIVES
    from infra.backtests.on_workers import submit

    said = {field: value for field, value in more.items() if is_said(value)}
    request = understood(SweepRequest, asked.values() | said)
    if request.objective not in OBJECTIVES:
        raise refused("objective", f"{request.objective!r} is none of {', '.join(OBJECTIVES)}")
    check_settings(request)
    asyncio.run(submit(settings, request, asked.workflow_id, wait=wait))

"""Backtests and sweeps handed to the desk's workers by a command, and waited for."""

from __future__ import annotations

import typer
from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import GreenlightError
from domain.ports.backtests import BacktestRequest, SweepRequest
from infra.backtests.bar import progress_bar
from infra.backtests.exits import Exit
from infra.backtests.figures import figures
from infra.backtests.submitting import (
    WorkflowEndedError,
    follow_backtest,
    follow_sweep,
    new_workflow_id,
    start_backtest,
)
from infra.gateway_commands import table
from infra.settings import Settings
from infra.temporal.client import connect
from workflows.messages import BacktestProgressAnswer, SweepProgress


async def submit(
    settings: Settings, request: BacktestRequest, workflow_id: str | None, *, wait: bool
) -> None:
    """Start it, print the workflow's id, and with ``wait`` its result.

    Raises GreenlightError as the workflow failed with it, and typer.Exit for any other failure.
    """
    chosen = workflow_id or new_workflow_id(request)
    client = await _connected(settings)
    try:
        await start_backtest(client, request, chosen)
        typer.echo(chosen)
        _say_where_it_is(chosen)
        if wait:
            await _wait(client, request, chosen)
    except WorkflowEndedError as error:
        if error.code is not None:
            raise GreenlightError(error.code, str(error)) from error
        typer.echo(f"Failed: {error}", err=True)
        raise typer.Exit(Exit.FAILED) from None
    except RPCError as error:
        raise _unreachable(error) from None


async def _connected(settings: Settings) -> Client:
    try:
        return await connect(settings)
    except RuntimeError as error:
        raise _unreachable(error) from None


def _unreachable(error: Exception) -> typer.Exit:
    typer.echo(f"Temporal cannot be reached ({error}). Is the desk running?", err=True)
    return typer.Exit(Exit.NO_TEMPORAL)


def _say_where_it_is(workflow_id: str) -> None:
    """Whoever waits and stops waiting stops nothing else."""
    typer.echo(
        f"How far it is: temporal workflow query --type progress --workflow-id {workflow_id}\n"
        f"Its result:    temporal workflow result --workflow-id {workflow_id}\n"
        f"To stop it:    temporal workflow cancel --workflow-id {workflow_id}",
        err=True,
    )


async def _wait(client: Client, request: BacktestRequest, workflow_id: str) -> None:
    if isinstance(request, SweepRequest):
        await _wait_for_sweep(client, request, workflow_id)
    else:
        await _wait_for_backtest(client, workflow_id)


async def _wait_for_backtest(client: Client, workflow_id: str) -> None:
    with progress_bar("waiting for a worker") as tell:

        def hear(now: BacktestProgressAnswer) -> None:
            if now.percent:
                tell(now.progress.session, now.percent, 100)

        outcome = await follow_backtest(client, workflow_id, hear)
    rows = [(each.label, each.text) for each in figures(outcome.stats)]
    table(("FIGURE", "VALUE"), rows, nothing="No figures.")
    typer.echo(f"Recorded as run {outcome.run_id}.", err=True)
    for error in outcome.errors:
        typer.echo(f"error: {error}", err=True)
    if outcome.errors:
        raise typer.Exit(Exit.FAILED)


async def _wait_for_sweep(client: Client, request: SweepRequest, workflow_id: str) -> None:
    with progress_bar("waiting for a worker") as tell:

        def hear(now: SweepProgress) -> None:
            over = now.completed + now.failed
            tell(f"{now.completed} of {now.total} done, {now.failed} failed", over, now.total)

        done = await follow_sweep(client, workflow_id, hear)
    rows = [
        (row.label, "–" if row.objective is None else f"{row.objective:.4f}", str(row.run_id))
        for row in done.best
    ]
    table(("BEST FIRST", request.objective.upper(), "RUN"), rows, nothing="No backtest finished.")
    typer.echo(f"{done.completed} of {done.total} done, {done.failed} failed.", err=True)
    for error in done.errors:
        typer.echo(f"failed: {error}", err=True)
    if done.failed:
        raise typer.Exit(Exit.FAILED)

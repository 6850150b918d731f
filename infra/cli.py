"""The ``greenlight`` command.

Everything heavy is imported inside the commands, so that each process loads only what it runs.
"""

# ruff: noqa: PLC0415 (that is what the late imports below are)

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from infra.audit_commands import audit_group
from infra.backtest_commands import add_backtest_commands
from infra.backup_commands import add_backup_commands
from infra.data_commands import data_group
from infra.facts_commands import facts_group
from infra.gateway_commands import accounts_group, gateways_group
from infra.limit_commands import limits_group
from infra.logging import configure
from infra.settings import Settings, get_settings
from infra.simulator.command import gateway_command
from infra.stopping_commands import add_stopping_commands
from infra.tracing import stop_tracing
from infra.user_commands import keys_group, users_group

app = typer.Typer(
    name="greenlight",
    help="A decision desk for options sellers on Interactive Brokers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
worker = typer.Typer(help="Run a Temporal worker.", no_args_is_help=True)
app.add_typer(worker, name="worker")

Speed = Annotated[float | None, typer.Option(min=0.0, help="Simulated market seconds per second.")]
GatewaySlug = Annotated[
    str | None, typer.Option("--gateway", help="Slug of the gateway; the configured one if absent.")
]
Seed = Annotated[int | None, typer.Option(help="Seed of the simulated market.")]


def _start_process(component: str) -> Settings:
    """Settings of this process, with its logging configured."""
    settings = get_settings()
    configure(settings, component)
    return settings


def _start_service(component: str) -> Settings:
    """As for any process; and its metrics are served, its work is traced if that is wanted."""
    from infra.metrics import serve_metrics
    from infra.tracing import start_tracing

    settings = _start_process(component)
    serve_metrics(settings)
    start_tracing(settings, component)
    return settings


def _finish(result: Any) -> Any:
    """The value of a call that may be a coroutine."""
    return asyncio.run(result) if inspect.iscoroutine(result) else result


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port to prefer for the desk.")] = None,
    speed: Speed = None,
    seed: Seed = None,
) -> None:
    """Run the whole desk on this machine: database, Temporal, simulated gateway, workers, API."""
    from infra.embedded.stack import StackOptions
    from infra.embedded.up import up as run_stack

    raise typer.Exit(run_stack(StackOptions(desk_port=port, speed=speed, seed=seed)))


@app.command()
def status() -> None:
    """Show the processes of the running desk."""
    from infra.embedded.up import status as show_status

    raise typer.Exit(show_status())


app.command("gateway")(gateway_command(lambda: _start_process("gateway")))
app.add_typer(gateways_group(lambda: _start_process("cli")), name="gateways")
app.add_typer(accounts_group(lambda: _start_process("cli")), name="accounts")
app.add_typer(facts_group(lambda: _start_process("cli")), name="facts")
app.add_typer(data_group(), name="data")
app.add_typer(limits_group(lambda: _start_process("cli")), name="limits")
app.add_typer(audit_group(lambda: _start_process("cli")), name="audit")
app.add_typer(users_group(lambda: _start_process("cli")), name="users")
app.add_typer(keys_group(lambda: _start_process("cli")), name="keys")
add_backtest_commands(app, lambda: _start_process("cli"))
add_stopping_commands(app, lambda: _start_process("cli"))
add_backup_commands(app, lambda: _start_process("cli"))


@worker.command("core")
def worker_core() -> None:
    """Run workflows and every activity but the broker's."""
    from infra.temporal.worker import run_core

    _finish(run_core(_start_service("core worker")))


@worker.command("broker")
def worker_broker(
    gateway: Annotated[str, typer.Option(help="Slug of the gateway this process owns.")],
) -> None:
    """Run the activities of one IB Gateway; the only process with a socket to it."""
    from infra.temporal.worker import run_broker

    _finish(run_broker(_start_service("broker worker"), gateway))


@app.command()
def api() -> None:
    """Run the API, which serves the web app."""
    import uvicorn

    settings = _start_service("api")
    uvicorn.run(
        # By name: infra does not import the layer above it.
        "api.app:create_app",
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=settings.api_graceful_seconds,
    )


@app.command()
def doctor() -> None:
    """Examine this deployment and say what to fix. Ends with 1 when something has failed."""
    from infra.doctor import examine
    from infra.gateway_commands import table
    from infra.health import HealthState, overall

    checks = asyncio.run(examine(_start_process("cli")))
    worst_first = list(HealthState)[::-1]
    rows = [
        (check.state.upper(), check.part, check.name, check.detail, check.advice)
        for check in sorted(checks, key=lambda check: worst_first.index(check.state))
    ]
    table(("STATE", "PART", "NAME", "FOUND", "WHAT TO DO"), rows, nothing="Nothing to check.")
    if overall(checks) is HealthState.FAILED:
        raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from infra.db.migrate import upgrade

    settings = _start_process("migrate")
    upgrade(settings.database_owner_url or settings.database_url)


@app.command("setup-temporal")
def setup_temporal() -> None:
    """Create or update Temporal's namespace, search attributes and schedules."""
    from infra.temporal.setup import setup

    _operate(setup(_start_process("setup-temporal")))


@app.command("seed-demo")
def seed_demo(
    gateway_port: Annotated[int | None, typer.Option(help="Port of the demo gateway.")] = None,
    earnings: Annotated[Path | None, typer.Option(help="Its calendar of earnings dates.")] = None,
) -> None:
    """Create demo clients, accounts and strategies; prints first-login credentials as JSON."""
    from infra.seed import seed_demo as seed

    settings = _start_process("seed-demo")
    if gateway_port is not None:
        settings = settings.model_copy(update={"gateway_port": gateway_port})
    # Logs go to stderr: stdout carries the credentials alone, and they reach no log.
    created = _finish(seed(settings, earnings))
    if created:
        typer.echo(orjson.dumps(created))


@app.command("sync-ibkr-positions")
def sync_ibkr_positions(gateway: GatewaySlug = None) -> None:
    """Read every account's positions from the broker now."""
    _sync(gateway, positions=True)


@app.command("sync-ibkr-account-snapshot")
def sync_ibkr_account_snapshot(gateway: GatewaySlug = None) -> None:
    """Read every account's values from the broker now."""
    _sync(gateway, positions=False)


@app.command()
def reconcile(gateway: GatewaySlug = None) -> None:
    """Compare the broker's orders, executions, positions and cash with the record now.

    Ends with 1 while a discrepancy is open; the alerts say what to do.
    """
    from infra.operations import reconcile as run

    report = _operate(run(_start_process("cli"), gateway))
    for label, lines in (
        ("recognised", report.events),
        ("raised", report.raised),
        ("cleared", report.cleared),
        ("not confirmed yet", report.unconfirmed),
    ):
        for line in lines:
            typer.echo(f"{label}: {line}")
    if not report.is_steady:
        typer.echo("Positions kept changing; they will be compared at the next look.", err=True)
    what = "discrepancy" if report.open == 1 else "discrepancies"
    typer.echo(f"{', '.join(report.accounts)}: {report.open} open {what}")
    if report.open:
        raise typer.Exit(1)


def _sync(gateway: str | None, *, positions: bool) -> None:
    from infra.operations import sync_ibkr

    report = _operate(sync_ibkr(_start_process("cli"), positions=positions, gateway=gateway))
    for code, counts in report.accounts.items():
        typer.echo(
            f"{code}: {counts.inserted} new, {counts.updated} updated, "
            f"{counts.removed} removed, {counts.unchanged} unchanged"
        )
        for refused in counts.unmatched:
            typer.echo(f"  not matched: {refused}", err=True)
    for error in report.errors:
        typer.echo(f"not read: {error}", err=True)
    if report.errors or any(counts.unmatched for counts in report.accounts.values()):
        raise typer.Exit(1)


@app.command("sync-ibkr-executions")
def sync_ibkr_executions(gateway: GatewaySlug = None) -> None:
    """Record whatever of today's executions at the broker is not on record yet."""
    from infra.operations import sync_ibkr_executions as run

    report = _operate(run(_start_process("cli"), gateway))
    typer.echo(
        f"{report.executions} executions today, all on record; "
        f"{len(report.changed_orders)} orders changed"
    )


@app.command()
def risk(account: Annotated[str, typer.Argument(help="Account code, e.g. DU1000001.")]) -> None:
    """Show what an account holds and risks, as last read from the broker."""
    from rich.console import Console

    from domain.errors import GreenlightError
    from infra.risk_report import print_risk, read_account

    settings = _start_process("cli")
    try:
        state = asyncio.run(read_account(settings, account))
    except GreenlightError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from None
    print_risk(state, Console())


@app.command("sync-ibkr-market")
def sync_ibkr_market(gateway: GatewaySlug = None) -> None:
    """Refresh contracts, quotes and dividends of the strategies' universes and of what is held."""
    from infra.operations import sync_ibkr_market as run

    report = _operate(run(_start_process("cli"), gateway))
    typer.echo(f"{report.contracts} contracts, {report.dividends} dividends")
    for error in report.errors:
        typer.echo(f"not read: {error}", err=True)


@app.command("run-strategies")
def run_strategies(
    soon: Annotated[
        bool, typer.Option("--soon", help="Start when broker and market allow; do not wait.")
    ] = False,
) -> None:
    """Run every enabled strategy now and offer what it finds."""
    from infra.operations import begin_strategy_runs
    from infra.operations import run_strategies as run

    if soon:
        _operate(begin_strategy_runs(_start_process("cli"), patience_seconds=300))
        return
    report = _operate(run(_start_process("cli")))
    if not report.ran:
        typer.echo("Nothing ran: no enabled strategy has a connected gateway and an open market.")
        return
    for outcome in report.outcomes:
        typer.echo(
            f"run {outcome.run_id}: {outcome.signals} signals, {outcome.opportunities} "
            f"opportunities, {len(outcome.proposed)} recommendations, "
            f"{len(outcome.superseded)} superseded"
        )
        for error in outcome.errors:
            typer.echo(f"  error: {error}", err=True)
    failed = report.ran - len(report.outcomes)
    if failed:
        typer.echo(f"{failed} of {report.ran} runs failed; each run's row has the error.", err=True)
    if failed or any(outcome.errors for outcome in report.outcomes):
        raise typer.Exit(1)


def _operate(operation: Coroutine[Any, Any, Any]) -> Any:
    """The result of an operation on the running desk, or a clear message and exit code 1."""
    from temporalio.service import RPCError

    from infra.operations import OperationFailedError
    from infra.temporal.client import TemporalUnreachableError

    try:
        return asyncio.run(operation)
    except OperationFailedError as error:
        typer.echo(f"Failed: {error}", err=True)
    except TemporalUnreachableError as error:
        typer.echo(f"Temporal cannot be reached ({error}). Is the desk running?", err=True)
    except RPCError as error:
        typer.echo(f"Temporal refuses: {error}. `greenlight doctor` says more.", err=True)
    raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``greenlight`` command."""
    try:
        app()
    except SystemExit as left:
        stop_tracing()
        # Temporal's client keeps native threads that may abort a finalizing interpreter
        # (temporalio/sdk-python issue 300): a command that did its work must not end as failed.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(left.code if isinstance(left.code, int) else int(left.code is not None))


if __name__ == "__main__":
    main()

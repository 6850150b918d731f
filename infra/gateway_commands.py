"""``greenlight gateways`` and ``greenlight accounts``: what the desk is connected to."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

import typer

from infra.settings import Settings

Start = Callable[[], Settings]
_OPTIONS = {"slug": "SLUG", "code": "CODE", "kind": "--paper/--live/--simulated"}


def gateways_group(start: Start) -> typer.Typer:
    """``greenlight gateways``; ``start`` gives the process its settings and logging."""
    group = typer.Typer(help="The IB Gateways this desk trades through.", no_args_is_help=True)

    @group.command("add")
    def add(
        slug: Annotated[str, typer.Argument(help="Its short name, e.g. adviser-paper.")],
        host: Annotated[str, typer.Option(help="Host of the gateway's API.")],
        port: Annotated[int, typer.Option(help="Port of the gateway's API.")],
        client_id: Annotated[
            int, typer.Option(help="API client id of the desk, its alone at this gateway.")
        ] = 17,
        paper: Annotated[bool, typer.Option("--paper", help="A paper login.")] = False,
        live: Annotated[bool, typer.Option("--live", help="A login with real money.")] = False,
        simulated: Annotated[
            bool, typer.Option("--simulated", help="A simulated gateway.")
        ] = False,
        name: Annotated[str, typer.Option(help="How people call it; the slug if absent.")] = "",
    ) -> None:
        """Set up a gateway, or bring its address up to date, and give it its schedules."""
        from infra.db.models import GatewayKind
        from infra.db.setting_up import FieldError
        from infra.gateways import NewGateway, Outcome, add_gateway

        settings = start()

        async def wanted() -> Outcome:
            kinds = {
                GatewayKind.PAPER: paper,
                GatewayKind.LIVE: live,
                GatewayKind.SIMULATED: simulated,
            }
            chosen = [kind for kind, is_chosen in kinds.items() if is_chosen]
            if len(chosen) != 1:
                raise FieldError("kind", "say exactly one: what the login is changes everything")
            return await add_gateway(
                settings,
                NewGateway(
                    slug=slug,
                    name=name,
                    kind=chosen[0],
                    host=host,
                    port=port,
                    client_id=client_id,
                ),
            )

        outcome = run_command(wanted())
        typer.echo(f"gateway {slug}: {outcome}")
        _set_schedules(settings)
        if outcome is Outcome.CHANGED:
            typer.echo(f"Restart its broker worker: greenlight worker broker --gateway {slug}")
        elif outcome is Outcome.ADDED:
            typer.echo(f"Start its broker worker:   greenlight worker broker --gateway {slug}")
            typer.echo(
                f"Then add its accounts:     greenlight accounts add CODE --gateway {slug} …"
            )

    @group.command("list")
    def show() -> None:
        """Every gateway: where it is, and whether a broker worker holds it."""
        from infra.gateways import list_gateways

        lines = run_command(list_gateways(start()))
        table(
            ("GATEWAY", "KIND", "ADDRESS", "CLIENT ID", "ACCOUNTS", "CONNECTION"),
            [
                (
                    gateway.slug,
                    gateway.kind.value,
                    f"{gateway.host}:{gateway.port}",
                    str(gateway.client_number),
                    str(accounts),
                    " ".join(filter(None, (gateway.connection.value, gateway.connection_detail))),
                )
                for gateway, accounts in lines
            ],
            nothing="No gateway is set up.",
        )

    @group.command("accounts")
    def accounts(slug: Annotated[str, typer.Argument(help="Slug of the gateway.")]) -> None:
        """The accounts behind a gateway, those it serves that are not set up here included."""
        from infra.gateways import list_accounts

        lines = run_command(list_accounts(start(), slug))
        table(
            ("ACCOUNT", "ALIAS", "CLIENT", "PORTFOLIO", "TRADING"),
            [
                (
                    line.code,
                    line.alias or "-",
                    line.client or "-",
                    line.portfolio or "-",
                    line.trading_state or "not set up: never traded",
                )
                for line in lines
            ],
            nothing=f"No account of gateway {slug} is set up.",
        )

    return group


def accounts_group(start: Start) -> typer.Typer:
    """``greenlight accounts``."""
    group = typer.Typer(help="The broker accounts this desk knows.", no_args_is_help=True)

    @group.callback()
    def one_group() -> None:
        """Keeps ``add`` a command of its own: Typer folds a group of one into it."""

    @group.command("add")
    def add(
        code: Annotated[str, typer.Argument(help="As the broker prints it, e.g. U1234567.")],
        gateway: Annotated[str, typer.Option(help="Slug of the gateway that reaches it.")],
        portfolio: Annotated[str, typer.Option(help="Name; created where the client has none.")],
        client: Annotated[
            str | None, typer.Option(help="Slug of the owner; needless while there is one client.")
        ] = None,
        client_name: Annotated[
            str | None, typer.Option(help="Creates the client, with this name, if it is new.")
        ] = None,
        alias: Annotated[str, typer.Option(help="How people call the account.")] = "",
    ) -> None:
        """Set up an account behind a gateway."""
        from infra.gateways import NewAccount, Outcome, add_account

        wanted = NewAccount(
            code=code,
            gateway=gateway,
            portfolio=portfolio,
            client=client,
            client_name=client_name,
            alias=alias,
        )
        outcome = run_command(add_account(start(), wanted))
        typer.echo(f"account {code.upper()} on gateway {gateway}: {outcome}")
        if outcome is Outcome.ADDED:
            typer.echo("It is read and compared with the broker at the gateway's next turn.")

    return group


def run_command(work: Coroutine[Any, Any, Any]) -> Any:
    """The result, or a message that names the option and an exit code other than 0."""
    from sqlalchemy.exc import SQLAlchemyError

    from infra.db.session import may_pass
    from infra.db.setting_up import FieldError

    try:
        return asyncio.run(work)
    except FieldError as error:
        option = _OPTIONS.get(error.field, f"--{error.field.replace('_', '-')}")
        typer.echo(f"{option}: {error.reason}", err=True)
        raise typer.Exit(2) from None
    except (SQLAlchemyError, OSError) as error:
        if not may_pass(error):
            raise
        typer.echo("The database cannot be reached. Is the desk running?", err=True)
        raise typer.Exit(1) from None


def _set_schedules(settings: Settings) -> None:
    """A gateway without schedules is neither read nor compared; Temporal may be down just now."""
    from temporalio.service import RPCError

    from infra.temporal.setup import setup

    try:
        asyncio.run(setup(settings))
    except (RuntimeError, RPCError) as error:
        typer.echo(
            f"Temporal cannot be reached ({error}), so nothing is scheduled for it yet. "
            "Run: greenlight setup-temporal",
            err=True,
        )
        return
    typer.echo("Its schedules are set.")


def table(heading: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str) -> None:
    if not rows:
        typer.echo(nothing)
        return
    lines = [heading, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())

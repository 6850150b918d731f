"""``greenlight audit``: whether the audit trail is what was written."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from infra.gateway_commands import run_command
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.db.audit_chain import Verification

Start = Callable[[], Settings]


def audit_group(start: Start) -> typer.Typer:
    """``greenlight audit``; ``start`` gives the process its settings and logging."""
    group = typer.Typer(help="The audit trail.", no_args_is_help=True)

    @group.callback()
    def one_group() -> None:
        """Keeps ``verify`` a command of its own: Typer folds a group of one into it."""

    @group.command("verify")
    def verify(
        head: Annotated[
            str | None, typer.Option(help="Hash of an earlier verification, which must occur.")
        ] = None,
    ) -> None:
        """Walk the chain of hashes; ends with 1 and the first broken row if one is."""
        found: Verification = run_command(_verified(start(), head))
        if found.broken is not None:
            typer.echo(f"BROKEN: {found.broken}", err=True)
            typer.echo(f"The {found.entries} entries before it are what was written.", err=True)
            raise typer.Exit(1)
        typer.echo(f"{found.entries} entries, all of them what was written.")
        typer.echo(f"Note this hash for the next time, away from this machine: {found.head}")

    return group


async def _verified(settings: Settings, head: str | None) -> Verification:
    from infra.db.audit_chain import verify_audit_chain
    from infra.db.session import engine, sessions

    database = engine(settings)
    try:
        async with sessions(database)() as session:
            return await verify_audit_chain(session, head)
    finally:
        await database.dispose()

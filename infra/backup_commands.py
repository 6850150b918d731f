"""``greenlight backup``, ``restore`` and ``prune``."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from infra.settings import ENV_PREFIX, Settings

Start = Callable[[], Settings]


def add_backup_commands(app: typer.Typer, start: Start) -> None:
    """The commands on ``app``; ``start`` gives the process its settings and logging."""

    @app.command("backup")
    def backup(
        to: Annotated[Path | None, typer.Option(help="Folder to put the backup in.")] = None,
    ) -> None:
        """Back the desk up while it runs; prints the backup's folder."""
        from infra.backup import BackupError, make_backup
        from infra.embedded.home import Home

        settings = start()
        temporal = Home(settings.home).temporal / "temporal.db"
        embedded = _is_embedded() and temporal.exists()
        try:
            folder = make_backup(settings, to, temporal if embedded else None)
        except BackupError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        typer.echo(folder)

    @app.command("restore")
    def restore(
        folder: Annotated[Path, typer.Argument(help="Folder of the backup.")],
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Replace the desk's record by a backup. The desk is halted; nothing approved is sent.

        Everything must be stopped first; the database of a deployed desk alone keeps running.
        """
        from infra.backup import BackupError

        settings = start()
        if not yes:
            typer.confirm(f"Replace the record of {settings.home} by {folder}?", abort=True)
        try:
            withdrawn = _restore(settings, folder)
        except BackupError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        typer.echo(f"Restored. The desk is HALTED and {withdrawn} approvals were withdrawn.")
        typer.echo("Migrate, start it, reconcile, look at the discrepancies; then resume.")

    @app.command("prune")
    def prune(
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    ) -> None:
        """Delete what the rules for data no longer keep, batch by batch."""
        from infra.gateway_commands import run_command, table
        from infra.retention import prune as run

        counted = run_command(run(start(), dry_run=dry_run))
        rows = [(rule.table, rule.words, str(count)) for rule, count in counted]
        table(("TABLE", "KEPT", "WOULD GO" if dry_run else "GONE"), rows, nothing="No rules.")


def _is_embedded() -> bool:
    return f"{ENV_PREFIX}DATABASE_URL" not in os.environ


def _restore(settings: Settings, folder: Path) -> int:
    from infra.backup import BackupError, read_manifest, restore_database, restore_temporal

    if not _is_embedded():
        return asyncio.run(restore_database(settings, folder))
    from infra.embedded.home import AlreadyRunningError, Home, HomeLock
    from infra.embedded.postgres import EmbeddedPostgres
    from infra.embedded.stack import DATABASE

    read_manifest(folder)
    home = Home(settings.home)
    home.create()
    try:
        with HomeLock(home), EmbeddedPostgres(home.postgres) as server:
            server.create_database(DATABASE)
            owner = server.url(DATABASE)
            there = settings.model_copy(update={"database_url": owner, "database_owner_url": owner})
            withdrawn = asyncio.run(restore_database(there, folder))
            restore_temporal(folder, home.temporal / "temporal.db")
            return withdrawn
    except AlreadyRunningError as error:
        raise BackupError(f"{error}. Stop it first.") from None

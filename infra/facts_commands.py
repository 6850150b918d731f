"""``greenlight facts``: what the broker does not tell of the companies behind the options."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from infra.settings import Settings

Start = Callable[[], Settings]


def facts_group(start: Start) -> typer.Typer:
    """``start`` gives the process its settings and logging."""
    group = typer.Typer(help="What the broker does not tell.", no_args_is_help=True)

    @group.callback()
    def one_group() -> None:
        """Keeps the command one of its own: Typer folds a group of one into it."""

    @group.command("import-earnings")
    def import_earnings(
        file: Annotated[
            Path,
            typer.Argument(help="CSV with the columns symbol, date and, if known, until."),
        ],
    ) -> None:
        """Take over earnings dates: all of the file, or nothing where a row is wrong."""
        from infra.earnings import EarningsFileError
        from infra.earnings import import_earnings as take_over

        try:
            dates = asyncio.run(take_over(start(), file))
        except EarningsFileError as error:
            typer.echo(str(error), err=True)
            typer.echo("Nothing was taken over.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{dates} earnings dates")

    return group

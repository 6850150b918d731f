"""``greenlight users`` and ``greenlight keys``: who may sign in, and what seals their secrets."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from infra.gateway_commands import run_command, table
from infra.settings import Settings

Start = Callable[[], Settings]
Email = Annotated[str, typer.Argument(help="E-mail the person signs in with.")]
ClientSlug = Annotated[str, typer.Option("--client", help="Slug of the client.")]
PortfolioName = Annotated[
    str | None, typer.Option("--portfolio", help="One portfolio of it; all of it if absent.")
]


def users_group(start: Start) -> typer.Typer:
    """``greenlight users``; ``start`` gives the process its settings and logging."""
    group = typer.Typer(help="Who may sign in, and do what.", no_args_is_help=True)

    @group.command("add")
    def add(
        email: Email,
        name: Annotated[str, typer.Option(help="The person's name.")],
        admin: Annotated[bool, typer.Option("--admin", help="Administers the desk.")] = False,
    ) -> None:
        """Create a user; prints the password of their first sign-in."""
        from pydantic import ValidationError

        from infra.db.users import NewUser
        from infra.users import add_user

        try:
            wanted = NewUser(email=email, name=name, is_admin=admin)
        except ValidationError as error:
            first = error.errors()[0]
            typer.echo(f"{first['loc'][0]}: {first['msg']}", err=True)
            raise typer.Exit(2) from None
        _tell_password(email, _run(add_user(start(), wanted)))

    @group.command("list")
    def show() -> None:
        """Everybody, and their roles."""
        from infra.users import list_users

        heading = ("E-MAIL", "NAME", "STATE", "SECOND FACTOR", "ROLES")
        table(heading, _run(list_users(start())), nothing="Nobody may sign in yet.")

    @group.command("disable")
    def disable(email: Email) -> None:
        """Keep somebody out, at once: sessions and tokens end."""
        from infra.users import set_active

        _run(set_active(start(), email, is_active=False))

    @group.command("enable")
    def enable(email: Email) -> None:
        """Let somebody in again."""
        from infra.users import set_active

        _run(set_active(start(), email, is_active=True))

    @group.command("reset-password")
    def reset(email: Email) -> None:
        """A new password for their next sign-in, shown once; they are signed out everywhere."""
        from infra.users import reset_password

        _tell_password(email, _run(reset_password(start(), email)))

    @group.command("reset-second-factor")
    def reset_factor(email: Email) -> None:
        """For somebody who lost phone and recovery codes."""
        from infra.users import reset_second_factor

        _run(reset_second_factor(start(), email))

    @group.command("grant")
    def give(
        email: Email,
        role: Annotated[str, typer.Argument(help="VIEWER, APPROVER, TRADER, OPERATOR or ADMIN.")],
        client: ClientSlug,
        portfolio: PortfolioName = None,
    ) -> None:
        """Give a role for a client, or for one portfolio of it."""
        from infra.db.models import Role
        from infra.users import grant_role

        if role.upper() not in set(Role):
            typer.echo(f"role: one of {', '.join(Role)}", err=True)
            raise typer.Exit(2)
        _run(grant_role(start(), email, Role(role.upper()), client, portfolio))

    @group.command("revoke")
    def take(email: Email, client: ClientSlug, portfolio: PortfolioName = None) -> None:
        """Take the role for a client, or for one portfolio of it, away."""
        from infra.users import revoke_role

        _run(revoke_role(start(), email, client, portfolio))

    return group


def keys_group(start: Start) -> typer.Typer:
    """``greenlight keys``: the keys that seal secrets at rest."""
    group = typer.Typer(help="Keys that seal secrets at rest.", no_args_is_help=True)

    @group.command("rotate")
    def rotate() -> None:
        """A new key, with every secret sealed anew under it. Restart API and core workers."""
        from infra.key_rotation import rotate_keys

        count = _run(rotate_keys(start()))
        typer.echo(f"{count} secrets sealed anew. Restart API and core workers, then drop-old.")

    @group.command("rotate-payloads")
    def rotate_payloads() -> None:
        """A new key for what is sent to Temporal; makes the first one if there is none."""
        from infra.keys import add_key, create_key_file

        path = start().temporal_payload_key_file
        if path is None:
            typer.echo("GREENLIGHT_TEMPORAL_PAYLOAD_KEY_FILE names no file.", err=True)
            raise typer.Exit(1)
        if path.exists():
            add_key(path)
        else:
            create_key_file(path)
        typer.echo("Give every process the file, then restart them: older keys still read.")

    @group.command("drop-old")
    def drop_old() -> None:
        """Forget every key but the newest, once no process uses them."""
        from infra.keys import KeyFileError, drop_old_keys

        try:
            dropped = drop_old_keys(start().secrets_key_file)
        except KeyFileError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{dropped} old keys dropped.")

    return group


def _tell_password(email: str, password: str) -> None:
    from infra.db.users import ISSUED_PASSWORD_LIFETIME

    typer.echo(f"New password of {email}: {password}")
    typer.echo(f"To be changed within {ISSUED_PASSWORD_LIFETIME.days} days.")


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from domain.errors import GreenlightError
    from infra.keys import KeyFileError

    try:
        return run_command(work)
    except (GreenlightError, KeyFileError) as error:
        typer.echo(error.detail if isinstance(error, GreenlightError) else str(error), err=True)
        raise typer.Exit(1) from None

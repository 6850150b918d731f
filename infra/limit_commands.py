"""``greenlight limits``: what binds an account's orders, and changing what one scope says."""

# ruff: noqa: PLC0415 (heavy imports inside the commands, as in infra.cli)

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.risk.limits import Limits, LimitScope
from infra.gateway_commands import run_command, table
from infra.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from infra.db.limits import LimitsSubject
    from infra.db.models import BrokerAccount

Start = Callable[[], Settings]
UNSET = "unset"


def limits_group(start: Start) -> typer.Typer:
    """``greenlight limits``; ``start`` gives the process its settings and logging."""
    group = typer.Typer(help="Limits on what may be traded.", no_args_is_help=True)

    @group.command("show")
    def show(
        account: Annotated[str, typer.Argument(help="Account code, e.g. DU1000001.")],
        strategy: Annotated[str, typer.Option(help="Name of a strategy instance on it.")] = "",
    ) -> None:
        """Every limit in force on the account's orders, and the scope it comes from."""
        rows = run_command(_in_force(start(), account, strategy))
        table(("LIMIT", "VALUE", "FROM", "MEANING"), rows, nothing="No limits.")

    @group.command("set")
    def change(
        scope: Annotated[LimitScope, typer.Argument(case_sensitive=False)],
        changes: Annotated[
            list[str],
            typer.Argument(
                help="NAME=VALUE for each limit to change; NAME=none for no limit, NAME=unset to "
                "leave it to the wider scopes."
            ),
        ],
        reason: Annotated[str, typer.Option(help="Why, for the record.")],
        owner: Annotated[
            str,
            typer.Option(
                help="Whose: slug of a client, name of a portfolio or strategy instance, code of "
                "an account. Not for the whole desk."
            ),
        ] = "",
    ) -> None:
        """Write a new version of what one scope says. A narrower scope can only tighten."""
        version = run_command(_set(start(), scope, owner, changes, reason))
        typer.echo(f"{scope.lower()} limits {owner}: version {version}".replace(" :", ":"))

    return group


async def _in_force(settings: Settings, code: str, strategy: str) -> list[tuple[str, ...]]:
    from infra.db.limits import limits_in_force
    from infra.db.session import engine, sessions

    database = engine(settings)
    try:
        async with sessions(database)() as session:
            account = await _account(session, code)
            instance = None
            if strategy:
                instance = (await _subject(session, LimitScope.STRATEGY, strategy)).owner_id
            bound = await limits_in_force(session, account.id, instance)
    finally:
        await database.dispose()
    values = bound.limits.model_dump(mode="json")
    return [
        (
            name,
            "none" if values[name] is None else _plain(values[name]),
            ", ".join(scope.lower() for scope in bound.sources.get(name, ())) or "default",
            field.description or "",
        )
        for name, field in Limits.model_fields.items()
    ]


async def _set(
    settings: Settings, scope: LimitScope, owner: str, changes: Sequence[str], reason: str
) -> int:
    from infra.db.limits import LimitsChange, newest_version, set_limits
    from infra.db.session import engine, sessions
    from infra.users import COMMAND_LINE

    database = engine(settings)
    try:
        async with sessions(database).begin() as session:
            subject = await _subject(session, scope, owner)
            known = await newest_version(session, subject)
            wanted = LimitsChange(
                subject=subject,
                limits=changed({} if known is None else known.limits, changes),
                based_on=0 if known is None else known.version,
                reason=reason,
            )
            return (await set_limits(session, wanted, COMMAND_LINE)).version
    finally:
        await database.dispose()


def changed(stored: dict[str, Any], changes: Sequence[str]) -> Limits:
    """``stored`` with each NAME=VALUE; FieldError names the limit and what is wrong with it."""
    from pydantic import ValidationError

    from infra.db.setting_up import FieldError

    values = dict(stored)
    for each in changes:
        name, equals, text = each.partition("=")
        if not equals or name not in Limits.model_fields:
            known = ", ".join(Limits.model_fields)
            raise FieldError("changes", f"{each!r} is not NAME=VALUE with one of {known}")
        if text == UNSET:
            values.pop(name, None)
        else:
            values[name] = None if text == "none" else _value(text)
    try:
        return Limits.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise FieldError("changes", f"{first['loc'][0]}: {first['msg']}") from None


def _value(text: str) -> Any:
    """A JSON value (a number, a list of symbols) or the text itself."""
    try:
        # Floats would round what is meant as a decimal.
        return json.loads(text, parse_float=str)
    except json.JSONDecodeError:
        return text


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


async def _account(session: AsyncSession, code: str) -> BrokerAccount:
    from sqlalchemy import select

    from infra.db.models import BrokerAccount
    from infra.db.setting_up import FieldError

    found = await session.scalar(select(BrokerAccount).where(BrokerAccount.code == code.upper()))
    if found is None:
        raise FieldError("account", f"no account {code} is set up")
    return found


async def _subject(session: AsyncSession, scope: LimitScope, owner: str) -> LimitsSubject:
    """Whom the words mean. FieldError where that is nobody, or not one alone."""
    from sqlalchemy import select

    from infra.db.limits import LimitsSubject
    from infra.db.models import BrokerAccount, Client, Portfolio, StrategyInstance
    from infra.db.setting_up import FieldError

    if scope is LimitScope.GLOBAL:
        if owner:
            raise FieldError("owner", "the limits of the whole desk have no owner")
        return LimitsSubject(scope=scope)
    column = {
        LimitScope.CLIENT: Client.slug,
        LimitScope.PORTFOLIO: Portfolio.name,
        LimitScope.ACCOUNT: BrokerAccount.code,
        LimitScope.STRATEGY: StrategyInstance.name,
    }[scope]
    named = list(await session.scalars(select(column.class_.id).where(column == owner)))
    if len(named) != 1:
        raise FieldError("owner", f"{len(named)} of kind {scope.lower()} are called {owner!r}")
    return LimitsSubject(scope=scope, owner_id=named[0])

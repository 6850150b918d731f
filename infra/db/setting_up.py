"""Setting up gateways, clients, portfolios and accounts. The caller commits.

Adding what is there already changes nothing but what may change: an address, a name. What would
make history mean something else (another kind of login, another owner) is refused. Every change
is audited in the same transaction.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from domain.order_states import OrderState
from infra.db.audit import Actor, audit
from infra.db.models import BrokerAccount, Client, Gateway, GatewayKind, Order, Portfolio

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE = re.compile(r"[A-Z][A-Z0-9]{3,19}")
_MAX_SLUG = 40
_MAX_CLIENT_ID = 2**31 - 1
_SETTING_UP = 0x11115E7
"""Postgres's advisory lock for setting up: what is new has no row to lock yet."""


class FieldError(ValueError):
    """One value that cannot be taken: ``field`` names it as the caller gave it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Outcome(StrEnum):
    """What adding came to."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class NewGateway(Frozen):
    """A gateway as an operator describes it."""

    slug: str
    name: str = ""
    kind: GatewayKind
    host: str
    port: int
    client_id: int


class NewAccount(Frozen):
    """An account as an operator describes it.

    ``client`` may be left out while the desk has one client; ``client_name`` creates it where it
    is not there yet. The portfolio is created where the client has none of that name.
    """

    code: str
    gateway: str
    portfolio: str
    client: str | None = None
    client_name: str | None = None
    alias: str = ""


async def put_gateway(session: AsyncSession, wanted: NewGateway, by: Actor) -> Outcome:
    """Set the gateway up, or bring its address up to date. FieldError names what is wrong."""
    _check_gateway(wanted)
    await take_turns(session)
    await _require_free_address(session, wanted)
    row = await session.scalar(select(Gateway).where(Gateway.slug == wanted.slug).with_for_update())
    if row is not None:
        return await _change_gateway(session, row, wanted, by)
    row = Gateway(
        slug=wanted.slug,
        name=wanted.name or wanted.slug,
        kind=wanted.kind,
        host=wanted.host,
        port=wanted.port,
        client_number=wanted.client_id,
    )
    session.add(row)
    await session.flush()
    audit(session, by, "gateway.added", "gateway", row.id, after=_facts(row))
    return Outcome.ADDED


async def take_turns(session: AsyncSession) -> None:
    """Two people who set up the same thing at once: the second finds it there."""
    await session.execute(select(func.pg_advisory_xact_lock(_SETTING_UP)))


def _check_gateway(wanted: NewGateway) -> None:
    if not _SLUG.fullmatch(wanted.slug) or len(wanted.slug) > _MAX_SLUG:
        raise FieldError(
            "slug",
            f"{wanted.slug!r} is not made of lower-case letters, digits and single hyphens, "
            f"at most {_MAX_SLUG}",
        )
    if not wanted.host.strip() or any(mark in wanted.host for mark in " /@"):
        raise FieldError("host", f"{wanted.host!r} is not a host name or an address")
    if not 1 <= wanted.port <= 65535:
        raise FieldError("port", f"{wanted.port} is not between 1 and 65535")
    if not 1 <= wanted.client_id <= _MAX_CLIENT_ID:
        # TWS binds orders made by hand to client 0; the desk keeps those apart as external.
        raise FieldError(
            "client_id", f"{wanted.client_id} is not 1 or more (0 takes over orders made by hand)"
        )


async def _require_free_address(session: AsyncSession, wanted: NewGateway) -> None:
    """Two gateways at one address would be two leases on one login: two workers that may send."""
    other = await session.scalar(
        select(Gateway.slug).where(
            func.lower(Gateway.host) == wanted.host.lower(),
            Gateway.port == wanted.port,
            Gateway.slug != wanted.slug,
        )
    )
    if other is not None:
        raise FieldError("port", f"{wanted.host}:{wanted.port} is gateway {other!r} already")


async def _change_gateway(
    session: AsyncSession, row: Gateway, wanted: NewGateway, by: Actor
) -> Outcome:
    before = _facts(row)
    if wanted.kind is not row.kind:
        raise FieldError(
            "kind",
            f"gateway {row.slug!r} is {row.kind}; a {wanted.kind} login is a gateway of its own",
        )
    if wanted.client_id != row.client_number:
        await _require_no_open_orders(session, row)
    row.host, row.port, row.client_number = wanted.host, wanted.port, wanted.client_id
    row.name = wanted.name or row.name
    after = _facts(row)
    if after == before:
        return Outcome.UNCHANGED
    audit(session, by, "gateway.changed", "gateway", row.id, before=before, after=after)
    return Outcome.CHANGED


async def _require_no_open_orders(session: AsyncSession, row: Gateway) -> None:
    still_open = await session.scalar(
        select(func.count())
        .select_from(Order)
        .where(
            Order.gateway_id == row.id,
            Order.state.in_([state for state in OrderState if not state.is_terminal]),
        )
    )
    if still_open:
        raise FieldError(
            "client_id",
            f"{still_open} orders of client {row.client_number} are still open, "
            "and only that client can cancel them",
        )


def _facts(row: Gateway) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "name": row.name,
        "kind": row.kind,
        "host": row.host,
        "port": row.port,
        "client_id": row.client_number,
    }


async def put_account(session: AsyncSession, wanted: NewAccount, by: Actor) -> Outcome:
    """Set the account up in its portfolio. FieldError names what is wrong; nothing is written."""
    wanted = wanted.model_copy(update={"code": wanted.code.strip().upper()})
    if not _CODE.fullmatch(wanted.code):
        raise FieldError("code", f"{wanted.code!r} is not an account code such as U1234567")
    if not wanted.portfolio.strip():
        raise FieldError("portfolio", "a name is needed")
    await take_turns(session)
    gateway = await gateway_of(session, wanted.gateway)
    client = await _client(session, wanted, by)
    row = await session.scalar(
        select(BrokerAccount)
        .where(BrokerAccount.gateway_id == gateway.id, BrokerAccount.code == wanted.code)
        .with_for_update(of=BrokerAccount)
    )
    if row is not None:
        return await _change_account(session, row, client, wanted, by)
    await _require_reached_once(session, wanted.code)
    portfolio = await portfolio_of(session, client, wanted.portfolio, by)
    row = BrokerAccount(
        portfolio_id=portfolio.id,
        gateway_id=gateway.id,
        code=wanted.code,
        alias=wanted.alias,
    )
    session.add(row)
    await session.flush()
    after = {
        "code": row.code,
        "alias": row.alias,
        "gateway": gateway.slug,
        "client": client.slug,
        "portfolio": portfolio.name,
    }
    audit(session, by, "account.added", "broker_account", row.id, after=after)
    return Outcome.ADDED


async def gateway_of(session: AsyncSession, slug: str) -> Gateway:
    """The gateway of that slug. FieldError names those there are."""
    row = await session.scalar(select(Gateway).where(Gateway.slug == slug))
    if row is not None:
        return row
    known = await session.scalars(select(Gateway.slug).order_by(Gateway.slug))
    raise FieldError("gateway", f"{slug!r} is not set up; there is {_listed(known.all())}")


async def _client(session: AsyncSession, wanted: NewAccount, by: Actor) -> Client:
    known = list(await session.scalars(select(Client).order_by(Client.slug)))
    if wanted.client is None:
        if len(known) == 1:
            return known[0]
        raise FieldError("client", f"say whose account it is: {_listed([c.slug for c in known])}")
    row = next((client for client in known if client.slug == wanted.client), None)
    if row is not None:
        return row
    if not wanted.client_name:
        raise FieldError(
            "client",
            f"{wanted.client!r} is not known; there is {_listed([c.slug for c in known])}. "
            "--client-name creates a client",
        )
    return await add_client(session, wanted.client, wanted.client_name, by)


async def add_client(session: AsyncSession, slug: str, name: str, by: Actor) -> Client:
    """A new client. FieldError where the slug is none, or is another client's."""
    if not _SLUG.fullmatch(slug) or len(slug) > _MAX_SLUG:
        raise FieldError(
            "client",
            f"{slug!r} is not made of lower-case letters, digits and single hyphens, "
            f"at most {_MAX_SLUG}",
        )
    statement = insert(Client).values(id=uuid7(), slug=slug, name=name)
    made = await session.execute(statement.on_conflict_do_nothing().returning(Client.id))
    if (identity := made.scalar_one_or_none()) is None:
        raise FieldError("client", f"{slug!r} is a client already")
    after = {"slug": slug, "name": name}
    audit(session, by, "client.added", "client", identity, after=after)
    return await session.get_one(Client, identity)


async def rename_client(session: AsyncSession, client: Client, name: str, by: Actor) -> None:
    if name == client.name:
        return
    before, client.name = {"name": client.name}, name
    after = {"name": name}
    audit(session, by, "client.changed", "client", client.id, before=before, after=after)


async def add_portfolio(session: AsyncSession, client: Client, name: str, by: Actor) -> Portfolio:
    """A new portfolio. FieldError where the client has one of that name."""
    await take_turns(session)
    known = await session.scalar(_portfolio_named(client, name))
    if known is not None:
        raise FieldError("name", f"{client.name} has a portfolio {name!r} already")
    return await portfolio_of(session, client, name, by)


async def rename_portfolio(
    session: AsyncSession, client: Client, portfolio_id: UUID, name: str, by: Actor
) -> Portfolio:
    """GreenlightError NOT_FOUND, or FieldError where another portfolio has the name."""
    await take_turns(session)
    row = await session.get(Portfolio, portfolio_id, with_for_update=True)
    if row is None or row.client_id != client.id:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such portfolio")
    if name == row.name:
        return row
    if await session.scalar(_portfolio_named(client, name)) is not None:
        raise FieldError("name", f"{client.name} has a portfolio {name!r} already")
    before, row.name = {"name": row.name}, name
    await session.flush()
    after = {"name": name}
    audit(session, by, "portfolio.changed", "portfolio", row.id, before=before, after=after)
    return row


def _portfolio_named(client: Client, name: str) -> Select[Portfolio]:
    return select(Portfolio).where(Portfolio.client_id == client.id, Portfolio.name == name)


async def portfolio_of(session: AsyncSession, client: Client, name: str, by: Actor) -> Portfolio:
    """The client's portfolio of that name, created where there is none."""
    row = await session.scalar(_portfolio_named(client, name))
    if row is None:
        row = Portfolio(client_id=client.id, name=name)
        session.add(row)
        await session.flush()
        after = {"client": client.slug, "name": name}
        audit(session, by, "portfolio.added", "portfolio", row.id, after=after)
    return row


async def _require_reached_once(session: AsyncSession, code: str) -> None:
    """An account on record twice would have its cash and orders counted by halves."""
    other = await session.scalar(
        select(Gateway.slug)
        .join(BrokerAccount, BrokerAccount.gateway_id == Gateway.id)
        .where(BrokerAccount.code == code)
    )
    if other is not None:
        raise FieldError("code", f"{code} is reached through gateway {other!r} already")


async def _change_account(
    session: AsyncSession, row: BrokerAccount, client: Client, wanted: NewAccount, by: Actor
) -> Outcome:
    portfolio = await session.get_one(Portfolio, row.portfolio_id)
    if (portfolio.client_id, portfolio.name) != (client.id, wanted.portfolio):
        owner = await session.get_one(Client, portfolio.client_id)
        raise FieldError(
            "portfolio",
            f"{row.code} is in {portfolio.name!r} of client {owner.slug!r}; "
            "an account does not change hands, with its history",
        )
    if wanted.alias in ("", row.alias):
        return Outcome.UNCHANGED
    before, row.alias = {"alias": row.alias}, wanted.alias
    after = {"alias": row.alias}
    audit(
        session,
        by,
        "account.changed",
        "broker_account",
        row.id,
        before=before,
        after=after,
    )
    return Outcome.CHANGED


def _listed(names: Any) -> str:
    return ", ".join(names) if names else "none yet"

"""Setting up gateways and the accounts reached through them, from the command line.

Adding what is there already changes nothing but what may change: an address, a name. What would
make history mean something else (another kind of login, another owner) is refused.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.discrepancies import DiscrepancyType
from domain.instruments import Frozen
from domain.order_states import OrderState
from infra.db.audit import audit
from infra.db.models import (
    BrokerAccount,
    Client,
    Discrepancy,
    Gateway,
    GatewayKind,
    Order,
    Portfolio,
)
from infra.db.session import own_sessions
from infra.settings import Settings
from infra.users import COMMAND_LINE

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE = re.compile(r"[A-Z][A-Z0-9]{3,19}")
_MAX_SLUG = 40
_MAX_CLIENT_ID = 2**31 - 1


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


class GatewayLine(NamedTuple):
    """One gateway in a list."""

    gateway: Gateway
    accounts: int


class AccountLine(Frozen):
    """One account of a gateway; without an owner where the login serves it, and the desk does
    not know it."""

    code: str
    alias: str = ""
    client: str | None = Field(default=None, description="name of the client")
    portfolio: str | None = None
    trading_state: str | None = None


# --- gateways ------------------------------------------------------------------------------


async def add_gateway(settings: Settings, wanted: NewGateway) -> Outcome:
    """Set the gateway up, or bring its address up to date. FieldError names what is wrong."""
    _check_gateway(wanted)
    async with own_sessions(settings) as opened, opened.begin() as session:
        await _require_free_address(session, wanted)
        row = await session.scalar(
            select(Gateway).where(Gateway.slug == wanted.slug).with_for_update()
        )
        if row is not None:
            return await _change_gateway(session, row, wanted)
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
        audit(session, COMMAND_LINE, "gateway.added", "gateway", row.id, after=_facts(row))
        return Outcome.ADDED


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


async def _change_gateway(session: AsyncSession, row: Gateway, wanted: NewGateway) -> Outcome:
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
    audit(session, COMMAND_LINE, "gateway.changed", "gateway", row.id, before=before, after=after)
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


async def list_gateways(settings: Settings) -> list[GatewayLine]:
    """Every gateway, by slug, and how many accounts of it are set up."""
    counted = (
        select(func.count())
        .where(BrokerAccount.gateway_id == Gateway.id)
        .correlate(Gateway)
        .scalar_subquery()
    )
    async with own_sessions(settings) as opened, opened() as session:
        rows = await session.execute(select(Gateway, counted).order_by(Gateway.slug))
        return [GatewayLine(gateway, accounts) for gateway, accounts in rows]


# --- accounts ------------------------------------------------------------------------------


async def add_account(settings: Settings, wanted: NewAccount) -> Outcome:
    """Set the account up in its portfolio. FieldError names what is wrong; nothing is written."""
    wanted = wanted.model_copy(update={"code": wanted.code.strip().upper()})
    if not _CODE.fullmatch(wanted.code):
        raise FieldError("code", f"{wanted.code!r} is not an account code such as U1234567")
    if not wanted.portfolio.strip():
        raise FieldError("portfolio", "a name is needed")
    async with own_sessions(settings) as opened, opened.begin() as session:
        gateway = await _gateway(session, wanted.gateway)
        client = await _client(session, wanted)
        row = await session.scalar(
            select(BrokerAccount)
            .where(BrokerAccount.gateway_id == gateway.id, BrokerAccount.code == wanted.code)
            .with_for_update(of=BrokerAccount)
        )
        if row is not None:
            return await _change_account(session, row, client, wanted)
        await _require_reached_once(session, wanted.code)
        portfolio = await _portfolio(session, client, wanted.portfolio)
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
        audit(session, COMMAND_LINE, "account.added", "broker_account", row.id, after=after)
        return Outcome.ADDED


async def _gateway(session: AsyncSession, slug: str) -> Gateway:
    row = await session.scalar(select(Gateway).where(Gateway.slug == slug))
    if row is not None:
        return row
    known = await session.scalars(select(Gateway.slug).order_by(Gateway.slug))
    raise FieldError("gateway", f"{slug!r} is not set up; there is {_listed(known.all())}")


async def _client(session: AsyncSession, wanted: NewAccount) -> Client:
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
    if not _SLUG.fullmatch(wanted.client):
        raise FieldError(
            "client",
            f"{wanted.client!r} is not made of lower-case letters, digits and single hyphens",
        )
    row = Client(slug=wanted.client, name=wanted.client_name)
    session.add(row)
    await session.flush()
    after = {"slug": row.slug, "name": row.name}
    audit(session, COMMAND_LINE, "client.added", "client", row.id, after=after)
    return row


async def _portfolio(session: AsyncSession, client: Client, name: str) -> Portfolio:
    row = await session.scalar(
        select(Portfolio).where(Portfolio.client_id == client.id, Portfolio.name == name)
    )
    if row is None:
        row = Portfolio(client_id=client.id, name=name)
        session.add(row)
        await session.flush()
        after = {"client": client.slug, "name": name}
        audit(session, COMMAND_LINE, "portfolio.added", "portfolio", row.id, after=after)
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
    session: AsyncSession, row: BrokerAccount, client: Client, wanted: NewAccount
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
        COMMAND_LINE,
        "account.changed",
        "broker_account",
        row.id,
        before=before,
        after=after,
    )
    return Outcome.CHANGED


async def list_accounts(settings: Settings, slug: str) -> list[AccountLine]:
    """The gateway's accounts: those set up, then those it was found to serve beyond them."""
    async with own_sessions(settings) as opened, opened() as session:
        gateway = await _gateway(session, slug)
        rows = await session.execute(
            select(BrokerAccount, Portfolio.name, Client.name)
            .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
            .join(Client, Client.id == Portfolio.client_id)
            .where(BrokerAccount.gateway_id == gateway.id)
            .order_by(BrokerAccount.code)
        )
        known = [
            AccountLine(
                code=account.code,
                alias=account.alias,
                client=client,
                portfolio=portfolio,
                trading_state=account.trading_state,
            )
            for account, portfolio, client in rows
        ]
        unknown = await session.scalars(
            select(Discrepancy.subject)
            .where(
                Discrepancy.gateway_id == gateway.id,
                Discrepancy.type == DiscrepancyType.UNKNOWN_ACCOUNT,
                Discrepancy.cleared_at.is_(None),
                Discrepancy.subject.not_in([line.code for line in known]),
            )
            .order_by(Discrepancy.subject)
        )
        return known + [AccountLine(code=code) for code in unknown]


def _listed(names: Any) -> str:
    return ", ".join(names) if names else "none yet"

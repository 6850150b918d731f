"""Setting up gateways and accounts from the command line, and listing what is there."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field
from sqlalchemy import func, select

from domain.discrepancies import DiscrepancyType
from domain.instruments import Frozen
from infra.db.models import BrokerAccount, Client, Discrepancy, Gateway, Portfolio
from infra.db.session import own_sessions
from infra.db.setting_up import (
    NewAccount,
    NewGateway,
    Outcome,
    gateway_of,
    put_account,
    put_gateway,
)
from infra.settings import Settings
from infra.users import COMMAND_LINE

__all__ = ["NewAccount", "NewGateway", "Outcome", "add_account", "add_gateway"]


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


async def add_gateway(settings: Settings, wanted: NewGateway) -> Outcome:
    """``put_gateway`` in a transaction of its own."""
    async with own_sessions(settings) as opened, opened.begin() as session:
        return await put_gateway(session, wanted, COMMAND_LINE)


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


async def add_account(settings: Settings, wanted: NewAccount) -> Outcome:
    """``put_account`` in a transaction of its own."""
    async with own_sessions(settings) as opened, opened.begin() as session:
        return await put_account(session, wanted, COMMAND_LINE)


async def list_accounts(settings: Settings, slug: str) -> list[AccountLine]:
    """The gateway's accounts: those set up, then those it was found to serve beyond them."""
    async with own_sessions(settings) as opened, opened() as session:
        gateway = await gateway_of(session, slug)
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

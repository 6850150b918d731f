"""A desk's standing rows: clients with accounts on one gateway, people, limits, the Wheel."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.risk.limits import Limits, LimitScope
from infra.db import models as m
from infra.db.audit import Actor
from infra.db.limits import LimitsChange, LimitsSubject, newest_version, set_limits
from infra.db.session import Sessions
from infra.db.trading_state import AUTOTRADE_ENABLED, TRADING_STATE
from infra.security import hash_password
from infra.seed import WHEEL

PASSWORD = "correct horse battery staple"
ROOMY = Limits(
    max_notional="5000000",  # type: ignore[arg-type] - pydantic reads it
    max_loss="5000000",  # type: ignore[arg-type]
    max_orders_per_minute=100_000,
    max_orders_per_day=None,
    max_daily_notional=None,
    max_daily_loss=None,
    max_position_contracts=None,
    duplicate_window_seconds=0,
    max_quote_age_seconds=3600,
    max_account_age_seconds=3600,
    max_pm_usage="1",  # type: ignore[arg-type]
    require_covered=False,
)
"""Limits are data; campaigns need tens of orders in one account at a fast market's pace."""


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass(frozen=True)
class Account:
    """One account of one client, and the two people who may decide for it."""

    code: str
    id: UUID
    portfolio_id: UUID
    approvers: tuple[str, str]


@dataclass(frozen=True)
class Furniture:
    gateway: str
    version_id: UUID
    accounts: tuple[Account, ...] = field(default=())

    def account(self, code: str) -> Account:
        return next(account for account in self.accounts if account.code == code)


async def furnish(sessions: Sessions, gateway: str, port: int, codes: list[str]) -> Furniture:
    """Everything that exists before the first offer; what is there already is kept."""
    async with sessions.begin() as session:
        for key, value in {
            TRADING_STATE: "ACTIVE",
            AUTOTRADE_ENABLED: False,
        }.items():
            await session.merge(await _setting(session, key, value))
        await _make_room(session)
        row = await session.scalar(select(m.Gateway).where(m.Gateway.slug == gateway))
        if row is None:
            row = m.Gateway(
                slug=gateway,
                name="Campaign",
                kind=m.GatewayKind.SIMULATED,
                host="127.0.0.1",
                port=port,
            )
            session.add(row)
            await session.flush()
        version = await _version(session)
        accounts = [await _account(session, row.id, code) for code in codes]
        return Furniture(gateway, version.id, tuple(accounts))


async def add_instance(
    session: AsyncSession, furniture: Furniture, account: Account, name: str
) -> UUID:
    """A strategy instance of its own for one offer: an instance offers an underlying once.

    Not enabled, so that the schedule leaves it alone.
    """
    instance = m.StrategyInstance(
        strategy_version_id=furniture.version_id,
        portfolio_id=account.portfolio_id,
        broker_account_id=account.id,
        name=name,
        config=dict(WHEEL),
    )
    session.add(instance)
    await session.flush()
    return instance.id


async def _setting(session: AsyncSession, key: str, value: Any) -> m.Setting:
    row = await session.scalar(select(m.Setting).where(m.Setting.key == key))
    if row is None:
        return m.Setting(key=key, value=value)
    row.value = value
    return row


async def _make_room(session: AsyncSession) -> None:
    desk = LimitsSubject(scope=LimitScope.GLOBAL)
    if await newest_version(session, desk) is None:
        change = LimitsChange(subject=desk, limits=ROOMY, based_on=0, reason="a campaign's pace")
        await set_limits(session, change, Actor(name="campaign"))


async def _version(session: AsyncSession) -> m.StrategyVersion:
    code_ref = "domain.strategies.wheel:Wheel"
    row = await session.scalar(
        select(m.StrategyVersion).where(m.StrategyVersion.code_ref == code_ref)
    )
    if row is None:
        strategy = m.Strategy(slug="wheel", name="Wheel")
        session.add(strategy)
        await session.flush()
        row = m.StrategyVersion(
            strategy_id=strategy.id, version="1", code_ref=code_ref, config_schema={}
        )
        session.add(row)
        await session.flush()
    return row


async def _account(session: AsyncSession, gateway_id: UUID, code: str) -> Account:
    async def add(row: Any) -> UUID:
        session.add(row)
        await session.flush()
        return row.id

    approvers = (f"first@{code.lower()}.test", f"second@{code.lower()}.test")
    row = await session.scalar(
        select(m.BrokerAccount).where(
            m.BrokerAccount.gateway_id == gateway_id, m.BrokerAccount.code == code
        )
    )
    if row is None:
        client_id = await add(m.Client(slug=code.lower(), name=code))
        portfolio_id = await add(m.Portfolio(client_id=client_id, name="Main"))
        row = m.BrokerAccount(portfolio_id=portfolio_id, gateway_id=gateway_id, code=code)
        await add(row)
    else:
        portfolio = await session.get(m.Portfolio, row.portfolio_id)
        assert portfolio is not None
        client_id, portfolio_id = portfolio.client_id, portfolio.id
    for email in approvers:
        if await session.scalar(select(m.User.id).where(m.User.email == email)) is None:
            user_id = await add(m.User(email=email, name=email, password_hash=_password_hash()))
            await add(m.Membership(user_id=user_id, client_id=client_id, role=m.Role.TRADER))
    return Account(code, row.id, portfolio_id, approvers)

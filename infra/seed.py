"""A first desk to look at: a demo client on the simulated gateway, with the Wheel switched on
and Theta ready to be.

Idempotent: what is there is left as it is, but for the gateway's address, which may have moved
to a free port.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.risk.limits import TradingState
from domain.strategies.base import StrategyConfig
from domain.strategies.registry import installed_strategies, validate_config
from domain.strategies.theta import Theta
from domain.strategies.wheel import Wheel
from infra.db.audit import Actor, audit
from infra.db.models import (
    BrokerAccount,
    Client,
    Gateway,
    GatewayKind,
    Membership,
    Portfolio,
    Role,
    Setting,
    Strategy,
    StrategyInstance,
    StrategyVersion,
    User,
)
from infra.db.session import engine, sessions
from infra.db.trading_state import AUTOTRADE_ENABLED, TRADING_STATE
from infra.earnings import keep_earnings, read_earnings
from infra.security import hash_password
from infra.settings import Settings
from infra.users import new_password

SEED = Actor(name="first start")
DEMO_ACCOUNT = "DU1000001"
FIRST_USER = "approver@greenlight.local"
VERSION = "1.0"
UNIVERSE = ("AAPL", "MSFT", "NVDA", "IWM", "QQQ", "SPY")
WHEEL = {
    "universe": list(UNIVERSE),
    "min_dte": 20,
    "max_dte": 38,
    "min_delta": 0.15,
    "max_delta": 0.30,
    "min_ror_annualised": 0.05,
    "decision_minutes": 120,
    "max_new_trades": 3,
    "max_contracts": 2,
}

THETA = {
    "universe": ["XSP"],
    "decision_minutes": 120,
    "max_new_trades": 2,
    "max_contracts": 1,
}


async def seed_demo(settings: Settings, earnings: Path | None = None) -> dict[str, Any] | None:
    """Everything a first look needs; the first login, if it was created just now.

    ``earnings`` is the simulated gateway's calendar of earnings dates.
    """
    calendar = [] if earnings is None else read_earnings(earnings)
    database = engine(settings)
    try:
        async with sessions(database).begin() as session:
            await _settings(session)
            gateway = await _gateway(session, settings)
            client = await _client(session)
            account = await _account(session, client, gateway)
            await _strategies(session, account)
            if calendar:
                await keep_earnings(session, calendar, SEED, "the simulated gateway's calendar")
            return await _first_user(session, client)
    finally:
        await database.dispose()


async def _settings(session: AsyncSession) -> None:
    wanted = {
        TRADING_STATE: (TradingState.ACTIVE.value, "ACTIVE, REDUCING or HALTED, for every account"),
        AUTOTRADE_ENABLED: (False, "No order without a person's decision; cannot be switched on"),
    }
    known = set(await session.scalars(select(Setting.key).where(Setting.key.in_(wanted))))
    session.add_all(
        Setting(key=key, value=value, description=description)
        for key, (value, description) in wanted.items()
        if key not in known
    )


async def _gateway(session: AsyncSession, settings: Settings) -> Gateway:
    gateway = await session.scalar(select(Gateway).where(Gateway.slug == settings.gateway_slug))
    if gateway is None:
        gateway = Gateway(
            slug=settings.gateway_slug,
            name="Simulated gateway",
            kind=GatewayKind.SIMULATED,
            host=settings.gateway_host,
            port=settings.gateway_port,
        )
        session.add(gateway)
    gateway.host, gateway.port = settings.gateway_host, settings.gateway_port
    await session.flush()
    return gateway


async def _client(session: AsyncSession) -> Client:
    client = await session.scalar(select(Client).where(Client.slug == "demo"))
    if client is None:
        client = Client(slug="demo", name="Demo client")
        session.add(client)
        await session.flush()
    return client


async def _account(session: AsyncSession, client: Client, gateway: Gateway) -> BrokerAccount:
    account = await session.scalar(
        select(BrokerAccount).where(
            BrokerAccount.gateway_id == gateway.id, BrokerAccount.code == DEMO_ACCOUNT
        )
    )
    if account is None:
        portfolio = Portfolio(client_id=client.id, name="Income")
        session.add(portfolio)
        await session.flush()
        account = BrokerAccount(
            portfolio_id=portfolio.id, gateway_id=gateway.id, code=DEMO_ACCOUNT, alias="Main"
        )
        session.add(account)
        await session.flush()
    return account


async def _strategies(session: AsyncSession, account: BrokerAccount) -> None:
    """The installed strategies' rows, and an instance each of the Wheel and Theta."""
    for installed in installed_strategies():
        if installed.error:
            continue
        strategy = await session.scalar(select(Strategy).where(Strategy.slug == installed.slug))
        if strategy is not None:
            continue
        strategy = Strategy(
            slug=installed.slug, name=installed.title, description=installed.description
        )
        session.add(strategy)
        await session.flush()
        version = StrategyVersion(
            strategy_id=strategy.id,
            version=VERSION,
            code_ref=installed.code_ref,
            config_schema=dict(installed.config_schema),
        )
        session.add(version)
        await session.flush()
        if installed.slug == Wheel.slug:
            config = validate_config(Wheel, WHEEL)
            session.add(_instance(account, version, "Wheel on large caps", config, enabled=True))
        elif installed.slug == Theta.slug:
            # Off at first: it shares its cash with the Wheel, and a person should choose that.
            config = validate_config(Theta, THETA)
            session.add(_instance(account, version, "Theta on XSP", config, enabled=False))


def _instance(
    account: BrokerAccount,
    version: StrategyVersion,
    name: str,
    config: StrategyConfig,
    *,
    enabled: bool,
) -> StrategyInstance:
    return StrategyInstance(
        strategy_version_id=version.id,
        portfolio_id=account.portfolio_id,
        broker_account_id=account.id,
        name=name,
        config=config.model_dump(mode="json"),
        enabled=enabled,
    )


async def _first_user(session: AsyncSession, client: Client) -> dict[str, Any] | None:
    if await session.scalar(select(User.id).limit(1)) is not None:
        return None
    password = new_password()
    user = User(
        email=FIRST_USER, name="First user", password_hash=hash_password(password), is_admin=True
    )
    session.add(user)
    await session.flush()
    session.add(Membership(user_id=user.id, client_id=client.id, role=Role.ADMIN))
    audit(session, SEED, "user.created", "user", user.id, after={"email": FIRST_USER})
    return {"email": FIRST_USER, "password": password}

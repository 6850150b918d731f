"""What of the market the desk keeps up to date: the strategies' universes and what is held."""

from __future__ import annotations

from sqlalchemy import Date, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from domain.errors import GreenlightError
from domain.instruments import OptionContract, SecType
from domain.ports import MarketPlan, PlannedChain
from domain.strategies.base import ChainWindow
from domain.strategies.registry import resolve_strategy, validate_config
from infra.calendars import EXCHANGE_ZONE, exchange_date
from infra.db.accounts import option_of
from infra.db.clock import clock_of, host_now
from infra.db.models import (
    BrokerAccount,
    ConnectionState,
    Gateway,
    IbkrContract,
    Instrument,
    Position,
    Quote,
    StrategyInstance,
)

MOST_AT_ONCE = 40
"""Options looked at beside a reading of positions, which has a minute: four seconds each at worst,
many at a time. The next reading takes up the rest."""


async def market_plan(session: AsyncSession, slug: str) -> MarketPlan:
    """The chains and single options to read through a gateway now; none while its market is
    closed or it is not connected."""
    gateway = await session.scalar(select(Gateway).where(Gateway.slug == slug))
    if gateway is None or gateway.connection is not ConnectionState.CONNECTED:
        return MarketPlan()
    clock = clock_of(gateway)
    if clock is None or not gateway.session_open:
        return MarketPlan()
    windows: dict[str, ChainWindow] = {}
    instances = await session.scalars(
        select(StrategyInstance)
        .join(BrokerAccount, BrokerAccount.id == StrategyInstance.broker_account_id)
        .where(StrategyInstance.enabled, BrokerAccount.gateway_id == gateway.id)
        .options(joinedload(StrategyInstance.strategy_version))
        .order_by(StrategyInstance.id)
    )
    for instance in instances:
        try:
            strategy = resolve_strategy(instance.strategy_version.code_ref)
            config = validate_config(strategy, instance.config)
        except GreenlightError:
            continue  # its own runs tell of it
        window = strategy.chain_window(config)
        for symbol in config.universe:
            windows[symbol] = _both(windows.get(symbol, window), window)
    today = exchange_date(clock.now(host_now()))
    held = await session.execute(
        select(Instrument, IbkrContract.con_id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .join(Position, Position.instrument_id == Instrument.id)
        .join(BrokerAccount, BrokerAccount.id == Position.broker_account_id)
        .where(
            BrokerAccount.gateway_id == gateway.id,
            Instrument.sec_type == SecType.OPTION,
            Instrument.expiry >= today,
        )
        .distinct()
    )
    options = [option_of(instrument, con_id) for instrument, con_id in held]
    return MarketPlan(
        chains=tuple(PlannedChain(symbol=s, window=w) for s, w in sorted(windows.items())),
        options=tuple(option for option in options if option is not None),
    )


async def unquoted_options(
    session: AsyncSession, slug: str, account_code: str
) -> list[OptionContract]:
    """Options an account holds whose market was never looked at, those that end first first."""
    today = func.timezone(str(EXCHANGE_ZONE), Position.as_of).cast(Date)
    held = await session.execute(
        select(Instrument, IbkrContract.con_id)
        .join(IbkrContract, IbkrContract.instrument_id == Instrument.id)
        .join(Position, Position.instrument_id == Instrument.id)
        .join(BrokerAccount, BrokerAccount.id == Position.broker_account_id)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .outerjoin(Quote, Quote.instrument_id == Instrument.id)
        .where(
            Gateway.slug == slug,
            BrokerAccount.code == account_code,
            Instrument.sec_type == SecType.OPTION,
            Instrument.expiry >= today,
            Quote.instrument_id.is_(None),
        )
        .order_by(Instrument.expiry, IbkrContract.con_id)
        .limit(MOST_AT_ONCE)
    )
    options = [option_of(instrument, con_id) for instrument, con_id in held]
    return [option for option in options if option is not None]


def _both(one: ChainWindow, other: ChainWindow) -> ChainWindow:
    """The smallest window that holds both."""
    return ChainWindow(
        min_dte=min(one.min_dte, other.min_dte),
        max_dte=max(one.max_dte, other.max_dte),
        min_moneyness=min(one.min_moneyness, other.min_moneyness),
        max_moneyness=max(one.max_moneyness, other.max_moneyness),
        calls=one.calls or other.calls,
        puts=one.puts or other.puts,
        min_abs_delta=min(one.min_abs_delta, other.min_abs_delta),
        max_abs_delta=max(one.max_abs_delta, other.max_abs_delta),
    )

"""The frame around every screen: settings, gateways, accounts and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import SecType
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from domain.risk.limits import TradingState
from infra.db.models import (
    AccountSnapshot,
    Alert,
    AlertState,
    BrokerAccount,
    Gateway,
    Instrument,
    Order,
    Portfolio,
    Position,
    Quote,
    Recommendation,
    Setting,
)
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer
from infra.db.trading_state import AUTOTRADE_ENABLED, TRADING_STATE

WORKING_STATES = (
    OrderState.SENDING,
    OrderState.WORKING,
    OrderState.PARTIAL,
    OrderState.CANCEL_PENDING,
)


@dataclass(frozen=True, slots=True)
class TradingSettings:
    """What governs trading everywhere; HALTED and off where nothing is on record."""

    trading_state: TradingState
    autotrade_enabled: bool


@dataclass(frozen=True, slots=True)
class Counts:
    pending_recommendations: int
    working_orders: int
    unknown_orders: int
    open_alerts: int


async def trading_settings(session: AsyncSession) -> TradingSettings:
    wanted = select(Setting.key, Setting.value).where(
        Setting.key.in_([TRADING_STATE, AUTOTRADE_ENABLED])
    )
    values = {row.key: row.value for row in await session.execute(wanted)}
    return TradingSettings(
        trading_state=TradingState(values.get(TRADING_STATE, TradingState.HALTED)),
        autotrade_enabled=values.get(AUTOTRADE_ENABLED) is True,
    )


async def desk_accounts(
    session: AsyncSession, viewer: Viewer, client_id: UUID | None
) -> Sequence[AnyRow]:
    """Visible accounts with their gateway, latest snapshot and number of open positions."""
    latest = (
        select(
            AccountSnapshot.net_liquidation,
            AccountSnapshot.cash,
            AccountSnapshot.buying_power,
            AccountSnapshot.as_of,
        )
        .where(AccountSnapshot.broker_account_id == BrokerAccount.id)
        .order_by(AccountSnapshot.as_of.desc())
        .limit(1)
        .lateral("latest")
    )
    positions = (
        select(func.count())
        .where(Position.broker_account_id == BrokerAccount.id, Position.quantity != 0)
        .scalar_subquery()
    )
    statement = (
        select(
            BrokerAccount.id,
            BrokerAccount.gateway_id,
            Portfolio.client_id,
            Portfolio.id.label("portfolio_id"),
            Portfolio.name.label("portfolio_name"),
            BrokerAccount.code,
            BrokerAccount.alias,
            Gateway.kind,
            BrokerAccount.currency,
            BrokerAccount.trading_state,
            latest.c.net_liquidation,
            latest.c.cash,
            latest.c.buying_power,
            latest.c.as_of.label("snapshot_as_of"),
            positions.label("positions_count"),
        )
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .outerjoin(latest, true())
        .where(viewer.sees(BrokerAccount.id))
        .order_by(Portfolio.name, BrokerAccount.code)
    )
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    return (await session.execute(statement)).all()


async def gateways(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[AnyRow]:
    """Gateways by key, by name."""
    statement = select(
        Gateway.slug,
        Gateway.name,
        Gateway.kind,
        Gateway.connection,
        Gateway.connection_detail,
        Gateway.connected_at,
        Gateway.clock_read_at,
        Gateway.market_at,
        Gateway.clock_rate,
        Gateway.session_open,
        Gateway.session_close_at,
    ).where(Gateway.id.in_(ids))
    return (await session.execute(statement.order_by(Gateway.name))).all()


async def latest_quote(session: AsyncSession) -> AnyRow | None:
    """Quality and market time of the latest look at an underlying's market."""
    return (
        await session.execute(
            select(Quote.quality, Quote.as_of)
            .join(Instrument, Instrument.id == Quote.instrument_id)
            .where(Instrument.sec_type != SecType.OPTION)
            .order_by(Quote.as_of.desc())
            .limit(1)
        )
    ).one_or_none()


async def counts(session: AsyncSession, account_ids: Sequence[UUID]) -> Counts:
    """What needs attention on some accounts; alerts of the desk itself count as well."""
    of_accounts = Order.broker_account_id.in_(account_ids)
    statement = select(
        select(func.count())
        .where(
            Recommendation.broker_account_id.in_(account_ids),
            Recommendation.state == RecommendationState.PROPOSED,
        )
        .scalar_subquery(),
        select(func.count()).where(of_accounts, Order.state.in_(WORKING_STATES)).scalar_subquery(),
        select(func.count())
        .where(of_accounts, Order.state == OrderState.UNKNOWN)
        .scalar_subquery(),
        select(func.count())
        .where(
            or_(Alert.broker_account_id.is_(None), Alert.broker_account_id.in_(account_ids)),
            Alert.state == AlertState.OPEN,
        )
        .scalar_subquery(),
    )
    pending, working, unknown, alerts = (await session.execute(statement)).one()
    return Counts(pending, working, unknown, alerts)

"""Trading states with who set them, and pressings of the kill switch with how far they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.risk.limits import TradingState
from infra.db.kill_switch import is_under_way
from infra.db.models import (
    BrokerAccount,
    Gateway,
    KillSwitch,
    KillSwitchTrade,
    Order,
    Portfolio,
    Recommendation,
    Setting,
    TradingStateChange,
)
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, with_account
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer
from infra.db.trading_state import TRADING_STATE

PRESSINGS = Ordering(
    KillSwitch.id,
    "-created_at",
    nullable=("account",),
    created_at=KillSwitch.id,  # keys are ordered by time
    author=KillSwitch.author,
    account=BrokerAccount.code,
)


@dataclass(frozen=True, slots=True)
class StatesOnRecord:
    """The desk's own state, each visible account's, and the latest change of each by account."""

    desk: TradingState
    accounts: Sequence[AnyRow]
    changes: dict[UUID | None, TradingStateChange]


@dataclass(slots=True)
class TradeUnderWay:
    """An approved trade and its orders, first attempt first."""

    recommendation: AnyRow
    orders: list[AnyRow] = field(default_factory=list["AnyRow"])


async def trading_states(session: AsyncSession, viewer: Viewer) -> StatesOnRecord:
    desk = await session.scalar(select(Setting.value).where(Setting.key == TRADING_STATE))
    accounts = await session.execute(
        select(*ACCOUNT, BrokerAccount.trading_state, BrokerAccount.trading_state_reason)
        .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .where(viewer.sees(BrokerAccount.id))
        .order_by(BrokerAccount.code)
    )
    latest = await session.scalars(
        select(TradingStateChange)
        .ext(distinct_on(TradingStateChange.broker_account_id))
        .order_by(TradingStateChange.broker_account_id, TradingStateChange.id.desc())
    )
    return StatesOnRecord(
        desk=TradingState.HALTED if desk is None else TradingState(desk),
        accounts=accounts.all(),
        changes={change.broker_account_id: change for change in latest},
    )


async def trades_under_way(
    session: AsyncSession, viewer: Viewer, account_id: UUID | None
) -> list[TradeUnderWay]:
    """What pressing the kill switch would withdraw now, as far as the viewer sees it."""
    return await _trades(session, viewer, is_under_way(account_id))


async def withdrawn_trades(
    session: AsyncSession, viewer: Viewer, kill_switch_id: UUID
) -> list[TradeUnderWay]:
    """What one pressing withdrew, as it stands now and as far as the viewer sees it."""
    withdrawn = select(KillSwitchTrade.recommendation_id).where(
        KillSwitchTrade.kill_switch_id == kill_switch_id
    )
    return await _trades(session, viewer, Recommendation.id.in_(withdrawn))


async def pressings(
    session: AsyncSession, viewer: Viewer, account_id: UUID | None, page: PageAsk
) -> Rows[AnyRow]:
    """Pressings of visible accounts and of the whole desk, latest first."""
    statement = _pressings(viewer)
    if account_id is not None:
        statement = statement.where(KillSwitch.broker_account_id == account_id)
    return await page_rows(session, statement, PRESSINGS, page)


async def pressing(session: AsyncSession, viewer: Viewer, kill_switch_id: UUID) -> AnyRow | None:
    found = await session.execute(_pressings(viewer).where(KillSwitch.id == kill_switch_id))
    return found.one_or_none()


def _pressings(viewer: Viewer) -> Rowed:
    statement: Rowed = select(
        KillSwitch.id,
        KillSwitch.author,
        KillSwitch.reason,
        KillSwitch.created_at,
        *ACCOUNT,
    ).select_from(KillSwitch)
    statement = with_account(statement, KillSwitch.broker_account_id, optional=True)
    return statement.where(
        or_(KillSwitch.broker_account_id.is_(None), viewer.sees(KillSwitch.broker_account_id))
    )


async def _trades(
    session: AsyncSession, viewer: Viewer, which: ColumnElement[bool]
) -> list[TradeUnderWay]:
    statement: Rowed = select(
        Recommendation.id, Recommendation.state, Recommendation.summary, *ACCOUNT
    ).select_from(Recommendation)
    statement = with_account(statement, Recommendation.broker_account_id)
    statement = statement.where(which, viewer.sees(Recommendation.broker_account_id))
    rows = (await session.execute(statement.order_by(Recommendation.id))).all()
    trades = {row.id: TradeUnderWay(row) for row in rows}
    orders = await session.execute(
        select(
            Order.recommendation_id,
            Order.id,
            Order.order_key,
            Order.attempt,
            Order.state,
            Order.quantity,
            Order.filled_quantity,
            Order.ended_at,
        )
        .where(Order.recommendation_id.in_(trades))
        .order_by(Order.attempt)
    )
    for order in orders:
        trades[order.recommendation_id].orders.append(order)
    return list(trades.values())

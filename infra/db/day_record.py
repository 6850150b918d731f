"""What our own records say of an account's day and of its other orders, for the controls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import Leg, Side
from domain.orders import OrderIntent, OrderState
from domain.recommendations import ApprovedTrade
from domain.risk.limits import Limits
from domain.risk.pretrade_inputs import DayRecord, RestingOrder
from infra.calendars import EXCHANGE_ZONE, exchange_date
from infra.db.models import AccountSnapshot, Execution
from infra.db.models import Order as OrderRow

_MINUTE = timedelta(minutes=1)
_TERMINAL = tuple(state for state in OrderState if state.is_terminal)
# Of an order that has ended only what it traded counts; of any other, all of it.
_COUNTED = case((OrderRow.state.in_(_TERMINAL), OrderRow.traded_quantity), else_=OrderRow.quantity)


class OtherOrder(NamedTuple):
    """An order that may still trade, ours for another approval or one made outside the desk.

    ``sides`` are by conId. ``limit_price`` is None for a package. What it opens is counted on
    ``symbol`` as far as it is unfilled.
    """

    key: str
    sides: dict[int, Side]
    limit_price: Decimal | None
    symbol: str
    assignment_cash: Decimal
    opens_contracts: Decimal
    opens_notional: Decimal


class AccountDay(NamedTuple):
    """The day of an account for the controls, and how many executions of it are on record."""

    record: DayRecord
    executions: int


async def read_account_day(
    session: AsyncSession,
    account_id: UUID,
    trade: ApprovedTrade,
    limits: Limits,
    others: Sequence[OtherOrder],
    market_now: datetime,
) -> AccountDay:
    """The day as it stands on record.

    The exchange day and the duplicates' window are told by the broker's clock, ``market_now``; the
    rate, which guards against the desk itself, by Postgres's.
    """
    day_began = datetime.combine(
        exchange_date(market_now), time(), tzinfo=EXCHANGE_ZONE
    ).astimezone(UTC)
    here = OrderRow.broker_account_id == account_id
    since_the_day_began = OrderRow.sent_market_at >= day_began
    sent, notional, last_minute, equity, executions = (
        await session.execute(
            select(
                func.count().filter(since_the_day_began),
                func.coalesce(
                    func.sum(OrderRow.notional * _COUNTED / OrderRow.quantity).filter(
                        since_the_day_began
                    ),
                    0,
                ),
                func.count().filter(OrderRow.sent_at > func.clock_timestamp() - _MINUTE),
                _equity_at(account_id, day_began),
                executions_on_record(account_id),
            ).where(here, OrderRow.sent_market_at >= day_began - _MINUTE)
        )
    ).one()
    symbol = trade.terms.contract.symbol
    record = DayRecord(
        orders_last_minute=last_minute,
        orders_today=sent,
        notional_today=notional,
        same_trades=await _same_trades(session, account_id, trade, market_now, limits),
        opposite_orders=_opposite(trade.terms.legs, others),
        contracts_under_way=_sum(o.opens_contracts for o in others if o.symbol == symbol),
        notional_under_way=_sum(o.opens_notional for o in others if o.symbol == symbol),
        equity_at_open=equity,
    )
    return AccountDay(record, executions)


def executions_on_record(account_id: UUID) -> ScalarSelect[int]:
    """SQL: how many executions of the account are on record."""
    count = select(func.count()).select_from(Execution)
    return count.where(Execution.broker_account_id == account_id).scalar_subquery()


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


async def _same_trades(
    session: AsyncSession,
    account_id: UUID,
    trade: ApprovedTrade,
    market_now: datetime,
    limits: Limits,
) -> tuple[str, ...]:
    """Orders of other approvals that traded, or still may trade, the same legs in the window."""
    window = timedelta(seconds=limits.duplicate_window_seconds)
    if not window:
        return ()
    rows = await session.execute(
        select(OrderRow.order_key, OrderRow.intent)
        .where(
            OrderRow.broker_account_id == account_id,
            OrderRow.recommendation_id != trade.recommendation_id,
            OrderRow.sent_market_at >= market_now - window,
            OrderRow.side == trade.terms.side,
            _COUNTED > 0,
        )
        .order_by(OrderRow.id)
    )
    wanted = _economics(trade.terms.legs)
    return tuple(
        key for key, intent in rows if _economics(OrderIntent.model_validate(intent).legs) == wanted
    )


def _economics(legs: Sequence[Leg]) -> set[tuple[int, Side, int]]:
    return {(leg.contract.con_id, leg.side, leg.ratio) for leg in legs}


def _opposite(legs: Sequence[Leg], others: Sequence[OtherOrder]) -> tuple[RestingOrder, ...]:
    return tuple(
        RestingOrder(key=other.key, limit_price=other.limit_price)
        for other in others
        if any(other.sides.get(leg.contract.con_id) is leg.side.opposite for leg in legs)
    )


async def equity_at_open(
    session: AsyncSession, account_id: UUID, day_began: datetime
) -> Decimal | None:
    """The last net liquidation of the day before; on an account's first day the first."""
    return await session.scalar(select(_equity_at(account_id, day_began)))


def _equity_at(account_id: UUID, day_began: datetime) -> ColumnElement[Decimal]:
    """SQL: the last net liquidation of the day before; on an account's first day the first."""
    here = AccountSnapshot.broker_account_id == account_id
    before = (
        select(AccountSnapshot.net_liquidation)
        .where(here, AccountSnapshot.as_of < day_began)
        .order_by(AccountSnapshot.as_of.desc())
        .limit(1)
    )
    first = (
        select(AccountSnapshot.net_liquidation)
        .where(here, AccountSnapshot.as_of >= day_began)
        .order_by(AccountSnapshot.as_of)
        .limit(1)
    )
    return func.coalesce(before.scalar_subquery(), first.scalar_subquery())

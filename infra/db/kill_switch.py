"""The kill switch in Postgres: halt, withdraw every approval under way, and see it through.

A pressing is one transaction. From its commit on no order of a withdrawn approval can be claimed,
whoever hears of it: telling the workflows comes after, and what is not heard is told again by the
redelivery schedule for as long as a trade is not concluded. How far it has come is read from the
orders themselves, so nothing is lost with any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from domain.kill_switch import preview_digest
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from domain.risk.limits import TradingState
from infra.db.audit import Actor, audit
from infra.db.clock import host_now
from infra.db.models import KillSwitch, KillSwitchTrade, Order, Recommendation
from infra.db.trading_state import StateChange, change_trading_state

AT_BROKER = tuple(state for state in OrderState if state.may_be_at_broker)


class Pressing(Frozen):
    """Somebody presses, having seen what ``digest`` stands for."""

    account_id: UUID | None = Field(description="None: the whole desk")
    digest: str
    reason: str
    idempotency_key: str | None = Field(default=None, min_length=8, max_length=128)


class Pressed(NamedTuple):
    """The pressing on record, and the recommendations whose workflows are to be told."""

    row: KillSwitch
    withdrawn: Sequence[UUID]


def is_under_way(account_id: UUID | None) -> ColumnElement[bool]:
    """That a recommendation was approved and is not over, or has an order that may work."""
    working = exists().where(
        Order.recommendation_id == Recommendation.id, Order.state.in_(AT_BROKER)
    )
    approved = Recommendation.state == RecommendationState.APPROVED
    in_scope = true() if account_id is None else Recommendation.broker_account_id == account_id
    return in_scope & or_(approved, working)


async def digest_now(session: AsyncSession, account_id: UUID | None) -> str:
    """Of what pressing would withdraw now."""
    ids = await session.scalars(select(Recommendation.id).where(is_under_way(account_id)))
    return preview_digest(account_id, ids)


async def press(session: AsyncSession, pressing: Pressing, actor: Actor) -> Pressed:
    """Halt, and withdraw every approval under way; the caller commits, then tells the workflows.

    Trades that came or went since the preview do not hold it up: in an emergency a refusal is worse
    than a cancel nobody saw coming. Whether it did as was shown, ``as_previewed`` tells.
    Repeating a pressing with its own idempotency key presses nothing again. Raises
    GreenlightError NOT_FOUND for an account that does not exist, or IDEMPOTENCY_KEY_REUSED.
    """
    known = await _known(session, pressing, actor)
    if known is not None:
        return known
    # In the order in which a claim locks: the recommendation before the trading state.
    trades = (
        await session.scalars(
            select(Recommendation)
            .where(is_under_way(pressing.account_id))
            .order_by(Recommendation.id)
            .with_for_update(of=Recommendation)
            .execution_options(populate_existing=True)
        )
    ).all()
    now = host_now()
    for trade in trades:
        trade.withdrawn_at = trade.withdrawn_at or now
    await change_trading_state(
        session,
        StateChange(
            account_id=pressing.account_id, state=TradingState.HALTED, reason=pressing.reason
        ),
        actor,
    )
    return Pressed(await _record(session, pressing, actor, trades), [trade.id for trade in trades])


async def as_previewed(session: AsyncSession, kill_switch_id: UUID) -> bool:
    """Whether one pressing withdrew the very trades that its preview had shown."""
    row = await session.get_one(KillSwitch, kill_switch_id)
    withdrawn = await withdrawn_by(session, kill_switch_id)
    return preview_digest(row.broker_account_id, withdrawn) == row.digest


async def withdrawn_by(session: AsyncSession, kill_switch_id: UUID) -> Sequence[UUID]:
    """The recommendations that one pressing withdrew."""
    of_pressing = KillSwitchTrade.kill_switch_id == kill_switch_id
    return (
        await session.scalars(select(KillSwitchTrade.recommendation_id).where(of_pressing))
    ).all()


async def _known(session: AsyncSession, pressing: Pressing, actor: Actor) -> Pressed | None:
    if pressing.idempotency_key is None:
        return None
    row = await session.scalar(
        select(KillSwitch).where(
            KillSwitch.user_id == actor.user_id,
            KillSwitch.idempotency_key == pressing.idempotency_key,
        )
    )
    if row is None:
        return None
    same = (row.broker_account_id, row.digest, row.reason) == (
        pressing.account_id,
        pressing.digest,
        pressing.reason,
    )
    if not same:
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key pressed the kill switch otherwise before"
        )
    return Pressed(row, await withdrawn_by(session, row.id))


async def _record(
    session: AsyncSession, pressing: Pressing, actor: Actor, trades: Sequence[Recommendation]
) -> KillSwitch:
    row = KillSwitch(
        broker_account_id=pressing.account_id,
        digest=pressing.digest,
        reason=pressing.reason,
        user_id=actor.user_id,
        author=actor.name,
        idempotency_key=pressing.idempotency_key,
    )
    session.add(row)
    await session.flush()
    states = await latest_states(session, [trade.id for trade in trades])
    session.add_all(
        KillSwitchTrade(
            kill_switch_id=row.id, recommendation_id=trade.id, order_state=states.get(trade.id)
        )
        for trade in trades
    )
    audit(
        session,
        actor,
        "kill_switch.pressed",
        "desk" if pressing.account_id is None else "broker_account",
        pressing.account_id or "desk",
        after={"reason": pressing.reason, "withdrawn": [str(trade.id) for trade in trades]},
    )
    await session.flush()
    return row


async def latest_states(
    session: AsyncSession, recommendation_ids: Sequence[UUID]
) -> dict[UUID, OrderState]:
    """The state of the latest order of each recommendation that has one."""
    rows = await session.execute(
        select(Order.recommendation_id, Order.state)
        .where(Order.recommendation_id.in_(recommendation_ids))
        .order_by(Order.attempt)
    )
    return {row.recommendation_id: row.state for row in rows}

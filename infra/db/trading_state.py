"""The trading state: what is in force for an account, and how it changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ScalarSelect, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from domain.risk.limits import TradingState
from infra.db.audit import Actor, audit
from infra.db.models import BrokerAccount, Setting, TradingStateChange

TRADING_STATE = "trading_state"
AUTOTRADE_ENABLED = "autotrade_enabled"


class StateChange(Frozen):
    """What somebody wants; ``account_id`` None is the whole desk."""

    account_id: UUID | None
    state: TradingState
    reason: str
    idempotency_key: str | None = Field(default=None, min_length=8, max_length=128)


async def effective_trading_state(
    session: AsyncSession, broker_account_id: UUID, *, lock: bool = False
) -> TradingState:
    """The state that governs the account now, the stricter of its own and the desk's.

    HALTED where none is on record. With ``lock`` both rows are locked for share, so that a halt
    committed later waits for this transaction and one committed earlier is seen.
    """
    desk = select(Setting.value).where(Setting.key == TRADING_STATE)
    if lock:
        desk = desk.with_for_update(read=True)
    statement = select(
        BrokerAccount.trading_state, desk.scalar_subquery().label("desk_state")
    ).where(BrokerAccount.id == broker_account_id)
    if lock:
        statement = statement.with_for_update(read=True, of=BrokerAccount)
    row = (await session.execute(statement)).one_or_none()
    return TradingState.HALTED if row is None else in_force(row.desk_state, row.trading_state)


def desk_state() -> ScalarSelect[Any]:
    """SQL: the desk's state, for a statement that reads the account's as well."""
    return select(Setting.value).where(Setting.key == TRADING_STATE).scalar_subquery()


def in_force(desk: str | None, account: TradingState) -> TradingState:
    """What the desk's state and an account's own amount to; HALTED where the desk has none."""
    return TradingState.HALTED if desk is None else stricter(TradingState(desk), account)


def stricter(one: TradingState, other: TradingState) -> TradingState:
    return other if one.is_looser_than(other) else one


async def change_trading_state(
    session: AsyncSession, change: StateChange, actor: Actor
) -> TradingStateChange:
    """Put ``change`` in force once the caller commits: no later claim of an order misses it.

    The rows are those that a claim locks (``effective_trading_state``). Repeating a change with
    its own idempotency key returns what it did. Raises GreenlightError NOT_FOUND, or
    IDEMPOTENCY_KEY_REUSED.
    """
    replayed = await _replayed(session, change, actor)
    if replayed is not None:
        return replayed
    before = await (_put_desk(session, change) if change.account_id is None
                    else _put_account(session, change.account_id, change))  # fmt: skip
    row = TradingStateChange(
        broker_account_id=change.account_id,
        before=before,
        after=change.state,
        reason=change.reason,
        user_id=actor.user_id,
        author=actor.name,
        idempotency_key=change.idempotency_key,
    )
    session.add(row)
    audit(
        session,
        actor,
        "trading_state.changed",
        "desk" if change.account_id is None else "broker_account",
        change.account_id or "desk",
        before={"trading_state": before.value},
        after={"trading_state": change.state.value, "reason": change.reason},
    )
    await session.flush()
    return row


async def _replayed(
    session: AsyncSession, change: StateChange, actor: Actor
) -> TradingStateChange | None:
    if change.idempotency_key is None:
        return None
    known = await session.scalar(
        select(TradingStateChange).where(
            TradingStateChange.user_id == actor.user_id,
            TradingStateChange.idempotency_key == change.idempotency_key,
        )
    )
    if known is None:
        return None
    if (known.broker_account_id, known.after, known.reason) != (
        change.account_id,
        change.state,
        change.reason,
    ):
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key changed the trading state otherwise before"
        )
    return known


async def _put_desk(session: AsyncSession, change: StateChange) -> TradingState:
    """The state before. A desk without one counts as halted."""
    await session.execute(
        insert(Setting)
        .values(key=TRADING_STATE, value=TradingState.HALTED.value)
        .on_conflict_do_nothing(index_elements=[Setting.key])
    )
    row = (
        await session.scalars(
            select(Setting)
            .where(Setting.key == TRADING_STATE)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one()
    before = TradingState(row.value)
    row.value = change.state.value
    return before


async def _put_account(
    session: AsyncSession, account_id: UUID, change: StateChange
) -> TradingState:
    row = await session.scalar(
        select(BrokerAccount)
        .where(BrokerAccount.id == account_id)
        .with_for_update(of=BrokerAccount)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such account")
    before = row.trading_state
    row.trading_state = change.state
    row.trading_state_reason = change.reason
    return before

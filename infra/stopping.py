"""Stopping from a terminal: straight in the database, so that it works while the API is down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.service import RPCError

from domain.kill_switch import Withdrawal, withdrawal_of
from domain.orders import OrderState
from domain.risk.limits import TradingState
from infra.db.kill_switch import (
    Pressing,
    as_previewed,
    digest_now,
    is_under_way,
    press,
    withdrawn_by,
)
from infra.db.models import BrokerAccount, Order, Recommendation
from infra.db.session import own_sessions
from infra.db.setting_up import FieldError
from infra.db.trading_state import StateChange, change_trading_state
from infra.settings import Settings
from infra.temporal.client import connect
from infra.temporal.delivery import request_withdrawal
from infra.users import COMMAND_LINE

_POLL_SECONDS = 1.0
_TELL_SECONDS = 10.0


class TradeLine(NamedTuple):
    """An approved trade that the kill switch withdraws, and what became of it."""

    account: str
    summary: str
    outcome: Withdrawal


class Preview(NamedTuple):
    digest: str
    trades: list[TradeLine]


class Pressed(NamedTuple):
    """A pressing on record.

    ``as_previewed`` unless trades came or went since the preview; ``told`` unless Temporal did not
    answer.
    """

    id: UUID
    as_previewed: bool
    told: bool


async def change(settings: Settings, code: str, state: TradingState, reason: str) -> TradingState:
    """Put ``state`` in force for the account, or for the whole desk; what was before."""
    async with own_sessions(settings) as sessions, sessions.begin() as session:
        account_id = await _account_id(session, code)
        wanted = StateChange(account_id=account_id, state=state, reason=reason)
        return (await change_trading_state(session, wanted, COMMAND_LINE)).before


async def preview(settings: Settings, code: str) -> Preview:
    """What the kill switch would withdraw now."""
    async with own_sessions(settings) as sessions, sessions() as session:
        account_id = await _account_id(session, code)
        trades = await _trades(session, is_under_way(account_id))
        return Preview(await digest_now(session, account_id), trades)


async def press_kill_switch(settings: Settings, code: str, digest: str, reason: str) -> Pressed:
    """Halt and withdraw whatever is under way; ``digest`` is of the preview that was shown."""
    async with own_sessions(settings) as sessions, sessions.begin() as session:
        account_id = await _account_id(session, code)
        wanted = Pressing(account_id=account_id, digest=digest, reason=reason)
        pressed = await press(session, wanted, COMMAND_LINE)
        as_shown = await as_previewed(session, pressed.row.id)
    return Pressed(pressed.row.id, as_shown, await _tell(settings, pressed.withdrawn))


async def until_confirmed(settings: Settings, pressing: UUID, seconds: float) -> list[TradeLine]:
    """What was withdrawn, once each is confirmed by the broker's books or the time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    async with own_sessions(settings) as sessions:
        while True:
            async with sessions() as session:
                ids = await withdrawn_by(session, pressing)
                trades = await _trades(session, Recommendation.id.in_(ids))
            if all(trade.outcome.is_confirmed for trade in trades) or loop.time() >= until:
                return trades
            await asyncio.sleep(_POLL_SECONDS)


async def _tell(settings: Settings, recommendation_ids: Sequence[UUID]) -> bool:
    """On record already: whoever is not told now is told by the redelivery schedule."""
    try:
        async with asyncio.timeout(_TELL_SECONDS):
            client = await connect(settings)
            await asyncio.gather(*(request_withdrawal(client, each) for each in recommendation_ids))
    except (RPCError, RuntimeError, TimeoutError):
        return False
    return True


async def _trades(session: AsyncSession, which: ColumnElement[bool]) -> list[TradeLine]:
    trades = (
        await session.execute(
            select(Recommendation.id, BrokerAccount.code, Recommendation.summary)
            .join(BrokerAccount, BrokerAccount.id == Recommendation.broker_account_id)
            .where(which)
            .order_by(Recommendation.id)
        )
    ).all()
    attempts: dict[UUID, list[OrderState]] = {trade.id: [] for trade in trades}
    orders = await session.execute(
        select(Order.recommendation_id, Order.state)
        .where(Order.recommendation_id.in_(attempts))
        .order_by(Order.attempt)
    )
    for order in orders:
        attempts[order.recommendation_id].append(order.state)
    return [
        TradeLine(trade.code, trade.summary, withdrawal_of(attempts[trade.id])) for trade in trades
    ]


async def _account_id(session: AsyncSession, code: str) -> UUID | None:
    """None for the whole desk. FieldError for a code that is not exactly one account's."""
    if not code:
        return None
    ids = (
        await session.scalars(select(BrokerAccount.id).where(BrokerAccount.code == code.upper()))
    ).all()
    if len(ids) != 1:
        found = f"{len(ids)} accounts are" if ids else "no account is"
        raise FieldError("account", f"{found} set up as {code.upper()}")
    return ids[0]

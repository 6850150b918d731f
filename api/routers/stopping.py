"""Stopping: the trading state of an account or of the whole desk, and the kill switch.

Halting an account takes the role TRADER, OPERATOR or ADMIN; ACTIVE and REDUCING, which let trade
again, OPERATOR or ADMIN. The whole desk takes somebody who operates for every client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, status
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crash_points import crash_point
from api.deps import (
    IdempotencyKey,
    SignalsDep,
    SignedIn,
    Transaction,
    actor,
    found,
    paged,
    throttled_command,
)
from api.presenters import stopping as presenter
from api.schemas.common import Page
from api.schemas.stopping import (
    ChangeStateAsk,
    KillSwitchPreview,
    KillSwitchReport,
    PressAsk,
    Pressing,
    TradingStates,
)
from api.signals import Signals
from domain.errors import ErrorCode, GreenlightError
from domain.risk.limits import TradingState
from infra.db import kill_switch
from infra.db.models import Client
from infra.db.queries import stopping as queries
from infra.db.queries.accounts import visible_account
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer
from infra.db.trading_state import StateChange, change_trading_state

router = APIRouter(tags=["stopping"])
NOTHING = "no such account"
NO_PRESSING = "no such pressing of the kill switch"
Account = Annotated[UUID | None, Query(description="left out: the whole desk")]


@router.get("/trading-state/")
async def get_trading_states(session: Transaction, viewer: SignedIn) -> TradingStates:
    """The trading state of the desk and of each visible account, and who set it."""
    return await _states(session, viewer)


@router.put("/trading-state/desk/", dependencies=[Depends(throttled_command)])
async def change_trading_state_of_desk(
    ask: ChangeStateAsk,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    key: IdempotencyKey,
) -> TradingStates:
    """Stop or resume all trading. No order is claimed for sending past a stop."""
    await _require_permission(session, viewer, None, ask.state)
    return await _change(session, viewer, request, _wanted(None, ask, key))


@router.put("/trading-state/accounts/{account_id}/", dependencies=[Depends(throttled_command)])
async def change_trading_state_of_account(
    account_id: UUID,
    ask: ChangeStateAsk,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    key: IdempotencyKey,
) -> TradingStates:
    """Stop or resume trading on one account. The stricter of its state and the desk's binds."""
    await _require_permission(session, viewer, account_id, ask.state)
    return await _change(session, viewer, request, _wanted(account_id, ask, key))


@router.get("/kill-switch/preview/")
async def preview_kill_switch(
    session: Transaction, viewer: SignedIn, account: Account = None
) -> KillSwitchPreview:
    """What pressing the kill switch would do now."""
    await _require_permission(session, viewer, account, TradingState.HALTED)
    trades = await queries.trades_under_way(session, viewer, account)
    states = await queries.trading_states(session, viewer)
    state = states.desk
    if account is not None:
        own = {row.account_id: row.trading_state for row in states.accounts}
        state = own[account]
    return presenter.preview(account, state, trades)


@router.post(
    "/kill-switch/",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(throttled_command)],
)
async def press_kill_switch(
    ask: PressAsk,
    request: Request,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
    key: IdempotencyKey,
) -> KillSwitchReport:
    """Halt, withdraw every approval under way and cancel its orders at the broker.

    Trades that came or went since the preview do not hold it up; ``as_previewed`` says so. The
    report is asked for again until it is complete; orders are confirmed by the broker's books.
    """
    await _require_permission(session, viewer, ask.account, TradingState.HALTED)
    wanted = kill_switch.Pressing(
        account_id=ask.account, digest=ask.digest, reason=ask.reason, idempotency_key=key
    )
    pressed = await kill_switch.press(session, wanted, actor(request, viewer))
    crash_point("kill_switch.uncommitted")
    # On record first: from here on nothing withdrawn can be sent, whoever hears of it.
    await session.commit()
    crash_point("kill_switch.committed")
    await _tell(signals, pressed.withdrawn)
    return await _report(session, viewer, pressed.row.id)


@router.get("/kill-switch/")
async def list_kill_switches(
    page: Annotated[PageAsk, Depends(paged(queries.PRESSINGS))],
    session: Transaction,
    viewer: SignedIn,
    account: Annotated[UUID | None, Query(description="only this account's")] = None,
) -> Page[Pressing]:
    """Pressings of the kill switch, latest first."""
    rows = await queries.pressings(session, viewer, account, page)
    return Page(items=[presenter.pressing(row) for row in rows.items], next_cursor=rows.next_cursor)


@router.get("/kill-switch/{kill_switch_id}/")
async def get_kill_switch(
    kill_switch_id: UUID, session: Transaction, viewer: SignedIn
) -> KillSwitchReport:
    """One pressing and every trade it withdrew, as the broker's books show them now."""
    return await _report(session, viewer, kill_switch_id)


async def _report(session: AsyncSession, viewer: Viewer, kill_switch_id: UUID) -> KillSwitchReport:
    row = found(await queries.pressing(session, viewer, kill_switch_id), NO_PRESSING)
    trades = await queries.withdrawn_trades(session, viewer, kill_switch_id)
    as_previewed = await kill_switch.as_previewed(session, kill_switch_id)
    return presenter.report(row, trades, as_previewed=as_previewed)


async def _states(session: AsyncSession, viewer: Viewer) -> TradingStates:
    everywhere = await _operates_everywhere(session, viewer)
    on_record = await queries.trading_states(session, viewer)
    return presenter.trading_states(on_record, viewer, everywhere=everywhere)


def _wanted(account_id: UUID | None, ask: ChangeStateAsk, key: str) -> StateChange:
    return StateChange(
        account_id=account_id, state=ask.state, reason=ask.reason, idempotency_key=key
    )


async def _change(
    session: AsyncSession, viewer: Viewer, request: Request, change: StateChange
) -> TradingStates:
    await change_trading_state(session, change, actor(request, viewer))
    return await _states(session, viewer)


async def _require_permission(
    session: AsyncSession, viewer: Viewer, account_id: UUID | None, wanted: TradingState
) -> None:
    """That the viewer may put ``wanted`` in force, whatever is in force now."""
    if account_id is None:
        if not await _operates_everywhere(session, viewer):
            raise GreenlightError(
                ErrorCode.FORBIDDEN, "the whole desk needs somebody who operates for every client"
            )
        return
    account = found(await visible_account(session, viewer, account_id), NOTHING)
    if wanted is TradingState.HALTED:
        if not viewer.may_halt_for(account.client_id, account.portfolio_id):
            raise GreenlightError(
                ErrorCode.FORBIDDEN, "halting needs the role TRADER, OPERATOR or ADMIN"
            )
    elif not viewer.may_operate_for(account.client_id, account.portfolio_id):
        raise GreenlightError(
            ErrorCode.FORBIDDEN, "letting trade again needs the role OPERATOR or ADMIN"
        )


async def _operates_everywhere(session: AsyncSession, viewer: Viewer) -> bool:
    return viewer.may_operate_everywhere((await session.scalars(select(Client.id))).all())


async def _tell(signals: Signals, recommendation_ids: Sequence[UUID]) -> None:
    """Tell every workflow at once; what is not heard is told again by the schedule."""
    await asyncio.gather(*(signals.withdraw(each) for each in recommendation_ids))

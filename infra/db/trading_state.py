"""The trading state in force for an account: the stricter of its own and the global one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.risk.limits import TradingState
from infra.db.models import BrokerAccount, Setting

TRADING_STATE = "trading_state"
AUTOTRADE_ENABLED = "autotrade_enabled"
_STRICTNESS = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)


async def effective_trading_state(
    session: AsyncSession, broker_account_id: UUID, *, lock: bool = False
) -> TradingState:
    """The state that governs the account now; HALTED where none is on record.

    With ``lock`` both rows are locked for share, so that a halt committed later waits for this
    transaction and one committed earlier is seen.
    """
    of_setting = select(Setting.value).where(Setting.key == TRADING_STATE)
    of_account = select(BrokerAccount.trading_state).where(BrokerAccount.id == broker_account_id)
    if lock:
        of_setting, of_account = (
            of_setting.with_for_update(read=True),
            of_account.with_for_update(read=True),
        )
    everywhere = await session.scalar(of_setting)
    here = await session.scalar(of_account)
    if everywhere is None or here is None:
        return TradingState.HALTED
    return max(TradingState(everywhere), here, key=_STRICTNESS.index)

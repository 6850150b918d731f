"""The day's profit and loss of each position, as TWS streams it.

TWS tells it per position to whoever subscribed, and goes on telling. Subscriptions are made a few
at a time, for orders wait in the same line to the broker, and live as long as the connection:
ib_async forgets them with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from decimal import Decimal

from ib_async import IB, PnLSingle

from infra.ibkr.mapping import optional_amount

ASKED_AT_ONCE = 20
ANSWER_SECONDS = 2.0


async def daily_pnl(ib: IB, account_code: str, con_ids: Collection[int]) -> dict[int, Decimal]:
    """What is known by now, by conId; subscribes to what is held and ends what is not any more."""
    subscribed = {each.conId for each in ib.pnlSingle(account_code)}
    for con_id in subscribed - set(con_ids):
        ib.cancelPnLSingle(account_code, "", con_id)
    fresh = sorted(set(con_ids) - subscribed)[:ASKED_AT_ONCE]
    if fresh:
        await _ask(ib, account_code, set(fresh))
    told = {each.conId: optional_amount(each.dailyPnL) for each in ib.pnlSingle(account_code)}
    return {con_id: amount for con_id, amount in told.items() if amount is not None}


async def _ask(ib: IB, account_code: str, con_ids: set[int]) -> None:
    """Subscribe, and wait a moment for the first answers."""
    waiting, answered = set(con_ids), asyncio.Event()

    def hear(told: PnLSingle) -> None:
        if told.account == account_code:
            waiting.discard(told.conId)
        if not waiting:
            answered.set()

    ib.pnlSingleEvent += hear
    try:
        for con_id in sorted(con_ids):
            ib.reqPnLSingle(account_code, "", con_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await answered.wait()
    finally:
        ib.pnlSingleEvent -= hear

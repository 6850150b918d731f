"""Dividends announced, contracts whose terms changed, and who holds an adjusted one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.corporate_actions import AnnouncedDividend, CorporateActionKind
from domain.errors import ErrorCode, GreenlightError
from domain.ports import BrokerContract, BrokerPosition
from infra.calendars import exchange_date
from infra.db.alerts import clear_alerts_but, raise_alert
from infra.db.bulk import upsert
from infra.db.instruments import instruments_of
from infra.db.models import BrokerAccount, CorporateAction, IbkrContract, Severity

ADJUSTED_CONTRACT = "ADJUSTED_CONTRACT"
_KEY = ("instrument_id", "kind", "ex_date", "detail")


async def keep_dividend(
    session: AsyncSession, dividend: AnnouncedDividend, as_of: datetime
) -> None:
    """Write an announced dividend, its amount over an earlier one for the same day."""
    instruments = await instruments_of(session, [dividend.con_id])
    if dividend.con_id not in instruments:
        return
    await upsert(
        session,
        CorporateAction,
        [
            {
                "instrument_id": instruments[dividend.con_id],
                "kind": CorporateActionKind.DIVIDEND,
                "ex_date": dividend.ex_date,
                "amount": dividend.amount,
                "detail": "",
                "seen_at": as_of,
            }
        ],
        key=_KEY,
        update=("amount", "seen_at"),
    )


async def note_contract_change(
    session: AsyncSession, contract: BrokerContract, error: GreenlightError, as_of: datetime
) -> None:
    """Note that a conId on record means other terms now, once for each change.

    The record keeps the terms it was traded on. Anything else that was refused is no change.
    """
    if error.code is not ErrorCode.INSTRUMENT_AMBIGUOUS:
        return
    instrument_id = await session.scalar(
        select(IbkrContract.instrument_id).where(IbkrContract.con_id == contract.con_id)
    )
    if instrument_id is None:
        return
    known = await session.scalar(
        select(CorporateAction.id).where(
            CorporateAction.instrument_id == instrument_id,
            CorporateAction.kind == CorporateActionKind.CONTRACT_CHANGED,
            CorporateAction.detail == error.detail,
        )
    )
    if known is None:
        session.add(
            CorporateAction(
                instrument_id=instrument_id,
                kind=CorporateActionKind.CONTRACT_CHANGED,
                ex_date=exchange_date(as_of),
                detail=error.detail,
                seen_at=as_of,
            )
        )


async def report_adjusted(
    session: AsyncSession, account: BrokerAccount, rows: Sequence[BrokerPosition]
) -> None:
    """An alert for each adjusted contract held, as long as it is held."""
    held = {
        f"{account.code}:{row.contract.con_id}": row.contract.option
        for row in rows
        if row.contract.option is not None and row.contract.option.is_adjusted
    }
    for subject, option in held.items():
        await raise_alert(
            session,
            ADJUSTED_CONTRACT,
            subject,
            Severity.WARNING,
            "An adjusted option is held",
            detail=(
                f"{option.describe()}, class {option.trading_class}, multiplier "
                f"{option.multiplier.normalize():f}. A corporate action changed what it delivers: "
                "read the OCC memo before closing or exercising it."
            ),
            account_id=account.id,
        )
    await clear_alerts_but(session, ADJUSTED_CONTRACT, account.id, held.keys())

"""Keeping discrepancies: raised once, brought up to date while they last, cleared when gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.discrepancies import DiscrepancyType, Finding
from domain.instruments import Frozen
from domain.risk.limits import TradingState
from infra.db.alerts import clear_alert, raise_alert
from infra.db.instruments import instruments_of
from infra.db.models import BrokerAccount, Discrepancy
from infra.db.order_rows import halt_account

# Two looks closer together than this show the same moment.
LOOK_SPACING = timedelta(seconds=1)


class Scope(Frozen):
    """What a look judged: one account, or (``account_id`` None) the gateway as a whole."""

    gateway_id: UUID
    account_id: UUID | None = None
    types: frozenset[DiscrepancyType]
    began_at: datetime
    market_at: datetime


class Changes(Frozen):
    """What keeping the findings of one look changed, each as ``TYPE subject``."""

    raised: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()


async def keep_findings(
    session: AsyncSession, scope: Scope, findings: Sequence[Finding]
) -> Changes:
    """Make the open discrepancies of ``scope`` what ``findings`` say; alerts and halts follow.

    A discrepancy of a type that the look did not judge stays as it is.
    """
    rows = await session.scalars(
        select(Discrepancy)
        .where(
            Discrepancy.gateway_id == scope.gateway_id,
            Discrepancy.broker_account_id.is_not_distinct_from(scope.account_id),
            Discrepancy.cleared_at.is_(None),
            Discrepancy.type.in_(scope.types),
        )
        .with_for_update()
    )
    known = {(row.type, row.subject): row for row in rows}
    instruments = await instruments_of(session, {f.con_id for f in findings if f.con_id})
    raised: list[str] = []
    unconfirmed: list[str] = []
    for finding in findings:
        row = known.pop((finding.type, finding.subject), None)
        if row is None:
            row = _new(scope, finding)
            row.instrument_id = instruments.get(finding.con_id or 0)
            session.add(row)
            await session.flush()
        elif scope.began_at - row.last_seen_at >= LOOK_SPACING:
            row.looks += 1
            row.last_seen_at = scope.began_at
        if await _bring_up_to_date(session, scope, row, finding):
            raised.append(str(row))
        elif row.raised_at is None:
            unconfirmed.append(str(row))
    cleared = [str(row) for row in known.values() if row.raised_at is not None]
    for row in known.values():
        await _clear(session, row, scope.began_at)
    return Changes(raised=tuple(raised), cleared=tuple(cleared), unconfirmed=tuple(unconfirmed))


def _new(scope: Scope, finding: Finding) -> Discrepancy:
    return Discrepancy(
        type=finding.type,
        severity=finding.words.severity,
        subject=finding.subject,
        gateway_id=scope.gateway_id,
        broker_account_id=scope.account_id,
        con_id=finding.con_id,
        expected=finding.expected,
        actual=finding.actual,
        detail=finding.detail,
        evidence=finding.evidence,
        looks=1,
        first_seen_at=scope.began_at,
        first_seen_market_at=scope.market_at,
        last_seen_at=scope.began_at,
    )


async def _bring_up_to_date(
    session: AsyncSession, scope: Scope, row: Discrepancy, finding: Finding
) -> bool:
    """Store what the finding says now; True when that confirms it for the first time."""
    row.expected, row.actual = finding.expected, finding.actual
    row.detail, row.evidence = finding.detail, finding.evidence
    is_new = False
    if row.raised_at is None:
        if not finding.is_confirmed(row.looks, scope.market_at - row.first_seen_market_at):
            return False
        row.raised_at = scope.began_at
        is_new = True
        if finding.halts and scope.account_id is not None:
            await _halt(session, scope.account_id, finding)
    await raise_alert(
        session,
        finding.type.value,
        finding.subject,
        finding.words.severity,
        finding.words.title,
        detail=f"{finding.detail}. {finding.words.advice}",
        account_id=scope.account_id,
        context={"discrepancy_id": str(row.id), **finding.evidence},
    )
    return is_new


async def _halt(session: AsyncSession, account_id: UUID, finding: Finding) -> None:
    """Halt the account once: a person who resumes it with the discrepancy open is obeyed."""
    state = await session.scalar(
        select(BrokerAccount.trading_state).where(BrokerAccount.id == account_id)
    )
    if state is not TradingState.HALTED:
        await halt_account(session, account_id, f"{finding.words.title}: {finding.detail}")


async def _clear(session: AsyncSession, row: Discrepancy, at: datetime) -> None:
    if row.raised_at is None:
        # Never confirmed: two of the broker's own books had differed for a moment.
        await session.delete(row)
        return
    row.cleared_at = at
    await clear_alert(session, row.type.value, row.subject)


async def open_discrepancies(session: AsyncSession, gateway_id: UUID) -> int:
    """How many confirmed discrepancies of a gateway are not cleared."""
    count = await session.scalar(
        select(func.count())
        .select_from(Discrepancy)
        .where(
            Discrepancy.gateway_id == gateway_id,
            Discrepancy.raised_at.is_not(None),
            Discrepancy.cleared_at.is_(None),
        )
    )
    return count or 0

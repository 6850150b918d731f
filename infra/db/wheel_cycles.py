"""Wheel cycles under way, folded from an account's executions and position events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.instruments import SecType
from domain.position_events import PositionEventKind
from domain.strategies.wheel_cycle import (
    CycleEntry,
    CycleEntryKind,
    WheelCycle,
    fold_cycles,
    open_cycle,
)
from infra.db.models import (
    Execution,
    IbkrContract,
    Instrument,
    PositionEvent,
    ReconciledPosition,
)

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ZERO = Decimal(0)


async def open_cycles(
    session: AsyncSession, broker_account_id: UUID, symbols: Collection[str]
) -> dict[str, WheelCycle]:
    """The cycle under way on each of ``symbols`` that has one."""
    entries = await recorded_entries(session, broker_account_id, symbols)
    opening = await recorded_opening(session, broker_account_id, symbols)
    cycles = {
        symbol: open_cycle(fold_cycles(symbol, entries[symbol], opening[symbol]))
        for symbol in symbols
    }
    return {symbol: cycle for symbol, cycle in cycles.items() if cycle is not None}


async def recorded_entries(
    session: AsyncSession, broker_account_id: UUID, symbols: Collection[str]
) -> defaultdict[str, list[CycleEntry]]:
    """Everything on record that changed what the account holds on ``symbols``, or paid for it."""
    found: defaultdict[str, list[CycleEntry]] = defaultdict(list)
    executed = await session.execute(
        select(Execution, Instrument)
        .join(Instrument, Instrument.id == Execution.instrument_id)
        .where(
            Execution.broker_account_id == broker_account_id,
            Execution.superseded.is_(False),
            # The legs of a package have rows of their own.
            Execution.is_package.is_(False),
            Instrument.symbol.in_(symbols),
        )
        .order_by(Execution.executed_at)
    )
    for execution, instrument in executed:
        quantity = execution.quantity * execution.side.sign
        paid = quantity * execution.price * instrument.multiplier + (execution.commission or ZERO)
        found[instrument.symbol].append(
            CycleEntry(
                at=execution.executed_at,
                kind=CycleEntryKind.TRADE,
                sec_type=instrument.sec_type,
                con_id=execution.con_id,
                quantity=quantity,
                cash=-paid,
            )
        )
    events = await session.execute(
        select(PositionEvent, Instrument)
        .join(IbkrContract, IbkrContract.con_id == PositionEvent.con_id)
        .join(Instrument, Instrument.id == IbkrContract.instrument_id)
        .where(PositionEvent.broker_account_id == broker_account_id, Instrument.symbol.in_(symbols))
        .order_by(PositionEvent.market_at)
    )
    for event, instrument in events:
        kind = _kind(event.kind, instrument.sec_type)
        if kind is None:
            continue
        found[instrument.symbol].append(
            CycleEntry(
                at=event.market_at,
                # What a settlement paid is in the broker's cash alone.
                kind=kind if event.cash is not None else CycleEntryKind.CORRECTION,
                sec_type=instrument.sec_type,
                con_id=event.con_id or 0,
                quantity=event.quantity,
                cash=event.cash or ZERO,
            )
        )
    return found


def _kind(kind: PositionEventKind, sec_type: SecType) -> CycleEntryKind | None:
    is_option = sec_type is SecType.OPTION
    match kind:
        case PositionEventKind.ASSIGNMENT | PositionEventKind.EXERCISE:
            return CycleEntryKind.GONE if is_option else CycleEntryKind.DELIVERY
        case PositionEventKind.EXPIRY | PositionEventKind.SETTLEMENT:
            return CycleEntryKind.GONE
        case PositionEventKind.SPLIT:
            return CycleEntryKind.SPLIT
        case PositionEventKind.DIVIDEND:
            return CycleEntryKind.DIVIDEND
        case PositionEventKind.ADJUSTMENT | PositionEventKind.ACCEPTED:
            return CycleEntryKind.CORRECTION
        case PositionEventKind.INTEREST:
            return None


async def recorded_opening(
    session: AsyncSession, broker_account_id: UUID, symbols: Collection[str]
) -> defaultdict[str, list[CycleEntry]]:
    """What the account held when its record began, at the cost the broker names."""
    rows = await session.execute(
        select(ReconciledPosition, Instrument)
        .join(IbkrContract, IbkrContract.con_id == ReconciledPosition.con_id)
        .join(Instrument, Instrument.id == IbkrContract.instrument_id)
        .where(
            ReconciledPosition.broker_account_id == broker_account_id,
            ReconciledPosition.opening_quantity != 0,
            Instrument.symbol.in_(symbols),
        )
        .order_by(ReconciledPosition.con_id)
    )
    found: defaultdict[str, list[CycleEntry]] = defaultdict(list)
    for row, instrument in rows:
        found[instrument.symbol].append(
            CycleEntry(
                at=_BEGINNING,
                kind=CycleEntryKind.TRADE,
                sec_type=instrument.sec_type,
                con_id=row.con_id,
                quantity=row.opening_quantity,
                cash=-row.opening_quantity * (row.average_cost or ZERO),
            )
        )
    return found

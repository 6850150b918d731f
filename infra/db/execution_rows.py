"""One execution, from the broker's word to its row and the order it belongs to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import is_order_key
from domain.order_evidence import FillSeen, execution_lineage
from domain.orders import OrderIntent
from domain.ports import BrokerExecution
from infra.db.alerts import raise_alert
from infra.db.models import BrokerAccount, Execution, IbkrContract, OrderEvent, Severity
from infra.db.models import Order as OrderRow
from infra.db.order_rows import fill_of, fold, order_of


async def own_order(session: AsyncSession, order_key: str) -> OrderRow | None:
    """Our order of that key, locked, or None where we never made one."""
    return await session.scalar(
        select(OrderRow).where(OrderRow.order_key == order_key).with_for_update()
    )


async def record_execution(
    session: AsyncSession, gateway_id: UUID, seen: BrokerExecution
) -> str | None:
    row = await _order_of_execution(session, gateway_id, seen)
    before = None if row is None else await order_of(session, row)
    inserted = await _insert_execution(session, gateway_id, seen, row)
    if inserted is None:
        return None
    if row is None or before is None:
        await _report_external(session, gateway_id, seen, inserted)
        return None
    evidence = FillSeen(fill=seen.fill, perm_id=seen.perm_id)
    await fold(session, row, evidence, before=before, payload=seen.model_dump(mode="json"))
    return row.order_key


async def _order_of_execution(
    session: AsyncSession, gateway_id: UUID, seen: BrokerExecution
) -> OrderRow | None:
    """By our key; failing that by permId, which survives where TWS drops the reference."""
    if is_order_key(seen.order_ref):
        return await own_order(session, seen.order_ref)
    if not seen.perm_id:
        return None
    return await session.scalar(
        select(OrderRow)
        .where(OrderRow.gateway_id == gateway_id, OrderRow.perm_id == seen.perm_id)
        .with_for_update()
    )


async def _insert_execution(
    session: AsyncSession, gateway_id: UUID, seen: BrokerExecution, row: OrderRow | None
) -> Execution | None:
    """The new row, or None where the execution is on record already or names no account of ours.

    What filled an order of ours counts for the order's account, whatever account it names: an
    adviser's allocations are reported under other codes.
    """
    account_id = await session.scalar(
        select(BrokerAccount.id).where(
            BrokerAccount.gateway_id == gateway_id, BrokerAccount.code == seen.account_code
        )
    )
    if account_id is None:
        await _report_unknown_account(session, gateway_id, seen)
        if row is None:
            return None
        account_id = row.broker_account_id
    commission = await _commission_of(session, seen)
    execution = await session.scalar(
        insert(Execution)
        .values(
            exec_id=seen.fill.exec_id,
            lineage=execution_lineage(seen.fill.exec_id),
            order_id=None if row is None else row.id,
            gateway_id=gateway_id,
            broker_account_id=account_id,
            instrument_id=await _instrument_id(session, seen, row),
            con_id=seen.con_id,
            is_package=seen.fill.is_package,
            side=seen.fill.side,
            quantity=seen.fill.quantity,
            price=seen.fill.price,
            executed_at=seen.fill.executed_at,
            order_ref=seen.order_ref,
            perm_id=seen.perm_id,
            broker_order_id=seen.broker_order_id,
            client_number=seen.client_id,
            **commission,
        )
        .on_conflict_do_nothing(index_elements=[Execution.exec_id])
        .returning(Execution)
    )
    if execution is not None:
        await _supersede_earlier(session, seen)
        return execution
    await _require_same_fill(session, gateway_id, seen, account_id)
    if commission:
        # Its report was lost on the line, and the books have it.
        await session.execute(
            update(Execution)
            .where(Execution.exec_id == seen.fill.exec_id, Execution.commission.is_(None))
            .values(**commission)
        )
    return execution


async def _require_same_fill(
    session: AsyncSession, gateway_id: UUID, seen: BrokerExecution, account_id: UUID
) -> None:
    """At IBKR an execId is one fill's, whichever gateway tells of it. Where two gateways number
    alike, the second one's fill must not pass for the first's: it is set aside and told.
    """
    another = await session.scalar(
        select(Execution.id).where(
            Execution.exec_id == seen.fill.exec_id,
            Execution.gateway_id != gateway_id,
            Execution.broker_account_id != account_id,
        )
    )
    if another is not None:
        raise ValueError(
            f"execution id {seen.fill.exec_id} of account {seen.account_code} is on record for "
            "another account of another gateway"
        )


async def _instrument_id(
    session: AsyncSession, seen: BrokerExecution, row: OrderRow | None
) -> UUID | None:
    """What was traded: a single option's order knows, else the broker's contract id tells.

    A package as a whole is no instrument.
    """
    if seen.fill.is_package:
        return None
    if row is not None and not OrderIntent.model_validate(row.intent).is_package:
        return row.instrument_id
    return await session.scalar(
        select(IbkrContract.instrument_id).where(IbkrContract.con_id == seen.con_id)
    )


async def _report_unknown_account(
    session: AsyncSession, gateway_id: UUID, seen: BrokerExecution
) -> None:
    """Keep an execution that names an account not set up, once, and tell of it."""
    kind = "unknown_account_fill"
    known = await session.scalar(
        select(OrderEvent.id)
        .where(OrderEvent.kind == kind, OrderEvent.exec_id == seen.fill.exec_id)
        .limit(1)
    )
    if known is None:
        session.add(_fill_event(kind, gateway_id, seen))
    await raise_alert(
        session,
        "UNKNOWN_ACCOUNT",
        seen.account_code,
        Severity.WARNING,
        f"The gateway reports executions of account {seen.account_code}, which is not set up",
        context={"exec_id": seen.fill.exec_id},
    )


def _fill_event(kind: str, gateway_id: UUID, seen: BrokerExecution) -> OrderEvent:
    return OrderEvent(
        gateway_id=gateway_id,
        kind=kind,
        order_ref=seen.order_ref or None,
        exec_id=seen.fill.exec_id,
        perm_id=seen.perm_id,
        payload=seen.model_dump(mode="json"),
    )


async def reported_commission(session: AsyncSession, exec_id: str) -> dict[str, Any] | None:
    """The last commission report on record, as its event has it."""
    return await session.scalar(
        select(OrderEvent.payload)
        .where(OrderEvent.kind == "commission", OrderEvent.exec_id == exec_id)
        .order_by(OrderEvent.id.desc())
        .limit(1)
    )


async def _commission_of(session: AsyncSession, seen: BrokerExecution) -> dict[str, Any]:
    """The commission that came with the execution, or one that came before it."""
    if seen.commission is not None:
        return {
            "commission": seen.commission,
            "commission_currency": seen.commission_currency,
            "realized_pnl": seen.realized_pnl,
        }
    earlier = await reported_commission(session, seen.fill.exec_id)
    if earlier is None:
        return {}
    pnl = earlier["realized_pnl"]
    return {
        "commission": Decimal(earlier["commission"]),
        "commission_currency": earlier["currency"],
        "realized_pnl": None if pnl is None else Decimal(pnl),
    }


async def _supersede_earlier(session: AsyncSession, seen: BrokerExecution) -> None:
    """Of one lineage only the highest revision counts, whatever order they arrive in."""
    lineage = list(
        await session.scalars(
            select(Execution).where(Execution.lineage == seen.fill.lineage).with_for_update()
        )
    )
    latest = max(lineage, key=lambda execution: fill_of(execution).revision)
    for execution in lineage:
        execution.superseded = execution is not latest
    await session.flush()


async def _report_external(
    session: AsyncSession, gateway_id: UUID, seen: BrokerExecution, execution: Execution
) -> None:
    """A trade made outside the desk: kept, attributed to no order, and told."""
    session.add(_fill_event("external_fill", gateway_id, seen))
    await raise_alert(
        session,
        "EXTERNAL_FILL",
        seen.fill.exec_id,
        Severity.INFO,
        "A trade was made outside the desk",
        detail=(
            f"{seen.fill.side} {seen.fill.quantity:f} conId {seen.con_id} at {seen.fill.price:f}"
        ),
        account_id=execution.broker_account_id,
        context={"exec_id": seen.fill.exec_id},
    )

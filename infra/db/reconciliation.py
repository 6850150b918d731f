"""Reconciliation over Postgres: record the books, compare each account, keep what was found.

Each account is one transaction under its row's lock, so that two looks take turns and a failure
leaves nothing half-written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.discrepancies import DiscrepancyType, Finding
from domain.errors import GreenlightError
from domain.ports import BrokerBooks, BrokerContract
from domain.ports.orders import OrderLedger
from domain.ports.reconciliation import BrokerLook, DescribedContract, ReconciliationReport
from domain.position_events import HeldContract, HeldQuantity
from domain.reconciliation import AccountLook, AccountRecord, Comparison, compare, gateway_findings
from infra.calendars import exchange_date
from infra.db.account_record import account_record, flows, held_contracts
from infra.db.accounts import lock_account
from infra.db.audit import Actor, audit
from infra.db.clock import host_now
from infra.db.discrepancies import Changes, Scope, keep_findings, open_discrepancies
from infra.db.external_orders import adopt_external_orders
from infra.db.instruments import InstrumentBook, instruments_of
from infra.db.market_hours import is_reading_due
from infra.db.models import (
    BrokerAccount,
    Execution,
    Gateway,
    IbkrContract,
    OrderEvent,
    PositionEvent,
    ReconciledPosition,
)
from infra.db.session import Sessions

log = structlog.get_logger(__name__)
RECONCILIATION = Actor(name="reconciliation")
OF_THE_GATEWAY = frozenset({DiscrepancyType.UNKNOWN_ACCOUNT})
# Told of by a commission alone; which account it is of, the commission does not say.
RECENT_COMMISSIONS = timedelta(days=1)
OF_POSITIONS = frozenset({DiscrepancyType.POSITION_MISMATCH, DiscrepancyType.CASH_MISMATCH})
OF_AN_ACCOUNT = frozenset(DiscrepancyType) - OF_THE_GATEWAY


class PostgresReconciliation:
    """``domain.ports.reconciliation.ReconciliationStore``."""

    def __init__(self, sessions: Sessions, ledger: OrderLedger) -> None:
        self._sessions = sessions
        self._ledger = ledger

    async def account_codes(self, gateway: str) -> list[str]:
        async with self._sessions() as session:
            codes = await session.scalars(
                select(BrokerAccount.code)
                .join(Gateway, Gateway.id == BrokerAccount.gateway_id)
                .where(Gateway.slug == gateway)
                .order_by(BrokerAccount.code)
            )
            return list(codes)

    async def is_due(self, gateway: str) -> bool:
        async with self._sessions() as session:
            return await is_reading_due(session, gateway, BrokerAccount.reconciled_at)

    async def record_books(self, gateway: str, books: BrokerBooks) -> list[str]:
        return await self._ledger.record_books(gateway, books)

    async def unknown_contracts(self, look: BrokerLook) -> list[int]:
        told = {con_id for order in look.books.orders for con_id in order.con_ids}
        told |= {each.con_id for each in look.books.executions if not each.fill.is_package}
        told -= {row.contract.con_id for row in look.positions}
        async with self._sessions() as session:
            known = await session.scalars(
                select(IbkrContract.con_id).where(IbkrContract.con_id.in_(told))
            )
            return sorted(told - set(known) - {0})

    async def reconcile(
        self, gateway: str, look: BrokerLook, described: Sequence[DescribedContract]
    ) -> ReconciliationReport:
        changed = await self._ledger.record_books(gateway, look.books)
        unmatched = await self._keep_contracts(look, described)
        codes = await self.account_codes(gateway)
        report = ReconciliationReport(
            accounts=tuple(codes), changed_orders=tuple(changed), is_steady=look.is_steady
        )
        for code in codes:
            async with self._sessions.begin() as session:
                account = await lock_account(session, gateway, code)
                changes, events = await _reconcile_account(session, account, look, unmatched)
            report = _add(report, changes, events)
        async with self._sessions.begin() as session:
            row = await session.scalar(select(Gateway).where(Gateway.slug == gateway))
            assert row is not None
            changes = await _reconcile_gateway(session, row.id, look, codes)
            report = _add(report, changes, ())
            still_open = await open_discrepancies(session, row.id)
        return report.model_copy(update={"open": still_open})

    async def _keep_contracts(
        self, look: BrokerLook, described: Sequence[DescribedContract]
    ) -> dict[int, str]:
        """Match every contract told of to an instrument; the refusals by conId.

        Each is a transaction of its own: one that contradicts the record stops no other.
        """
        pairs: dict[int, tuple[BrokerContract, BrokerContract | None]] = {
            row.contract.con_id: (row.contract, row.underlying) for row in look.positions
        }
        pairs |= {each.contract.con_id: (each.contract, each.underlying) for each in described}
        refused: dict[int, str] = {}
        for con_id, (contract, underlying) in pairs.items():
            try:
                async with self._sessions.begin() as session:
                    book = InstrumentBook(session)
                    if underlying is not None:
                        await book.ensure(underlying)
                    instrument_id = await book.ensure(contract)
                    await session.execute(
                        update(Execution)
                        .where(Execution.con_id == con_id, Execution.instrument_id.is_(None))
                        .values(instrument_id=instrument_id)
                    )
            except GreenlightError as error:
                refused[con_id] = error.detail
        return refused


def _add(
    report: ReconciliationReport, changes: Changes, events: Sequence[str]
) -> ReconciliationReport:
    return report.model_copy(
        update={
            "raised": report.raised + changes.raised,
            "cleared": report.cleared + changes.cleared,
            "unconfirmed": report.unconfirmed + changes.unconfirmed,
            "events": report.events + tuple(events),
        }
    )


# --- one account ---------------------------------------------------------------------------


async def _reconcile_account(
    session: AsyncSession, account: BrokerAccount, look: BrokerLook, unmatched: Mapping[int, str]
) -> tuple[Changes, list[str]]:
    await adopt_external_orders(session, account, look.books)
    is_first = account.reconciled_at is None
    judged = look.is_steady and not is_first
    if is_first and look.is_steady:
        await _open_account(session, account, look)
    record = await account_record(session, account, look.books)
    seen = await _account_look(session, account, look, record)
    comparison = compare(record, seen)
    events: list[str] = []
    if judged:
        events = await _keep_events(session, account, look, comparison)
        unexplained = {
            finding.con_id
            for finding in comparison.findings
            if finding.type is DiscrepancyType.POSITION_MISMATCH
        }
        await _keep_agreed(session, account, seen, unexplained)
        if comparison.cash_matched:
            account.cash_matched_on = seen.on
    if look.is_steady:
        account.reconciled_at = look.books.read_at
    findings = [*comparison.findings, *_unmatched_findings(account, look, unmatched)]
    findings += await _commission_findings(session, account)
    types = OF_AN_ACCOUNT if judged and account.code in look.cash else OF_AN_ACCOUNT - OF_POSITIONS
    if judged:
        types |= {DiscrepancyType.POSITION_MISMATCH}
    scope = Scope(
        gateway_id=account.gateway_id,
        account_id=account.id,
        types=types,
        began_at=look.books.began_at,
        market_at=look.books.read_at,
    )
    kept = [finding for finding in findings if finding.type in types]
    return await keep_findings(session, scope, kept), events


async def _open_account(session: AsyncSession, account: BrokerAccount, look: BrokerLook) -> None:
    """Take what the broker shows as the opening: what came before the desk is not its business."""
    moved = await flows(session, account, look.books)
    held = {
        row.contract.con_id: row.quantity
        for row in look.positions
        if row.account_code == account.code
    }
    costs = {
        row.contract.con_id: row.average_cost
        for row in look.positions
        if row.account_code == account.code
    }
    for con_id in {*held, *moved.quantities}:
        session.add(
            ReconciledPosition(
                broker_account_id=account.id,
                con_id=con_id,
                opening_quantity=held.get(con_id, 0) - moved.quantities.get(con_id, 0),
                quantity=held.get(con_id, 0),
                average_cost=costs.get(con_id),
            )
        )
    cash = look.cash.get(account.code)
    if cash is not None and moved.cash is not None:
        account.opening_cash = cash - moved.cash
        account.cash_matched_on = exchange_date(look.books.read_at)
    audit(
        session, RECONCILIATION, "account.opened", "broker_account", account.id,
        after={"positions": len(held), "cash": None if cash is None else str(cash)},
    )  # fmt: skip
    await session.flush()


async def _account_look(
    session: AsyncSession, account: BrokerAccount, look: BrokerLook, record: AccountRecord
) -> AccountLook:
    positions = {
        row.contract.con_id: HeldQuantity(quantity=row.quantity, average_cost=row.average_cost)
        for row in look.positions
        if row.account_code == account.code
    }
    orders = [o for o in look.books.orders if o.account_code == account.code]
    executions = [e for e in look.books.executions if e.account_code == account.code]
    named = {*positions, *record.positions}
    named |= {con_id for o in orders for con_id in o.con_ids} | {e.con_id for e in executions}
    cash = look.cash.get(account.code)
    return AccountLook(
        on=exchange_date(look.books.read_at),
        positions=positions,
        cash=cash,
        orders=tuple(orders),
        executions=tuple(executions),
        contracts=await held_contracts(
            session, named | await _underlyings(session, named), look.books.read_at
        ),
    )


async def _underlyings(session: AsyncSession, con_ids: set[int]) -> set[int]:
    """conIds of what the options among ``con_ids`` are written on: shares may be new."""
    contracts: dict[int, HeldContract] = await held_contracts(session, con_ids, host_now())
    return {contract.underlying_con_id for contract in contracts.values()}


async def _keep_events(
    session: AsyncSession, account: BrokerAccount, look: BrokerLook, comparison: Comparison
) -> list[str]:
    con_ids = {event.con_id for event in comparison.events if event.con_id is not None}
    instruments = await instruments_of(session, con_ids)
    for event in comparison.events:
        session.add(
            PositionEvent(
                broker_account_id=account.id,
                instrument_id=instruments.get(event.con_id or 0),
                market_at=look.books.read_at,
                **event.model_dump(exclude={"kind"}),
                kind=event.kind,
            )
        )
    await session.flush()
    return list(dict.fromkeys(f"{event.kind}: {event.detail}" for event in comparison.events))


async def _keep_agreed(
    session: AsyncSession, account: BrokerAccount, seen: AccountLook, unexplained: set[int | None]
) -> None:
    """Remember quantity and cost of every position that agrees; forget what is held no more."""
    agreed = [
        {
            "broker_account_id": account.id,
            "con_id": con_id,
            "opening_quantity": 0,
            "quantity": held.quantity,
            "average_cost": held.average_cost,
        }
        for con_id, held in seen.positions.items()
        if con_id not in unexplained
    ]
    if agreed:
        statement = insert(ReconciledPosition).values(agreed)
        told = ("quantity", "average_cost")
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["broker_account_id", "con_id"],
                set_={name: statement.excluded[name] for name in told} | {"updated_at": func.now()},
                where=func.row(
                    ReconciledPosition.quantity, ReconciledPosition.average_cost
                ).is_distinct_from(func.row(*(statement.excluded[name] for name in told))),
            )
        )
    gone = (
        ReconciledPosition.broker_account_id == account.id,
        ReconciledPosition.con_id.not_in([*seen.positions, *filter(None, unexplained)]),
    )
    await session.execute(
        update(ReconciledPosition)
        .where(*gone, ReconciledPosition.quantity != 0)
        .values(quantity=0, average_cost=None)
    )
    await session.execute(
        delete(ReconciledPosition).where(*gone, ReconciledPosition.opening_quantity == 0)
    )


def _unmatched_findings(
    account: BrokerAccount, look: BrokerLook, unmatched: Mapping[int, str]
) -> list[Finding]:
    told = {row.contract.con_id for row in look.positions if row.account_code == account.code}
    told |= {o.con_id for o in look.books.orders if o.account_code == account.code}
    told |= {e.con_id for e in look.books.executions if e.account_code == account.code}
    reasons = {con_id: unmatched[con_id] for con_id in told & set(unmatched)}
    reasons |= {
        each.con_id: f"{each.description}: the desk does not know this kind of instrument"
        for each in look.unsupported
        if each.account_code == account.code
    }
    return [
        Finding(
            type=DiscrepancyType.UNKNOWN_CONTRACT,
            subject=f"{account.code}:{con_id}",
            con_id=con_id,
            detail=reason,
        )
        for con_id, reason in sorted(reasons.items())
    ]


async def _commission_findings(session: AsyncSession, account: BrokerAccount) -> list[Finding]:
    """Commissions lately told whose execution is not on record.

    A commission names no account: it is told of on the gateway's first one.
    """
    first = await session.scalar(
        select(BrokerAccount.code)
        .where(BrokerAccount.gateway_id == account.gateway_id)
        .order_by(BrokerAccount.code)
        .limit(1)
    )
    if account.code != first:
        return []
    elsewhere = select(OrderEvent.exec_id).where(OrderEvent.kind == "unknown_account_fill")
    exec_ids = await session.scalars(
        select(OrderEvent.exec_id)
        .where(
            OrderEvent.gateway_id == account.gateway_id,
            OrderEvent.kind == "commission",
            OrderEvent.created_at > host_now() - RECENT_COMMISSIONS,
            OrderEvent.exec_id.is_not(None),
            ~select(Execution.id).where(Execution.exec_id == OrderEvent.exec_id).exists(),
            OrderEvent.exec_id.not_in(elsewhere.where(OrderEvent.exec_id.is_not(None))),
        )
        .distinct()
    )
    return [
        Finding(
            type=DiscrepancyType.MISSING_EXECUTION,
            subject=exec_id,
            expected="an execution",
            actual="its commission only",
            detail=f"a commission was told for execution {exec_id}, which is not on record",
        )
        for exec_id in exec_ids
        if exec_id
    ]


# --- the gateway as a whole ----------------------------------------------------------------


async def _reconcile_gateway(
    session: AsyncSession, gateway_id: UUID, look: BrokerLook, codes: Sequence[str]
) -> Changes:
    scope = Scope(
        gateway_id=gateway_id,
        types=OF_THE_GATEWAY,
        began_at=look.books.began_at,
        market_at=look.books.read_at,
    )
    told = {*look.account_codes}
    told |= {execution.account_code for execution in look.books.executions}
    told |= {order.account_code for order in look.books.orders}
    return await keep_findings(session, scope, gateway_findings(told, codes))

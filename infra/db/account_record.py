"""What an account should hold by our own record: the opening, the executions, the events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.corporate_actions import CorporateActionKind
from domain.instruments import Frozen, SecType, Settlement, Side
from domain.orders import OrderState
from domain.ports import BrokerBooks
from domain.position_events import HeldContract, HeldQuantity, PositionEventKind
from domain.reconciliation import AccountRecord, CashRecord, ExpectedDividend, OwnOrder
from infra.calendars import exchange_date, trading_calendar
from infra.db.accounts import option_of
from infra.db.models import (
    BrokerAccount,
    CorporateAction,
    Execution,
    IbkrContract,
    Instrument,
    Order,
    PositionEvent,
    ReconciledPosition,
)

ZERO = Decimal(0)
ROUNDING = Decimal("0.05")
ROUNDING_PER_EXECUTION = Decimal("0.005")
# A commission arrives with its execution; one that is older than this will not come any more.
COMMISSION_WITHIN = timedelta(days=1)
# A dividend is paid some weeks after its ex-date.
DIVIDEND_WITHIN = timedelta(days=90)


class Flows(Frozen):
    """What executions and events did to an account since its records begin.

    ``cash`` is None while it cannot be told: a commission is outstanding, or something was traded
    in another currency than the account's, or in an instrument that is not on record.
    """

    quantities: dict[int, Decimal]
    cash: Decimal | None
    executions: int


async def flows(session: AsyncSession, account: BrokerAccount, books: BrokerBooks) -> Flows:
    """The sums over every execution (the latest correction of each) and event of the account.

    Executions count that ``books`` show or that were on record before they were opened. What was
    recorded since is in no position read with them: a look over many accounts takes seconds.
    """
    quantities: dict[int, Decimal] = {}
    cash = ZERO
    count = 0
    is_known = True
    for con_id, quantity, paid, number, is_open in await _executed(session, account, books):
        quantities[con_id] = quantity
        count += number
        cash += paid
        is_known = is_known and not is_open
    events = await session.execute(
        select(
            PositionEvent.con_id,
            func.sum(PositionEvent.quantity),
            func.coalesce(func.sum(PositionEvent.cash), ZERO),
        )
        .where(PositionEvent.broker_account_id == account.id)
        .group_by(PositionEvent.con_id)
    )
    for con_id, quantity, event_cash in events:
        if con_id is not None:
            quantities[con_id] = quantities.get(con_id, ZERO) + quantity
        cash += event_cash or ZERO
    return Flows(quantities=quantities, cash=cash if is_known else None, executions=count)


async def _executed(session: AsyncSession, account: BrokerAccount, books: BrokerBooks) -> list[Any]:
    """Per contract: signed quantity, cash, number, and whether the cash is not known yet."""
    recent = Execution.executed_at > books.read_at - COMMISSION_WITHIN
    shown = [execution.fill.exec_id for execution in books.executions]
    seen = or_(Execution.created_at < books.began_at, Execution.exec_id.in_(shown))
    signed = case((Execution.side == Side.BUY, Execution.quantity), else_=-Execution.quantity)
    commission = func.coalesce(Execution.commission, 0)
    outstanding = Execution.commission.is_(None) & recent
    foreign = Instrument.id.is_(None) | (Instrument.currency != account.currency)
    rows = await session.execute(
        select(
            Execution.con_id,
            func.sum(signed),
            cast(
                func.coalesce(
                    func.sum(-signed * Execution.price * Instrument.multiplier - commission), 0
                ),
                Numeric,
            ),
            func.count(),
            func.bool_or(outstanding | foreign),
        )
        .outerjoin(Instrument, Instrument.id == Execution.instrument_id)
        .where(
            Execution.broker_account_id == account.id,
            Execution.superseded.is_(False),
            # What moves positions and cash are the legs, which have rows of their own.
            Execution.is_package.is_(False),
            seen,
        )
        .group_by(Execution.con_id)
    )
    return list(rows)


async def account_record(
    session: AsyncSession, account: BrokerAccount, books: BrokerBooks
) -> AccountRecord:
    """The account by our record at the time of ``books``, which are recorded already."""
    moved = await flows(session, account, books)
    positions = dict(moved.quantities)
    costs: dict[int, Decimal | None] = {}
    for row in await reconciled_positions(session, account):
        positions[row.con_id] = positions.get(row.con_id, ZERO) + row.opening_quantity
        costs[row.con_id] = row.average_cost
    expected = None
    if moved.cash is not None and account.opening_cash is not None:
        expected = account.opening_cash + moved.cash
    exec_ids = {execution.fill.exec_id for execution in books.executions}
    recorded = await session.execute(
        select(Execution.exec_id, Execution.order_id).where(Execution.exec_id.in_(exec_ids))
    )
    order_of_exec_id = {row.exec_id: row.order_id for row in recorded}
    return AccountRecord(
        account_code=account.code,
        positions={
            con_id: HeldQuantity(quantity=quantity, average_cost=costs.get(con_id))
            for con_id, quantity in positions.items()
            if quantity
        },
        cash=CashRecord(
            expected=expected,
            tolerance=ROUNDING + ROUNDING_PER_EXECUTION * moved.executions,
            last_matched_on=account.cash_matched_on,
            interest_posted_on=await _interest_posted_on(session, account),
        ),
        own_orders=await _own_orders(session, account, books),
        dividends=await _dividends(session, account, positions, books.read_at),
        recorded_exec_ids=frozenset(order_of_exec_id),
        external_exec_ids=frozenset(
            exec_id for exec_id, order_id in order_of_exec_id.items() if order_id is None
        ),
    )


async def _interest_posted_on(session: AsyncSession, account: BrokerAccount) -> date | None:
    posted = await session.scalar(
        select(func.max(PositionEvent.market_at)).where(
            PositionEvent.broker_account_id == account.id,
            PositionEvent.kind == PositionEventKind.INTEREST,
        )
    )
    return None if posted is None else exchange_date(posted)


async def reconciled_positions(
    session: AsyncSession, account: BrokerAccount
) -> list[ReconciledPosition]:
    rows = await session.scalars(
        select(ReconciledPosition).where(ReconciledPosition.broker_account_id == account.id)
    )
    return list(rows)


async def _own_orders(
    session: AsyncSession, account: BrokerAccount, books: BrokerBooks
) -> tuple[OwnOrder, ...]:
    """The account's orders that may be at the broker, and those that its books name.

    Those of other accounts on the same gateway are in the same books, and not missing here.
    """
    named = or_(
        Order.order_key.in_([order.order_ref for order in books.orders]),
        Order.perm_id.in_([order.perm_id for order in books.orders]),
        Order.state.in_([state for state in OrderState if state.may_be_at_broker]),
    )
    rows = await session.execute(
        select(Order, IbkrContract.con_id)
        .outerjoin(IbkrContract, IbkrContract.instrument_id == Order.instrument_id)
        .where(Order.broker_account_id == account.id, named)
    )
    today = exchange_date(books.read_at)
    return tuple(
        OwnOrder(
            order_key=row.order_key,
            state=row.state,
            perm_id=row.perm_id or 0,
            quantity=row.quantity,
            filled=row.filled_quantity,
            con_id=con_id or 0,
            sent_today=(
                row.sent_market_at is not None and exchange_date(row.sent_market_at) == today
            ),
            is_settled=(row.acknowledged_at is not None and row.acknowledged_at < books.began_at),
        )
        for row, con_id in rows
    )


async def _dividends(
    session: AsyncSession,
    account: BrokerAccount,
    positions: Mapping[int, Decimal],
    at: datetime,
) -> tuple[ExpectedDividend, ...]:
    """Dividends the shares held are owed, not booked yet."""
    today = exchange_date(at)
    rows = await session.execute(
        select(CorporateAction, IbkrContract.con_id)
        .join(IbkrContract, IbkrContract.instrument_id == CorporateAction.instrument_id)
        .where(
            CorporateAction.kind == CorporateActionKind.DIVIDEND,
            CorporateAction.ex_date <= today,
            CorporateAction.ex_date > today - DIVIDEND_WITHIN,
            IbkrContract.con_id.in_(list(positions)),
            ~select(PositionEvent.id)
            .where(
                PositionEvent.broker_account_id == account.id,
                PositionEvent.con_id == IbkrContract.con_id,
                PositionEvent.kind == CorporateActionKind.DIVIDEND.value,
                PositionEvent.market_at >= func.cast(CorporateAction.ex_date, _AWARE),
            )
            .exists(),
        )
    )
    return tuple(
        ExpectedDividend(
            con_id=con_id,
            ex_date=action.ex_date,
            amount=action.amount * positions[con_id],
        )
        for action, con_id in rows
        if action.amount is not None
    )


_AWARE = PositionEvent.market_at.type


async def held_contracts(
    session: AsyncSession, con_ids: Collection[int], at: datetime
) -> dict[int, HeldContract]:
    """What is on record of the contracts, by conId; those unknown are left out."""
    underlying = aliased(Instrument)
    underlying_contract = aliased(IbkrContract)
    rows = await session.execute(
        select(IbkrContract, Instrument, underlying.sec_type, underlying_contract.con_id)
        .join(Instrument, Instrument.id == IbkrContract.instrument_id)
        .outerjoin(underlying, underlying.id == Instrument.underlying_id)
        .outerjoin(
            underlying_contract, underlying_contract.instrument_id == Instrument.underlying_id
        )
        .where(IbkrContract.con_id.in_(con_ids))
    )
    return {
        contract.con_id: _held(contract.con_id, instrument, kind, under_con_id, at)
        for contract, instrument, kind, under_con_id in rows
    }


def _held(
    con_id: int,
    instrument: Instrument,
    underlying_type: SecType | None,
    under_con_id: int | None,
    at: datetime,
) -> HeldContract:
    option = option_of(instrument, con_id)
    return HeldContract(
        con_id=con_id,
        description=instrument.symbol if option is None else option.describe(),
        sec_type=instrument.sec_type,
        underlying_con_id=under_con_id or con_id,
        option=option,
        settlement=Settlement.CASH if underlying_type is SecType.INDEX else Settlement.PHYSICAL,
        is_expired=instrument.expiry is not None and _has_expired(instrument, at),
        multiplier=instrument.multiplier,
    )


def _has_expired(instrument: Instrument, at: datetime) -> bool:
    """Whether the last session of an option has closed by ``at`` (market time)."""
    assert instrument.expiry is not None
    calendar = trading_calendar()
    last_day = calendar.last_trading_day_on_or_before(instrument.expiry)
    return at >= calendar.session_on(last_day).close_at

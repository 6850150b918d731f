"""Comparing the broker's account with our record of it: typed discrepancies, no I/O.

The record of a position is a sum: what the account held when it was first looked at, plus every
execution since, plus every event recognised since (``domain.position_events``). The same holds
for cash. A difference is explained where it can be, and a discrepancy where it cannot.

One look may catch the broker between two of its own books, so that some discrepancies count only
when a later look finds them again; see ``CONFIRMATION``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from pydantic import Field

from domain.discrepancies import DiscrepancyType, Finding
from domain.ids import is_order_key
from domain.instruments import Frozen, plain, price_text
from domain.order_evidence import BrokerStatus
from domain.orders import OrderState
from domain.ports import BrokerExecution, BrokerOrder
from domain.position_events import (
    HeldContract,
    HeldQuantity,
    PositionEvent,
    PositionEventKind,
    recognise,
)

ZERO = Decimal(0)
WORKING = frozenset({BrokerStatus.PENDING, BrokerStatus.WORKING, BrokerStatus.CANCEL_PENDING})
"""An order that may still trade."""

# --- what is compared ----------------------------------------------------------------------


class OwnOrder(Frozen):
    """One of our orders, as our record has it."""

    order_key: str
    state: OrderState
    perm_id: int
    quantity: Decimal
    filled: Decimal
    con_id: int
    sent_today: bool = Field(description="on the exchange date of the look")
    is_settled: bool = Field(description="a look can tell its absence: no send is under way")


class CashRecord(Frozen):
    """What the account's cash should be; ``None`` where that cannot be told yet.

    ``tolerance`` covers the rounding of commissions.
    """

    expected: Decimal | None
    tolerance: Decimal = Decimal("0.05")
    last_matched_on: date | None = Field(default=None, description="exchange date")
    interest_posted_on: date | None = Field(
        default=None, description="exchange date of the last interest that was recognised"
    )


class ExpectedDividend(Frozen):
    """Money that a holding is owed from its ex-date on, before withholding."""

    con_id: int
    ex_date: date
    amount: Decimal = Field(description="of the whole holding; negative when short")


class AccountRecord(Frozen):
    """One account by our own record."""

    account_code: str
    positions: Mapping[int, HeldQuantity]
    cash: CashRecord
    own_orders: tuple[OwnOrder, ...] = ()
    dividends: tuple[ExpectedDividend, ...] = ()
    recorded_exec_ids: frozenset[str] = frozenset()
    external_exec_ids: frozenset[str] = Field(default=frozenset(), description="no order of ours")


class AccountLook(Frozen):
    """One account by the broker, read in one steady look."""

    on: date = Field(description="exchange date")
    positions: Mapping[int, HeldQuantity]
    cash: Decimal | None = None
    orders: tuple[BrokerOrder, ...] = ()
    executions: tuple[BrokerExecution, ...] = ()
    contracts: Mapping[int, HeldContract] = Field(default_factory=dict[int, HeldContract])


class Comparison(Frozen):
    """What one look at one account shows, and what explains it."""

    findings: tuple[Finding, ...] = ()
    events: tuple[PositionEvent, ...] = ()
    cash_matched: bool = False


def compare(record: AccountRecord, look: AccountLook) -> Comparison:
    """Everything in which the broker's account differs from our record of it."""
    recognised = recognise(look.contracts, record.positions, look.positions)
    events, cash_findings, matched = _cash(record, look, recognised.events)
    findings = [
        *_position_findings(record, look, recognised.unexplained),
        *cash_findings,
        *_order_findings(record, look),
        *_execution_findings(record, look),
    ]
    return Comparison(findings=tuple(findings), events=tuple(events), cash_matched=matched)


def gateway_findings(told: Iterable[str], known: Iterable[str]) -> list[Finding]:
    """Accounts that the broker tells of and that are not set up at the desk."""
    return [
        Finding(
            type=DiscrepancyType.UNKNOWN_ACCOUNT,
            subject=code,
            detail=f"{code} is not set up here",
        )
        for code in sorted(set(told) - set(known) - {""})
    ]


# --- positions -----------------------------------------------------------------------------


def _position_findings(
    record: AccountRecord, look: AccountLook, unexplained: Sequence[int]
) -> Iterable[Finding]:
    nothing = HeldQuantity(quantity=ZERO)
    for con_id in unexplained:
        expected = record.positions.get(con_id, nothing).quantity
        actual = look.positions.get(con_id, nothing).quantity
        name = _name(look, con_id)
        yield Finding(
            type=DiscrepancyType.POSITION_MISMATCH,
            subject=f"{record.account_code}:{con_id}",
            expected=plain(expected),
            actual=plain(actual),
            con_id=con_id,
            detail=f"{name}: {plain(actual)} at the broker, {plain(expected)} by the record",
        )


def _name(look: AccountLook, con_id: int) -> str:
    contract = look.contracts.get(con_id)
    return f"conId {con_id}" if contract is None else contract.description


# --- cash ----------------------------------------------------------------------------------

# More a day than any rate of interest explains: a tenth of the balance a year.
INTEREST_PER_DAY = Decimal("0.10") / 365
# Interest is posted for a whole month at once, in the first days of the next.
INTEREST_DAYS = 36
# Withholding takes up to this part of a dividend.
MOST_WITHHELD = Decimal("0.37")


def _cash(
    record: AccountRecord, look: AccountLook, events: Sequence[PositionEvent]
) -> tuple[list[PositionEvent], list[Finding], bool]:
    """The events with what each did to cash, the finding if the rest is unexplained, and whether
    cash now agrees."""
    if record.cash.expected is None or look.cash is None:
        return list(events), [], False
    known = sum((event.cash or ZERO for event in events), ZERO)
    expected = record.cash.expected + known
    difference = look.cash - expected
    if abs(difference) <= record.cash.tolerance:
        return [_without_cash_question(event) for event in events], [], True
    settled = _settled(events, difference)
    if settled is not None:
        return settled, [], True
    explanation = _cash_event(record, look, difference)
    if explanation is not None:
        return [*events, explanation], [], True
    finding = Finding(
        type=DiscrepancyType.CASH_MISMATCH,
        subject=f"{record.account_code}:cash",
        expected=price_text(expected),
        actual=price_text(look.cash),
        detail=(
            f"{price_text(look.cash)} at the broker, {price_text(expected)} by the record: "
            f"{price_text(abs(difference))} {'more' if difference > 0 else 'less'}"
        ),
    )
    return list(events), [finding], False


def _without_cash_question(event: PositionEvent) -> PositionEvent:
    return event if event.cash is not None else event.model_copy(update={"cash": ZERO})


def _settled(events: Sequence[PositionEvent], difference: Decimal) -> list[PositionEvent] | None:
    """The events with ``difference`` paid by the options settled in cash, if the sign allows.

    What was short can only cost, what was long can only pay.
    """
    open_ones = [event for event in events if event.cash is None]
    payers = [event for event in open_ones if event.quantity * difference < 0]
    if not payers:
        return None
    payer = payers[0]
    return [
        event.model_copy(update={"cash": difference})
        if event is payer
        else _without_cash_question(event)
        for event in events
    ]


def _cash_event(
    record: AccountRecord, look: AccountLook, difference: Decimal
) -> PositionEvent | None:
    """A dividend owed, or interest posted overnight, that ``difference`` may be."""
    for dividend in record.dividends:
        full = dividend.amount
        if dividend.ex_date > look.on or full * difference <= 0:
            continue
        if abs(full) * (1 - MOST_WITHHELD) <= abs(difference) <= abs(full) + Decimal("0.05"):
            return PositionEvent(
                kind=PositionEventKind.DIVIDEND,
                con_id=dividend.con_id,
                cash=difference,
                detail=f"dividend on {_name(look, dividend.con_id)}, ex {dividend.ex_date}",
            )
    last = record.cash.last_matched_on
    if last is None or last >= look.on:
        return None
    if abs(difference) > abs(look.cash or ZERO) * INTEREST_PER_DAY * _interest_days(record, look):
        return None
    return PositionEvent(
        kind=PositionEventKind.INTEREST,
        con_id=None,
        cash=difference,
        detail=f"interest posted between {last} and {look.on}",
    )


def _interest_days(record: AccountRecord, look: AccountLook) -> int:
    """For how many days interest may be posted: since the last, so that no day counts twice."""
    posted = record.cash.interest_posted_on
    return INTEREST_DAYS if posted is None else min((look.on - posted).days, INTEREST_DAYS)


# --- orders --------------------------------------------------------------------------------


def _order_findings(record: AccountRecord, look: AccountLook) -> Iterable[Finding]:
    own = {order.order_key: order for order in record.own_orders}
    by_key: dict[str, dict[int, BrokerOrder]] = {}
    for order in look.orders:
        if is_order_key(order.order_ref):
            by_key.setdefault(order.order_ref, {})[order.perm_id] = order
        elif order.status in WORKING and not _is_ours(order, record):
            yield _external_order(order, look)
    for key, orders in by_key.items():
        if key not in own:
            yield _orphan(key, next(iter(orders.values())), look)
        if len(orders) > 1:
            yield Finding(
                type=DiscrepancyType.TWO_PERM_IDS,
                subject=key,
                expected="1",
                actual=str(len(orders)),
                detail=f"{key} is known to the broker as {', '.join(map(str, sorted(orders)))}",
                evidence={"orders": [order.model_dump(mode="json") for order in orders.values()]},
            )
    perm_ids = {order.perm_id for order in look.orders}
    for order in record.own_orders:
        if _has_vanished(order) and not (order.order_key in by_key or order.perm_id in perm_ids):
            yield Finding(
                type=DiscrepancyType.VANISHED_ORDER,
                subject=order.order_key,
                expected=order.state.value,
                actual="in no book",
                con_id=order.con_id,
                detail=f"{order.order_key}, permId {order.perm_id}, was {order.state}",
            )


def _is_ours(order: BrokerOrder, record: AccountRecord) -> bool:
    """By permId, where TWS drops the reference."""
    return any(order.perm_id == own.perm_id for own in record.own_orders)


def _has_vanished(order: OwnOrder) -> bool:
    """Whether the books of today must still show it: acknowledged, and not on its way."""
    return (
        order.state.may_be_at_broker and bool(order.perm_id) and order.sent_today
        and order.is_settled
    )  # fmt: skip


def _external_order(order: BrokerOrder, look: AccountLook) -> Finding:
    return Finding(
        type=DiscrepancyType.EXTERNAL_ORDER,
        subject=f"{order.account_code}:{order.perm_id}",
        actual=order.status.value,
        con_id=order.con_id,
        detail=_order_words(order, look),
        evidence=order.model_dump(mode="json"),
    )


def _traded(look: AccountLook, order: BrokerOrder) -> str:
    return " + ".join(_name(look, con_id) for con_id in order.con_ids)


def _orphan(key: str, order: BrokerOrder, look: AccountLook) -> Finding:
    return Finding(
        type=DiscrepancyType.ORPHAN_ORDER,
        subject=key,
        actual=order.status.value,
        con_id=order.con_id,
        detail=_order_words(order, look),
        evidence=order.model_dump(mode="json"),
    )


def _order_words(order: BrokerOrder, look: AccountLook) -> str:
    price = "" if order.limit_price is None else f" at {price_text(order.limit_price)}"
    return (
        f"{order.side} {plain(order.quantity)} {_traded(look, order)}{price}: "
        f"{order.status.value.lower().replace('_', ' ')}, API client {order.client_id}"
    )


# --- executions ----------------------------------------------------------------------------


def _execution_findings(record: AccountRecord, look: AccountLook) -> Iterable[Finding]:
    for execution in look.executions:
        if execution.fill.exec_id in record.external_exec_ids:
            fill = execution.fill
            yield Finding(
                type=DiscrepancyType.EXTERNAL_FILL,
                subject=fill.exec_id,
                con_id=execution.con_id,
                detail=(
                    f"{fill.side} {plain(fill.quantity)} {_name(look, execution.con_id)} "
                    f"at {price_text(fill.price)}"
                ),
                evidence={"exec_id": fill.exec_id, "client_id": execution.client_id},
            )
        elif execution.fill.exec_id not in record.recorded_exec_ids:
            yield Finding(
                type=DiscrepancyType.MISSING_EXECUTION,
                subject=execution.fill.exec_id,
                expected="on record",
                actual="in the broker's books only",
                con_id=execution.con_id,
                detail=f"execution {execution.fill.exec_id} could not be recorded",
                evidence=execution.model_dump(mode="json"),
            )
    filled = {order.perm_id: order.filled for order in record.own_orders if order.perm_id}
    for order in look.orders:
        told = _filled_by_its_word(order)
        have = filled.get(order.perm_id)
        if have is not None and told is not None and told > have:
            yield Finding(
                type=DiscrepancyType.MISSING_EXECUTION,
                subject=f"{order.account_code}:{order.perm_id}",
                expected=plain(told),
                actual=plain(have),
                con_id=order.con_id,
                detail=(
                    f"{_traded(look, order)}, permId {order.perm_id}: the broker says "
                    f"{plain(told)} filled, the executions on record say {plain(have)}"
                ),
            )


def _filled_by_its_word(order: BrokerOrder) -> Decimal | None:
    return order.quantity if order.status is BrokerStatus.FILLED else None

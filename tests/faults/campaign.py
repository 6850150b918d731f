"""One kill between a click and a fill, and what became of the approval.

The gateway's ledger is the oracle: it was written before anybody was told, by a process that knows
nothing of the desk. The judgement compares it with the desk's own rows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import httpx
import psycopg

from domain.orders import OrderState
from infra.simulator.records import OrderStatus
from tests.approver import Approver
from tests.desk import Desk, Row, wait_until

SETTLE_SECONDS = 240.0
"""For restarts, leases, heartbeats, the broker's books and a walked price to run their course."""
_AT = ("READY", "SENDING", "WORKING", "PARTIAL", "CANCEL_PENDING", "CANCELLED", "FILLED")
"""States on the way, in order; others mean that the way was left."""
ENDED = ("COMPLETED", "LAPSED", "DENIED")

T = TypeVar("T")


@dataclass(frozen=True)
class DuringClick:
    """So many seconds after the request was sent; an answer takes about 0.04 s.

    The request is repeated under its own idempotency key until it is answered, as a person would.
    """

    seconds: float


@dataclass(frozen=True)
class Kill:
    """SIGKILL of one process.

    ``moment`` is seconds after the answer to the click; or in the middle of it; or the state of the
    order in which the process is killed, as soon as it is seen in the database. For CANCEL_PENDING
    the order works at a limit nobody pays, and is withdrawn.
    """

    process: str
    moment: float | DuringClick | OrderState

    @property
    def when(self) -> str:
        """The moment in words."""
        match self.moment:
            case DuringClick(seconds):
                return f"{seconds * 1000:.0f} ms into the click"
            case OrderState():
                return f"on {self.moment}"
            case _:
                return f"{self.moment:.2f} s after"


@dataclass(frozen=True)
class Outcome:
    """What one kill led to. Quantities are contracts."""

    process: str
    when: str
    killed_at: str
    """How far the trade had come, by the desk's rows."""
    state: str
    reason: str
    attempts: tuple[str, ...]
    """The order rows' states, by attempt."""
    open_alerts: tuple[str, ...]
    approved: int
    accepted_per_key: tuple[int, ...]
    """Orders in the gateway's ledger by order key; more than one is a trade sent twice."""
    most_live: int
    executed: Decimal
    executions_at_broker: tuple[str, ...]
    executions_recorded: tuple[str, ...]
    seconds: float

    @property
    def waits_for_a_person(self) -> bool:
        """Not proven either way, and somebody has been told."""
        return self.state == "APPROVED" and "UNKNOWN" in self.attempts and bool(self.open_alerts)


@dataclass(frozen=True)
class _Killed:
    pid: int
    at: datetime


def _kill(desk: Desk, process: str) -> _Killed:
    # The machine's clock, which Postgres's own timestamps are read from.
    return _Killed(at=datetime.now(UTC), pid=desk.kill(process))


def run_kill(desk: Desk, approver: Approver, recommendation_id: str, kill: Kill) -> Outcome:
    """Approve, kill, wait until the approval has ended or waits for a person, and look."""
    began = time.monotonic()
    match kill.moment:
        case DuringClick(seconds):
            killed = _kill_while_approving(desk, approver, recommendation_id, kill.process, seconds)
        case OrderState():
            killed = _kill_in_state(desk, approver, recommendation_id, kill.process, kill.moment)
        case delay:
            _approved(approver.approve(recommendation_id))
            # The instant of the kill is the experiment: no condition stands in for it.
            time.sleep(delay)
            killed = _kill(desk, kill.process)
    desk.wait_until_restarted(kill.process, killed.pid)
    wait_until(lambda: _while_down(lambda: _settled(desk, recommendation_id)), SETTLE_SECONDS)
    killed_at = _stage(desk, recommendation_id, killed.at)
    return _look(desk, recommendation_id, kill, killed_at, time.monotonic() - began)


def keep(outcome: Outcome, file: Path) -> None:
    """Add the outcome to a file of JSON lines."""
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(outcome), default=str) + "\n")


def _kill_in_state(
    desk: Desk, approver: Approver, recommendation_id: str, process: str, state: OrderState
) -> _Killed:
    with desk.connection() as connection:

        def reached(wanted: OrderState) -> bool:
            # Passing the state between two looks is as good: the kill then comes just after it.
            row = connection.execute(
                "SELECT state FROM orders WHERE recommendation_id = %s", [recommendation_id]
            ).fetchone()
            return row is not None and _AT.index(row["state"]) >= _AT.index(wanted)

        if state is OrderState.CANCEL_PENDING:
            # A whole number: on every contract's increments.
            dear = ceil(Decimal(approver.card(recommendation_id)["limit_price"]) * Decimal("1.5"))
            _approved(approver.approve(recommendation_id, limit_price=str(dear)))
            wait_until(lambda: reached(OrderState.WORKING), pause=0)
            (order,) = desk.orders(recommendation_id)
            _approved(approver.withdraw(str(order["id"])))
        else:
            _approved(approver.approve(recommendation_id))
        wait_until(lambda: reached(state), pause=0, what=f"the order is {state}")
        return _kill(desk, process)


def _kill_while_approving(
    desk: Desk, approver: Approver, recommendation_id: str, process: str, after: float
) -> _Killed:
    key = uuid4().hex
    terms_hash = approver.card(recommendation_id)["terms_hash"]

    def click() -> httpx.Response:
        return approver.approve(recommendation_id, key=key, terms_hash=terms_hash)

    with ThreadPoolExecutor(1) as thread:
        first: Future[bool] = thread.submit(_answered, click)
        time.sleep(after)
        killed = _kill(desk, process)
        if not first.result():
            wait_until(lambda: _answered(click), SETTLE_SECONDS, "the click is answered")
    return killed


def _answered(click: Callable[[], httpx.Response]) -> bool:
    """Whether the click was answered; False where it must be repeated."""
    try:
        answer = click()
    except httpx.TransportError:
        return False
    if answer.status_code >= 500:
        return False
    _approved(answer)
    return True


def _approved(answer: httpx.Response) -> None:
    assert answer.is_success, answer.text


def _while_down(read: Callable[[], T]) -> T | None:
    """What can be read from the database; None while it is down."""
    try:
        return read()
    except psycopg.OperationalError:
        return None


def _stage(desk: Desk, recommendation_id: str, at: datetime) -> str:
    """How far the trade had come at an instant, by the rows committed until then."""
    moved = desk.sql(
        "SELECT e.state_after FROM order_events e JOIN orders o ON o.id = e.order_id"
        " WHERE o.recommendation_id = %s AND e.created_at <= %s AND e.state_after IS NOT NULL"
        " ORDER BY e.created_at DESC, e.id DESC LIMIT 1",
        recommendation_id,
        at,
    )
    if moved:
        return str(moved[0]["state_after"])
    readied, decided = (
        desk.sql(
            f"SELECT 1 FROM {table} WHERE recommendation_id = %s AND created_at <= %s",
            recommendation_id,
            at,
        )
        for table in ("orders", "decisions")
    )
    return "READY" if readied else "APPROVED" if decided else "PROPOSED"


def _settled(desk: Desk, recommendation_id: str) -> bool:
    """Ended, with every execution's commission known; or in doubt, and somebody told."""
    if desk.recommendation(recommendation_id)["state"] in ENDED:
        return not desk.sql(
            "SELECT 1 FROM executions e JOIN orders o ON o.id = e.order_id"
            " WHERE o.recommendation_id = %s AND e.commission IS NULL",
            recommendation_id,
        )
    orders = desk.orders(recommendation_id)
    # Three looks without it is when a person may declare that it was not sent.
    return bool(
        orders
        and orders[-1]["state"] == "UNKNOWN"
        and orders[-1]["absent_looks"] >= 3
        and _open_alerts(desk, orders)
    )


def _open_alerts(desk: Desk, orders: list[Row]) -> list[str]:
    keys = [order["order_key"] for order in orders]
    found = desk.sql("SELECT code FROM alerts WHERE state <> 'CLEARED' AND subject = ANY(%s)", keys)
    return [row["code"] for row in found]


def _look(
    desk: Desk, recommendation_id: str, kill: Kill, killed_at: str, seconds: float
) -> Outcome:
    row, orders = desk.recommendation(recommendation_id), desk.orders(recommendation_id)
    decision = desk.one(
        "SELECT quantity FROM decisions WHERE recommendation_id = %s", recommendation_id
    )
    keys = [order["order_key"] for order in orders]
    with desk.ledger() as ledger:
        accepted = tuple(len(ledger.orders(key)) for key in keys)
        executions = [execution for key in keys for execution in ledger.executions(key)]
        events = [event for event in ledger.events() if event.order_ref in keys]
    live: set[int] = set()
    most_live = 0
    for event in events:
        (live.add if event.status.is_working else live.discard)(event.perm_id)
        most_live = max(most_live, len(live))
    recorded = desk.sql(
        "SELECT exec_id FROM executions WHERE order_ref = ANY(%s) AND commission IS NOT NULL", keys
    )
    return Outcome(
        process=kill.process,
        when=kill.when,
        killed_at=killed_at,
        state=row["state"],
        reason=row["reason"],
        attempts=tuple(order["state"] for order in orders),
        open_alerts=tuple(_open_alerts(desk, orders)),
        approved=decision["quantity"] or row["quantity"],
        accepted_per_key=accepted,
        most_live=most_live,
        executed=sum((each.quantity for each in executions), Decimal(0)),
        executions_at_broker=tuple(sorted(each.exec_id for each in executions)),
        executions_recorded=tuple(sorted(each["exec_id"] for each in recorded)),
        seconds=round(seconds, 1),
    )


def broken_promises(outcome: Outcome) -> list[str]:
    """What the desk promises and did not keep, in words; empty if it kept all of it."""
    broken: list[str] = []
    if any(count > 1 for count in outcome.accepted_per_key):
        broken.append("an order was sent twice")
    if outcome.most_live > 1:
        broken.append("two attempts were live at once")
    if outcome.executed > outcome.approved:
        broken.append("more was traded than approved")
    if outcome.executions_recorded != outcome.executions_at_broker:
        broken.append("the executions on record are not the broker's")
    if outcome.state == "COMPLETED" and outcome.executed != outcome.approved:
        broken.append("it says completed, and is not")
    if outcome.state not in ENDED and not outcome.waits_for_a_person:
        broken.append("the approval was lost")
    return broken


def left_working(desk: Desk) -> list[str]:
    """References of orders that still work at the broker."""
    with desk.ledger() as ledger:
        return [
            order.order_ref
            for order in ledger.orders()
            if order.status in (OrderStatus.SUBMITTED, OrderStatus.PRE_SUBMITTED)
        ]

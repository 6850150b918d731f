"""What the broker says of orders in the `trading_world`: executions, orders, whole books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.instruments import Side
from domain.order_evidence import BrokerStatus, Fill
from domain.ports import (
    BrokerBooks,
    BrokerExecution,
    BrokerOrder,
)
from tests.integration.trading_world import ACCOUNT, CLIENT_NUMBER, MONDAY_10, PUT


def execution(key: str, exec_id: str = "0001.01.01", quantity: int = 1, **changes: Any) -> Any:
    """A broker's execution of our order ``key``, or of a stranger's with ``key`` empty."""
    fill = Fill(
        exec_id=exec_id,
        side=changes.pop("side", Side.SELL),
        quantity=Decimal(quantity),
        price=Decimal("4.15"),
        executed_at=MONDAY_10,
    )
    fields: dict[str, Any] = {
        "fill": fill,
        "order_ref": key,
        "perm_id": 99,
        "broker_order_id": 1,
        "client_id": CLIENT_NUMBER,
        "account_code": ACCOUNT,
        "con_id": PUT.con_id,
    }
    return BrokerExecution(**fields | changes)


def broker_order(key: str, status: BrokerStatus, **changes: Any) -> BrokerOrder:
    fields: dict[str, Any] = {
        "order_ref": key,
        "perm_id": 99,
        "broker_order_id": 1,
        "client_id": CLIENT_NUMBER,
        "account_code": ACCOUNT,
        "con_id": PUT.con_id,
        "side": Side.SELL,
        "quantity": Decimal(2),
        "limit_price": Decimal("4.15"),
        "status": status,
    }
    return BrokerOrder(**fields | changes)


def books(
    *orders: BrokerOrder,
    executions: tuple[BrokerExecution, ...] = (),
    read_at: datetime = MONDAY_10 + timedelta(minutes=1),
    after: timedelta = timedelta(minutes=1),
    session_open: bool = True,
) -> BrokerBooks:
    """Books opened ``after`` the present moment of the host, read at ``read_at`` market time."""
    return BrokerBooks(
        began_at=datetime.now(UTC) + after,
        read_at=read_at,
        session_open=session_open,
        orders=orders,
        executions=executions,
    )


def look(number: int, spacing: timedelta = timedelta(seconds=25)) -> BrokerBooks:
    """The ``number``-th of several spaced readings that find nothing."""
    return books(read_at=MONDAY_10 + number * spacing)

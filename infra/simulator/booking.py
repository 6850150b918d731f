"""Turns a match into what it leaves behind: executions, a changed order, changed holdings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.commissions import Charges
from domain.instruments import Side
from infra.simulator.accounts import Account
from infra.simulator.contracts import BAG_CON_ID, Security
from infra.simulator.matching import Match
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderStatus
from infra.simulator.validation import Leg


@dataclass(frozen=True, slots=True)
class BookedFill:
    """Everything one fill changes, not yet durable."""

    order: OrderRecord
    executions: tuple[ExecutionRecord, ...]
    """For a combo the package first, then its legs."""
    account: Account


def book_fill(
    order: OrderRecord,
    legs: Sequence[Leg],
    match: Match,
    account: Account,
    at: datetime,
    numbers: Iterator[int],
) -> BookedFill:
    """Book ``match`` against copies; ``numbers`` gives each execution its place in the ledger."""
    trial = Account(account.record())
    filled = order.filled + match.quantity
    value = order.filled_value + match.quantity * match.price
    executions: list[ExecutionRecord] = []
    if len(legs) > 1:
        package = _execution(
            order, None, order.terms.side, match.quantity, match.price, at, next(numbers)
        )
        executions.append(
            package.model_copy(update={"cumulative": filled, "average_price": value / filled})
        )
    charges = Charges(order.commission_due, order.stock_shares, order.stock_value)
    charged = order.commission_charged
    for leg, price in zip(legs, match.leg_prices, strict=True):
        signed = order.terms.side.sign * leg.ratio * match.quantity
        charges = charges.plus(abs(signed), price, is_option=leg.security.is_option)
        commission = charges.total - charged
        charged += commission
        realized = trial.apply_trade(leg.security, signed, price, commission)
        side = Side.BUY if signed > 0 else Side.SELL
        execution = _execution(order, leg.security, side, abs(signed), price, at, next(numbers))
        executions.append(
            execution.model_copy(
                update={
                    "commission": commission,
                    "realized_pnl": realized,
                    "cumulative": filled * abs(leg.ratio),
                    "average_price": value / filled if len(legs) == 1 else price,
                }
            )
        )
    done = filled == order.terms.quantity
    changes = {
        "filled": filled,
        "filled_value": value,
        "last_fill_price": match.price,
        "commission_due": charges.options_due,
        "stock_shares": charges.shares,
        "stock_value": charges.shares_value,
        "commission_charged": charged,
        "status": OrderStatus.FILLED if done else order.status,
        "completed_at": at if done else None,
        "completed_reason": f"Filled Size: {filled}" if done else "",
    }
    return BookedFill(order.model_copy(update=changes), tuple(executions), trial)


def _execution(
    order: OrderRecord,
    security: Security | None,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    at: datetime,
    number: int,
) -> ExecutionRecord:
    """A fill of one security, or of the whole combo when None, under a fresh execId.

    A later correction would keep all but the last two digits of the id.
    """
    return ExecutionRecord(
        exec_id=f"{order.perm_id:08x}.{number:08x}.01.01",
        perm_id=order.perm_id,
        client_id=order.client_id,
        order_id=order.api_order_id,
        order_ref=order.order_ref,
        account=order.terms.account,
        con_id=security.con_id if security else BAG_CON_ID,
        symbol=security.symbol if security else order.terms.contract.symbol,
        sec_type=security.sec_type.value if security else "BAG",
        side=side,
        quantity=quantity,
        price=price,
        cumulative=quantity,
        average_price=price,
        at=at,
        exchange="CBOE" if security and security.is_option else "SMART",
        commission=Decimal(0),
    )

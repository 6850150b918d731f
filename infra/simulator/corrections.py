"""Executions corrected or busted after the fact, as an exchange does.

A correction is an execution of its own: the same id but for the last two digits, the terms it
should have had. It replaces every earlier revision; quantity 0 is a bust. Cash and position
follow. The commission stays charged, except for a bust; the order's own count of what it traded
stays as it was, so a working order never trades the difference again.
"""

from __future__ import annotations

from decimal import Decimal

from infra.simulator.accounts import Account
from infra.simulator.contracts import BAG_CON_ID
from infra.simulator.events import ExecutionCorrected, PositionsChanged
from infra.simulator.exchange import Exchange
from infra.simulator.records import ExecutionRecord, execution_root


def correct_execution(
    exchange: Exchange,
    exec_id: str,
    quantity: Decimal | None = None,
    price: Decimal | None = None,
) -> ExecutionRecord:
    """Replace the latest revision of an execution; returns the correction.

    ``exec_id`` names any revision. Raises LookupError for an unknown one, ValueError for the
    package line of a combo, which has no position of its own, and for a negative quantity.
    """
    root = execution_root(exec_id)
    revisions = [e for e in exchange.ledger.executions() if execution_root(e.exec_id) == root]
    if not revisions:
        raise LookupError(f"no execution {exec_id}")
    old = revisions[-1]
    if old.con_id == BAG_CON_ID:
        raise ValueError(f"execution {exec_id} is a combo's package: correct its legs")
    if quantity is not None and quantity < 0:
        raise ValueError(f"an execution cannot have quantity {quantity}")
    new = old.model_copy(
        update={
            "exec_id": f"{root}.{len(revisions) + 1:02d}",
            "quantity": old.quantity if quantity is None else quantity,
            "price": old.price if price is None else price,
        }
    )
    if not new.quantity:
        new = new.model_copy(update={"commission": Decimal(0)})
    return _book(exchange, old, new)


def _book(exchange: Exchange, old: ExecutionRecord, new: ExecutionRecord) -> ExecutionRecord:
    security = exchange.book.by_id(old.con_id)
    order = exchange.ledger.order(old.perm_id)
    if security is None or order is None:
        raise LookupError(f"execution {old.exec_id} has no contract or order on record")
    account = Account(exchange.accounts[old.account].record())
    realized = old.realized_pnl
    for record, sign in ((old, -1), (new, 1)):
        if not record.quantity:
            continue
        signed = sign * record.side.sign * record.quantity
        gain = account.apply_trade(security, signed, record.price, sign * record.commission)
        if gain:
            realized = (realized or Decimal(0)) + gain
    new = new.model_copy(update={"realized_pnl": realized if new.quantity else None})
    now = exchange.clock.now()
    with exchange.ledger.transaction():
        exchange.ledger.append_execution(new)
        exchange.ledger.save_account(account.record())
        exchange.ledger.save_order(
            order, "corrected", now, f"{new.exec_id}: {new.quantity} at {new.price}"
        )
    exchange.accounts[account.name] = account
    for event in (
        ExecutionCorrected(order, new),
        PositionsChanged(account.name, (old.con_id,)),
    ):
        for listener in exchange.listeners:
            listener(event)
    return new

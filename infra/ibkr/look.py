"""One look at a gateway's accounts, in which positions and executions belong together.

TWS answers each question at its own moment. Positions are asked for before and after the books:
where both answers agree, no fill came between, and the executions in the books explain them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from domain.errors import BrokerUnavailable, GreenlightError
from domain.ports.broker import BrokerBooks
from domain.ports.reconciliation import BrokerLook

if TYPE_CHECKING:
    from infra.ibkr.broker import IbkrBroker

READINGS = 3
Held = Mapping[tuple[str, int], Decimal]


async def look(broker: IbkrBroker, account_codes: Sequence[str]) -> BrokerLook:
    """Read until two answers about positions agree, ``READINGS`` times at most."""
    books, held, is_steady = await _books_between(broker)
    for _ in range(READINGS - 1):
        if is_steady:
            break
        books, held, is_steady = await _books_between(broker)
    positions = [row for code in account_codes for row in await broker.positions(code)]
    described = {(row.account_code, row.contract.con_id): row.quantity for row in positions}
    ours = {key: quantity for key, quantity in held.items() if key[0] in account_codes}
    return BrokerLook(
        books=books,
        positions=tuple(positions),
        cash=await _cash(broker, account_codes),
        account_codes=tuple(sorted({*broker.accounts(), *(code for code, _ in held)})),
        unsupported=await broker.unsupported_positions(),
        is_steady=is_steady and described == ours,
    )


async def _books_between(broker: IbkrBroker) -> tuple[BrokerBooks, Held, bool]:
    """The books, the positions after them, and whether those were the same before."""
    before = await broker.held_quantities()
    books = await broker.read_books()
    after = await broker.held_quantities()
    return books, after, before == after


async def _cash(broker: IbkrBroker, account_codes: Sequence[str]) -> dict[str, Decimal]:
    cash: dict[str, Decimal] = {}
    for code in account_codes:
        try:
            cash[code] = (await broker.account_values(code)).cash
        except BrokerUnavailable:
            raise
        except GreenlightError:
            # An account without values yet: its orders and positions can be compared.
            continue
    return cash

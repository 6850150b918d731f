"""A person at a TWS window that is logged in to the gateway's accounts.

What a person does there reaches the broker without the API: orders of client 0 without an API
order id or orderRef, edits and cancels of orders which API clients placed. Tests and fault plans
use it to make the trades that a program must find out about by itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from domain.instruments import Side
from infra.simulator.contracts import ContractSpec
from infra.simulator.records import ExecutionRecord, OrderRecord, OrderTerms

if TYPE_CHECKING:
    from infra.simulator.exchange import Exchange

TWS_CLIENT = 0
"""TWS shows everything entered by hand under this client id."""


class TwsUser:
    """Trades, orders, edits and cancels by hand; the exchange books them like any other."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def trade(
        self,
        con_id: int,
        side: Side | str,
        quantity: Decimal | int,
        price: Decimal | str | float,
        account: str = "",
    ) -> tuple[ExecutionRecord, ...]:
        """Buy or sell at once at ``price`` (per share), whatever the market and the margin.

        The trade is booked with a commission, an order of its own and an execution. ``account``
        may be left out when there is one.
        """
        limit = Decimal(str(price))
        terms = self._terms(con_id, side, quantity, limit, account)
        return self._exchange.execute_manually(terms, limit)

    def order(
        self,
        con_id: int,
        side: Side | str,
        quantity: Decimal | int,
        limit_price: Decimal | str | float,
        account: str = "",
        tif: str = "DAY",
    ) -> OrderRecord:
        """Enter a limit order which then works like any other; raises OrderRejectedError."""
        limit = Decimal(str(limit_price))
        terms = self._terms(con_id, side, quantity, limit, account)
        return self._exchange.place_manually(terms.model_copy(update={"tif": tif}))

    def amend(
        self,
        perm_id: int,
        *,
        limit_price: Decimal | str | float | None = None,
        quantity: Decimal | int | None = None,
    ) -> OrderRecord:
        """Edit a working order, an API client's own included; raises OrderRejectedError."""
        changes: dict[str, object] = {}
        if limit_price is not None:
            changes["limit_price"] = Decimal(str(limit_price))
        if quantity is not None:
            changes["quantity"] = Decimal(quantity)
        return self._exchange.amend(perm_id, changes)

    def cancel(self, perm_id: int) -> None:
        """Cancel a working order of any client; raises OrderRejectedError when it has ended."""
        self._exchange.cancel_order(perm_id)

    def _terms(
        self,
        con_id: int,
        side: Side | str,
        quantity: Decimal | int,
        limit_price: Decimal,
        account: str,
    ) -> OrderTerms:
        return OrderTerms(
            account=account or next(iter(self._exchange.accounts)),
            contract=ContractSpec(con_id=con_id),
            side=Side(side),
            quantity=Decimal(quantity),
            order_type="LMT",
            limit_price=limit_price,
        )

"""Raw broker messages, seen before ib_async interprets them.

ib_async keeps a live picture that suits trading scripts and loses evidence: it drops commissions
that precede their execution, emits nothing for a fill of an order it does not know, lets errors
set a working order to cancelled. So every message is noted here first, as it was decoded.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

from ib_async import CommissionReport, Contract, Execution, OrderState
from ib_async import Order as IbOrder
from ib_async.wrapper import Wrapper


@dataclass(frozen=True, slots=True)
class OrderSeen:
    contract: Contract
    order: IbOrder
    state: OrderState
    completed: bool


@dataclass(frozen=True, slots=True)
class StatusLine:
    order_id: int
    client_id: int
    perm_id: int
    status: str
    why_held: str


@dataclass(frozen=True, slots=True)
class ExecutionSeen:
    """``request_id`` is -1 for a live fill, else the request it answers."""

    request_id: int
    contract: Contract
    execution: Execution


@dataclass(frozen=True, slots=True)
class CommissionSeen:
    report: CommissionReport


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    request_id: int
    code: int
    message: str


BrokerMessage = OrderSeen | StatusLine | ExecutionSeen | CommissionSeen | ErrorSeen
Sink = Callable[[BrokerMessage], None]


class RecordingWrapper(Wrapper):
    """ib_async's own wrapper, which first hands every order message to the sinks."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.sinks: list[Sink] = []

    def _note(self, message: BrokerMessage) -> None:
        for sink in self.sinks:
            sink(message)

    def openOrder(
        self,
        orderId: int,
        contract: Contract,
        order: IbOrder,
        orderState: OrderState,
    ) -> None:
        if not order.whatIf:
            self._note(OrderSeen(contract, copy.copy(order), orderState, completed=False))
        super().openOrder(orderId, contract, order, orderState)

    def completedOrder(
        self,
        contract: Contract,
        order: IbOrder,
        orderState: OrderState,
    ) -> None:
        # Not ib_async's own: for each order of the day, at every reading of the books, it builds a
        # trade with seven events that nobody here asks for.
        self._note(OrderSeen(contract, order, orderState, completed=True))

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float = 0.0,
    ) -> None:
        self._note(StatusLine(orderId, clientId, permId, status, whyHeld))
        super().orderStatus(
            orderId, status, filled, remaining, avgFillPrice, permId, parentId, lastFillPrice,
            clientId, whyHeld, mktCapPrice,
        )  # fmt: skip

    def execDetails(
        self,
        reqId: int,
        contract: Contract,
        execution: Execution,
    ) -> None:
        self._note(ExecutionSeen(reqId, contract, copy.copy(execution)))
        super().execDetails(reqId, contract, execution)

    def commissionReport(self, commissionReport: CommissionReport) -> None:
        self._note(CommissionSeen(copy.copy(commissionReport)))
        super().commissionReport(commissionReport)

    def error(
        self,
        reqId: int,
        errorCode: int,
        errorString: str,
        advancedOrderRejectJson: str = "",
    ) -> None:
        self._note(ErrorSeen(reqId, errorCode, errorString))
        super().error(reqId, errorCode, errorString, advancedOrderRejectJson)

"""The official client, unmodified, as its users run it: callbacks arrive on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from decimal import Decimal
from typing import Any

from ibapi.client import EClient
from ibapi.contract import ComboLeg, Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import until

_CALLBACKS = frozenset(
    name
    for name, _ in inspect.getmembers(EWrapper, inspect.isfunction)
    if not name.startswith("_") and not name.endswith("ProtoBuf")
) - {"logAnswer"}  # fmt: skip


class OfficialClient(EWrapper, EClient):
    """Remembers every callback with its arguments; whatever it cannot decode is a failure."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, wrapper=self)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.failures: list[str] = []
        for name in _CALLBACKS:
            setattr(self, name, self._recorder(name))
        self._log = _ErrorLog(self.failures)
        logging.getLogger("ibapi").addHandler(self._log)

    def _recorder(self, name: str) -> Any:
        def record(*args: Any) -> None:
            self.calls.append((name, args))

        return record

    async def start(self, gateway: SimulatedGateway, client_id: int) -> None:
        """Connect and wait until the gateway has said how orders are to be numbered."""
        await self.launch(gateway, client_id)
        await self.first("nextValidId")

    async def launch(self, gateway: SimulatedGateway, client_id: int) -> None:
        """Connect, whatever comes of it."""
        await asyncio.to_thread(self.connect, "127.0.0.1", gateway.port, client_id)
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        try:
            self.run()
        except Exception as error:
            self.failures.append(f"run: {error!r}")

    async def stop(self) -> None:
        logging.getLogger("ibapi").removeHandler(self._log)
        # Refused, its own thread may be closing the connection; ibapi then finds it gone (None).
        with contextlib.suppress(AttributeError):
            self.disconnect()
        await asyncio.to_thread(self._thread.join, 5)

    def all(self, name: str, request_id: int | None = None) -> list[tuple[Any, ...]]:
        """The arguments of every such callback so far, of one request if given."""
        return [
            args
            for called, args in list(self.calls)
            if called == name and (request_id is None or args[0] == request_id)
        ]

    async def first(self, name: str, request_id: int | None = None) -> tuple[Any, ...]:
        await until(lambda: self.all(name, request_id))
        return self.all(name, request_id)[0]

    async def settle(self) -> None:
        """Everything the gateway has sent so far has arrived."""
        seen = len(self.all("currentTime"))
        self.reqCurrentTime()
        await until(lambda: len(self.all("currentTime")) > seen)

    def codes(self) -> list[int]:
        return [args[2] for args in self.all("error")]


class _ErrorLog(logging.Handler):
    def __init__(self, failures: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._failures = failures

    def emit(self, record: logging.LogRecord) -> None:
        self._failures.append(record.getMessage())


def option(symbol: str, expiry: str, strike: float, right: str) -> Contract:
    contract = stock(symbol)
    contract.secType = "OPT"
    contract.lastTradeDateOrContractMonth = expiry
    contract.strike, contract.right, contract.multiplier = strike, right, "100"
    return contract


def stock(symbol: str) -> Contract:
    contract = Contract()
    contract.symbol, contract.secType = symbol, "STK"
    contract.exchange, contract.currency = "SMART", "USD"
    return contract


def spread(symbol: str, sold: int, bought: int) -> Contract:
    """Bought as written: one of each contract id."""
    contract = stock(symbol)
    contract.secType = "BAG"
    contract.comboLegs = []
    for con_id, action in ((sold, "SELL"), (bought, "BUY")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = con_id, 1, action, "SMART"
        contract.comboLegs.append(leg)
    return contract


def limit(action: str, quantity: int, price: float, reference: str = "") -> Order:
    order = Order()
    order.action, order.totalQuantity, order.orderType = action, Decimal(quantity), "LMT"
    order.lmtPrice, order.orderRef = price, reference
    return order

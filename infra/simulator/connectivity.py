"""The gateway's own line to IBKR: lost (1100), restored (1101, 1102), its data farms.

While it is lost, clients stay connected, orders at the exchange go on filling, and nobody is
told. Orders sent meanwhile are swallowed, and so is every question that the gateway could not
answer by itself; what TWS keeps in its own memory could be out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from infra.simulator import messages
from infra.simulator.messages import Message

LOCAL_REQUESTS = frozenset({2, 8, 14, 17, 25, 49, 57, 63, 64, 71, 77, 93, 95})
"""Requests answered without IBKR: the greeting, time, ids, cancels of subscriptions."""

_LOST = "Connectivity between IBKR and Trader Workstation has been lost."
_RESTORED = "Connectivity between IBKR and Trader Workstation has been restored -"
_BROKEN = (
    "Connectivity between Trader Workstation and server is broken. "
    "It will be restored automatically."
)
_DORMANT = "is inactive but should be available upon demand."
FARM_WORDS = {
    2103: "Market data farm connection is broken",
    2104: "Market data farm connection is OK",
    2105: "HMDS data farm connection is broken",
    2106: "HMDS data farm connection is OK",
    2107: f"HMDS data farm connection {_DORMANT}",
    2108: f"Market data farm connection {_DORMANT}",
    2157: "Sec-def data farm connection is broken",
    2158: "Sec-def data farm connection is OK",
}


class Client(Protocol):
    """A client's connection, as far as this line is concerned."""

    client_id: int | None

    def send(self, rows: Iterable[Message]) -> None: ...

    def forget_subscriptions(self) -> None: ...


class IbkrLine:
    """Whether the gateway reaches IBKR, and what it says about it."""

    def __init__(self, clients: Callable[[], Sequence[Client]]) -> None:
        self._clients = clients
        self.up = True
        self._missed: list[tuple[Client, list[Message]]] = []

    def lose(self) -> None:
        self.up = False
        self.tell(messages.error(-1, 1100, _LOST))

    def restore(self, *, data_kept: bool, missed_kept: bool) -> None:
        self.up = True
        missed, self._missed = self._missed, []
        if data_kept:
            self.tell(messages.error(-1, 1102, f"{_RESTORED} data maintained."))
        else:
            for client in self._clients():
                client.forget_subscriptions()
            self.tell(messages.error(-1, 1101, f"{_RESTORED} data lost."))
        for client, rows in missed if missed_kept else ():
            client.send(rows)

    def miss(self, client: Client, rows: list[Message]) -> None:
        """Callbacks that cannot be told now."""
        self._missed.append((client, rows))

    def farm_notice(self, code: int, farm: str) -> None:
        """Raises KeyError for a code that is not a farm's."""
        self.tell(messages.error(-1, code, f"{FARM_WORDS[code]}:{farm}"))

    def swallows(self, message_id: int) -> bool:
        """Whether a request is lost on the way."""
        return not self.up and message_id not in LOCAL_REQUESTS

    def greeting(self) -> list[Message]:
        """What a new client is told about the line and the farms."""
        if not self.up:
            return [messages.error(-1, 2110, _BROKEN)]
        farms = ((2104, "usfarm"), (2106, "ushmds"), (2158, "secdefil"))
        return [messages.error(-1, code, f"{FARM_WORDS[code]}:{farm}") for code, farm in farms]

    def tell(self, row: Message) -> None:
        """Tell every client that has started its API."""
        for client in self._clients():
            if client.client_id is not None:
                client.send([row])

"""Loopback ports: the usual ones when they are free, else others, remembered per data directory."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import psutil

LOOPBACK = "127.0.0.1"
_NOT_FOR_CONNECTIONS = range(20_000, 32_768)
"""Below what Linux (32768), macOS and Windows (49152) give to outgoing connections."""
_TRIES = 50
_NEIGHBOURS = 20
"""How many ports above the usual one are tried before the system picks any."""


@dataclass(frozen=True)
class PortChange:
    """A port that could not be had, and the one used instead."""

    name: str
    wanted: int
    chosen: int
    holder: str | None
    """The process that holds the wanted port, as ``name (pid 123)``, when it can be seen."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a stopped server that linger in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def any_free_port() -> int:
    """A port that nothing listens on.

    Not one that the system gives to outgoing connections, if it can be helped: such a one may be
    taken before the server that it is meant for listens.
    """
    for port in SystemRandom().sample(_NOT_FOR_CONNECTIONS, _TRIES):
        if is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def holder_of(port: int) -> str | None:
    """Who listens on a TCP port, as ``name (pid 123)``; None when the system will not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return None
    return None


def choose_ports(
    defaults: Mapping[str, int], memory: Path, insist: Set[str] = frozenset()
) -> tuple[dict[str, int], list[PortChange]]:
    """A free loopback port for every name, and what had to change.

    A name keeps the port remembered in the JSON file ``memory``; a new one, or one in ``insist``,
    starts from its default. The choice is written back, so bookmarks survive a restart.
    """
    remembered = remembered_ports(memory)
    chosen: dict[str, int] = {}
    changes: list[PortChange] = []
    for name, default in defaults.items():
        wanted = default if name in insist else remembered.get(name, default)
        port = _first_free(wanted, taken=set(chosen.values()))
        if port != wanted:
            changes.append(PortChange(name, wanted, port, holder_of(wanted)))
        chosen[name] = port
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(chosen, indent=2), "utf-8")
    return chosen, changes


def _first_free(wanted: int, *, taken: set[int]) -> int:
    for port in range(wanted, min(wanted + _NEIGHBOURS, 65535) + 1):
        if port not in taken and is_free(port):
            return port
    while (port := any_free_port()) in taken:
        continue
    return port


def remembered_ports(memory: Path) -> dict[str, int]:
    """The ports written by the last `choose_ports`; empty when there are none."""
    try:
        recorded = json.loads(memory.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {str(name): int(port) for name, port in recorded.items()}

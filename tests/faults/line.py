"""The line between broker worker and gateway, to be cut at a chosen instant."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import suppress

from domain.ids import is_order_key

LOOPBACK = "127.0.0.1"
_PLACE_ORDER = b"3\0"
_PREVIEW_AND_ORDER = 2
"""An order passes twice: as a what-if, then as itself."""


class Line:
    """Passes bytes on to ``gateway_port`` from a port of its own. Use as a context manager."""

    def __init__(self, gateway_port: int) -> None:
        self._gateway_port = gateway_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self.is_up = True
        self.cut_after_next_order = False
        self._passed: Counter[str] = Counter()
        self._open: set[socket.socket] = set()
        self.was_cut = threading.Event()

    def __enter__(self) -> Line:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_up = False
        self._listener.close()
        self._drop_all()

    def cut(self) -> None:
        """Drop every connection, and refuse new ones until `mend`."""
        self.is_up = False
        self._drop_all()
        self.was_cut.set()

    def mend(self) -> None:
        self.is_up = True
        self.was_cut.clear()

    def _drop_all(self) -> None:
        for each in list(self._open):
            self._open.discard(each)
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_up:
                near.close()
                continue
            try:
                far = socket.create_connection((LOOPBACK, self._gateway_port))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            threading.Thread(target=self._pump, args=(far, near), daemon=True).start()
            threading.Thread(target=self._pump_frames, args=(near, far), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while data := source.recv(1 << 16):
                target.sendall(data)

    def _pump_frames(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target, source.makefile("rb") as reader:
            target.sendall(reader.read(len(b"API\0")))
            while len(size := reader.read(4)) == 4:
                body = reader.read(int.from_bytes(size, "big"))
                target.sendall(size + body)
                if body.startswith(_PLACE_ORDER):
                    self._order_passed(body)

    def _order_passed(self, body: bytes) -> None:
        for field in body.split(b"\0"):
            if is_order_key(field.decode()):
                self._passed[field.decode()] += 1
                if self._passed[field.decode()] == _PREVIEW_AND_ORDER and self.cut_after_next_order:
                    self.cut_after_next_order = False
                    self.cut()
